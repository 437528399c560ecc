//! Compaction: what is left of a journal comes to the same, and says where it begins.

mod beside;
mod erased;

use std::sync::{Arc, Mutex};

use accordant::checkpoint::{CheckpointFault, Ed25519Key};
use accordant::clock::{Clock as _, ManualClock};
use accordant::engine::{CaseFilter, Compacted, Difference, Replayed, Retention, Tenant};
use accordant::error::Error;
use accordant::id::{RecordRef, TenantId};
use accordant::store::{Commit, MemoryStore, RowKey, Store, StoreError, StoreFault, Table};
use accordant::testing::{FailsOnce, StoreCall, StoreWatch, Watched};
use accordant::transfer::{export, import};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use crate::erasure::{canaries, marked, town};
use crate::properties::{step, take};
use crate::support::{Variant, acme, assert_clean, by, clock, configured, dump, nth, record, says};

const YEAR: TimeDelta = TimeDelta::days(365);

fn key(name: &str, seed: u8) -> Ed25519Key {
    Ed25519Key::from_seed(name, &[seed; 32]).unwrap()
}

fn kept_for(journal: Option<TimeDelta>, observations: Option<TimeDelta>) -> Retention {
    Retention { journal, observations, ..Retention::default() }
}

/// A tenant whose journal is kept for a year.
fn a_year(store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Tenant {
    let configured = configured(Variant::default(), store, clock, seed);
    let configured = configured.checkpoint_keys(key("2026", 1)).retention(kept_for(Some(YEAR), None));
    configured.build().unwrap().tenant("acme")
}

/// What a replay came to, but for how much it read.
fn state(replayed: &Replayed) -> String {
    let Replayed { entities, representations, connections, standing, letters, desks, roles, suppressed, .. } = replayed;
    format!(
        "{entities:?} {representations:?} {connections:?} {standing:?} {letters:?} {desks:?} {roles:?} {suppressed:?}"
    )
}

async fn replayed(tenant: &Tenant) -> String {
    state(&tenant.replay().await.unwrap())
}

/// Makes a checkpoint now, and lets the journal begin there a year later.
async fn compacted(tenant: &Tenant, clock: &ManualClock) -> Compacted {
    let made = tenant.compact(&by()).await.unwrap();
    assert!(made.made.is_some() && made.begins.is_none(), "{made:?}");
    clock.advance(YEAR);
    tenant.compact(&by()).await.unwrap()
}

#[test]
fn observations_that_expire_sooner_do_not_keep_the_journal() {
    let (clock, store) = (clock(), MemoryStore::new());
    let configured = configured(Variant::default(), store.clone(), &clock, 7).checkpoint_keys(key("2026", 1));
    let tenant = configured.retention(kept_for(Some(YEAR), Some(TimeDelta::days(90)))).build().unwrap().tenant("acme");
    let month = TimeDelta::days(23);
    block_on(async {
        let mut begun = 0;
        for round in 1..=48 {
            let ana = json!({ "email": "ana@acme.test", "name": format!("Ana {round}") });
            says(&tenant, "crm", &[record("1", round, ana)]).await.unwrap();
            says(&tenant, "crm", &[record(&format!("n{round}"), round, json!({ "name": "Ben" }))]).await.unwrap();
            let whole = replayed(&tenant).await;
            clock.advance(month);
            let compacted = tenant.compact(&by()).await.unwrap();
            assert_eq!(compacted.kept, Vec::<Difference>::new(), "round {round}");
            assert_eq!(replayed(&tenant).await, whole, "round {round}");
            begun += usize::from(compacted.begins.is_some());
        }
        assert!(begun > 4, "it began anew {begun} times");
        let first = store.journal(&acme(), 0, 1).await.unwrap().remove(0).0;
        let kept = clock.now() - first.at;
        assert!(kept <= (YEAR + YEAR / 2).num_milliseconds(), "its first entry is {} days old", kept / 86_400_000);
        assert_clean(&tenant, "after three years").await;
        assert_eq!(tenant.status().await.unwrap().journal_kept, 0);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever happened, before the checkpoint and after it, an erasure too: what is left of the journal comes to the same state, life goes on
    /// from it, and whoever is erased then is nowhere.
    #[test]
    fn after_any_history_what_is_left_comes_to_the_same(
        before in vec(step(), 1..8), between in vec(step(), 0..5), after in vec(step(), 0..4), place in 0usize..6,
        gone in option::of(0usize..6),
    ) {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = a_year(store.clone(), &clock, 7);
        block_on(async {
            for (round, step) in before.iter().enumerate() {
                take(&tenant, &marked(step, round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            let made = tenant.checkpoint(&by()).await.unwrap();
            for (round, step) in between.iter().enumerate() {
                take(&tenant, &marked(step, 20 + round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            if let Some(place) = gone && let Some(id) = nth(&tenant, place).await {
                tenant.erase(id, &by(), "request 6").await.unwrap();
            }
            let then = clock.now();
            let whole = replayed(&tenant).await;
            clock.advance(YEAR);
            let compacted = tenant.compact(&by()).await.unwrap();
            prop_assert_eq!(compacted.kept, Vec::<Difference>::new());
            prop_assert_eq!(compacted.begins.as_ref(), Some(&made));
            prop_assert_eq!(compacted.gone.entries, made.start.seq);
            prop_assert_eq!(replayed(&tenant).await, whole.clone());
            let then = tenant.as_of(at(then));
            prop_assert_eq!(state(&then.replay().await.unwrap()), whole);
            assert_clean(&tenant, "after the compaction").await;
            for (round, step) in after.iter().enumerate() {
                take(&tenant, &marked(step, 40 + round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            assert_clean(&tenant, "after life went on").await;
            let Some(id) = nth(&tenant, place).await else { return Ok(()) };
            let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
            assert_clean(&tenant, "after an erasure").await;
            let left = dump(&store).await;
            for record in &erased.records {
                let canary = format!("canary-{}-{}-", record.connection, record.id);
                prop_assert!(!left.iter().any(|line| line.contains(&canary)), "{canary} of {erased:?}");
            }
            Ok(())
        })?;
    }
}

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

#[test]
fn what_lies_before_is_answered_with_when_the_journal_begins() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store, &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        let before = tenant.as_of(at(clock.now()));
        assert!(before.inspect_erased(one).await.is_ok());
        clock.advance(TimeDelta::hours(1));
        assert!(tenant.compact(&by()).await.unwrap().made.is_some());
        let since = at(clock.now());
        clock.advance(TimeDelta::hours(1));
        let later = json!({ "email": "ana@canary.test", "name": "canary-later", "fax": "canary-fax" });
        says(&tenant, "crm", &[record("1", 5, later)]).await.unwrap();
        let after = at(clock.now());
        let then = tenant.as_of(after).inspect_erased(one).await.unwrap();
        assert_eq!(tenant.history(one, None, 1_000).await.unwrap().happenings[0].kind.as_str(), "observed");
        clock.advance(YEAR);
        let done = tenant.compact(&by()).await.unwrap();
        assert_eq!(done.begins.map(|begins| begins.at), Some(since.timestamp_millis()));
        assert!(done.gone.entries > 5 && done.left.bytes_per_entry().is_some(), "{:?}", (done.gone, done.left));

        let refused = before.inspect_erased(one).await.unwrap_err();
        assert!(matches!(refused, Error::Compacted { since: told, .. } if told == since), "{refused}");
        for refused in [
            before.replay().await.map(drop).unwrap_err(),
            before.plans().await.map(drop).unwrap_err(),
            before.connections().await.map(drop).unwrap_err(),
        ] {
            assert!(matches!(refused, Error::Compacted { .. }), "{refused}");
        }
        assert_eq!(tenant.as_of(after).inspect_erased(one).await.unwrap(), then);
        let told = tenant.history(one, None, 1_000).await.unwrap().happenings;
        let begins: Vec<&str> = told.iter().filter(|one| *one.kind == *"begins").map(|one| &*one.text).collect();
        assert_eq!(begins[0], "the journal begins here: what happened before was compacted");
        assert!(told.iter().any(|one| one.text.contains("canary-later")), "{told:?}");
        assert_clean(&tenant, "after the compaction").await;
        let proposal = configured(Variant::default(), MemoryStore::new(), &clock, 9).build().unwrap();
        assert!(matches!(tenant.what_if(&proposal).await, Err(Error::Compacted { .. })));
    });
}

/// A case that was open when the journal was compacted says so; what people noted on it is there, and goes with the person.
#[test]
fn a_case_begins_where_the_journal_does() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        let cases = tenant.open_cases(&CaseFilter::default(), None, 100).await.unwrap().cases;
        assert!(!cases.is_empty());
        for case in &cases {
            tenant.comment(&case.key, "canary: she called", &by()).await.unwrap();
        }
        compacted(&tenant, &clock).await;
        for case in &cases {
            let told = tenant.case_history(&case.key).await.unwrap();
            assert_eq!(told[0].kind.as_str(), "begins", "{}: {told:?}", case.key);
            assert_eq!(tenant.case(&case.key).await.unwrap().comments.len(), 1);
        }
        assert_clean(&tenant, "after the compaction").await;
        tenant.erase(one, &by(), "request 7").await.unwrap();
        assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new());
        assert_clean(&tenant, "after the erasure").await;
    });
}

#[test]
fn nothing_is_made_or_trusted_without_the_key() {
    let (clock, store) = (clock(), MemoryStore::new());
    let with = |builder: accordant::engine::Builder| builder.build().unwrap().tenant("acme");
    let of = || configured(Variant::default(), store.clone(), &clock, 8).retention(kept_for(Some(YEAR), None));
    block_on(async {
        let (keyless, public) = (with(of()), with(of().checkpoint_keys(key("2026", 1).public())));
        let tenant = a_year(store.clone(), &clock, 7);
        town(&tenant).await;
        let before = dump(&store).await;
        for refused in [&keyless, &public] {
            assert!(matches!(refused.checkpoint(&by()).await, Err(Error::NoCheckpointKey)));
            assert!(matches!(refused.compact(&by()).await, Err(Error::NoCheckpointKey)));
        }
        assert_eq!(dump(&store).await, before);
        assert!(!tenant.verify().await.unwrap().signature_checked);
        // Nor does the journal begin anywhere by who has none, though no checkpoint is due.
        assert!(tenant.compact(&by()).await.unwrap().made.is_some());
        clock.advance(YEAR);
        tenant.checkpoint(&by()).await.unwrap();
        let before = dump(&store).await;
        for refused in [&keyless, &public] {
            assert!(matches!(refused.compact(&by()).await, Err(Error::NoCheckpointKey)));
        }
        assert_eq!(dump(&store).await, before);
        assert!(tenant.compact(&by()).await.unwrap().begins.is_some());
        // Who has no key reads on, and is told that nobody looked at the signature.
        let verified = keyless.verify().await.unwrap();
        assert!(verified.is_clean() && verified.begins.is_some() && !verified.signature_checked);
        let verified = public.verify().await.unwrap();
        assert!(verified.is_clean() && verified.signature_checked && verified.bytes_per_entry().is_some());
        let fault = async |keys: Ed25519Key| match with(of().checkpoint_keys(keys)).verify().await.unwrap_err() {
            Error::Checkpoint { fault, .. } => fault,
            other => panic!("{other}"),
        };
        assert_eq!(fault(key("2027", 2)).await, CheckpointFault::UnknownKey);
        assert_eq!(fault(key("2026", 2)).await, CheckpointFault::Forged);
        let later = key("2027", 2).and_before("2026", key("2026", 1).public().bytes());
        assert!(with(of().checkpoint_keys(later)).verify().await.unwrap().signature_checked);
    });
}

/// Who can write the store, and has not the key, cannot put another beginning in place of this one.
#[test]
fn another_beginning_is_not_believed() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        town(&tenant).await;
        compacted(&tenant, &clock).await;
        let row = RowKey::new(Table::Meta, "compaction");
        let held = store.load(&acme(), std::slice::from_ref(&row)).await.unwrap().remove(0).unwrap();
        let text = String::from_utf8(held.value).unwrap();
        let put = async |value: String| {
            let commit = Commit { put: vec![(row.clone(), value.into_bytes())], ..Commit::default() };
            store.commit(&acme(), commit).await.unwrap();
        };
        // Another instant.
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let instant = read["begins"]["at"].to_string();
        put(text.replace(&instant, "1")).await;
        let refused = tenant.verify().await.unwrap_err();
        assert!(matches!(refused, Error::Checkpoint { fault: CheckpointFault::Forged, .. }), "{refused}");
        assert!(tenant.replay().await.is_err());
        // A journal that begins a place later, and says so.
        let mut later = read.clone();
        let first = store.journal(&acme(), 0, 1).await.unwrap().remove(0).0;
        later["begins"]["start"] = json!({ "seq": first.seq, "digest": first.digest.to_string() });
        put(later.to_string()).await;
        assert!(matches!(tenant.verify().await, Err(Error::Checkpoint { .. })));
        // None at all.
        put("{}".into()).await;
        assert!(matches!(tenant.verify().await, Err(Error::Journal(_))));
        put(text).await;
        assert_clean(&tenant, "as it was").await;
    });
}

/// A journal that begins at its first entry is signed nowhere: whoever kept a checkpoint knows whether it is theirs.
#[test]
fn another_past_is_known_by_a_checkpoint_that_was_kept() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        town(&tenant).await;
        let known = tenant.checkpoint(&by()).await.unwrap();
        clock.advance(TimeDelta::hours(1));
        let later = tenant.checkpoint(&by()).await.unwrap();
        assert!(tenant.verify_through(&known).await.unwrap().is_clean());
        // The same happened elsewhere, by other names and salts; and less did.
        let forged = a_year(MemoryStore::new(), &clock, 8);
        town(&forged).await;
        for _ in 0..2 {
            assert!(forged.verify().await.unwrap().is_clean());
            let refused = forged.verify_through(&known).await.unwrap_err();
            assert!(matches!(refused, Error::Checkpoint { fault: CheckpointFault::Elsewhere, .. }), "{refused}");
            forged.checkpoint(&by()).await.unwrap();
        }
        // It begins behind the one that was kept: then a key has to say so.
        clock.advance(YEAR);
        assert_eq!(tenant.compact(&by()).await.unwrap().begins, Some(later.clone()));
        for kept in [&known, &later] {
            assert!(tenant.verify_through(kept).await.unwrap().is_clean());
        }
        let keyless = configured(Variant::default(), store.clone(), &clock, 9).build().unwrap().tenant("acme");
        assert!(keyless.verify_through(&later).await.unwrap().is_clean());
        assert!(matches!(keyless.verify_through(&known).await, Err(Error::NoCheckpointKey)));
    });
}

#[test]
fn what_was_altered_in_a_row_is_not_made_true_by_telling_it() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        town(&tenant).await;
        for row in store.scan(&acme(), Table::Entity, "", None, 9).await.unwrap() {
            let text = String::from_utf8(row.value).unwrap().replace("ben@acme.test", "forged@acme.test");
            let put = vec![(RowKey::new(Table::Entity, row.key), text.into_bytes())];
            store.commit(&acme(), Commit { put, ..Commit::default() }).await.unwrap();
        }
        assert!(!tenant.verify().await.unwrap().is_clean());
        let again = a_year(store.clone(), &clock, 8);
        let done = compacted(&again, &clock).await;
        assert!(done.begins.is_none() && !done.kept.is_empty(), "{done:?}");
        assert_eq!(store.journal(&acme(), 0, 1).await.unwrap()[0].0.seq, 1);
    });
}

#[test]
fn what_systems_said_expires_before_what_it_came_to() {
    let (clock, store) = (clock(), MemoryStore::new());
    let configured = configured(Variant::default(), store.clone(), &clock, 7).checkpoint_keys(key("2026", 1));
    let tenant = configured.retention(kept_for(None, Some(TimeDelta::days(90)))).build().unwrap().tenant("acme");
    block_on(async {
        let (one, _) = town(&tenant).await;
        let then = at(clock.now());
        clock.advance(TimeDelta::hours(1));
        let made = tenant.compact(&by()).await.unwrap().made.unwrap();
        let whole = replayed(&tenant).await;
        let entries = store.journal(&acme(), 0, usize::MAX).await.unwrap().len();
        clock.advance(TimeDelta::days(90));
        let done = tenant.compact(&by()).await.unwrap();
        assert!(done.observations >= 5 && done.begins.is_none(), "{done:?}");
        let left = store.journal(&acme(), 0, usize::try_from(made.start.seq).unwrap()).await.unwrap();
        let said = |(entry, payload): &(accordant::journal::Entry, Option<accordant::journal::Payload>)| {
            *entry.kind == *"observed" && payload.is_some()
        };
        assert!(!left.iter().any(said));
        assert!(store.journal(&acme(), 0, usize::MAX).await.unwrap().len() > entries, "entries stay");
        assert_eq!(replayed(&tenant).await, whole);
        assert_clean(&tenant, "after observations expired").await;
        assert!(matches!(tenant.as_of(then).inspect_erased(one).await, Err(Error::Compacted { .. })));
        let told = tenant.history(one, None, 1_000).await.unwrap().happenings;
        assert!(told.iter().any(|one| *one.kind == *"settled" && one.at == then.timestamp_millis()), "{told:?}");
        // Nothing is due again.
        assert_eq!(tenant.compact(&by()).await.unwrap().observations, 0);
    });
}

/// What checkpoints tell goes as well, once a later one tells it all: a journal that is kept for ever does not hold the state for each
/// of its quarters.
#[test]
fn what_former_checkpoints_told_goes_with_the_observations_they_stood_for() {
    let (clock, store) = (clock(), MemoryStore::new());
    let configured = configured(Variant::default(), store.clone(), &clock, 7).checkpoint_keys(key("2026", 1));
    let tenant = configured.retention(kept_for(None, Some(TimeDelta::days(90)))).build().unwrap().tenant("acme");
    block_on(async {
        let (one, _) = town(&tenant).await;
        let whole = replayed(&tenant).await;
        for _ in 0..24 {
            tenant.compact(&by()).await.unwrap();
            clock.advance(TimeDelta::days(23));
        }
        let entries = store.journal(&acme(), 0, usize::MAX).await.unwrap();
        let made = entries.iter().filter(|(entry, _)| *entry.kind == *"checkpoint").count();
        let told = entries.iter().filter(|(entry, _)| *entry.kind == *"state_told" && *entry.subject == *"model");
        let kept = told.filter(|(_, payload)| payload.is_some()).count();
        assert_eq!((made, kept), (24, 5), "four quarters, and the one before them");
        let row = RowKey::new(Table::Meta, "compaction");
        let row = store.load(&acme(), &[row]).await.unwrap().remove(0).unwrap();
        let row: serde_json::Value = serde_json::from_slice(&row.value).unwrap();
        assert_eq!(row["made"].as_array().unwrap().len(), kept);
        assert_eq!(replayed(&tenant).await, whole);
        assert_clean(&tenant, "after two years").await;
        let told = tenant.history(one, None, 1_000).await.unwrap().happenings;
        assert!(told.iter().all(|one| *one.kind != *"state_told" && *one.kind != *"begins"), "{told:?}");
        tenant.erase(one, &by(), "request 7").await.unwrap();
        assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new());
        assert_clean(&tenant, "after an erasure").await;
    });
}

#[test]
fn a_compaction_that_is_interrupted_anywhere_is_finished_by_the_next_step() {
    for after in [false, true] {
        for call in 0.. {
            let (clock, store) = (clock(), MemoryStore::new());
            let tenant = a_year(store.clone(), &clock, 7);
            let done = block_on(async {
                town(&tenant).await;
                let whole = replayed(&tenant).await;
                let failing = Watched::new(store.clone(), FailsOnce::at(call, after));
                let interrupted = a_year(failing, &clock, 8);
                let first = interrupted.compact(&by()).await;
                clock.advance(YEAR);
                let second = match first {
                    Ok(_) => interrupted.compact(&by()).await.map(drop),
                    Err(error) => Err(error),
                };
                // At every moment, it opens, and what is stored is what the journal adds up to.
                let next = a_year(store.clone(), &clock, 9);
                assert_clean(&next, &format!("interrupted at call {call}, after: {after}")).await;
                assert_eq!(replayed(&next).await, whole);
                drop(next.step().await.unwrap());
                next.compact(&by()).await.unwrap();
                clock.advance(YEAR);
                next.compact(&by()).await.unwrap();
                let first = store.journal(&acme(), 0, 1).await.unwrap().remove(0).0;
                let begins = next.verify().await.unwrap().begins.unwrap();
                assert_eq!(first.seq, begins.start.seq + 1, "call {call}, after: {after}");
                assert_eq!(replayed(&next).await, whole);
                second.is_ok()
            });
            if done {
                assert!(call > 20, "it has many calls: {call}");
                break;
            }
        }
    }
}

/// A tenant whose journal was compacted moves as any other: the same bytes, whichever store held it.
#[test]
#[cfg(feature = "sqlite")]
fn a_compacted_tenant_moves_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    let file = accordant::store::SqliteStore::open(folder.path().join("store.db")).unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    block_on(async {
        town(&tenant).await;
        let done = compacted(&tenant, &clock).await;
        let whole = replayed(&tenant).await;
        export(&store, &acme(), &here, |_| {}).await.unwrap();
        let moved = import(&file, &acme(), &here, |_| {}).await.unwrap();
        assert_eq!(moved.entries, done.left.entries + 1, "with the entry that tells of the compaction");
        export(&file, &acme(), &there, |_| {}).await.unwrap();
        assert!(std::fs::read(&here).unwrap() == std::fs::read(&there).unwrap(), "the exports differ");
        let tenant = a_year(file, &clock, 9);
        assert_clean(&tenant, "where it moved to").await;
        assert_eq!(replayed(&tenant).await, whole);
        says(&tenant, "crm", &[record("3", 9, json!({ "email": "cy@acme.test" }))]).await.unwrap();
        assert!(tenant.entity_of(&RecordRef::new("crm", "contacts", "3")).await.unwrap().is_some());
        assert_clean(&tenant, "after life went on").await;
    });
}

#[test]
fn a_letter_that_was_dealt_with_goes_after_half_a_year_and_one_that_waits_stays() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        town(&tenant).await;
        let letters = tenant.dead_letters().await.unwrap();
        assert!(letters.len() >= 2);
        tenant.discard_dead_letter(&letters[0].0, &by(), "nobody needs it").await.unwrap();
        let steps = async || while tenant.step().await.unwrap().more() {};
        clock.advance(TimeDelta::days(182));
        steps().await;
        let rows = async || store.scan(&acme(), Table::DeadLetter, "", None, 99).await.unwrap().len();
        assert_eq!(rows().await, letters.len());
        clock.advance(TimeDelta::days(2));
        steps().await;
        assert_eq!(rows().await, letters.len() - 1);
        let told = store.journal(&acme(), 0, usize::MAX).await.unwrap();
        assert_eq!(told.iter().filter(|(entry, _)| *entry.kind == *"dead_letter_expired").count(), 1);
        assert_eq!(tenant.dead_letters().await.unwrap().len(), letters.len() - 1);
        assert_clean(&tenant, "after it expired").await;
    });
}

#[test]
fn the_size_of_the_journal_is_told_by_kind_and_for_each_event() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        assert_eq!(tenant.journal_sizes().await.unwrap().bytes_per_event(), None, "nobody said anything yet");
        town(&tenant).await;
        let (sizes, verified) = (tenant.journal_sizes().await.unwrap(), tenant.verify().await.unwrap());
        assert_eq!((sizes.whole.entries, sizes.whole.bytes), (verified.entries, verified.bytes));
        let kinds = || sizes.kinds.values();
        assert_eq!(kinds().map(|size| size.entries).sum::<u64>(), sizes.whole.entries);
        assert_eq!(kinds().map(|size| size.bytes).sum::<u64>(), sizes.whole.bytes);
        let heard = sizes.kinds["observed"].entries;
        assert_eq!((heard, sizes.bytes_per_event()), (5, Some(sizes.whole.bytes / 5)));
        assert!(sizes.to_string().contains("\nobserved: 5 entries, "), "{sizes}");
        // A repetition leaves nothing.
        says(&tenant, "crm", &[record("2", 1, json!({ "email": "ben@acme.test", "name": "Ben" }))]).await.unwrap();
        assert_eq!(tenant.journal_sizes().await.unwrap(), sizes);
    });
}

/// Nobody has to call: a step does, once a day.
#[test]
fn steps_compact_what_is_due() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        town(&tenant).await;
        for _ in 0..6 {
            while tenant.step().await.unwrap().more() {}
            clock.advance(TimeDelta::days(100));
        }
        assert!(tenant.verify().await.unwrap().begins.is_some());
        assert!(store.journal(&acme(), 0, 1).await.unwrap()[0].0.seq > 1);
        assert_clean(&tenant, "after steps alone").await;
    });
}

/// A store that cannot delete the journal's beginning, or cannot now.
struct NoCut(Arc<Mutex<Option<StoreFault>>>);

#[async_trait]
impl StoreWatch for NoCut {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        match *self.0.lock().unwrap() {
            Some(fault) if matches!(call, StoreCall::Cut) => Err(StoreError::database("test", fault, "as planned")),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_store_that_cannot_cut_keeps_the_journal_and_does_all_else() {
    let (clock, store) = (clock(), MemoryStore::new());
    let cannot = Arc::new(Mutex::new(Some(StoreFault::Refused)));
    let tenant = a_year(Watched::new(store.clone(), NoCut(cannot)), &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        tenant.checkpoint(&by()).await.unwrap();
        let then = at(clock.now());
        let letters = tenant.dead_letters().await.unwrap();
        tenant.discard_dead_letter(&letters[0].0, &by(), "nobody needs it").await.unwrap();
        clock.advance(YEAR);
        let before = dump(&store).await;
        let refused = tenant.compact(&by()).await.unwrap_err();
        assert!(matches!(refused, Error::Store { .. }), "{refused}");
        assert_eq!(dump(&store).await, before, "nothing is noted as gone");
        // It is told once a day, and keeps no step from anything.
        let kept = async || store.scan(&acme(), Table::DeadLetter, "", None, 99).await.unwrap().len();
        assert_eq!(kept().await, letters.len());
        assert!(matches!(tenant.step().await, Err(Error::Store { .. })));
        assert_eq!(kept().await, letters.len() - 1);
        assert!(!tenant.step().await.unwrap().more());
        assert!(tenant.as_of(then).inspect_erased(one).await.is_ok());
        assert_clean(&tenant, "with all of the journal").await;
    });
}

#[test]
fn what_could_not_be_compacted_is_compacted_by_the_next_step() {
    let (clock, store) = (clock(), MemoryStore::new());
    let fault = Arc::new(Mutex::new(None));
    let tenant = a_year(Watched::new(store.clone(), NoCut(Arc::clone(&fault))), &clock, 7);
    block_on(async {
        town(&tenant).await;
        while tenant.step().await.unwrap().more() {}
        clock.advance(YEAR);
        *fault.lock().unwrap() = Some(StoreFault::Unavailable);
        assert!(matches!(tenant.step().await, Err(Error::Store { .. })));
        assert!(tenant.verify().await.unwrap().begins.is_none());
        *fault.lock().unwrap() = None;
        while tenant.step().await.unwrap().more() {}
        assert!(tenant.verify().await.unwrap().begins.is_some());
        assert_clean(&tenant, "after the next step").await;
    });
}

/// Whoever is cut off while telling the state has not told in vain: the next goes on, and tells no row twice.
#[test]
fn a_checkpoint_that_is_cut_off_is_gone_on_with() {
    for call in 0.. {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = a_year(store.clone(), &clock, 7);
        let done = block_on(async {
            town(&tenant).await;
            let failing = Watched::new(store.clone(), FailsOnce::at(call, false));
            let first = a_year(failing, &clock, 8).checkpoint(&by()).await;
            if first.is_err() {
                a_year(store.clone(), &clock, 9).checkpoint(&by()).await.unwrap();
            }
            assert_eq!(told_twice(&store).await, Vec::<String>::new(), "call {call}");
            clock.advance(YEAR);
            let done = tenant.compact(&by()).await.unwrap();
            assert!(done.begins.is_some() && done.kept.is_empty(), "call {call}: {done:?}");
            assert_clean(&tenant, "where it begins").await;
            first.is_ok()
        });
        if done {
            assert!(call > 10, "it has many calls: {call}");
            break;
        }
    }
}

#[test]
fn a_checkpoint_that_another_version_left_off_is_begun_anew() {
    let mut left_off = 0;
    for call in 0.. {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = a_year(store.clone(), &clock, 7);
        let done = block_on(async {
            town(&tenant).await;
            let failing = Watched::new(store.clone(), FailsOnce::at(call, false));
            let first = a_year(failing, &clock, 8).checkpoint(&by()).await;
            let key = RowKey::new(Table::Meta, "compaction");
            let row = store.load(&acme(), std::slice::from_ref(&key)).await.unwrap().remove(0);
            if let (Err(_), Some(row)) = (&first, row) {
                // It told other things by then, or in another order.
                let mut held: serde_json::Value = serde_json::from_slice(&row.value).unwrap();
                if let Some(making) = held["making"].as_object_mut() {
                    left_off += usize::from(making["parts"].as_u64() > Some(0));
                    making.insert("parts".to_owned(), json!(6));
                    making.insert("of".to_owned(), json!("what an older version told"));
                    let put = vec![(key, serde_json::to_vec(&held).unwrap())];
                    store.commit(&acme(), Commit { put, ..Commit::default() }).await.unwrap();
                }
            }
            a_year(store.clone(), &clock, 9).checkpoint(&by()).await.unwrap();
            clock.advance(YEAR);
            let done = tenant.compact(&by()).await.unwrap();
            assert!(done.begins.is_some() && done.kept.is_empty(), "call {call}: {done:?}");
            assert_clean(&tenant, "where it begins").await;
            first.is_ok()
        });
        if done {
            break;
        }
    }
    assert!(left_off > 2, "it was left off in the middle {left_off} times");
}

/// Of whom a checkpoint tells twice.
async fn told_twice(store: &MemoryStore) -> Vec<String> {
    let told = dump(store).await.into_iter().filter(|line| line.contains(" state_told "));
    let mut rows: Vec<String> = told.filter_map(|line| Some(line.split_once(" state_told ")?.1.to_owned())).collect();
    rows.sort();
    rows.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect()
}
