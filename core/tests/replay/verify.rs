//! Verification names what was tampered with.

use accordant::engine::{Compared, Difference};
use accordant::error::Error;
use accordant::id::TenantId;
use accordant::journal::Entry;
use accordant::store::{Commit, MemoryStore, RowKey, Store as _, Table};
use accordant::testing::{StoreWatch, Watched};
use futures::executor::block_on;
use serde_json::json;

use crate::support::{Variant, clock, open, record, says};

fn filled() -> (accordant::engine::Tenant, MemoryStore) {
    let store = MemoryStore::new();
    let tenant = open(Variant::default(), store.clone(), &clock(), 1).tenant("acme");
    block_on(async {
        let ana = json!({ "email": "ana@acme.test", "name": "Ana", "balance": "1", "tags": ["a", "b"] });
        says(&tenant, "crm", &[record("1", 10, ana.clone())]).await.unwrap();
        says(&tenant, "erp", &[record("7", 10, ana)]).await.unwrap();
        let other = json!({ "email": "ana@acme.test", "name": "Anna" });
        says(&tenant, "shop", &[record("3", 12, other)]).await.unwrap();
    });
    (tenant, store)
}

fn id() -> TenantId {
    TenantId::new("acme")
}

fn rows(store: &MemoryStore, table: Table) -> Vec<accordant::store::Row> {
    block_on(store.scan(&id(), table, "", None, 100)).unwrap()
}

fn put(store: &MemoryStore, table: Table, key: &str, value: Vec<u8>) {
    let commit = Commit { put: vec![(RowKey::new(table, key), value)], ..Commit::default() };
    block_on(store.commit(&id(), commit)).unwrap();
}

#[test]
fn a_clean_store_verifies_and_says_so_in_one_line() {
    let (tenant, _) = filled();
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{:?}", verified.differences);
    assert_eq!(verified.entities, 1);
    assert_eq!(verified.records, 3);
    let line = verified.to_string();
    assert!(line.starts_with("verified: ") && line.contains("1 entity, 3 records, "), "{line}");
}

#[test]
fn an_altered_golden_value_is_named_without_its_content() {
    let (tenant, store) = filled();
    let row = rows(&store, Table::Entity).remove(0);
    let text = String::from_utf8(row.value).unwrap().replacen(
        "\"golden\":{\"balance\":{\"field\":\"1\"",
        "\"golden\":{\"balance\":{\"field\":\"99\"",
        1,
    );
    put(&store, Table::Entity, &row.key, text.into_bytes());
    let verified = block_on(tenant.verify()).unwrap();
    let [Difference::Entity { part, name, compared, .. }] = verified.differences.as_slice() else {
        panic!("{:?}", verified.differences)
    };
    assert_eq!((*part, name.as_str(), *compared), ("golden value", "balance", Compared::Differs));
    assert!(!format!("{verified} {}", verified.differences[0]).contains("99"));
}

#[test]
fn missing_and_unaccounted_rows_are_named() {
    let (tenant, store) = filled();
    let link = rows(&store, Table::Link).remove(0);
    let other = rows(&store, Table::Representation).remove(1);
    let dispute = rows(&store, Table::Discrepancy).remove(0);
    let delete = vec![
        RowKey::new(Table::Link, link.key.clone()),
        RowKey::new(Table::Representation, other.key.clone()),
        RowKey::new(Table::Discrepancy, dispute.key),
    ];
    block_on(store.commit(&id(), Commit { delete, ..Commit::default() })).unwrap();
    put(&store, Table::Link, "crm\u{1f}contacts\u{1f}404", link.value);
    let verified = block_on(tenant.verify()).unwrap();
    let named: Vec<String> = verified.differences.iter().map(ToString::to_string).collect();
    assert_eq!(named.len(), 4, "{named:?}");
    assert!(named.contains(&"crm/contacts/1: link missing in the store".to_owned()), "{named:?}");
    assert!(named.contains(&"crm/contacts/404: link not in the journal".to_owned()), "{named:?}");
    assert!(named.contains(&"erp/customer/7: the whole missing in the store".to_owned()), "{named:?}");
    assert!(named.iter().any(|name| name.starts_with("discrepancy ")), "{named:?}");
}

/// A store whose journal has lost an entry.
struct Holed;

impl StoreWatch for Holed {
    fn holds(&self, entry: &Entry) -> bool {
        entry.seq != 3
    }
}

#[test]
fn a_broken_chain_is_an_error() {
    let (_, store) = filled();
    let tenant = open(Variant::default(), Watched::new(store, Holed), &clock(), 1).tenant("acme");
    let Err(Error::Journal(broken)) = block_on(tenant.verify()) else { panic!("the chain has a gap") };
    assert_eq!(broken.seq, 4);
}

#[test]
fn erased_entries_are_skipped_and_counted() {
    let (tenant, store) = filled();
    let erased = block_on(store.erase(&id(), "shop/customers/3")).unwrap();
    assert_eq!(erased, 1);
    let verified = block_on(tenant.verify()).unwrap();
    assert_eq!(verified.erased, 1);
    // The journal no longer knows the record: its row must be erased too.
    let named: Vec<String> = verified.differences.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["shop/customers/3: the whole not in the journal"]);
    let row = rows(&store, Table::Representation).remove(2);
    let delete = vec![RowKey::new(Table::Representation, row.key)];
    block_on(store.commit(&id(), Commit { delete, ..Commit::default() })).unwrap();
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[test]
fn futures_can_be_sent() {
    fn sendable<T: Send>(_: T) {}
    let (tenant, _) = filled();
    let actor = accordant::id::Actor::new("ana");
    sendable(tenant.replay());
    sendable(tenant.verify());
    sendable(tenant.rederive());
    sendable(tenant.model_change());
    sendable(tenant.accept_model(&actor));
}
