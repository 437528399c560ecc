//! An identity attribute is migrated, and those who shared a value share what is made of it.

use accordant::engine::{CaseFilter, CaseKind, Tenant};
use accordant::model::{At, EntityModel, SystemObject, TypedAttribute};
use accordant::store::MemoryStore;
use futures::executor::block_on;
use serde_json::json;

use super::{Grade, SYSTEMS, ToGrade, ana, assert_clean, under};
use crate::support::{Word, clock, record, says};

fn model(graded: bool) -> EntityModel {
    let mut model = EntityModel::new("customer");
    for (system, object) in SYSTEMS {
        model.object(SystemObject::new(system, object));
    }
    if graded {
        let email = TypedAttribute::<Grade>::new("email").identity().at(At::path("crm", "email"));
        model.attribute(email.migrated("email", ToGrade));
    } else {
        model.attribute(TypedAttribute::<Word>::new("email").identity().at(At::path("crm", "email")));
    }
    model
}

fn shared(tenant: &Tenant) -> Vec<String> {
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 100)).unwrap();
    page.cases
        .into_iter()
        .filter(|case| case.kind == CaseKind::SharedIdentity)
        .map(|case| case.key.to_string())
        .collect()
}

#[test]
fn the_case_of_a_shared_value_is_that_of_what_it_became() {
    let (store, clock) = (MemoryStore::new(), clock());
    let former = under(model(false), store.clone(), &clock);
    let said = |id: &str, at: i64, email: &str| record(id, at, json!({ "email": email }));
    block_on(says(&former, "crm", &[said("1", 1, "a@acme.test"), said("2", 1, "b@acme.test")])).unwrap();
    block_on(says(&former, "crm", &[said("2", 2, "a@acme.test")])).unwrap();
    let before = shared(&former);
    assert_eq!(before.len(), 1);
    let tenant = under(model(true), store, &clock);
    block_on(tenant.accept_model(&ana())).unwrap();
    let after = shared(&tenant);
    assert_eq!(after.len(), 1, "one thing, one case: {after:?}");
    assert_ne!(before, after);
    let told = |key: &str| {
        let told = block_on(tenant.case_history(key)).unwrap();
        told.iter().map(|one| one.kind.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told(&before[0]), ["case_opened", "case_gone"]);
    assert_eq!(told(&after[0]), ["case_opened"]);
    assert_clean(&tenant);
    block_on(says(&tenant, "crm", &[said("2", 3, "c@acme.test")])).unwrap();
    assert_eq!(shared(&tenant), Vec::<String>::new());
    assert_clean(&tenant);
}
