//! A match that speaks against itself later is a case, with why.

use accordant::RecordRef;
use accordant::matching::Probability;
use accordant::testing::Story;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::world::{Customer, ana, entity_of, matched, matches, records, settled, told, trained};

#[test]
fn a_match_whose_record_is_somebody_else_by_now_is_asked_about_once() {
    let anna = || -> Json {
        json!({ "first_name": "Anna", "last_name": "Zandvliet", "email": "anna.zandvliet77@gmail.com",
                "phone": "+31 207654321", "street": "12 Kerk Lane", "city": "Zaandam", "postcode": "91234",
                "country": "nl" })
    };
    let peter = json!({ "first_name": "Peter", "last_name": "Quist", "email": "pquist@outlook.com",
                        "phone": "+49 301112223", "street": "3 Bahnhofstrasse", "city": "Berlin", "postcode": "10115",
                        "country": "de" });
    let mut story = told(Story::of::<Customer>().configure(matched), &records(300, 21))
        .says("crm", "anna", anna())
        .says("shop", "anna", anna());
    trained(&mut story);
    let pair = [RecordRef::new("crm", "contacts", "anna"), RecordRef::new("shop", "customers", "anna")];
    let entity = entity_of(&story.tenant(), &pair[0]);
    assert_eq!(entity, entity_of(&story.tenant(), &pair[1]), "they are matched");
    let mut story = story.says("shop", "anna", peter);
    let tenant = story.tenant();
    settled(&tenant);
    assert_eq!(entity, entity_of(&tenant, &pair[1]), "nothing is taken apart by itself");
    let of_them = |tenant: &accordant::Tenant| -> Vec<_> {
        matches(tenant).into_iter().filter(|case| case.records == pair).collect()
    };
    let [case] = &of_them(&tenant)[..] else { panic!("{:?}", matches(&tenant)) };
    let why = case.matched.as_ref().expect("it says why");
    assert!(
        pair.contains(why.doubted.as_ref().expect("the one that stands apart"))
            && why.probability < Probability::percent(50)
            && why.steps.len() > 3,
        "{why:?}"
    );
    block_on(tenant.answer_match(&case.key, false, &ana(), "the account was sold")).expect("it is open");
    settled(&tenant);
    assert_ne!(entity_of(&tenant, &pair[0]), entity_of(&tenant, &pair[1]));
    trained(&mut story);
    let tenant = story.tenant();
    assert_ne!(entity_of(&tenant, &pair[0]), entity_of(&tenant, &pair[1]));
    assert_eq!(of_them(&tenant).len(), 0);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}
