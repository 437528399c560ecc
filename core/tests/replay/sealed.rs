//! Sealed stores: nothing is stored in plain, and whoever was erased can be read in no copy that was made before.

use std::sync::Arc;

use accordant::clock::{ManualClock, SeededEntropy};
use accordant::engine::{Search, Tenant};
use accordant::error::Error;
use accordant::id::{RecordRef, TenantId};
use accordant::journal::{Entry, Head, Payload};
use accordant::seal::{KeyError, KeyId, MemoryKeys, SealError, SealKey, SealKeys, SealedStore, Secret};
use accordant::store::{Commit, MemoryStore, Row, RowKey, Store, StoreError, StoreFault, Table};
use accordant::testing::{FailsOnce, Turns, Watched};
use accordant::text::Text;
use accordant::transfer::{export, import};
use accordant::{Actor, EntityId};
use async_trait::async_trait;
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::erasure::{acme, assert_clean, canaries, dump, marked, nth, town};
use crate::properties::{step, take};
use crate::support::{Variant, clock, configured, open, record, says};

fn by() -> Actor {
    Actor::new("dpo")
}

/// A tenant whose store is sealed.
fn sealed(store: impl Store, keys: impl SealKeys, clock: &Arc<ManualClock>, seed: u64) -> Tenant {
    configured(Variant::default(), store, clock, seed).sealed(keys).build().unwrap().tenant("acme")
}

/// The seal of a store, as the engine has it.
fn seal(store: &MemoryStore, keys: &MemoryKeys) -> SealedStore {
    SealedStore::new(store.clone(), keys.clone()).entropy(SeededEntropy::new(99))
}

fn sealed_in(error: &Error) -> Option<&SealError> {
    match error {
        Error::Store { source: StoreError::Seal(error), .. } => Some(error),
        _ => None,
    }
}

/// What a store holds as it is stored: what whoever copies its files has.
struct Copy {
    rows: Vec<(Table, Row)>,
    entries: Vec<(Entry, Option<Payload>)>,
}

impl Copy {
    async fn of(store: &impl Store) -> Self {
        let mut rows = Vec::new();
        for table in Table::ALL {
            let scanned = store.scan(&acme(), table, "", None, usize::MAX).await.unwrap();
            rows.extend(scanned.into_iter().map(|row| (table, row)));
        }
        Self { rows, entries: store.journal(&acme(), 0, usize::MAX).await.unwrap() }
    }

    /// Everything in it that can be read with these keys, each row and payload for itself; and what cannot.
    async fn read(&self, keys: &MemoryKeys) -> (Vec<String>, Vec<SealError>) {
        let marker = RowKey::new(Table::Meta, "\u{1f}seal");
        let value = self.rows.iter().find(|(table, row)| *table == marker.table && row.key == marker.key);
        let value = value.map(|(_, row)| row.value.clone()).unwrap();
        let alone = async |row: Option<(RowKey, Vec<u8>)>| {
            let store = MemoryStore::new();
            let put = [(marker.clone(), value.clone())].into_iter().chain(row).collect();
            store.commit(&acme(), Commit { put, ..Commit::default() }).await.unwrap();
            store
        };
        let (mut read, mut gone) = (Vec::new(), Vec::new());
        let mut note = |one: Result<Vec<String>, StoreError>| match one {
            Ok(lines) => read.extend(lines),
            Err(StoreError::Seal(error)) => gone.push(error),
            Err(error) => panic!("{error}"),
        };
        for (table, row) in self.rows.iter().filter(|(_, row)| row.key != marker.key) {
            let store = alone(Some((RowKey::new(*table, row.key.clone()), row.value.clone()))).await;
            let rows = seal(&store, keys).scan(&acme(), *table, "", None, 9).await;
            note(rows.map(|rows| {
                assert_eq!(rows.len(), 1);
                rows.iter().map(|row| format!("{} {}", row.key, String::from_utf8_lossy(&row.value))).collect()
            }));
        }
        let mut start = Head::default();
        for (entry, payload) in &self.entries {
            let store = alone(None).await;
            store.take_over(&acme(), start, vec![(entry.clone(), payload.clone())]).await.unwrap().unwrap();
            start = Head { seq: entry.seq, digest: entry.digest };
            let page = seal(&store, keys).journal(&acme(), entry.seq - 1, 1).await;
            note(page.map(|page| {
                let payloads = page.into_iter().filter_map(|(_, payload)| payload);
                payloads.map(|payload| String::from_utf8_lossy(&payload.bytes).into_owned()).collect()
            }));
        }
        (read, gone)
    }
}

async fn of_crm(tenant: &Tenant, id: &str) -> EntityId {
    tenant.entity_of(&RecordRef::new("crm", "contacts", id)).await.unwrap().unwrap()
}

#[test]
fn whoever_is_erased_is_readable_in_no_copy_and_everybody_else_is_in_all() {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        let before = Copy::of(&store).await;
        let (read, gone) = before.read(&keys).await;
        assert!(gone.is_empty(), "{gone:?}");
        let mut of_others: Vec<&String> = read.iter().filter(|line| line.contains("ben@acme.test")).collect();
        assert!(canaries(&read).len() > 10 && of_others.len() > 3, "{read:?}");

        tenant.erase(one, &by(), "request 7").await.unwrap();
        let (left, gone) = before.read(&keys).await;
        assert_eq!(canaries(&left), Vec::<&String>::new());
        assert!(gone.iter().all(|error| matches!(error, SealError::KeyGone { .. })), "{gone:?}");
        assert!(gone.iter().any(|error| error.to_string().contains("crm/contacts/1")), "{gone:?}");
        of_others.retain(|line| !left.contains(line));
        assert_eq!(of_others, Vec::<&String>::new(), "what is told of others is read as before");

        // What stands is read by whoever comes new, and the person stays away.
        assert_clean(&tenant, "after the erasure").await;
        assert_clean(&sealed(store.clone(), keys.clone(), &clock, 8), "for somebody new").await;
        assert!(tenant.erase(one, &by(), "request 7").await.unwrap().already);
        assert_clean(&tenant, "after it was said again").await;
        // The next one finds what was kept for the first.
        let ben = of_crm(&tenant, "2").await;
        let between = Copy::of(&store).await;
        tenant.erase(ben, &by(), "request 8").await.unwrap();
        for copy in [&before, &between] {
            let (left, _) = copy.read(&keys).await;
            assert!(!left.iter().any(|line| line.to_lowercase().contains("ben")), "{left:?}");
        }
        assert_clean(&tenant, "after both").await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// After any history: a copy that was made before an erasure tells nothing that the records of the person said, everything
    /// that stands is read, and what was settled is what it would be without a seal.
    #[test]
    fn after_any_history_no_copy_tells_of_the_person(
        before in vec(step(), 1..8), place in 0usize..6, after in vec(step(), 0..3),
    ) {
        let (clock, plain_clock) = (clock(), clock());
        let (store, keys) = (MemoryStore::new(), MemoryKeys::new());
        let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
        let plain = open(Variant::default(), MemoryStore::new(), &plain_clock, 7).tenant("acme");
        block_on(async {
            for (round, step) in before.iter().enumerate() {
                take(&tenant, &marked(step, round)).await;
                take(&plain, &marked(step, round)).await;
                clock.advance(TimeDelta::seconds(1));
                plain_clock.advance(TimeDelta::seconds(1));
            }
            let count = async |tenant: &Tenant| {
                let replayed = tenant.replay().await.unwrap();
                (replayed.entities.len(), replayed.representations.len())
            };
            prop_assert_eq!(count(&tenant).await, count(&plain).await);
            let Some(id) = nth(&tenant, place).await else { return Ok(()) };
            let copy = Copy::of(&store).await;
            let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
            assert_clean(&tenant, "after the erasure").await;
            let (left, _) = copy.read(&keys).await;
            for record in &erased.records {
                let canary = format!("canary-{}-{}-", record.connection, record.id);
                let found: Vec<&String> = left.iter().filter(|line| line.contains(&canary)).collect();
                prop_assert!(found.is_empty(), "{canary} of {erased:?} in {found:?}");
            }
            for (round, step) in after.iter().enumerate() {
                take(&tenant, &marked(step, 100 + round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            assert_clean(&sealed(store.clone(), keys.clone(), &clock, 8), "after life went on").await;
            Ok(())
        })?;
    }
}

/// Keys that fail at one call, before or after it took effect: the same count as the store's.
#[derive(Clone)]
struct Failing {
    keys: MemoryKeys,
    fails: FailsOnce,
}

impl Failing {
    fn fails(&self, after: bool) -> Result<(), KeyError> {
        let failed = |error| KeyError::new("do as told", StoreFault::Unavailable, error);
        self.fails.call(after).map_err(failed)
    }
}

#[async_trait]
impl SealKeys for Failing {
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError> {
        self.keys.current(tenant, scopes).await
    }

    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError> {
        self.keys.secrets(tenant, keys).await
    }

    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError> {
        self.fails(false)?;
        let made = self.keys.create(tenant, keys).await?;
        self.fails(true)?;
        Ok(made)
    }

    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError> {
        self.fails(false)?;
        self.keys.keep(tenant, scope, keys).await?;
        self.fails(true)
    }

    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError> {
        self.fails(false)?;
        let old = self.keys.retire(tenant, scopes).await?;
        self.fails(true)?;
        Ok(old)
    }

    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError> {
        self.fails(false)?;
        self.keys.destroy(tenant, keys).await?;
        self.fails(true)
    }
}

#[test]
fn an_erasure_that_is_interrupted_anywhere_leaves_no_copy_readable_once_it_is_finished() {
    for after in [false, true] {
        for call in 0.. {
            let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
            let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
            let done = block_on(async {
                let (one, _) = town(&tenant).await;
                let copy = Copy::of(&store).await;
                let fails = FailsOnce::at(call, after);
                let watched = Watched::new(store.clone(), fails.clone());
                let failing = sealed(watched, Failing { keys: keys.clone(), fails }, &clock, 8);
                let outcome = failing.erase(one, &by(), "request 7").await;
                // The next process does what is left, and everything that stands is read.
                let next = sealed(store.clone(), keys.clone(), &clock, 9);
                while next.step().await.unwrap().more() {}
                if next.replay().await.unwrap().entities.len() > 1 {
                    next.erase(one, &by(), "request 7").await.unwrap();
                }
                assert_clean(&next, &format!("call {call}, after: {after}")).await;
                let (left, _) = copy.read(&keys).await;
                assert_eq!(canaries(&left), Vec::<&String>::new(), "call {call}, after: {after}");
                assert!(left.iter().any(|line| line.contains("ben@acme.test")));
                outcome.is_ok()
            });
            if done {
                assert!(call > 20, "{call} calls");
                break;
            }
        }
    }
}

/// Whoever seals while keys are retired and destroyed loses nothing, wherever in between.
#[test]
fn what_another_process_writes_while_keys_go_stays_readable() {
    for calls in 0.. {
        let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
        let other = sealed(store.clone(), keys.clone(), &clock, 6);
        let watched = Watched::new(store.clone(), Turns::default());
        let tenant = sealed(watched.clone(), keys.clone(), &clock, 7);
        let passed = block_on(async {
            let (one, _) = town(&tenant).await;
            // The other one remembers the keys of before.
            says(&other, "crm", &[record("2", 2, json!({ "email": "ben@acme.test", "name": "Benedict" }))])
                .await
                .unwrap();
            let writes = other.clone();
            watched.watch().happens_after(calls, async move {
                let said = json!({ "email": "ben@acme.test", "name": "Benjamin" });
                says(&writes, "crm", &[record("2", 3, said)]).await.unwrap();
                let new = json!({ "email": "cy@acme.test", "name": "Cy" });
                says(&writes, "crm", &[record("3", 3, new)]).await.unwrap();
            });
            tenant.erase(one, &by(), "request 7").await.unwrap();
            let passed = watched.watch().have_passed();
            if passed {
                let somebody_new = sealed(store.clone(), keys.clone(), &clock, 8);
                for reader in [&tenant, &other, &somebody_new] {
                    assert_clean(reader, &format!("after {calls} calls")).await;
                }
                let plain = dump(&seal(&store, &keys)).await;
                assert!(plain.iter().any(|line| line.contains("Benjamin")));
                assert!(plain.iter().any(|line| line.contains("cy@acme.test")));
                assert_eq!(canaries(&plain), Vec::<&String>::new());
            }
            passed
        });
        if !passed {
            assert!(calls > 20, "{calls} calls");
            break;
        }
    }
}

#[test]
#[cfg(feature = "sqlite")]
fn no_value_is_in_the_files_of_a_sealed_store_nor_a_key_beside_its_master() {
    use accordant::seal::SqliteKeys;

    let (stored, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = accordant::SqliteStore::open(stored.path().join("store.db")).unwrap();
    let keys = SqliteKeys::open(kept.path().join("keys.db"), Secret([5; 32])).unwrap();
    let clock = clock();
    let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
    let bytes = |folder: &tempfile::TempDir| -> Vec<u8> {
        let files = std::fs::read_dir(folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    };
    let holds =
        |bytes: &[u8], word: &str| bytes.to_ascii_lowercase().windows(word.len()).any(|one| one == word.as_bytes());
    block_on(async {
        let (one, _) = town(&tenant).await;
        let found = bytes(&stored);
        assert!(holds(&found, "crm/contacts/1"), "ids are no values");
        for value in ["canary", "acme.test", "ben@"] {
            assert!(!holds(&found, value), "{value} in the store's files");
        }
        let found = bytes(&kept);
        let tenant_key = keys.current(&acme(), &["tenant".into()]).await.unwrap().remove(0).unwrap();
        assert!(found.windows(16).any(|bytes| bytes == tenant_key.id.0), "its name is there");
        assert!(!found.windows(32).any(|bytes| bytes == tenant_key.secret.0), "a key in plain");
        assert!(SqliteKeys::open(kept.path().join("keys.db"), Secret([6; 32])).is_err(), "another master key");

        // A copy of both files, as a backup would have it; then she is erased.
        let copied = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(stored.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copied.path().join(file.file_name())).unwrap();
        }
        let subject: Text = "subject/crm/contacts/1".into();
        let hers = keys.current(&acme(), std::slice::from_ref(&subject)).await.unwrap().remove(0).unwrap();
        assert!(bytes(&kept).windows(16).any(|bytes| bytes == hers.id.0));
        tenant.erase(one, &by(), "request 7").await.unwrap();
        assert!(!bytes(&kept).windows(16).any(|bytes| bytes == hers.id.0), "her key's row is overwritten");
        assert_clean(&tenant, "after the erasure").await;
        let old = accordant::SqliteStore::open(copied.path().join("store.db")).unwrap();
        let restored = SealedStore::new(old, keys.clone());
        let key = RowKey::new(Table::Representation, "crm\u{1f}contacts\u{1f}1");
        let gone = restored.load(&acme(), &[key]).await.unwrap_err();
        assert!(
            matches!(&gone, StoreError::Seal(SealError::KeyGone { scope }) if scope.as_str() == "crm/contacts/1"),
            "{gone}"
        );
        let key = RowKey::new(Table::Representation, "crm\u{1f}contacts\u{1f}2");
        let row = restored.load(&acme(), &[key]).await.unwrap().remove(0).unwrap();
        assert!(holds(&row.value, "ben@acme.test"));
        drop(restored);
        assert!(!holds(&bytes(&copied), "canary"));
    });
}

#[test]
fn a_tenant_is_opened_as_it_was_written_or_not_at_all() {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    block_on(async {
        let said = [record("1", 1, json!({ "email": "ana@acme.test", "name": "Ana" }))];
        let more = [record("1", 2, json!({ "email": "ana@acme.test", "name": "Anna" }))];
        let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
        says(&tenant, "crm", &said).await.unwrap();
        let id = of_crm(&tenant, "1").await;
        let before = dump(&store).await;

        // Without keys: neither written nor read, and nobody is told that nothing is there.
        let keyless = open(Variant::default(), store.clone(), &clock, 8).tenant("acme");
        for refused in [
            says(&keyless, "crm", &more).await.map(drop).unwrap_err(),
            keyless.inspect_erased(id).await.map(drop).unwrap_err(),
            keyless.find_erased("customer", "email", "ana@acme.test").await.map(drop).unwrap_err(),
            keyless.verify().await.map(drop).unwrap_err(),
            keyless.accept_model(&by()).await.map(drop).unwrap_err(),
        ] {
            assert!(matches!(sealed_in(&refused), Some(SealError::Keyless)), "{refused:?}");
        }
        // With other keys.
        let stranger = MemoryKeys::new();
        let other = sealed(store.clone(), stranger.clone(), &clock, 8);
        let refused = says(&other, "crm", &more).await.map(drop).unwrap_err();
        assert!(
            matches!(sealed_in(&refused), Some(SealError::OtherKeys { tenant }) if *tenant == acme()),
            "{refused:?}"
        );
        assert_eq!(dump(&store).await, before);
        // With a key lost.
        let subject: Text = "subject/crm/contacts/1".into();
        let old = keys.retire(&acme(), &[subject]).await.unwrap().remove(0);
        keys.destroy(&acme(), &old).await.unwrap();
        let refused = sealed(store.clone(), keys, &clock, 8).inspect_erased(id).await.map(drop).unwrap_err();
        assert!(
            matches!(sealed_in(&refused), Some(SealError::KeyGone { scope }) if scope.as_str() == "crm/contacts/1"),
            "{refused:?}"
        );

        // And one that is not sealed, with keys.
        let plain = MemoryStore::new();
        says(&open(Variant::default(), plain.clone(), &clock, 7).tenant("acme"), "crm", &said).await.unwrap();
        let before = dump(&plain).await;
        let refused = says(&sealed(plain.clone(), stranger, &clock, 8), "crm", &more).await.map(drop).unwrap_err();
        assert!(
            matches!(sealed_in(&refused), Some(SealError::Unsealed { tenant }) if *tenant == acme()),
            "{refused:?}"
        );
        assert_eq!(dump(&plain).await, before);
    });
}

#[test]
fn what_was_altered_cut_short_or_put_elsewhere_is_found() {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    block_on(async {
        town(&sealed(store.clone(), keys.clone(), &clock, 7)).await;
        let row = async |id: &str| {
            let key = RowKey::new(Table::Representation, format!("crm\u{1f}contacts\u{1f}{id}"));
            let value = store.load(&acme(), std::slice::from_ref(&key)).await.unwrap().remove(0).unwrap().value;
            (key, value)
        };
        let ((key, sound), (_, other)) = (row("1").await, row("2").await);
        let mut altered = sound.clone();
        *altered.last_mut().unwrap() ^= 1;
        let mut spliced = sound[..38].to_vec();
        spliced.extend_from_slice(&other[38..]);
        for wrong in [altered, sound[..sound.len() - 1].to_vec(), sound[..20].to_vec(), spliced, other, b"{}".to_vec()]
        {
            let put = vec![(key.clone(), wrong)];
            store.commit(&acme(), Commit { put, ..Commit::default() }).await.unwrap();
            let refused = seal(&store, &keys).load(&acme(), std::slice::from_ref(&key)).await.unwrap_err();
            assert!(
                matches!(&refused, StoreError::Seal(SealError::Altered { scope }) if scope.as_str() == "crm/contacts/1"),
                "{refused:?}"
            );
        }
        let put = vec![(key.clone(), sound)];
        store.commit(&acme(), Commit { put, ..Commit::default() }).await.unwrap();
        assert_clean(&sealed(store.clone(), keys.clone(), &clock, 8), "as it was").await;
    });
}

#[test]
fn identity_values_are_found_whole_and_not_by_how_they_begin() {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
    block_on(async {
        town(&tenant).await;
        let search =
            Search { value: Some("ben@acme.test".into()), attribute: Some("email".into()), ..Search::default() };
        assert_eq!(tenant.search(&search, None, 10).await.unwrap().entities.len(), 1);
        let none = Search { value: Some("ben@acme".into()), ..search };
        assert!(tenant.search(&none, None, 10).await.unwrap().entities.is_empty());
        let seal = seal(&store, &keys);
        let all = seal.scan(&acme(), Table::Index, "customer\u{1f}email\u{1f}", None, 100).await.unwrap();
        assert!(all.iter().any(|row| row.key.ends_with("ben@acme.test")), "{all:?}");
        // Page by page, each once.
        let (mut found, mut after) = (Vec::new(), None::<Text>);
        while let Some(row) =
            seal.scan(&acme(), Table::Index, "customer\u{1f}", after.as_deref(), 1).await.unwrap().pop()
        {
            after = Some(row.key.clone());
            found.push(row);
        }
        assert_eq!(found, seal.scan(&acme(), Table::Index, "customer\u{1f}", None, 100).await.unwrap());
        let refused = seal.scan(&acme(), Table::Index, "customer\u{1f}email\u{1f}ben", None, 100).await.unwrap_err();
        assert!(matches!(refused, StoreError::Seal(SealError::Beginning)), "{refused:?}");
    });
}

/// From plain to sealed, from there to other keys, and back: the same journal, and everything that was stored.
#[test]
fn a_tenant_moves_between_sealed_and_other_stores() {
    let clock = clock();
    let plain = MemoryStore::new();
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let tenant = open(Variant::default(), plain.clone(), &clock, 7).tenant("acme");
        town(&tenant).await;
        let expected = tenant.verify().await.unwrap();
        let mut lines = dump(&plain).await;
        let (first, second) = ((MemoryStore::new(), MemoryKeys::new()), (MemoryStore::new(), MemoryKeys::new()));
        let path = |name: &str| folder.path().join(name);
        export(&plain, &acme(), &path("plain"), |_| {}).await.unwrap();
        import(&seal(&first.0, &first.1), &acme(), &path("plain"), |_| {}).await.unwrap();
        export(&seal(&first.0, &first.1), &acme(), &path("first"), |_| {}).await.unwrap();
        import(&seal(&second.0, &second.1), &acme(), &path("first"), |_| {}).await.unwrap();
        assert_eq!(canaries(&dump(&second.0).await), Vec::<&String>::new());
        let moved = sealed(second.0.clone(), second.1.clone(), &clock, 8);
        assert_eq!(moved.verify().await.unwrap(), expected);
        export(&seal(&second.0, &second.1), &acme(), &path("second"), |_| {}).await.unwrap();
        let back = MemoryStore::new();
        import(&back, &acme(), &path("second"), |_| {}).await.unwrap();
        let mut left = dump(&back).await;
        lines.sort();
        left.sort();
        assert_eq!(left, lines);

        // An export of what is stored is sealed as that is, and as unreadable once the keys are gone.
        export(&second.0, &acme(), &path("raw"), |_| {}).await.unwrap();
        assert!(!std::fs::read_to_string(path("raw")).unwrap().contains("canary"));
        let restored = MemoryStore::new();
        import(&restored, &acme(), &path("raw"), |_| {}).await.unwrap();
        assert_eq!(sealed(restored, second.1.clone(), &clock, 9).verify().await.unwrap(), expected);
    });
}
