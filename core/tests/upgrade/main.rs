//! Upgrades over checked-in stores: a store that a released version wrote is opened by this one, under models that
//! changed in between. Renaming, adding and retiring an attribute over a filled store plans no write.
//!
//! `core/tests/stores/v1.sqlite` was written by format 1. To write it anew, as long as no release has it:
//!
//! ```sh
//! cargo run -p accordant --example write_the_store
//! ```
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
#[path = "../replay/support.rs"]
#[allow(dead_code, reason = "another suite uses more of it")]
mod support;

use std::path::PathBuf;

use accordant::engine::Tenant;
use accordant::error::Error;
use accordant::id::Actor;
use accordant::plan::Scope;
use accordant::store::SqliteStore;
use chrono::TimeDelta;
use filled::{CUSTOMERS, checked_in, customer, fill};
use futures::executor::block_on;
use support::{Said, Variant, clock, open, record, says};

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

/// What the example writes is what is checked in: whoever changes what fills the store is told to write it anew.
#[test]
fn the_store_is_the_one_that_is_filled() {
    let clock = clock();
    let tenant = open(Variant::default(), accordant::store::MemoryStore::new(), &clock, 11).tenant("acme");
    fill(&tenant, &clock);
    let store = store();
    let checked_in = store.under(Variant::default());
    let all = |tenant: &Tenant| block_on(tenant.entities("customer", None, CUSTOMERS + 1)).unwrap();
    assert_eq!(all(&checked_in), all(&tenant));
    for id in all(&tenant) {
        let [stored, filled] = [&checked_in, &tenant].map(|tenant| block_on(tenant.inspect_erased(id)).unwrap());
        assert_eq!(stored, filled);
    }
}

#[test]
fn the_store_is_small() {
    assert!(std::fs::metadata(checked_in()).unwrap().len() < 200_000);
}
