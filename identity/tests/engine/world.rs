//! Customers of three systems that have no key in common.

use std::collections::{BTreeMap, BTreeSet};

use accordant::engine::{Builder, Case, CaseFilter, CaseKind, Tenant, Trained};
use accordant::matching::Matching;
use accordant::testing::{Story, entities};
use accordant::{Actor, Canonical, EntityId, RecordRef};
use accordant_identity::engine::FellegiSunter;
use accordant_identity::testing::{COLUMNS, Generated, customers};
use futures::executor::block_on;
use serde_json::{Value as Json, json};

/// A customer. No attribute identifies.
#[derive(Canonical, Clone, Debug)]
#[expect(dead_code, reason = "the engine knows the model, and no customer is made here")]
#[canonical(entity = "customer")]
#[canonical(system(crm, object = "contacts"), system(shop, object = "customers"))]
#[canonical(system(erp, object = "accounts", required))]
pub(crate) struct Customer {
    #[canonical(resolve(latest), at(crm = "company", shop = "company", erp = "company"))]
    pub company: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "first_name", shop = "first_name", erp = "first_name"))]
    pub first_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "last_name", shop = "last_name", erp = "last_name"))]
    pub last_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "email", shop = "email", erp = "email"))]
    pub email: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "phone", shop = "phone", erp = "phone"))]
    pub phone: Option<String>,
    #[canonical(resolve(latest), at(crm = "domain", shop = "domain", erp = "domain"))]
    pub domain: Option<String>,
    #[canonical(resolve(latest), at(crm = "street", shop = "street", erp = "street"))]
    pub street: Option<String>,
    #[canonical(resolve(latest), at(crm = "city", shop = "city", erp = "city"))]
    pub city: Option<String>,
    #[canonical(resolve(latest), at(crm = "postcode", shop = "postcode", erp = "postcode"))]
    pub postcode: Option<String>,
    #[canonical(resolve(latest), at(crm = "country", shop = "country", erp = "country"))]
    pub country: Option<String>,
}

/// Who decides.
pub(crate) fn ana() -> Actor {
    Actor::new("ana")
}

/// What a consultant writes.
pub(crate) fn matched(builder: Builder) -> Builder {
    builder.match_by(Matching::of::<Customer>(FellegiSunter::new()))
}

/// Generated records, each system holding a customer once: what it holds twice is left out.
pub(crate) fn records(number: usize, seed: u64) -> Vec<Generated> {
    let mut seen = BTreeSet::new();
    let mut records = customers(number, seed);
    records.retain(|record| seen.insert((record.entity, record.values[0].clone())));
    records
}

/// What a system says of a generated record.
pub(crate) fn body(record: &Generated) -> Json {
    let values = COLUMNS.iter().zip(&record.values).skip(1).filter(|(_, value)| !value.is_empty());
    Json::Object(values.map(|(column, value)| ((*column).to_owned(), json!(value))).collect())
}

/// A generated record, as the engine calls it.
pub(crate) fn reference(record: &Generated) -> RecordRef {
    let object = match record.values[0].as_str() {
        "crm" => "contacts",
        "shop" => "customers",
        _ => "accounts",
    };
    RecordRef::new(&record.values[0], object, &record.id)
}

/// The story that systems tell these records, one after the other.
pub(crate) fn told(story: Story, records: &[Generated]) -> Story {
    records.iter().fold(story, |story, record| story.says(&record.values[0], &record.id, body(record)))
}

/// The same, of records that are there when the systems are read from end to end.
pub(crate) fn scanned(mut story: Story, records: &[Generated]) -> Story {
    for record in records {
        let RecordRef { connection, object, id } = reference(record);
        story.fake(connection.as_str()).edit(object.as_str(), &id, &body(record));
    }
    ["crm", "shop", "erp"].into_iter().fold(story, |story, system| story.scans(system))
}

/// Trains, and matches what is there.
pub(crate) fn trained(story: &mut Story) -> Trained {
    let trained = block_on(story.tenant().train_matcher("customer", &ana())).expect("they tell something");
    settled(&story.tenant());
    trained
}

/// Takes steps until there is nothing left to do.
pub(crate) fn settled(tenant: &Tenant) {
    for _ in 0..200 {
        if !block_on(tenant.step()).expect("the store works").more() {
            return;
        }
    }
    panic!("there is always more to do");
}

pub(crate) fn entity_of(tenant: &Tenant, record: &RecordRef) -> EntityId {
    block_on(tenant.entity_of(record)).expect("the store answers").expect("it is linked")
}

/// The entities, as the records that each holds.
pub(crate) fn groups(tenant: &Tenant) -> BTreeSet<BTreeSet<RecordRef>> {
    let groups = entities(tenant).into_iter().filter(|entity| entity.merged_into.is_none());
    groups.map(|entity| entity.links.iter().map(|link| (*link.record).clone()).collect()).collect()
}

/// The open matches.
pub(crate) fn matches(tenant: &Tenant) -> Vec<Case> {
    let filter = CaseFilter { kinds: vec![CaseKind::Match], ..CaseFilter::default() };
    block_on(tenant.open_cases(&filter, None, 1_000)).expect("the list").cases
}

/// How many pairs of records in one entity are one customer, and how many are not.
pub(crate) fn judged(groups: &BTreeSet<BTreeSet<RecordRef>>, records: &[Generated]) -> (usize, usize) {
    let truth: BTreeMap<RecordRef, u64> = records.iter().map(|record| (reference(record), record.entity)).collect();
    let (mut right, mut wrong) = (0, 0);
    for group in groups {
        for one in group {
            for other in group.range(one..).skip(1) {
                *(if truth.get(one) == truth.get(other) { &mut right } else { &mut wrong }) += 1;
            }
        }
    }
    (right, wrong)
}
