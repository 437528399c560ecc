//! Errors name what was wrong, what there is instead, and the row that was in the way.

use std::future::IntoFuture as _;
use std::sync::atomic::{AtomicBool, Ordering};

use accordant::store::{Commit, MemoryStore, RowKey, Store as _, Table};
use accordant::testing::{StoreWatch, Story, Watched};
use accordant::{Accordant, Actor, Error, Scope};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

#[test]
fn a_name_that_there_is_not_is_answered_with_those_that_there_are() {
    let tenant = ana().tenant();
    let said = |error: Error| error.to_string();
    let polled = block_on(tenant.poll("shpo")).expect_err("there is none");
    assert_eq!(said(polled), "no connection is named `shpo`; did you mean `shop`?");
    let polled = block_on(tenant.poll("sap")).expect_err("there is none");
    assert_eq!(said(polled), "no connection is named `sap`; known: `crm`, `netsuite`, `shop`");
    let found = block_on(tenant.find_erased("custmer", "email", "x")).expect_err("there is none");
    assert_eq!(said(found), "the model has no entity type `custmer`; did you mean `customer`?");
    let found = block_on(tenant.find_erased("customer", "emial", "x")).expect_err("there is none");
    assert_eq!(said(found), "customer has no attribute `emial`; did you mean `email`?");
    let found = block_on(tenant.find_erased("customer", "shoe size", "x")).expect_err("there is none");
    assert!(said(found).contains("known: `address`, `balance`, `company`"));
}

#[test]
fn a_plan_of_what_there_is_not_is_no_quiet_world() {
    let mut story = ana().says("netsuite", "7", json!({ "phone": "2", "tags": ["a", "b"], "zip": "2" }));
    let tenant = story.tenant();
    let planned = |request: accordant::PlanRequest| block_on(request.into_future());
    let all = || tenant.plan(Scope::default());
    let said = |request| planned(request).expect_err("there is none").to_string();
    assert_eq!(said(all().toward("netsiute")), "no connection is named `netsiute`; did you mean `netsuite`?");
    assert_eq!(said(all().attributes(&["phnoe"])), "the model has no attribute `phnoe`; did you mean `phone`?");
    let nobody = Scope::from(accordant::EntityId::from_parts(7, [0; 10]));
    assert!(matches!(planned(tenant.plan(nobody)), Err(Error::UnknownEntity { .. })));
    // A member stands for its group, a collection for its elements.
    let writes = |name: &str| planned(all().attributes(&[name])).expect("it is there").operations.len();
    assert_eq!((writes("phone"), writes("zip"), writes("address"), writes("tags")), (2, 2, 2, 2));
}

#[test]
fn a_row_that_cannot_be_read_is_named_without_its_value() {
    let store = MemoryStore::new();
    let mut story = Story::of::<Customer>().configure(|builder| builder.store(store.clone()));
    story = story.says("crm", "101", json!({ "email": "ana@acme.test" }));
    let tenant = story.tenant();
    let rows = block_on(store.scan(tenant.id(), Table::Index, "customer", None, 1)).expect("memory answers");
    let key = RowKey::new(Table::Index, rows[0].key.clone());
    assert!(key.key.contains("ana@acme.test"));
    let commit = Commit { put: vec![(key, b"{\"holders\":\"ana@acme.test\"".to_vec())], ..Commit::default() };
    block_on(store.commit(tenant.id(), commit)).expect("memory takes it");
    let error = block_on(tenant.find(Customer::EMAIL, "ana@acme.test")).expect_err("the row is broken");
    let chain = format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
    assert!(!chain.contains("ana@acme"), "{chain}");
    assert!(chain.starts_with("the index of customer.email cannot be read by this version"), "{chain}");
}

#[test]
fn a_configuration_lists_its_mistakes_a_line_each() {
    let Err(error) = Accordant::builder().entity::<Customer>().build() else { panic!("nothing is connected") };
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[0], "3 mistakes in the configuration");
    assert!(lines[1].contains("customer: system `crm` has no connection"), "{text}");
    assert!(std::error::Error::source(&error).is_none(), "nothing is said twice");
}

/// A store in which another worker is always faster.
struct Contended(RowKey);

impl StoreWatch for Contended {
    fn loses(&self, commit: &Commit) -> Option<RowKey> {
        commit.journal.iter().any(|draft| draft.kind == "observed").then(|| self.0.clone())
    }
}

#[test]
fn contention_names_the_row_that_was_lost() {
    let lost = |row: RowKey| {
        let contended = Watched::new(MemoryStore::new(), Contended(row));
        let mut story = Story::of::<Customer>().configure(|builder| builder.store(contended));
        let tenant = story.tenant();
        story.fake("crm").edit("contacts", "1", &json!({ "email": "ana@acme.test" }));
        let told = story.fake("crm").webhook("contacts", "1", 0);
        match block_on(tenant.receive("crm", told)) {
            Err(Error::Contended { key, .. }) => key.to_string(),
            other => panic!("it cannot win: {other:?}"),
        }
    };
    assert_eq!(lost(RowKey::new(Table::Link, "crm\u{1f}contacts\u{1f}1")), "link crm/contacts/1");
    // A row that is keyed by a value is named without it.
    let index = RowKey::new(Table::Index, "customer\u{1f}email\u{1f}ana@acme.test");
    assert_eq!(lost(index), "the index of customer.email");
}

/// A store in which another worker is faster once, when a plan is stored.
#[derive(Default)]
struct FasterOnce(AtomicBool);

impl StoreWatch for FasterOnce {
    fn loses(&self, commit: &Commit) -> Option<RowKey> {
        let plans = commit.journal.iter().any(|draft| draft.kind == "planned");
        (plans && !self.0.swap(true, Ordering::Relaxed)).then(|| RowKey::new(Table::Meta, "erased"))
    }
}

#[test]
fn a_plan_that_lost_a_race_is_made_again_and_can_be_approved() {
    let store = Watched::new(MemoryStore::new(), FasterOnce::default());
    let mut story = Story::of::<Customer>().configure(|builder| builder.store(store));
    story = story
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("crm", "101", json!({ "phone": "2" }));
    let tenant = story.tenant();
    let plan = block_on(tenant.plan(Scope::default()).into_future()).expect("it is made again");
    assert!(!plan.is_empty());
    assert_eq!(block_on(tenant.stored_plan(plan.hash)).expect("it is stored"), plan);
    block_on(tenant.approve(plan.hash, &Actor::new("ana"))).expect("it can be approved");
}
