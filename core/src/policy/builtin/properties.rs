//! What holds of every built-in policy: symmetric, pure, within range, and no observer crosses a truth boundary.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;

use crate::equivalence::{Equivalence, Normalizer};
use crate::fingerprint::{Digest, Fingerprint};
use crate::policy::builtin::fixture::{Number, Voice, World, says};
use crate::policy::{Answer, AnyPolicy, Policy, builtin, erase};
use crate::stamp::{TimeKind, TimeScale};
use crate::value::{Composite, Field};

struct Lower;

impl Normalizer for Lower {
    fn name(&self) -> Cow<'static, str> {
        "lower".into()
    }
    fn fingerprint(&self, _: &mut Fingerprint) {}
    fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
        text.to_lowercase().into()
    }
}

fn number<P: Policy<Number>>(policy: P) -> Arc<dyn AnyPolicy> {
    erase::<Number, P>(policy)
}

fn every_policy() -> Vec<Arc<dyn AnyPolicy>> {
    let table = [("a", 90), ("b", 70), ("c", 35)];
    vec![
        number(builtin::owner()),
        number(builtin::owner_with_fallback(&["c", "a"])),
        number(builtin::latest()),
        number(builtin::latest().within(1)),
        number(builtin::most_recent_authoritative()),
        number(builtin::source_priority(&["b", "a"])),
        number(builtin::trust(&table)),
        number(builtin::trust(&table).half_life_days(1).floor(10).downgrade_invalid(30)),
        number(builtin::weighted(&table)),
        number(builtin::consensus()),
        number(builtin::consensus_of(2)),
        number(builtin::longest()),
        number(builtin::minimum()),
        number(builtin::maximum()),
        number(builtin::sum()),
        number(builtin::union()),
        number(builtin::monotone()),
        number(builtin::three_way()),
        number(builtin::park()),
        number(builtin::manual()),
        erase::<Composite, _>(builtin::most_complete()),
        erase::<crate::value::Consent, _>(builtin::most_restrictive()),
    ]
}

fn voice(owned: bool) -> impl Strategy<Value = Voice> {
    let field = prop_oneof![
        4 => prop::sample::select(vec!["1", "2", "10", "3 kg", "3 KG", "x", r#"["1",null]"#]).prop_map(Field::value),
        1 => Just(Field::Null),
        1 => Just(Field::Empty),
    ];
    let system = prop::sample::select(vec!["a", "b", "c", "d"]);
    let kind =
        prop_oneof![8 => Just(Some(TimeKind::RecordModified)), 1 => Just(Some(TimeKind::Published)), 1 => Just(None)];
    let time = (
        kind,
        prop::sample::select(vec![0_i64, 1, 500, 86_400_000, 172_800_000]),
        0..3_u32,
        prop::option::of(-5..600_i64),
    );
    let origin = prop::option::of((prop::sample::select(vec!["a", "b", "c", "z"]), 0..3_u16));
    (system, field, any::<bool>(), origin, time).prop_map(
        move |(system, field, moved, origin, (kind, token, skew, before))| {
            let mut voice = says(system, "").at(token);
            if owned {
                voice = match system {
                    "a" => voice.owner(0),
                    "b" => voice.owner(1),
                    _ => voice.observer(),
                };
            }
            voice.scale = kind.map(|kind| TimeScale { kind, precision_ms: skew * 100, skew_ms: skew });
            Voice {
                field,
                moved,
                not_before: before,
                origin: origin.map(|(system, number)| (system.into(), number)),
                ..voice
            }
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let voices = any::<bool>().prop_flat_map(|owned| prop::collection::vec(voice(owned), 1..7));
    let golden = prop::option::of(prop::sample::select(vec!["1", "2", "3 kg", "x"]));
    (voices, golden, 0..3_u8, prop::option::of(0..400_000_000_i64)).prop_map(
        |(mut voices, golden, equivalence, as_of)| {
            for (index, voice) in voices.iter_mut().enumerate() {
                voice.id = index.to_string();
            }
            let world = World::of(&voices).equivalence(match equivalence {
                0 => Equivalence::Exact,
                1 => Equivalence::Normalized(Arc::new(Lower)),
                _ => Equivalence::Tolerance("1".parse().expect("a number")),
            });
            let world = golden.map_or(world.clone(), |golden| world.golden(golden));
            as_of.map_or(world.clone(), |as_of| world.with_as_of(as_of))
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_candidates_changes_nothing(world in world(), order in prop::collection::vec(any::<u32>(), 7)) {
        let reordered = world.reordered(&order);
        for policy in every_policy() {
            let (one, other) = (world.answer_of(&*policy), reordered.answer_of(&*policy));
            prop_assert_eq!(world.show(one), reordered.show(other), "{}", policy.name());
        }
    }

    #[test]
    fn answers_are_pure_and_within_range(world in world()) {
        for policy in every_policy() {
            let answer = world.answer_of(&*policy);
            prop_assert_eq!(&answer, &world.answer_of(&*policy), "{}", policy.name());
            if let Answer::Winner(index) | Answer::Provisional(index) = answer {
                prop_assert!(index < world.len(), "{}", policy.name());
            }
        }
    }

    #[test]
    fn no_observer_wins(world in world()) {
        for policy in every_policy() {
            if let Answer::Winner(index) = world.answer_of(&*policy) {
                prop_assert!(world.authority(index).decides(), "{}", policy.name());
            }
        }
    }
}

#[test]
fn every_parameter_is_in_the_fingerprint() {
    let digest = |policy: &Arc<dyn AnyPolicy>| {
        let mut fingerprint = Fingerprint::new();
        policy.fingerprint(&mut fingerprint);
        fingerprint.finish()
    };
    let mut policies = every_policy();
    policies.extend([
        number(builtin::owner_with_fallback(&["a", "c"])),
        number(builtin::most_recent_authoritative().within(1)),
        number(builtin::source_priority(&["a", "b"])),
        number(builtin::trust(&[("a", 91), ("b", 70), ("c", 35)])),
        number(builtin::trust(&[("a", 90), ("b", 70), ("c", 35)]).half_life_days(1)),
        number(builtin::trust(&[("a", 90), ("b", 70), ("c", 35)]).floor(1)),
        number(builtin::trust(&[("a", 90), ("b", 70), ("c", 35)]).downgrade_invalid(1)),
        number(builtin::weighted(&[("a", 1)])),
        number(builtin::consensus_of(3)),
    ]);
    let digests: std::collections::BTreeSet<Digest> = policies.iter().map(digest).collect();
    assert_eq!(digests.len(), policies.len());
}
