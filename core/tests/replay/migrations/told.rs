//! Looking back to before a migration where the journal tells rows as they stood: by a checkpoint at which it begins, or because a
//! former migration made them.

use std::borrow::Cow;

use accordant::Clock as _;
use accordant::checkpoint::Ed25519Key;
use accordant::engine::{Builder, Retention, Tenant};
use accordant::id::EntityId;
use accordant::model::{At, EntityModel, Migration, TypedAttribute};
use accordant::store::MemoryStore;
use accordant::value::{Field, Malformed, Value as _};
use chrono::{DateTime, TimeDelta, Utc};
use futures::executor::block_on;

use super::{Grade, ana, assert_clean, configured, entities, fill, first, said, second, under};
use crate::support::{Word, clock, says};

#[derive(Debug)]
struct Marked;

impl Migration<Grade, Word> for Marked {
    fn name(&self) -> Cow<'static, str> {
        "marked".into()
    }
    fn migrate(&self, grade: Grade) -> Result<Option<Word>, Malformed> {
        let mut text = String::new();
        grade.canonical(&mut text);
        Word::from_canonical(&format!("marked {text}")).map(Some)
    }
}

/// The third version: the segment is a word again, in another form.
fn third() -> EntityModel {
    let mut model = second();
    model.attributes.retain(|attribute| attribute.id.as_str() != "segment");
    let segment = TypedAttribute::<Word>::new("segment").at(At::path("crm", "segment"));
    model.attribute(segment.at(At::path("shop", "segment")).migrated("segment", Marked));
    model
}

fn now(clock: &accordant::clock::ManualClock) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(clock.now()).unwrap()
}

fn shown(tenant: &Tenant, then: DateTime<Utc>, id: EntityId, unit: &str) -> (Field, String) {
    let told = block_on(tenant.as_of(then).explain_erased(id, unit)).unwrap();
    (told.unit.golden.clone(), told.to_string())
}

#[test]
fn between_two_migrations_records_show_what_the_second_makes_of_the_first() {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(first(), store.clone(), &clock), &clock);
    block_on(under(second(), store.clone(), &clock).accept_model(&ana())).unwrap();
    clock.advance(TimeDelta::minutes(1));
    let between = now(&clock);
    clock.advance(TimeDelta::minutes(1));
    let tenant = under(third(), store, &clock);
    block_on(tenant.accept_model(&ana())).unwrap();
    assert_clean(&tenant);
    let [one, ..] = entities(&tenant);
    let (golden, told) = shown(&tenant, between, one, "segment");
    assert_eq!(golden, Field::value("marked GOLD"));
    assert!(told.contains("crm/contacts/crm0 shows \"marked GOLD\""), "{told}");
    assert_eq!(shown(&tenant, between, one, "given").0, Field::value("Ana"));
}

#[test]
fn behind_the_beginning_of_a_journal_a_migration_shows_what_it_makes_of_what_was_told() {
    let (store, clock) = (MemoryStore::new(), clock());
    let year = TimeDelta::days(365);
    let kept = |builder: Builder| {
        let retention = Retention { journal: Some(year), ..Retention::default() };
        builder.checkpoint_keys(Ed25519Key::from_seed("2026", &[1; 32]).unwrap()).retention(retention)
    };
    let former = configured(first(), store.clone(), &clock, kept);
    fill(&former, &clock);
    block_on(former.checkpoint(&ana())).unwrap();
    clock.advance(TimeDelta::minutes(1));
    let told = now(&clock);
    clock.advance(TimeDelta::minutes(1));
    // Written after it was told, and before the migration.
    block_on(says(&former, "crm", &said("crm", 20))).unwrap();
    clock.advance(TimeDelta::minutes(1));
    let written = now(&clock);
    clock.advance(TimeDelta::minutes(1));
    let tenant = configured(second(), store, &clock, kept);
    block_on(tenant.accept_model(&ana())).unwrap();
    let [one, two, _] = entities(&tenant);
    let all = |then| {
        let units = ["given", "family", "segment", "memo"];
        let of = |id| units.map(|unit| shown(&tenant, then, id, unit).0);
        [of(one), of(two)]
    };
    let before = [all(told), all(written)];
    assert_eq!(before[0][0][0], Field::value("Ana"));
    clock.advance(year);
    let done = block_on(tenant.compact(&ana())).unwrap();
    assert!(done.begins.is_some() && done.kept.is_empty(), "{done:?}");
    assert_eq!([all(told), all(written)], before, "as before the journal began there");
    assert_eq!(shown(&tenant, told, one, "segment").0, Field::value("GOLD"));
    for then in [told, written] {
        let (_, words) = shown(&tenant, then, one, "given");
        assert!(words.contains("crm/contacts/crm0 shows \"Ana\""), "{words}");
    }
    assert_clean(&tenant);
}
