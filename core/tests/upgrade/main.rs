//! Upgrades over checked-in stores: a store that a released version wrote is opened by this one, under models that
//! changed in between. Renaming, adding and retiring an attribute over a filled store plans no write.
//!
//! `core/tests/stores/v1.sqlite` was written by format 1. To write it anew, as long as no release has it:
//!
//! ```sh
//! cargo test -p accordant --test upgrade -- --ignored write_the_store
//! ```
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../replay/support.rs"]
mod support;

use std::path::{Path, PathBuf};

use accordant::clock::ManualClock;
use accordant::engine::Tenant;
use accordant::error::Error;
use accordant::id::Actor;
use accordant::plan::Scope;
use accordant::store::SqliteStore;
use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::{Value as Json, json};
use support::{Said, Variant, clock, open, record, says};

const CUSTOMERS: usize = 7;

fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/v1.sqlite")
}

fn customer(n: usize) -> Json {
    json!({
        "email": format!("customer{n}@acme.test"), "name": format!("Customer {n}"), "balance": format!("{n}00"),
        "segment": if n.is_multiple_of(2) { "gold" } else { "basic" }, "fax": "555", "tags": ["new"],
        "street": format!("{n} Main Street"), "zip": "10115",
    })
}

/// Seven customers in three systems: one contradicts itself, one record is gone and one was merged; the others agree.
fn fill(tenant: &Tenant, clock: &ManualClock) {
    let with = |n: usize, key: &str, value: &str| {
        let mut fields = customer(n);
        fields[key] = value.into();
        fields
    };
    let say = |system, said: &[Said]| {
        block_on(says(tenant, system, said)).unwrap();
        clock.advance(TimeDelta::minutes(1));
    };
    let all =
        |prefix: &str| (0..CUSTOMERS).map(|n| record(&format!("{prefix}{n}"), 1_000, customer(n))).collect::<Vec<_>>();
    say("crm", &all("c"));
    say("erp", &all("e"));
    let mut shop = all("s");
    // They contradict each other from the beginning: that waits for a person.
    shop[2] = record("s2", 1_000, with(2, "segment", "silver"));
    say("shop", &shop);
    // A change that everyone followed.
    for (system, id) in [("crm", "c1"), ("shop", "s1"), ("erp", "e1")] {
        say(system, &[record(id, 2_000, with(1, "name", "Customer One"))]);
    }
    // Something late, a part, a death, a merge.
    say("erp", &[record("e3", 500, with(3, "name", "An old name"))]);
    let part = Said { part: true, ..record("c4", 3_000, json!({ "fax": "555" })) };
    say("crm", &[part]);
    say("shop", &[Said { kind: "deleted".into(), ..record("s5", 3_000, json!({})) }]);
    say("crm", &[Said { kind: "merged".into(), other: "c6b".into(), ..record("c6", 3_000, json!({})) }]);
    say("crm", &[record("c6b", 3_100, customer(6))]);
}

#[test]
#[ignore = "writes the checked-in store anew"]
fn write_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    let clock = clock();
    {
        let store = SqliteStore::open(&path).unwrap();
        let tenant = open(Variant::default(), store, &clock, 11).tenant("acme");
        fill(&tenant, &clock);
        assert!(block_on(tenant.verify()).unwrap().is_clean());
    }
    // One file without a log beside it.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    connection.execute_batch("PRAGMA page_size = 1024; VACUUM").unwrap();
    drop(connection);
    std::fs::create_dir_all(checked_in().parent().unwrap()).unwrap();
    std::fs::copy(&path, checked_in()).unwrap();
}

/// A copy of the checked-in store.
struct Store {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn store() -> Store {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    std::fs::copy(checked_in(), &path).unwrap();
    Store { _directory: directory, path }
}

impl Store {
    fn under(&self, variant: Variant) -> Tenant {
        let clock = clock();
        clock.advance(TimeDelta::days(1));
        open(variant, SqliteStore::open(&self.path).unwrap(), &clock, 12).tenant("acme")
    }
}

fn lines(tenant: &Tenant) -> Vec<String> {
    block_on(tenant.model_change()).unwrap().changes.iter().map(ToString::to_string).collect()
}

/// How many writes a plan over everything would make.
fn planned(tenant: &Tenant) -> usize {
    let plan = block_on(async { tenant.plan(Scope::default()).await }).unwrap();
    assert!(plan.parked.is_empty());
    assert!(plan.operations.is_empty(), "{:?}", plan.operations);
    plan.operations.len()
}

fn assert_clean(tenant: &Tenant) {
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    assert_eq!(verified.entities, CUSTOMERS);
}

/// The model changes in the way told, is refused until accepted, and then plans no write: neither at once, nor when the
/// systems say the same again.
fn upgrades(variant: Variant, told: &[&str]) {
    let store = store();
    let tenant = store.under(variant);
    assert_eq!(lines(&tenant), told);
    let again = || block_on(says(&tenant, "crm", &[record("c0", 5_000, customer(0))]));
    if !told.is_empty() {
        let Err(Error::ModelChanged { changes }) = again() else { panic!("written under another model") };
        assert_eq!(changes, told.join("; "));
        let plan = block_on(async { tenant.plan(Scope::default()).await });
        assert!(matches!(plan, Err(Error::ModelChanged { .. })), "a plan is a write too");
        let change = block_on(tenant.accept_model(&Actor::new("ana"))).unwrap();
        assert!(change.is_additive());
        assert!(lines(&tenant).is_empty());
    }
    assert_clean(&tenant);
    assert_eq!(planned(&tenant), 0);
    again().unwrap();
    let everyone: Vec<Said> = (0..CUSTOMERS).map(|n| record(&format!("e{n}"), 5_000, customer(n))).collect();
    block_on(says(&tenant, "erp", &everyone[3..])).unwrap();
    assert_clean(&tenant);
    assert_eq!(planned(&tenant), 0);
    // What was accepted stays so for the next process.
    drop(tenant);
    assert!(lines(&store.under(variant)).is_empty());
}

#[test]
fn the_same_model_goes_on() {
    upgrades(Variant::default(), &[]);
}

#[test]
fn a_renamed_attribute_plans_no_write() {
    upgrades(Variant { rename_segment: true, ..Variant::default() }, &["customer.tier: renamed, was segment"]);
}

#[test]
fn a_renamed_identity_plans_no_write() {
    upgrades(Variant { rename_email: true, ..Variant::default() }, &["customer.mail: renamed, was email"]);
}

#[test]
fn an_added_attribute_plans_no_write() {
    upgrades(Variant { add_phone: true, ..Variant::default() }, &["customer.phone: new"]);
}

#[test]
fn a_retired_attribute_plans_no_write() {
    upgrades(Variant { retire_fax: true, ..Variant::default() }, &["customer.fax: retired"]);
}

#[test]
fn all_at_once_plan_no_write() {
    upgrades(
        Variant { rename_segment: true, add_phone: true, retire_fax: true, ..Variant::default() },
        &["customer.tier: renamed, was segment", "customer.phone: new", "customer.fax: retired"],
    );
}

#[test]
fn a_retyped_attribute_is_unobserved_and_plans_no_write() {
    let store = store();
    let tenant = store.under(Variant { retype_segment: true, ..Variant::default() });
    let told = lines(&tenant);
    assert_eq!(told[0], "customer.segment: code 1, before word 1; stored values are unobserved until read again");
    let change = block_on(tenant.accept_model(&Actor::new("ana"))).unwrap();
    assert!(!change.is_additive());
    assert_clean(&tenant);
    assert_eq!(planned(&tenant), 0);
    let everyone: Vec<Said> = (0..CUSTOMERS).map(|n| record(&format!("c{n}"), 6_000, customer(n))).collect();
    block_on(says(&tenant, "crm", &everyone[4..])).unwrap();
    assert_clean(&tenant);
    assert_eq!(planned(&tenant), 0);
}

#[test]
fn the_store_is_small() {
    assert!(std::fs::metadata(checked_in()).unwrap().len() < 200_000);
}
