//! Tombstones: what is kept of a record that is gone goes once it has served its time and nobody needs it.

use std::sync::Arc;

use accordant::checkpoint::Ed25519Key;
use accordant::clock::{Clock as _, ManualClock};
use accordant::engine::{Builder, Case, CaseFilter, CaseKind, Difference, Retention, Tenant};
use accordant::error::Error;
use accordant::id::{EntityId, RecordRef};
use accordant::settle::{Choice, Ruling};
use accordant::store::{Commit, MemoryStore, RowKey, Store, Table};
use accordant::testing::{FailsOnce, Story, Watched};
use accordant::value::Field;
use accordant::{Lifetime, Scope};
use chrono::{DateTime, TimeDelta};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::properties::{Step, step, take};
use crate::support::{SYSTEMS, Said, Variant, acme, assert_clean, by, clock, configured, dump, record, says};

fn with(retention: Retention, store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Builder {
    let key = Ed25519Key::from_seed("2026", &[1; 32]).unwrap();
    configured(Variant::default(), store, clock, seed).checkpoint_keys(key).retention(retention)
}

/// A tenant that keeps tombstones for ninety days.
fn ninety_days(store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Tenant {
    let retention = Retention { tombstones: Some(TimeDelta::days(90)), ..Retention::default() };
    with(retention, store, clock, seed).build().unwrap().tenant("acme")
}

fn gone(id: &str, at: i64) -> Said {
    Said { kind: "deleted".into(), ..record(id, at, Json::Null) }
}

fn ana(id: &str, at: i64) -> Said {
    record(id, at, json!({ "email": "ana@acme.test", "name": "Ana", "tags": ["new"] }))
}

fn crm(id: &str) -> RecordRef {
    RecordRef::new("crm", "contacts", id)
}

async fn steps(tenant: &Tenant) {
    while tenant.step().await.unwrap().more() {}
}

async fn days(tenant: &Tenant, clock: &ManualClock, days: i64) {
    clock.advance(TimeDelta::days(days));
    steps(tenant).await;
}

async fn rows(store: &MemoryStore, table: Table) -> usize {
    store.scan(&acme(), table, "", None, usize::MAX).await.unwrap().len()
}

async fn journaled(store: &MemoryStore, kind: &str) -> usize {
    let entries = store.journal(&acme(), 0, usize::MAX).await.unwrap();
    entries.iter().filter(|(entry, _)| *entry.kind == *kind).count()
}

/// Ana, whose records in every system are gone.
async fn gone_everywhere(tenant: &Tenant) -> EntityId {
    for (system, _) in SYSTEMS {
        says(tenant, system, &[ana("1", 1)]).await.unwrap();
    }
    let id = tenant.entity_of(&crm("1")).await.unwrap().unwrap();
    for (system, _) in SYSTEMS {
        says(tenant, system, &[gone("1", 2)]).await.unwrap();
    }
    steps(tenant).await;
    id
}

#[test]
fn what_is_kept_of_the_records_of_a_retired_entity_goes_after_its_time() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = ninety_days(store.clone(), &clock, 7);
    block_on(async {
        let id = gone_everywhere(&tenant).await;
        let before = tenant.inspect_erased(id).await.unwrap().units;
        days(&tenant, &clock, 89).await;
        assert_eq!((rows(&store, Table::Representation).await, rows(&store, Table::Link).await), (3, 3));
        days(&tenant, &clock, 2).await;
        assert_eq!((rows(&store, Table::Representation).await, rows(&store, Table::Link).await), (0, 0));
        assert_eq!(journaled(&store, "tombstone_expired").await, 3);
        let left: Vec<String> =
            dump(&store).await.into_iter().filter(|line| line.contains("\u{1f}tombstone")).collect();
        assert_eq!(left, Vec::<String>::new());
        assert_clean(&tenant, "after they went").await;
        // The entity stays, retired, with what was golden when it was.
        let after = tenant.inspect_erased(id).await.unwrap().units;
        let golden =
            |units: &[accordant::view::UnitView]| units.iter().map(|unit| unit.golden.clone()).collect::<Vec<_>>();
        assert_eq!(golden(&after), golden(&before));
        let told = tenant.history(id, None, 1_000).await.unwrap().happenings;
        assert!(told.iter().any(|one| one.text.contains("nothing of it is kept")), "{told:?}");
        let proposal = configured(Variant::default(), MemoryStore::new(), &clock, 9).build().unwrap();
        let would = tenant.what_if(&proposal).await.unwrap();
        assert!(would.is_same(), "{would}");
        // Whoever has the id from now on was never seen.
        says(&tenant, "crm", &[record("1", 9, json!({ "email": "ben@acme.test", "name": "Ben" }))]).await.unwrap();
        let other = tenant.entity_of(&crm("1")).await.unwrap().unwrap();
        assert_ne!(other, id);
        assert_clean(&tenant, "after the id was used again").await;
        let would = tenant.what_if(&proposal).await;
        assert!(matches!(would, Err(Error::ScratchNotEmpty)), "{would:?}");
        // The person is erased as wholly as ever, and the other stays.
        let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
        assert!(erased.entities.contains(&id));
        let named: Vec<String> = dump(&store).await.into_iter().filter(|line| line.contains("ana@acme.test")).collect();
        assert_eq!(named, Vec::<String>::new());
        assert!(tenant.inspect_erased(other).await.is_ok());
        assert_clean(&tenant, "after the erasure").await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// However long ago the tombstones went, and wherever they are named again, under whatever ids: who is erased is known by what
    /// became golden of them, and nothing of it is kept; but where it was somebody else's by then, who has it stays.
    #[test]
    fn whoever_is_erased_after_their_tombstones_went_is_known_by_what_became_golden(
        gap in 91i64..400,
        theirs in any::<bool>(),
        told in vec((0usize..3, 5u8..9, any::<bool>()), 1..5),
    ) {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = ninety_days(store.clone(), &clock, 7);
        block_on(async {
            let id = gone_everywhere(&tenant).await;
            days(&tenant, &clock, 1).await;
            days(&tenant, &clock, gap).await;
            prop_assert_eq!(rows(&store, Table::Representation).await, 0);
            if theirs {
                says(&tenant, "crm", &[ana("4", 9)]).await.unwrap();
            }
            let other = tenant.entity_of(&crm("4")).await.unwrap();
            prop_assert_eq!((other.is_some(), other == Some(id)), (theirs, false));
            tenant.erase(id, &by(), "request 7").await.unwrap();
            for (at, (system, number, in_parts)) in (10..).zip(&told) {
                let name = SYSTEMS[*system].0;
                if *in_parts {
                    // Seen whole, it would be somebody of its own.
                    let part = Said { part: true, ..record(&number.to_string(), at, json!({ "name": "Ana" })) };
                    says(&tenant, name, &[part]).await.unwrap();
                }
                says(&tenant, name, &[ana(&number.to_string(), at + 100)]).await.unwrap();
            }
            steps(&tenant).await;
            let lines = dump(&store).await;
            let named: Vec<&String> = lines.iter().filter(|line| line.contains("ana@acme.test")).collect();
            prop_assert_eq!(!named.is_empty(), theirs, "{:?}", named);
            prop_assert_eq!(tenant.entity_of(&crm("4")).await.unwrap(), other);
            assert_clean(&tenant, "after they were named again").await;
            Ok(())
        })?;
    }
}

/// Of records of which nothing is kept, the entity has what became golden: who is erased is known by that.
#[test]
fn who_is_erased_after_their_tombstones_went_does_not_come_back() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = ninety_days(store.clone(), &clock, 7);
    block_on(async {
        let id = gone_everywhere(&tenant).await;
        days(&tenant, &clock, 1).await;
        days(&tenant, &clock, 91).await;
        assert_eq!(rows(&store, Table::Representation).await, 0);
        tenant.erase(id, &by(), "request 7").await.unwrap();
        // Under ids that nobody knows.
        for (system, _) in SYSTEMS {
            says(&tenant, system, &[ana("77", 9)]).await.unwrap();
        }
        steps(&tenant).await;
        let named: Vec<String> = dump(&store).await.into_iter().filter(|line| line.contains("ana@acme.test")).collect();
        assert_eq!(named, Vec::<String>::new());
        assert_clean(&tenant, "after she was named again").await;
        // What was golden of her and is somebody else's value by now is no mark of her.
        let (store, keeps) = (MemoryStore::new(), self::clock());
        let tenant = ninety_days(store.clone(), &keeps, 7);
        let id = gone_everywhere(&tenant).await;
        days(&tenant, &keeps, 1).await;
        days(&tenant, &keeps, 91).await;
        says(&tenant, "crm", &[ana("5", 9)]).await.unwrap();
        let other = tenant.entity_of(&crm("5")).await.unwrap().unwrap();
        assert_ne!(other, id);
        tenant.erase(id, &by(), "request 7").await.unwrap();
        says(&tenant, "shop", &[ana("6", 10)]).await.unwrap();
        let found = tenant.entity_of(&RecordRef::new("shop", "customers", "6")).await.unwrap();
        assert_eq!(found, Some(other), "it is hers who has it now");
    });
}

#[test]
fn what_comes_back_in_time_is_who_it_was_and_counts_anew_when_it_goes_again() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = ninety_days(store.clone(), &clock, 7);
    block_on(async {
        let id = gone_everywhere(&tenant).await;
        days(&tenant, &clock, 80).await;
        says(&tenant, "crm", &[ana("1", 3)]).await.unwrap();
        assert_eq!(tenant.entity_of(&crm("1")).await.unwrap(), Some(id));
        days(&tenant, &clock, 20).await;
        assert_eq!(rows(&store, Table::Representation).await, 3, "it is not left with some");
        says(&tenant, "crm", &[gone("1", 4)]).await.unwrap();
        steps(&tenant).await;
        days(&tenant, &clock, 89).await;
        assert_eq!(rows(&store, Table::Representation).await, 3);
        assert_clean(&tenant, "while it is kept").await;
        days(&tenant, &clock, 93).await;
        assert_eq!((journaled(&store, "tombstone_expired").await, rows(&store, Table::Representation).await), (3, 0));
        assert_clean(&tenant, "in the end").await;
    });
}

#[test]
fn an_entity_that_lives_keeps_what_says_where_it_was_lost() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = ninety_days(store.clone(), &clock, 7);
    block_on(async {
        says(&tenant, "crm", &[ana("1", 1), record("2", 1, json!({ "name": "nobody's" }))]).await.unwrap();
        says(&tenant, "shop", &[ana("1", 1)]).await.unwrap();
        says(&tenant, "crm", &[gone("1", 2)]).await.unwrap();
        days(&tenant, &clock, 1).await;
        days(&tenant, &clock, 400).await;
        assert!(tenant.entity_of(&crm("1")).await.unwrap().is_some());
        assert_eq!(journaled(&store, "tombstone_expired").await, 0);
    });
}

/// What needs the tombstones of somebody who is gone everywhere.
#[derive(Debug, Clone, Copy)]
enum Needs {
    /// A merge that can be taken back.
    Merge,
    /// A decision that has not ended.
    Decision,
    /// A case that a person has not closed.
    Case,
    /// A plan that is kept.
    Plan,
    /// A record that is to be read.
    Reading,
}

const NEEDS: [Needs; 5] = [Needs::Merge, Needs::Decision, Needs::Case, Needs::Plan, Needs::Reading];

fn pinned_for(days: i64, clock: &ManualClock) -> Ruling {
    let until = DateTime::from_timestamp_millis(clock.now()).unwrap() + TimeDelta::days(days);
    let choice = Choice::Value(Field::value("Anna"));
    Ruling { choice, lifetime: Lifetime::Until(until), by: by(), reason: "she said so".to_owned() }
}

/// Decides the case about an entity's name.
async fn decides(tenant: &Tenant, id: EntityId, ruling: Ruling) {
    let page = tenant.open_cases(&CaseFilter::default(), None, 9).await.unwrap();
    let about = |case: &&Case| matches!(case.kind, CaseKind::Discrepancy) && case.entities.first() == Some(&id);
    let key = page.cases.iter().find(about).map(|case| case.key.clone()).unwrap();
    tenant.decide_case(&key, ruling).await.unwrap();
}

/// Whatever still needs a tombstone keeps it, and once nothing does it goes.
#[test]
fn what_is_needed_stays() {
    for needs in NEEDS {
        let (clock, store) = (clock(), MemoryStore::new());
        let plans = if matches!(needs, Needs::Plan) { TimeDelta::days(150) } else { TimeDelta::days(30) };
        let retention =
            Retention { tombstones: Some(TimeDelta::days(90)), plans, plans_stand: plans, ..Retention::default() };
        let tenant = with(retention, store.clone(), &clock, 7).build().unwrap().tenant("acme");
        block_on(async {
            says(&tenant, "crm", &[record("2", 1, json!({ "email": "ben@acme.test" }))]).await.unwrap();
            let other = tenant.entity_of(&crm("2")).await.unwrap().unwrap();
            for ((system, _), name) in SYSTEMS.into_iter().zip(["Ana", "Anne", "Ana"]) {
                let named = json!({ "email": "ana@acme.test", "name": name });
                says(&tenant, system, &[record("1", 1, named)]).await.unwrap();
            }
            let one = tenant.entity_of(&crm("1")).await.unwrap().unwrap();
            // What a person has to be there for, while she is.
            match needs {
                Needs::Decision => decides(&tenant, one, pinned_for(150, &clock)).await,
                Needs::Case => {
                    tenant.merge(one, other, &by()).await.unwrap();
                    decides(&tenant, one, pinned_for(50, &clock)).await;
                    tenant.unmerge(other, &by()).await.unwrap();
                    assert!(!tenant.cases(None, 9).await.unwrap().is_empty(), "it was decided while they were one");
                }
                Needs::Plan => {
                    let ruling = Ruling { lifetime: Lifetime::Once, ..pinned_for(1, &clock) };
                    decides(&tenant, one, ruling).await;
                    assert!(!tenant.plan(Scope::default()).await.unwrap().operations.is_empty());
                }
                Needs::Merge | Needs::Reading => {}
            }
            for (system, _) in SYSTEMS {
                says(&tenant, system, &[gone("1", 2)]).await.unwrap();
            }
            says(&tenant, "crm", &[gone("2", 2)]).await.unwrap();
            match needs {
                Needs::Merge => tenant.merge(one, other, &by()).await.map(drop).unwrap(),
                Needs::Reading => {
                    tenant.pause("crm", &by(), "its quota is used up").await.unwrap();
                    let hint = (RowKey::new(Table::Work, "crm\u{1f}contacts\u{1f}1"), br#"{"hints":1}"#.to_vec());
                    store.commit(&acme(), Commit { put: vec![hint], ..Commit::default() }).await.unwrap();
                }
                Needs::Decision | Needs::Case | Needs::Plan => {}
            }
            days(&tenant, &clock, 1).await;
            days(&tenant, &clock, 100).await;
            // Of somebody else, of whom nobody needs anything, they go.
            let of_ana = crm("1").to_string();
            let about_her = async || {
                let entries = store.journal(&acme(), 0, usize::MAX).await.unwrap();
                entries.iter().any(|(entry, _)| *entry.kind == *"tombstone_expired" && *entry.subject == *of_ana)
            };
            assert!(!about_her().await, "{needs:?}");
            assert_clean(&tenant, &format!("{needs:?}: while it is needed")).await;
            match needs {
                Needs::Merge => tenant.unmerge(other, &by()).await.unwrap(),
                Needs::Reading => {
                    tenant.resume("crm", &by(), "the day is over").await.unwrap();
                    // It is read, and gone still: since then.
                    days(&tenant, &clock, 1).await;
                    days(&tenant, &clock, 90).await;
                }
                Needs::Case => {
                    for case in tenant.cases(None, 9).await.unwrap() {
                        tenant.close_case(&case.key, &by(), "nobody is there").await.unwrap();
                    }
                }
                // They end by themselves.
                Needs::Decision | Needs::Plan => days(&tenant, &clock, 60).await,
            }
            days(&tenant, &clock, 2).await;
            days(&tenant, &clock, 2).await;
            assert!(about_her().await, "{needs:?}: nothing needs it any more");
            assert_eq!(rows(&store, Table::Representation).await, 0, "{needs:?}");
            assert_clean(&tenant, &format!("{needs:?}: in the end")).await;
        });
    }
}

#[derive(accordant::Canonical, Clone, Debug)]
#[canonical(entity = "firm", system(shop as shop_firm, object = "firms"))]
#[allow(dead_code, reason = "its fields are read through the derive")]
struct Firm {
    #[canonical(identity, at(shop_firm = "vat"))]
    vat: String,
}

#[derive(accordant::Canonical, Clone, Debug)]
#[canonical(entity = "buyer", system(shop, object = "customers"))]
#[allow(dead_code, reason = "its fields are read through the derive")]
struct Buyer {
    #[canonical(identity, at(shop = "email"))]
    email: String,
    #[canonical(at(shop = "firm"))]
    firm: Option<accordant::Ref<Firm>>,
}

#[test]
fn whom_somebody_refers_to_stays() {
    let store = MemoryStore::new();
    let kept = store.clone();
    let retention = Retention { tombstones: Some(TimeDelta::days(90)), ..Retention::default() };
    let mut story = Story::of::<Firm>()
        .and::<Buyer>()
        .configure(|builder| builder.store(store).retention(retention))
        .says("shop_firm", "7", json!({ "vat": "ACME" }))
        .says("shop", "1", json!({ "email": "ana@acme.test", "firm": "7" }))
        .deletes("shop_firm", "7");
    let pass = |story: Story, days| {
        let mut story = story.later(TimeDelta::days(days));
        block_on(steps(&story.tenant()));
        story
    };
    story = pass(pass(story, 1), 100);
    let tenant = story.tenant();
    let expired = || {
        let entries = block_on(kept.journal(tenant.id(), 0, usize::MAX)).unwrap();
        entries.iter().any(|(entry, _)| *entry.kind == *"tombstone_expired")
    };
    assert!(!expired(), "a buyer refers to it");
    let story = pass(pass(story.deletes("shop", "1"), 2), 2);
    assert!(expired(), "who referred to it is gone");
    drop(story);
}

#[test]
fn a_tombstone_is_kept_for_ninety_days_at_least() {
    let (clock, days) = (clock(), |days| Retention { tombstones: Some(TimeDelta::days(days)), ..Retention::default() });
    let built = |retention| with(retention, MemoryStore::new(), &clock, 7).build().map(drop);
    match built(days(89)) {
        Err(Error::Configuration(mistakes)) => {
            assert!(
                mistakes.to_string().contains("keeps tombstones for 89 days; it must be at least 90"),
                "{mistakes}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(built(days(90)).is_ok());
    assert!(built(Retention::default()).is_ok(), "by default for ever");
}

/// Deletions of records, by system and id.
fn deletions() -> impl Strategy<Value = Vec<Step>> {
    let all: Vec<(usize, u8)> = (0..3).flat_map(|system| (0..3).map(move |id| (system, id))).collect();
    (proptest::sample::subsequence(all, 4..=9), any::<bool>()).prop_map(|(gone, part)| {
        let said = |id: u8| Said { part, ..self::gone(&id.to_string(), 9) };
        gone.into_iter().map(|(system, id)| Step::Delivery(system, vec![said(id)])).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever happened, and whoever of it is gone: what is stored is what the journal adds up to, read anew it says the same, the
    /// model in force would change nothing, life goes on, and what is left behind a checkpoint comes to the same.
    #[test]
    fn after_any_history_what_goes_is_journaled(
        before in vec(step(), 1..7), gone in deletions(), after in vec(step(), 0..4),
    ) {
        let (clock, store) = (clock(), MemoryStore::new());
        let year = TimeDelta::days(365);
        let retention = Retention { tombstones: Some(TimeDelta::days(90)), journal: Some(year), ..Retention::default() };
        let tenant = with(retention, store.clone(), &clock, 7).build().unwrap().tenant("acme");
        block_on(async {
            for step in before.iter().chain(&gone) {
                take(&tenant, step).await;
                clock.advance(TimeDelta::seconds(1));
            }
            days(&tenant, &clock, 1).await;
            days(&tenant, &clock, 91).await;
            assert_clean(&tenant, "after tombstones went").await;
            for step in &after {
                take(&tenant, step).await;
                clock.advance(TimeDelta::seconds(1));
            }
            assert_clean(&tenant, "after life went on").await;
            let proposal = configured(Variant::default(), MemoryStore::new(), &clock, 8).build().unwrap();
            let would = tenant.what_if(&proposal).await.unwrap();
            prop_assert!(would.is_same(), "{would}");
            tenant.checkpoint(&by()).await.unwrap();
            clock.advance(year);
            let compacted = tenant.compact(&by()).await.unwrap();
            prop_assert_eq!(compacted.kept, Vec::<Difference>::new());
            assert_clean(&tenant, "after a compaction").await;
            Ok(())
        })?;
    }
}

#[test]
fn what_is_interrupted_anywhere_is_whole_and_goes_on() {
    for after in [false, true] {
        for call in 0.. {
            let (clock, store) = (clock(), MemoryStore::new());
            let tenant = ninety_days(store.clone(), &clock, 7);
            let done = block_on(async {
                gone_everywhere(&tenant).await;
                days(&tenant, &clock, 1).await;
                clock.advance(TimeDelta::days(91));
                let failing = Watched::new(store.clone(), FailsOnce::at(call, after));
                let interrupted = ninety_days(failing, &clock, 8);
                let done = loop {
                    match interrupted.step().await {
                        Ok(stepped) if stepped.more() => {}
                        Ok(_) => break true,
                        Err(_) => break false,
                    }
                };
                let next = ninety_days(store.clone(), &clock, 9);
                assert_clean(&next, &format!("interrupted at call {call}, after: {after}")).await;
                let left = rows(&store, Table::Representation).await;
                assert!(left == 0 || left == 3, "it is all or nothing: {left}");
                steps(&next).await;
                assert_eq!(rows(&store, Table::Representation).await, 0, "call {call}, after: {after}");
                assert_eq!(journaled(&store, "tombstone_expired").await, 3);
                assert_clean(&next, "when it was gone on with").await;
                done
            });
            if done {
                assert!(call > 10, "it has many calls: {call}");
                break;
            }
        }
    }
}
