//! Erasure at any place of any history: nothing of the person is stored, shown, exported or told in an error; everybody else is as
//! they were; a second time changes nothing; and what is said of them later is not kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use accordant::clock::ManualClock;
use accordant::engine::{CaseFilter, CaseKind, Erased, Search, Tenant};
use accordant::entity::Entity;
use accordant::error::Error;
use accordant::store::MemoryStore;
use accordant::{EntityId, Limits, RecordRef, Scope};
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::histories::{Gone, Step, canary, step, take};
use crate::people::dump;
use crate::support::{SYSTEMS, Said, Variant, acme, assert_clean, by, clock, configured, nth, open, record, says};

/// Everything that a tenant shows to the program that holds it, and what it answers of whom it does not know.
async fn shown(tenant: &Tenant, erased: &Erased, store: &MemoryStore) -> String {
    let mut all = format!("{:?}", tenant.dead_letters().await.unwrap());
    for (_, letter) in tenant.dead_letters().await.unwrap() {
        all += &String::from_utf8_lossy(&letter.bytes());
    }
    all += &format!("{:?}", tenant.open_cases(&CaseFilter::default(), None, 500).await.unwrap());
    all += &format!("{:?}", tenant.cases(None, 500).await.unwrap());
    all += &format!("{:?}", tenant.unlinked().await.unwrap());
    all += &format!("{:?}", tenant.search(&Search::default(), None, 500).await.unwrap());
    all += &format!("{:?}", tenant.plans(None, 500).await.unwrap());
    for plan in tenant.plans(None, 500).await.unwrap() {
        all += &format!("{:?}", tenant.stored_plan(plan.hash).await.unwrap());
    }
    let entities = tenant.replay().await.unwrap().entities;
    for id in entities.keys().chain(&erased.entities) {
        let history = tenant.history(*id, None, 500).await;
        all += &format!("{history:?} {:?}", tenant.inspect_erased(*id).await);
        all += &format!("{:?} {:?}", tenant.export_person(*id).await, tenant.explain_erased(*id, "name").await);
    }
    let then = tenant.as_of("2100-01-01T00:00:00Z".parse().unwrap());
    for id in entities.keys() {
        all += &format!("{:?}", then.inspect_erased(*id).await);
    }
    all += &format!("{:?}", then.open_cases(&CaseFilter::default()).await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    accordant::transfer::export(store, &acme(), &folder.path().join("export"), |_| {}).await.unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        all += &String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap());
    }
    all
}

fn around(text: &str, word: &str) -> Option<String> {
    let at = text.find(word)?;
    let begin = (0..=at.saturating_sub(100)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Some(text.get(begin..).unwrap_or(text).chars().take(240).collect())
}

/// What is nowhere in a text: what the erased records ever said, and what was noted on the entities.
pub(crate) fn assert_gone(text: &str, erased: &Erased, when: &str) {
    for record in erased.records.iter().filter(|record| record.connection.as_str() != "hub") {
        let found = around(text, &canary(record));
        assert!(found.is_none(), "{when}: {} of {erased:?} in {}", canary(record), found.unwrap_or_default());
    }
    for id in &erased.entities {
        let found = around(text, &format!("note-of-{id}"));
        assert!(found.is_none(), "{when}: a note of {erased:?} in {}", found.unwrap_or_default());
    }
}

/// A tenant with a history, a second for each step.
pub(crate) async fn happened(history: &[Step], store: MemoryStore) -> (Arc<ManualClock>, MemoryStore, Tenant) {
    let (clock, mut gone) = (clock(), Gone::default());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    for (round, step) in history.iter().enumerate() {
        take(&tenant, step, round, &mut gone).await;
        clock.advance(TimeDelta::seconds(1));
    }
    (clock, store, tenant)
}

/// Those who have nothing to do with an erasure, by what they were before it.
fn others<'e>(before: &'e BTreeMap<EntityId, Entity>, erased: &Erased) -> Vec<(&'e EntityId, &'e Entity)> {
    let apart = |id: &EntityId| !erased.entities.contains(id) && !erased.touched.contains(id);
    before.iter().filter(|(id, _)| apart(id)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn an_erasure_at_any_place_of_any_history(
        before in vec(step(), 1..14), place in 0usize..6, after in vec(step(), 0..5),
    ) {
        let (clock, store, tenant) = block_on(happened(&before, MemoryStore::new()));
        let mut gone = Gone::default();
        block_on(async {
            let Some(id) = nth(&tenant, place).await else { return Ok(()) };
            let export = serde_json::to_string(&tenant.export_person(id).await.unwrap()).unwrap();
            let stored = dump(&store, "acme").await;
            let then = tenant.replay().await.unwrap().entities;
            let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
            // They could have had in their hands whatever was stored of their records.
            for record in erased.records.iter().filter(|record| record.connection.as_str() != "hub") {
                let canary = canary(record);
                let rounds = stored.match_indices(&canary).filter_map(|(at, _)| {
                    let rest = stored.get(at + canary.len()..)?;
                    Some(format!("{canary}{}", rest.split(|c: char| !c.is_ascii_digit()).next()?))
                });
                for said in rounds {
                    prop_assert!(export.contains(&said), "{said} of {record} was stored, and was not exported");
                }
            }
            assert_clean(&tenant, "after the erasure").await;
            assert_gone(&dump(&store, "acme").await, &erased, "stored");
            assert_gone(&shown(&tenant, &erased, &store).await, &erased, "shown");
            // Everybody else is who they were.
            let now = tenant.replay().await.unwrap().entities;
            for (id, was) in others(&then, &erased) {
                let is = now.get(id);
                // Who waited for them and for another is the other's now.
                let more = is.is_some_and(|is| is.links.len() > was.links.len());
                prop_assert!(more || is.map(|is| format!("{is:?}")) == Some(format!("{was:?}")), "{was:?} is {is:?}");
            }
            for id in &erased.entities {
                let refused = tenant.inspect_erased(*id).await.unwrap_err();
                prop_assert!(matches!(refused, Error::UnknownEntity { .. }), "{refused}");
            }
            // Twice is once.
            let left = dump(&store, "acme").await;
            for id in &erased.entities {
                let again = tenant.erase(*id, &by(), "request 7").await.unwrap();
                prop_assert!(again.already && again.payloads == 0, "{again:?}");
            }
            prop_assert_eq!(dump(&store, "acme").await, left);
            // Life goes on without them, whatever is said.
            for (round, step) in after.iter().enumerate() {
                take(&tenant, step, 100 + round, &mut gone).await;
                clock.advance(TimeDelta::seconds(1));
            }
            for (round, record_of) in erased.records.iter().enumerate() {
                let Some((system, _)) = SYSTEMS.iter().find(|(name, _)| record_of.connection.as_str() == *name) else { continue };
                let at = 1_000 + i64::try_from(round).unwrap();
                let said = json!({ "email": "new@acme.test", "name": format!("{}{at}", canary(record_of)) });
                says(&tenant, system, &[record(&record_of.id, at, said)]).await.unwrap();
                // Where a system merged another's record into it since, it is that one's, unheard, and a case, unless a person has said since
                // which entity it belongs to.
                if let Some(other) = tenant.entity_of(record_of).await.unwrap() {
                    let open = tenant.open_cases(&CaseFilter::default(), None, 500).await.unwrap().cases;
                    let waits = open.iter().any(|case| {
                        let of = case.records.contains(record_of) && case.entities.contains(&other);
                        case.kind == CaseKind::MergedInSystem && of
                    });
                    let by_hand = after.iter().any(|step| {
                        matches!(step, Step::Merge(..) | Step::Unmerge(_) | Step::Link(..) | Step::Unlink(..))
                    });
                    prop_assert!((waits || by_hand) && !erased.entities.contains(&other), "{record_of} is {other}'s, and no case");
                }
            }
            assert_clean(&tenant, "after life went on").await;
            assert_gone(&dump(&store, "acme").await, &erased, "later");
            Ok(())
        })?;
    }
}

/// Lifted, they are somebody new, and may be erased anew.
#[test]
fn who_was_lifted_is_somebody_new_and_is_erased_anew() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let said =
            |at: i64| record("1", at, json!({ "email": "canary@acme.test", "name": format!("canary-crm-1-{at}") }));
        let crm = RecordRef::new("crm", "contacts", "1");
        let mut known = Vec::new();
        for round in 0..3 {
            // A part of it that nobody can read is a letter, which goes with them each time.
            let odd = json!({ "email": "canary@acme.test", "name": { "canary": round } });
            says(&tenant, "crm", &[record("1", 10 * round, odd), said(10 * round + 1)]).await.unwrap();
            let id = tenant.entity_of(&crm).await.unwrap().unwrap();
            assert!(!known.contains(&id), "they are somebody new");
            known.push(id);
            tenant.erase(id, &by(), "request 7").await.unwrap();
            says(&tenant, "crm", &[said(10 * round + 2)]).await.unwrap();
            assert_eq!(tenant.entity_of(&crm).await.unwrap(), None);
            assert!(!dump(&store, "acme").await.contains("canary"), "round {round}");
            assert!(tenant.lift_suppression(id, &by(), "they asked").await.unwrap() > 0);
            assert_clean(&tenant, "lifted").await;
        }
    });
}

/// A letter about a part of a record comes before what the record says: both are theirs.
#[test]
fn a_letter_about_a_record_that_is_found_to_be_theirs_is_not_kept() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let canary = json!({ "email": "canary@acme.test", "name": "canary" });
        says(&tenant, "crm", &[record("1", 1, canary)]).await.unwrap();
        let id = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
        tenant.erase(id, &by(), "request 7").await.unwrap();
        let odd = json!({ "email": "canary@acme.test", "name": { "canary": 1 } });
        says(&tenant, "shop", &[record("7", 2, odd)]).await.unwrap();
        assert!(!dump(&store, "acme").await.contains("canary"));
        assert_eq!(tenant.dead_letters().await.unwrap(), []);
        assert_clean(&tenant, "later").await;
    });
}

/// What a record said before it told whose it is goes as soon as it tells.
#[test]
fn what_was_heard_in_part_goes_once_it_is_told_whose_it_is() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let whole = |name: &str| json!({ "email": "canary@acme.test", "name": name });
        says(&tenant, "crm", &[record("1", 1, whole("canary"))]).await.unwrap();
        let id = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
        let part = Said { part: true, ..record("7", 2, json!({ "name": "canary" })) };
        says(&tenant, "shop", std::slice::from_ref(&part)).await.unwrap();
        let other = Said { part: true, ..record("8", 2, json!({ "name": "another" })) };
        says(&tenant, "shop", &[other]).await.unwrap();
        tenant.erase(id, &by(), "request 7").await.unwrap();
        assert!(dump(&store, "acme").await.contains("canary"), "nobody can know whose it is");
        says(&tenant, "shop", &[record("7", 3, whole("canary"))]).await.unwrap();
        tenant.step().await.map(drop).unwrap();
        let kept = dump(&store, "acme").await;
        assert!(!kept.contains("canary"), "it is told");
        assert!(kept.contains("another"), "what another record said is nobody's still");
        says(&tenant, "shop", &[part]).await.unwrap();
        assert!(!dump(&store, "acme").await.contains("canary"), "from then on the record is known");
        assert_clean(&tenant, "later").await;
    });
}

/// A record that is gone is nobody's, whatever it says of whose it was.
#[test]
fn what_is_told_of_a_record_that_is_gone_already_goes_with_whose_it_was() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let whole = |name: &str| json!({ "email": "canary@acme.test", "name": name });
        says(&tenant, "shop", &[record("7", 1, json!({ "email": "another@acme.test" }))]).await.unwrap();
        let deleted = |id: &str| Said { kind: "deleted".into(), ..record(id, 9, Json::Null) };
        says(&tenant, "shop", &[deleted("7"), deleted("8")]).await.unwrap();
        // They were told of before, and are heard of now.
        says(&tenant, "shop", &[record("8", 2, whole("canary"))]).await.unwrap();
        says(&tenant, "crm", &[record("1", 3, whole("canary"))]).await.unwrap();
        assert_eq!(tenant.entity_of(&RecordRef::new("shop", "customers", "8")).await.unwrap(), None);
        let id = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
        let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
        assert!(erased.records.contains(&RecordRef::new("shop", "customers", "8")), "{erased:?}");
        assert!(!dump(&store, "acme").await.contains("canary"));
        assert!(dump(&store, "acme").await.contains("another"), "nobody asked to erase them");
        assert_clean(&tenant, "later").await;
    });
}

/// What their system merges somebody else's record into is still known as theirs: nobody can tell whose words it has.
#[test]
fn what_anothers_record_is_merged_into_stays_withheld_and_is_a_case_until_it_is_lifted() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let of = |mail: &str, name: &str| json!({ "email": mail, "name": name });
        let another = of("another@acme.test", "another");
        says(&tenant, "crm", &[record("0", 1, another.clone())]).await.unwrap();
        says(&tenant, "shop", &[record("0", 1, another), record("2", 1, of("canary@acme.test", "canary"))])
            .await
            .unwrap();
        let shop = |id: &str| RecordRef::new("shop", "customers", id);
        let other = tenant.entity_of(&shop("0")).await.unwrap().unwrap();
        let id = tenant.entity_of(&shop("2")).await.unwrap().unwrap();
        tenant.erase(id, &by(), "request 7").await.unwrap();
        let merged = Said { kind: "merged".into(), other: "2".into(), ..record("0", 2, Json::Null) };
        says(&tenant, "shop", &[merged, record("2", 3, of("canary@acme.test", "canary"))]).await.unwrap();
        says(&tenant, "shop", &[record("2", 4, of("another@acme.test", "canary"))]).await.unwrap();
        assert!(!dump(&store, "acme").await.contains("canary"));
        assert_eq!(tenant.entity_of(&shop("2")).await.unwrap(), Some(other));
        let waits = || async {
            let open = tenant.open_cases(&CaseFilter::default(), None, 9).await.unwrap().cases;
            let about = |case: &&accordant::engine::Case| case.records.contains(&shop("2"));
            open.iter().filter(about).map(|case| (case.kind, case.entities.clone())).collect::<Vec<_>>()
        };
        assert_eq!(waits().await, [(CaseKind::MergedInSystem, vec![other])]);
        assert_clean(&tenant, "withheld").await;
        // A person knows that it is the other's.
        assert!(tenant.lift_suppression(id, &by(), "it is another's").await.unwrap() > 0);
        assert_eq!(waits().await, []);
        says(&tenant, "shop", &[record("2", 5, of("another@acme.test", "as it is now"))]).await.unwrap();
        assert_eq!(tenant.entity_of(&shop("2")).await.unwrap(), Some(other));
        assert!(dump(&store, "acme").await.contains("as it is now"));
        assert_clean(&tenant, "heard again").await;
    });
}

/// Whose records are all deleted is known by what they said of who they are.
#[test]
fn who_is_erased_when_all_their_records_are_deleted_does_not_come_back() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let canary = json!({ "email": "canary@acme.test", "name": "canary" });
        says(&tenant, "crm", &[record("1", 1, canary.clone())]).await.unwrap();
        let id = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
        let deleted = Said { kind: "deleted".into(), ..record("1", 2, Json::Null) };
        says(&tenant, "crm", &[deleted]).await.unwrap();
        tenant.erase(id, &by(), "request 7").await.unwrap();
        says(&tenant, "shop", &[record("7", 3, canary)]).await.unwrap();
        assert!(!dump(&store, "acme").await.contains("canary"));
        assert_clean(&tenant, "later").await;
    });
}

/// What a plan keeps out is named in it as what it does.
#[test]
fn a_plan_that_keeps_out_a_write_of_theirs_goes_too() {
    let (clock, store) = (clock(), MemoryStore::new());
    let limits = Limits { deletes: 25, delete_percent: 100, writes: Some(1) };
    let builder = configured(Variant::default(), store.clone(), &clock, 7).limits(limits);
    let tenant = builder.build().unwrap().tenant("acme");
    block_on(async {
        for id in ["1", "2"] {
            let said = |name: &str| json!({ "email": format!("p{id}@acme.test"), "name": name });
            says(&tenant, "crm", &[record(id, 1, said("as it was"))]).await.unwrap();
            says(&tenant, "shop", &[record(id, 1, said("as it was"))]).await.unwrap();
            says(&tenant, "crm", &[record(id, 2, said(&format!("canary-{id}")))]).await.unwrap();
        }
        let plan = tenant.plan(Scope::default()).await.unwrap();
        let kept_out = plan.parked.iter().find(|parked| parked.limited).expect("two are more than the limit");
        let of = |id: &str| RecordRef::new("crm", "contacts", id);
        let entity = kept_out.operation.entity;
        let theirs = if tenant.entity_of(&of("1")).await.unwrap() == Some(entity) { "canary-1" } else { "canary-2" };
        assert!(dump(&store, "acme").await.contains(theirs));
        tenant.erase(entity, &by(), "request 7").await.unwrap();
        assert!(!dump(&store, "acme").await.contains(theirs));
        assert!(tenant.plans(None, 9).await.unwrap().is_empty());
    });
}
