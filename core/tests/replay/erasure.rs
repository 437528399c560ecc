//! Erasure: whatever happened before, nothing of the person is left, and everybody else is as they were.

use std::collections::{BTreeMap, BTreeSet};

use accordant::engine::{Erased, Tenant};
use accordant::error::Error;
use accordant::id::{EntityId, RecordRef};
use accordant::store::MemoryStore;
use accordant::testing::{FailsOnce, Turns, Watched};
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::properties::{Step, step, take};
use crate::support::{SYSTEMS, Said, Variant, acme, assert_clean, by, clock, dump, nth, open, record, says};

/// Names that say which record they are of, so that they are found wherever they went.
pub(crate) fn marked(step: &Step, round: usize) -> Step {
    let Step::Delivery(system, said) = step else { return step.clone() };
    let said = said.iter().map(|said| {
        let mut said = said.clone();
        for path in ["name", "fax", "street"] {
            if said.fields.get(path).is_some_and(Json::is_string) {
                said.fields[path] = format!("canary-{}-{}-{round}", SYSTEMS[*system].0, said.id).into();
            }
        }
        said
    });
    Step::Delivery(*system, said.collect())
}

/// What the journal tells of records that left these entities: the record and the place of each entry of what it said by then. It
/// reads a dump as text, and so shares nothing with what it is to check.
pub(crate) fn observed_until_they_left(dump: &[String], of: &BTreeSet<EntityId>) -> Vec<(RecordRef, String)> {
    let parts = |line: &'_ str| -> Option<[String; 4]> {
        line.strip_prefix("entry ")?.splitn(4, ' ').map(str::to_owned).collect::<Vec<_>>().try_into().ok()
    };
    let entries: Vec<[String; 4]> = dump.iter().filter_map(|line| parts(line)).collect();
    let payload = |text: &str| serde_json::from_str::<Json>(text).unwrap_or_default();
    let mut left: BTreeMap<RecordRef, u64> = BTreeMap::new();
    for [place, kind, subject, told] in &entries {
        if kind != "facts" || !subject.parse().is_ok_and(|id| of.contains(&id)) {
            continue;
        }
        for fact in payload(told).as_array().unwrap_or(&Vec::new()) {
            if fact["fact"] == "unlinked" {
                left.insert(serde_json::from_value(fact["record"].clone()).unwrap(), place.parse().unwrap());
            }
        }
    }
    let until =
        |record: &RecordRef, place: &str| left.get(record).is_some_and(|left| place.parse::<u64>().unwrap() <= *left);
    let observed = entries.iter().filter(|[_, kind, ..]| *kind == "observed");
    let about = observed.filter_map(|[place, _, subject, _]| {
        let record = left.keys().find(|record| record.to_string() == *subject)?;
        until(record, place).then(|| (record.clone(), place.to_owned()))
    });
    about.collect()
}

/// Which of these entries are kept, of records that are somebody else's by now.
pub(crate) fn kept_of<'a>(left: &'a [String], erased: &Erased, hers: &[(RecordRef, String)]) -> Vec<&'a String> {
    let hers: Vec<String> = hers
        .iter()
        .filter(|(record, _)| erased.elsewhere.contains(record))
        .map(|(record, place)| format!("entry {place} observed {record} "))
        .collect();
    let with_payload =
        |line: &&String, entry: &String| line.strip_prefix(entry.as_str()).is_some_and(|left| !left.is_empty());
    left.iter().filter(|line| hers.iter().any(|entry| with_payload(line, entry))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whoever is erased after whatever happened: the chain holds, the rest is what the journal adds up to, nothing that their
    /// records ever said is left, and what they say from then on is counted and not kept.
    #[test]
    fn after_any_history_nothing_of_the_person_is_left(
        before in vec(step(), 1..9), place in 0usize..6, after in vec(step(), 0..4),
    ) {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
        block_on(async {
            for (round, step) in before.iter().enumerate() {
                take(&tenant, &marked(step, round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            let Some(id) = nth(&tenant, place).await else { return Ok(()) };
            let then = dump(&store).await;
            let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
            prop_assert!(erased.entities.contains(&id));
            assert_clean(&tenant, "after the erasure").await;
            let refused = tenant.inspect_erased(id).await.unwrap_err();
            prop_assert!(matches!(refused, Error::UnknownEntity { .. }), "{refused}");
            let left = dump(&store).await;
            for record in &erased.records {
                let canary = format!("canary-{}-{}-", record.connection, record.id);
                let found: Vec<&String> = left.iter().filter(|line| line.contains(&canary)).collect();
                prop_assert!(found.is_empty(), "{canary} of {erased:?} in {found:?}");
            }
            // What another's record said while it was theirs.
            let hers = observed_until_they_left(&then, &erased.entities);
            prop_assert_eq!(kept_of(&left, &erased, &hers), Vec::<&String>::new());
            // Erasing again changes nothing.
            let again = tenant.erase(id, &by(), "request 7").await.unwrap();
            prop_assert!(again.already && again.payloads == 0, "{again:?}");
            prop_assert_eq!(dump(&store).await, left);
            // Life goes on, without them.
            for (round, step) in after.iter().enumerate() {
                take(&tenant, &marked(step, 100 + round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            assert_clean(&tenant, "after life went on").await;
            let left = dump(&store).await;
            for record in erased.records.iter().filter(|record| record.connection.as_str() != "hub") {
                let canary = format!("canary-{}-{}-", record.connection, record.id);
                let found: Vec<&String> = left.iter().filter(|line| line.contains(&canary)).collect();
                prop_assert!(found.is_empty(), "{canary} came back: {found:?}");
            }
            Ok(())
        })?;
    }
}

/// Ana is in two systems and was merged with another entry of hers; Ben is somebody else; a letter names her that nobody can
/// read, and one of her records has an attribute that could not be read.
pub(crate) async fn town(tenant: &Tenant) -> (EntityId, EntityId) {
    let ana = |name: &str| json!({ "email": "ana@canary.test", "name": name, "fax": "canary-fax" });
    says(
        tenant,
        "crm",
        &[record("1", 1, ana("canary-Ana")), record("2", 1, json!({ "email": "ben@acme.test", "name": "Ben" }))],
    )
    .await
    .unwrap();
    says(
        tenant,
        "shop",
        &[
            record("1", 1, ana("canary-Anna")),
            record("9", 1, json!({ "email": "ana.l@canary.test", "name": "canary-A" })),
        ],
    )
    .await
    .unwrap();
    says(tenant, "erp", &[record("7", 1, json!({ "email": "ana@canary.test", "name": { "canary-odd": 1 } }))])
        .await
        .unwrap();
    says(tenant, "erp", &[Said { fields: json!(["ana@canary.test"]), ..record("8", 1, Json::Null) }]).await.unwrap();
    let of = async |record: RecordRef| tenant.entity_of(&record).await.unwrap().unwrap();
    let (one, other) =
        (of(RecordRef::new("crm", "contacts", "1")).await, of(RecordRef::new("shop", "customers", "9")).await);
    tenant.merge(one, other, &by()).await.unwrap();
    tenant.plan(one).await.unwrap();
    (one, other)
}

pub(crate) fn canaries(dump: &[String]) -> Vec<&String> {
    dump.iter().filter(|line| line.to_lowercase().contains("canary")).collect()
}

#[test]
fn an_alias_names_the_person_and_nothing_is_left_anywhere() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let (one, other) = town(&tenant).await;
        let letters = tenant.dead_letters().await.unwrap();
        assert!(letters.len() >= 2, "{letters:?}");
        assert!(canaries(&dump(&store).await).len() > 10);
        let export = tenant.export_person(one).await.unwrap();
        assert_eq!(export.dead_letters.len(), letters.len(), "both tell of her: {:?}", export.dead_letters);
        let erased: Erased = tenant.erase(other, &by(), "request 7").await.unwrap();
        assert_eq!(erased.entities, [one, other].into());
        assert_eq!(erased.records.len(), 4, "{erased:?}");
        let left = dump(&store).await;
        assert_eq!(canaries(&left), Vec::<&String>::new());
        assert!(left.iter().any(|line| line.contains("ben@acme.test")));
        assert_clean(&tenant, "after the erasure").await;
        assert_eq!(tenant.replay().await.unwrap().entities.len(), 1);
    });
}

#[test]
fn who_was_erased_does_not_come_back_by_record_nor_by_value() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let (one, _) = town(&tenant).await;
        tenant.erase(one, &by(), "request 7").await.unwrap();
        clock.advance(TimeDelta::seconds(1));
        let again = json!({ "email": "ana@canary.test", "name": "canary-again" });
        for _ in 0..2 {
            // The same record; another record with her address; one of hers that no longer tells it; bytes that nobody can read.
            says(&tenant, "crm", &[record("1", 5, again.clone()), record("77", 5, again.clone())]).await.unwrap();
            says(&tenant, "crm", &[Said { part: true, ..record("77", 6, json!({ "name": "canary-part" })) }])
                .await
                .unwrap();
            says(
                &tenant,
                "erp",
                &[Said { fields: json!(["ana@canary.test", "canary"]), ..record("8", 7, Json::Null) }],
            )
            .await
            .unwrap();
        }
        let left = dump(&store).await;
        assert_eq!(canaries(&left), Vec::<&String>::new());
        let told = left.iter().filter(|line| line.starts_with("entry") && line.contains(" suppressed ")).count();
        assert_eq!(told, 2, "each record once: {left:?}");
        assert_eq!(tenant.replay().await.unwrap().entities.len(), 1);
        assert_clean(&tenant, "after they were suppressed").await;
        // What somebody else says is theirs.
        says(&tenant, "shop", &[record("20", 9, json!({ "email": "cy@acme.test", "name": "Cy" }))]).await.unwrap();
        assert_eq!(tenant.replay().await.unwrap().entities.len(), 2);
        // Lifted, she is somebody new.
        assert!(tenant.lift_suppression(one, &by(), "she asked").await.unwrap() >= 6);
        assert_eq!(tenant.lift_suppression(one, &by(), "she asked").await.unwrap(), 0);
        says(&tenant, "crm", &[record("1", 10, again)]).await.unwrap();
        let back = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap();
        assert!(back.is_some_and(|back| back != one));
        assert_clean(&tenant, "after she came back").await;
        assert!(tenant.erase(back.unwrap(), &by(), "request 8").await.is_ok());
        assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new());
    });
}

/// In the files of a store, and in what is exported of it.
#[test]
#[cfg(feature = "sqlite")]
fn no_byte_of_the_person_is_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let bytes = || -> Vec<u8> {
        let files = std::fs::read_dir(folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    };
    let found = |bytes: &[u8]| bytes.to_ascii_lowercase().windows(6).filter(|window| window == b"canary").count();
    let clock = clock();
    let store = accordant::store::SqliteStore::open(&path).unwrap();
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let (one, _) = town(&tenant).await;
        for round in 0..60 {
            let ana =
                json!({ "email": "ana@canary.test", "name": format!("canary-Ana {round} {}", "x".repeat(50 * round)) });
            let ben = json!({ "email": "ben@acme.test", "name": format!("Ben {round}") });
            let at = 10 + i64::try_from(round).unwrap();
            says(&tenant, "crm", &[record("1", at, ana), record("2", at, ben)]).await.unwrap();
            clock.advance(TimeDelta::seconds(1));
        }
        assert!(found(&bytes()) > 100);
        tenant.erase(one, &by(), "request 7").await.unwrap();
        assert_eq!(found(&bytes()), 0);
        assert!(bytes().windows(13).any(|window| window == b"ben@acme.test"));
        accordant::transfer::export(&store, &acme(), &folder.path().join("export"), |_| {}).await.unwrap();
        assert_eq!(found(&bytes()), 0);
        assert_clean(&tenant, "after the erasure").await;
    });
}

#[test]
fn an_address_that_somebody_else_holds_is_no_mark() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store, &clock, 7).tenant("acme");
    block_on(async {
        let office = |name: &str| json!({ "email": "office@acme.test", "name": name });
        says(
            &tenant,
            "crm",
            &[record("1", 1, json!({ "email": "a@acme.test" })), record("2", 1, json!({ "email": "b@acme.test" }))],
        )
        .await
        .unwrap();
        says(&tenant, "crm", &[record("1", 2, office("A")), record("2", 2, office("B"))]).await.unwrap();
        let of = async |id: &str| tenant.entity_of(&RecordRef::new("crm", "contacts", id)).await.unwrap();
        let (one, other) = (of("1").await.unwrap(), of("2").await.unwrap());
        assert_ne!(one, other);
        tenant.erase(one, &by(), "request 7").await.unwrap();
        says(&tenant, "shop", &[record("5", 3, office("B"))]).await.unwrap();
        let shop = tenant.entity_of(&RecordRef::new("shop", "customers", "5")).await.unwrap();
        assert_eq!((of("1").await, shop), (None, Some(other)));
        assert_clean(&tenant, "after the other went on").await;
    });
}

/// Whoever waits for one of two is not the first one's to take: once only the second is left, they are the second's.
#[test]
fn a_record_that_may_be_somebody_elses_stays_and_becomes_theirs() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let office = |name: &str| json!({ "email": "office@acme.test", "name": name });
        let mail = |mail: &str| json!({ "email": mail });
        says(&tenant, "crm", &[record("1", 1, mail("a@acme.test")), record("2", 1, mail("b@acme.test"))])
            .await
            .unwrap();
        says(&tenant, "crm", &[record("1", 2, office("A")), record("2", 2, office("B"))]).await.unwrap();
        says(&tenant, "shop", &[record("5", 3, office("Ben's own"))]).await.unwrap();
        let of = async |system: &str, object: &str, id: &str| {
            tenant.entity_of(&RecordRef::new(system, object, id)).await.unwrap()
        };
        let (one, other) = (of("crm", "contacts", "1").await.unwrap(), of("crm", "contacts", "2").await.unwrap());
        assert_eq!(of("shop", "customers", "5").await, None, "it matches both");
        let erased = tenant.erase(one, &by(), "request 7").await.unwrap();
        assert_eq!(erased.records, [RecordRef::new("crm", "contacts", "1")].into());
        assert_eq!(of("shop", "customers", "5").await, Some(other));
        assert!(tenant.unlinked().await.unwrap().is_empty());
        assert!(dump(&store).await.iter().any(|line| line.contains("Ben's own")));
        assert_clean(&tenant, "after the erasure").await;
        // What it says goes on being heard.
        says(&tenant, "shop", &[record("5", 4, office("Benedict"))]).await.unwrap();
        assert!(dump(&store).await.iter().any(|line| line.contains("Benedict")));
        assert_clean(&tenant, "after the other went on").await;
    });
}

/// An erasure takes the payloads of whom it touches. What those had once is not forgotten with them.
#[test]
fn who_was_touched_by_an_erasure_is_erased_as_wholly_as_before() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let said =
            |id: &str| record(id, 1, json!({ "email": format!("{id}@acme.test"), "name": format!("canary-{id}") }));
        says(&tenant, "crm", &[said("1"), said("2"), said("3")]).await.unwrap();
        let crm = |id: &str| RecordRef::new("crm", "contacts", id);
        let of = async |id: &str| tenant.entity_of(&crm(id)).await.unwrap().unwrap();
        let (first, ana, ben) = (of("1").await, of("2").await, of("3").await);
        says(&tenant, "shop", &[said("7"), said("8")]).await.unwrap();
        let shop = |id: &str| RecordRef::new("shop", "customers", id);
        // Ana had both, and the first person has one of them and Ben the other.
        for (to, id) in [(ana, "7"), (ana, "8"), (first, "7"), (ben, "8")] {
            tenant.link(to, &shop(id), &by()).await.unwrap();
        }
        let erased = tenant.erase(first, &by(), "request 7").await.unwrap();
        assert!(erased.touched.contains(&ana), "{erased:?}");
        assert_clean(&tenant, "after the first").await;
        let erased = tenant.erase(ana, &by(), "request 8").await.unwrap();
        assert_eq!(erased.elsewhere, [shop("8")].into());
        assert_clean(&tenant, "after the second").await;
        let left = dump(&store).await;
        let told =
            |line: &&String| line.starts_with("entry") && line.contains(" observed ") && line.contains("canary-8");
        assert_eq!(left.iter().filter(told).count(), 0, "what it said when it was hers is gone");
    });
}

/// Whoever is merged into an older entry of hers, and loses a record to somebody else later, had it until then.
#[test]
fn what_a_record_said_until_it_left_is_gone_whichever_entry_of_hers_had_it() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        let said = |id: &str, at: i64, name: &str| {
            record(id, at, json!({ "email": format!("{id}@acme.test"), "name": format!("{name}-{id}") }))
        };
        let crm = |id: &str| RecordRef::new("crm", "contacts", id);
        let mut ids = Vec::new();
        for id in ["1", "2", "3"] {
            says(&tenant, "crm", &[said(id, 1, "canary")]).await.unwrap();
            ids.push(tenant.entity_of(&crm(id)).await.unwrap().unwrap());
            clock.advance(TimeDelta::seconds(1));
        }
        let [older, younger, ben] = ids[..] else { panic!("three: {ids:?}") };
        assert!(older < younger);
        tenant.merge(older, younger, &by()).await.unwrap();
        says(&tenant, "crm", &[said("2", 2, "canary-later")]).await.unwrap();
        tenant.link(ben, &crm("2"), &by()).await.unwrap();
        let hers = observed_until_they_left(&dump(&store).await, &[older, younger].into());
        let erased = tenant.erase(older, &by(), "request 7").await.unwrap();
        assert_eq!(erased.elsewhere, [crm("2")].into());
        let left = dump(&store).await;
        assert!(hers.iter().filter(|(record, _)| *record == crm("2")).count() == 2, "{hers:?}");
        assert_eq!(kept_of(&left, &erased, &hers), Vec::<&String>::new());
        assert_clean(&tenant, "after the erasure").await;
    });
}

/// Others are resolved by where a system merged records: erasing one of a circle moves nobody else.
#[test]
fn where_a_system_merged_an_erased_record_is_kept_and_nothing_else() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    let merged =
        |id: &str, other: &str, at| Said { kind: "merged".into(), other: other.into(), ..record(id, at, Json::Null) };
    block_on(async {
        let mail = |mail: &str| json!({ "email": mail, "name": format!("canary {mail}") });
        says(&tenant, "shop", &[record("0", 1, mail("a@acme.test")), record("2", 1, mail("b@acme.test"))])
            .await
            .unwrap();
        says(&tenant, "shop", &[merged("0", "2", 3), merged("2", "0", 2)]).await.unwrap();
        let shop = |id: &str| RecordRef::new("shop", "customers", id);
        let of = tenant.entity_of(&shop("0")).await.unwrap().unwrap();
        let erased = tenant.erase(of, &by(), "request 7").await.unwrap();
        assert_eq!(erased.records, [shop("0")].into());
        assert_clean(&tenant, "after the erasure").await;
        assert!(tenant.entity_of(&shop("2")).await.unwrap().is_some());
        assert!(!dump(&store).await.iter().any(|line| line.contains("a@acme.test")));
    });
}

#[test]
fn who_is_unknown_cannot_be_erased() {
    let tenant = open(Variant::default(), MemoryStore::new(), &clock(), 7).tenant("acme");
    let nobody = EntityId::from_parts(1, [7; 10]);
    for refused in [
        block_on(tenant.erase(nobody, &by(), "request 7")).unwrap_err(),
        block_on(tenant.lift_suppression(nobody, &by(), "request 7")).unwrap_err(),
    ] {
        assert!(matches!(refused, Error::UnknownEntity { id, .. } if id == nobody), "{refused}");
    }
    assert_eq!(block_on(tenant.verify()).unwrap().erased, 0);
}

/// Lifted in the middle, it is finished first: what is left to do is found by the hashes that go.
#[test]
fn an_erasure_that_is_interrupted_anywhere_is_finished_before_it_is_lifted() {
    let mut lifted = 0;
    for call in 0.. {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
        let done = block_on(async {
            let (one, _) = town(&tenant).await;
            let failing = Watched::new(store.clone(), FailsOnce::at(call, false));
            let outcome =
                open(Variant::default(), failing, &clock, 8).tenant("acme").erase(one, &by(), "request 7").await;
            if tenant.replay().await.unwrap().entities.len() > 1 {
                return false;
            }
            assert!(tenant.lift_suppression(one, &by(), "she asked").await.unwrap() > 0);
            lifted += 1;
            assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new(), "call {call}");
            assert_clean(&tenant, "after it was lifted").await;
            outcome.is_ok()
        });
        if done {
            break;
        }
    }
    assert!(lifted > 10, "it has many calls: {lifted}");
}

#[test]
fn an_erasure_that_is_interrupted_anywhere_is_finished_by_the_next_step() {
    for after in [false, true] {
        let mut began = 0;
        for call in 0.. {
            let (clock, store) = (clock(), MemoryStore::new());
            let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
            let done = block_on(async {
                let (one, _) = town(&tenant).await;
                let failing = Watched::new(store.clone(), FailsOnce::at(call, after));
                let interrupted = open(Variant::default(), failing, &clock, 8).tenant("acme");
                let outcome = interrupted.erase(one, &by(), "request 7").await;
                // At every moment, what is stored is what the journal adds up to.
                assert_clean(&tenant, &format!("interrupted at call {call}, after: {after}")).await;
                let next = open(Variant::default(), store.clone(), &clock, 9).tenant("acme");
                drop(next.step().await.unwrap());
                if tenant.replay().await.unwrap().entities.len() > 1 {
                    assert!(outcome.is_err());
                    return false;
                }
                began += 1;
                assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new(), "call {call}, after: {after}");
                assert_clean(&next, "after the next step").await;
                outcome.is_ok()
            });
            if done {
                break;
            }
        }
        assert!(began > 10, "it has many calls: {began}");
    }
}

/// A record of nobody that comes to name the person while their erasure is being finished by another process: that is left to do.
#[test]
fn what_is_told_of_a_person_while_their_erasure_is_being_finished_goes_too() {
    for calls in 0.. {
        let (clock, store) = (clock(), MemoryStore::new());
        let watched = Watched::new(store.clone(), Turns::default());
        let open =
            |store: Watched<MemoryStore, Turns>, seed| open(Variant::default(), store, &clock, seed).tenant("acme");
        let (erasing, other) = (open(watched.clone(), 7), open(Watched::new(store.clone(), Turns::default()), 8));
        let passed = block_on(async {
            let (one, _) = town(&other).await;
            let late = |part: bool, at: i64, fields: Json| [Said { part, ..record("5", at, fields) }];
            says(&other, "erp", &late(true, 1, json!({ "name": "canary-late", "fax": "canary-fax" }))).await.unwrap();
            let nobodys = RecordRef::new("erp", "customer", "5");
            assert_eq!(other.entity_of(&nobodys).await.unwrap(), None);
            let takes_in = other.clone();
            watched.watch().happens_after(calls, async move {
                let said = json!({ "email": "ana@canary.test", "name": "canary-late", "fax": "canary-fax" });
                says(&takes_in, "erp", &late(false, 2, said)).await.unwrap();
            });
            erasing.erase(one, &by(), "request 7").await.unwrap();
            let passed = watched.watch().have_passed();
            if passed {
                while other.step().await.unwrap().more() {}
                assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new(), "after {calls} calls");
                assert_clean(&other, "after the next step").await;
            }
            passed
        });
        if !passed {
            assert!(calls > 20, "{calls} calls");
            break;
        }
    }
}
