//! A stored model that is not what was written: a typed error, or one that scores any records; never a panic.
#![allow(unreachable_pub, reason = "the target is shared with the fuzzer")]

use std::fs;
use std::path::Path;

use accordant_identity::comparison::Declared;
use accordant_identity::model::{Model, ModelError};
use proptest::prelude::*;

#[path = "../../fuzz/src/model.rs"]
mod target;

fn trained() -> Model {
    Model::from_bytes(&target::TRAINED).expect("what was written can be read")
}

#[test]
fn what_the_fuzzer_once_stumbled_over_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/model");
    let mut replayed = 0;
    for entry in fs::read_dir(folder).expect("a corpus") {
        target::run(&fs::read(entry.expect("an input").path()).expect("an input"));
        replayed += 1;
    }
    assert!(replayed >= 20, "{replayed}");
}

#[test]
fn parts_that_do_not_fit_are_named() {
    type Damage = fn(&mut Model);
    let damages: [(&str, Damage); 21] = [
        ("chance", |model| drop(model.chance.levels.pop())),
        ("chance", |model| model.chance.levels[0].truncate(1)),
        ("chance", |model| model.chance.levels[1].push(0.5)),
        ("chance", |model| model.chance.levels[0][1] = -0.5),
        ("chance", |model| model.systems = !model.systems),
        ("a class", |model| model.classes[0].levels[0].truncate(2)),
        ("a class", |model| model.classes[1].levels.clear()),
        ("a class", |model| model.classes[0].levels[0][1] = 3.0),
        ("a class", |model| model.classes[0].share = -1.0),
        ("a frequency", |model| drop(model.frequencies.fields.pop())),
        ("a frequency", |model| model.frequencies.fields[0].chance = 0.0),
        ("a frequency", |model| model.frequencies.fields[0].common = vec![(7, 1.0), (3, 1.0)]),
        ("a frequency", |model| model.frequencies.fields[0].common = vec![(7, -1.0)]),
        ("a declared comparison", |model| model.schema.attributes[0].compared = Some(Declared::Edits(vec![0]))),
        ("the spread of values", |model| model.spread.fields.truncate(1)),
        ("the rarity of words", |model| model.words.clear()),
        ("the calibration", |model| model.calibration.corners = vec![(1.0, 0.9), (2.0, 0.1)]),
        ("the calibration", |model| model.calibration.corners = vec![(1.0, 1.5)]),
        ("a rule of blocking", |model| model.blocking.rules[0].parts[0].field = 99),
        ("a rule of blocking", |model| model.blocking.refinements[0].field = usize::MAX),
        ("a rule of blocking", |model| model.blocking.limits.block = u32::MAX),
    ];
    for (number, (expected, damage)) in damages.into_iter().enumerate() {
        let mut model = trained();
        damage(&mut model);
        let read = Model::from_bytes(&model.to_bytes());
        assert!(matches!(read, Err(ModelError::Unfit { part }) if part == expected), "damage {number}: {read:?}");
    }
    // Of another schema, nothing fits.
    let mut model = trained();
    model.schema.attributes.pop();
    assert!(matches!(Model::from_bytes(&model.to_bytes()), Err(ModelError::Unfit { .. })));
}

#[test]
fn a_model_that_was_cut_off_is_none() {
    let whole = &*target::TRAINED;
    for at in (0..whole.len()).step_by(whole.len() / 50 + 1) {
        assert!(matches!(Model::from_bytes(&whole[..at]), Err(ModelError::Unreadable(_))), "{at}");
    }
}

proptest! {
    #[test]
    fn any_damage_is_refused_or_harmless(
        how in 0_u8..8,
        place in prop::array::uniform3(any::<u8>()),
        over in 0_u8..12,
        put in prop::string::string_regex("[-0-9.,e\\[\\]{}\":a-z]{0,12}").expect("an expression"),
    ) {
        let mut input = vec![how | 1, place[0], place[1], place[2], over];
        input.extend(put.as_bytes());
        target::run(&input);
    }

    #[test]
    fn any_bytes_are_refused_or_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        target::run(&[&[0], bytes.as_slice()].concat());
    }
}
