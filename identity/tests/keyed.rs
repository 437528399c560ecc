//! Keys go before scores: whom a key names is not put before a matcher.

use std::collections::BTreeSet;

use accordant::matching::Matching;
use accordant::testing::{Story, entities, journal};
use accordant::{Actor, Canonical, RecordRef};
use accordant_identity::engine::FellegiSunter;
use futures::executor::block_on;
use serde_json::json;

/// A person, some with a number that names them.
#[derive(Canonical, Clone, Debug)]
#[expect(dead_code, reason = "the engine knows the model, and no person is made here")]
#[canonical(entity = "person", system(crm, object = "contacts"), system(erp, object = "people"))]
struct Person {
    #[canonical(identity, resolve(latest), at(crm = "number", erp = "number"))]
    number: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "first_name", erp = "first_name"))]
    first_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "last_name", erp = "last_name"))]
    last_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "email", erp = "email"))]
    email: Option<String>,
}

const PERSONS: usize = 40;

/// Every other person has a number.
fn has_number(person: usize) -> bool {
    person.is_multiple_of(2)
}

#[test]
fn what_keys_link_is_not_matched() {
    let mut story =
        Story::of::<Person>().configure(|builder| builder.match_by(Matching::of::<Person>(FellegiSunter::new())));
    for person in 0..PERSONS {
        for system in ["crm", "erp"] {
            let first = ["Anna", "Peter", "Robert", "Maria", "Carl"][person % 5];
            let mut says = json!({
                "first_name": first,
                "last_name": format!("Visser{}", person / 5),
                "email": format!("person{person}@mail{person}.example"),
            });
            if has_number(person) {
                says["number"] = json!(format!("P{person:05}"));
            }
            story = story.says(system, &format!("{person}"), says);
        }
    }
    let tenant = story.tenant();
    let together = || {
        let linked = |person: usize| {
            let [one, other] = [("crm", "contacts"), ("erp", "people")]
                .map(|(system, object)| RecordRef::new(system, object, &person.to_string()))
                .map(|record| block_on(tenant.entity_of(&record)).expect("the store answers"));
            one.is_some() && one == other
        };
        (0..PERSONS).filter(|person| linked(*person)).collect::<BTreeSet<usize>>()
    };
    let by_key: BTreeSet<usize> = (0..PERSONS).filter(|person| has_number(*person)).collect();
    assert_eq!(together(), by_key, "keys need no model");
    block_on(tenant.train_matcher("person", &Actor::new("ana"))).expect("they tell something");
    while block_on(tenant.step()).expect("the store works").more() {}
    let all = together();
    assert!(all.is_superset(&by_key) && all.len() > by_key.len(), "who has no number is matched: {all:?}");
    // One match for each person without a number that was linked, and none about anybody else.
    let matched = journal(&tenant).into_iter().filter(|(entry, _)| entry.kind.as_str() == "matched").count();
    assert_eq!(matched, all.len() - by_key.len());
    let standing = entities(&tenant).into_iter().filter(|entity| entity.merged_into.is_none());
    assert!(standing.into_iter().all(|entity| entity.links.len() <= 2), "nobody is another");
}
