//! What is declared of attributes, and what a training says of itself.

use std::collections::BTreeMap;

use accordant::matching::{MatcherError, Matching};
use accordant::testing::Story;
use accordant::{Canonical, EntityId, Error, RecordRef};
use accordant_identity::attribute::Kind;
use accordant_identity::blocking::{DeclaredRule, KeyForm, Rules};
use accordant_identity::comparison::Declared;
use accordant_identity::engine::FellegiSunter;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::world::{Customer, ana, entity_of, matches, records, settled, told, trained};

/// A customer whose mailbox is who they are.
#[derive(Canonical, Clone, Debug)]
#[expect(dead_code, reason = "the engine knows the model, and no member is made here")]
#[canonical(entity = "member", system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Member {
    #[canonical(pii, identity, at(crm = "email", shop = "email"))]
    email: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "first_name", shop = "first_name"))]
    first_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "last_name", shop = "last_name"))]
    last_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
    #[canonical(resolve(latest), at(crm = "street", shop = "street"))]
    street: Option<String>,
    #[canonical(resolve(latest), at(crm = "postcode", shop = "postcode"))]
    postcode: Option<String>,
}

#[test]
fn a_kind_of_no_attribute_is_an_error() {
    let misspelt = |builder: accordant::Builder| {
        builder.match_by(Matching::of::<Customer>(FellegiSunter::new().kind("emial", Kind::Mailbox)))
    };
    let mut story = told(Story::of::<Customer>().configure(misspelt), &records(100, 31));
    let refused = block_on(story.tenant().train_matcher("customer", &ana())).expect_err("there is no such attribute");
    let Error::Matcher { source: MatcherError::Declared(why), .. } = refused else { panic!("{refused}") };
    assert!(why.contains("`emial`"), "{why}");
}

#[test]
fn a_comparison_or_rule_that_does_not_fit_is_an_error_and_one_that_does_is_used() {
    let with = |matcher: FellegiSunter| {
        let mut story = Story::of::<Customer>()
            .configure(|builder: accordant::Builder| builder.match_by(Matching::of::<Customer>(matcher)));
        story = told(story, &records(100, 33));
        block_on(story.tenant().train_matcher("customer", &ana()))
    };
    let by = |attribute: &str| Rules::Only(vec![DeclaredRule::of(&[(attribute, KeyForm::Whole)])]);
    for (matcher, said) in [
        (FellegiSunter::new().comparing("city", Declared::Same), "`city`, which is not compared on its own"),
        (FellegiSunter::new().comparing("phone", Declared::Edits(Vec::new())), "`phone` are wrong: there are none"),
        (FellegiSunter::new().rules(by("emial")), "looks at `emial`"),
    ] {
        let refused = with(matcher).expect_err("it does not fit");
        let Error::Matcher { source: MatcherError::Declared(why), .. } = refused else { panic!("{refused}") };
        assert!(why.contains(said), "{why}");
    }
    let trained = with(FellegiSunter::new().comparing("phone", Declared::Edits(vec![1, 3])).rules(by("email")));
    let remarks = trained.expect("they tell something").remarks;
    assert!(
        remarks.iter().any(|remark| remark.starts_with("`phone`: no pair showed phone within ")),
        "it is compared so: {remarks:?}"
    );
}

#[test]
fn a_mailbox_that_is_declared_as_identity_holds_two_apart() {
    let configured = |builder: accordant::Builder| builder.match_by(Matching::of::<Member>(FellegiSunter::new()));
    let of = |id: usize, mailbox: &str| -> Json {
        let name = ["Adams", "Berg", "Claes", "Dunn", "Ekman", "Fry"][id % 6];
        json!({ "first_name": format!("Given{id}"), "last_name": format!("{name}{id}"), "email": mailbox,
                "phone": format!("+31 20{:07}", 1_234_567 + id * 7_919), "street": format!("{} Kerk Lane", id + 1),
                "postcode": format!("{:05}", 10_000 + id * 37) })
    };
    let mut story = Story::of::<Member>().configure(configured);
    for id in 0..80 {
        // One of the two has no mailbox, but for the first, who has another in each system.
        let (one, other) = if id == 0 { ("a@one.nl", "b@two.nl") } else { ("", "") };
        story = story.says("crm", &id.to_string(), of(id, one)).says("shop", &id.to_string(), of(id, other));
    }
    let trained = block_on(story.tenant().train_matcher("member", &ana())).expect("they tell something");
    // Nobody's mailbox was ever the same: what that is worth is only supposed, and that is told.
    let remark = trained.remarks.iter().find(|remark| remark.starts_with("`mailbox`"));
    assert!(remark.is_some_and(|remark| remark.contains("same mailbox")), "{:?}", trained.remarks);
    let tenant = story.tenant();
    settled(&tenant);
    let pair = |id: &str| {
        [RecordRef::new("crm", "contacts", id), RecordRef::new("shop", "customers", id)]
            .map(|record| entity_of(&tenant, &record))
    };
    let [one, other] = pair("5");
    assert_eq!(one, other, "all else says that they are one");
    let [one, other] = pair("0");
    assert_ne!(one, other, "two mailboxes are two members");
    let open = matches(&tenant);
    let refused = open.iter().filter_map(|case| case.matched.as_ref()?.refused.as_ref());
    assert!(refused.clone().any(|why| why.contains("different values")), "{open:?}");
}

/// A member whom both systems know by a code and a number, and of whom the shop has several accounts.
#[derive(Canonical, Clone, Debug)]
#[expect(dead_code, reason = "the engine knows the model, and no holder is made here")]
#[canonical(entity = "holder", system(crm, object = "contacts"))]
#[canonical(system(shop, object = "customers", many(reduce = latest, write = nobody)))]
struct Holder {
    #[canonical(identity, at(crm = "code", shop = "code"))]
    code: Option<String>,
    #[canonical(identity, at(crm = "number", shop = "number"))]
    number: Option<u64>,
    #[canonical(pii, resolve(latest), at(crm = "first_name", shop = "first_name"))]
    first_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "last_name", shop = "last_name"))]
    last_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
    #[canonical(resolve(latest), at(crm = "street", shop = "street"))]
    street: Option<String>,
    #[canonical(resolve(latest), at(crm = "postcode", shop = "postcode"))]
    postcode: Option<String>,
}

fn holder(id: usize) -> Json {
    let name = ["Adams", "Berg", "Claes", "Dunn", "Ekman", "Fry"][id % 6];
    json!({ "first_name": format!("Given{id}"), "last_name": format!("{name}{id}"),
            "phone": format!("+31 20{:07}", 1_234_567 + id * 7_919), "street": format!("{} Kerk Lane", id + 1),
            "postcode": format!("{:05}", 10_000 + id * 37) })
}

fn beside(mut says: Json, attribute: &str, value: impl Into<Json>) -> Json {
    says[attribute] = value.into();
    says
}

/// Eighty holders, of whom the first two have other codes and numbers in the shop than in the CRM.
fn holders(matching: Matching) -> Story {
    let mut story = Story::of::<Holder>().configure(|builder| builder.match_by(matching));
    for id in 0..80 {
        let (crm, shop) = match id {
            0 => (beside(holder(0), "code", "north wind"), beside(holder(0), "code", "south wind")),
            1 => (beside(holder(1), "number", 7), beside(holder(1), "number", 8)),
            _ => (holder(id), holder(id)),
        };
        story = story.says("crm", &id.to_string(), crm).says("shop", &id.to_string(), shop);
    }
    story
}

/// Whether the records of a holder in both systems are one, for the first three.
fn are_one(story: &mut Story) -> [bool; 3] {
    let tenant = story.tenant();
    block_on(tenant.train_matcher("holder", &ana())).expect("they tell something");
    settled(&tenant);
    ["0", "1", "2"].map(|id| {
        let [one, other] = [RecordRef::new("crm", "contacts", id), RecordRef::new("shop", "customers", id)];
        entity_of(&tenant, &one) == entity_of(&tenant, &other)
    })
}

#[test]
fn a_code_and_a_number_that_are_declared_as_identity_hold_two_apart_unless_it_is_said_otherwise() {
    let mut story = holders(Matching::of::<Holder>(FellegiSunter::new()));
    assert_eq!(are_one(&mut story), [false, false, true]);
    let asked: Vec<_> = matches(&story.tenant())
        .into_iter()
        .filter(|case| case.matched.as_ref().is_some_and(|why| why.refused.is_some()))
        .map(|case| case.records[0].id.to_string())
        .collect();
    assert_eq!(asked, ["0", "1"], "each is a case");
    let several = FellegiSunter::new().one_value("code", false);
    assert_eq!(are_one(&mut holders(Matching::of::<Holder>(several))), [true, false, true]);
    // What no key says can be said.
    let street = FellegiSunter::new().one_value("street", true);
    let mut story = holders(Matching::of::<Holder>(street)).says("shop", "2", json!({ "street": "99 Markt" }));
    assert_eq!(are_one(&mut story), [false, false, false]);
    let in_parts = FellegiSunter::new().kind("first_name", Kind::FullName).one_value("first_name", true);
    let refused = block_on(holders(Matching::of::<Holder>(in_parts)).tenant().train_matcher("holder", &ana()));
    let Err(Error::Matcher { source: MatcherError::Declared(why), .. }) = refused else { panic!("{refused:?}") };
    assert!(why.contains("`first_name`"), "{why}");
    let misspelt = holders(Matching::of::<Holder>(FellegiSunter::new().one_value("cod", true)));
    let refused = {
        let mut story = misspelt;
        block_on(story.tenant().train_matcher("holder", &ana()))
    };
    let Err(Error::Matcher { source: MatcherError::Declared(why), .. }) = refused else { panic!("{refused:?}") };
    assert!(why.contains("`cod`"), "{why}");
}

#[test]
fn a_system_holds_an_entity_as_often_as_is_said() {
    let accounts = |matching: Matching| {
        let mut story = holders(matching);
        for id in ["2b", "2c", "2d"] {
            story = story.says("shop", id, holder(2));
        }
        let tenant = story.tenant();
        block_on(tenant.train_matcher("holder", &ana())).expect("they tell something");
        settled(&tenant);
        let mut sizes: BTreeMap<EntityId, usize> = BTreeMap::new();
        for id in ["2", "2b", "2c", "2d"] {
            *sizes.entry(entity_of(&tenant, &RecordRef::new("shop", "customers", id))).or_default() += 1;
        }
        let mut sizes: Vec<usize> = sizes.into_values().collect();
        sizes.sort_unstable();
        let refused = matches(&tenant).into_iter().filter_map(|case| case.matched?.refused);
        (sizes, refused.filter(|why| why.contains("more often than it may")).count())
    };
    let of = || Matching::of::<Holder>(FellegiSunter::new());
    assert_eq!(accounts(of()), (vec![4], 0), "any number");
    let (sizes, refused) = accounts(of().at_most("shop", 2));
    assert_eq!(sizes, [2, 2]);
    assert!(refused > 0, "that they are one all the same is asked");
    assert_eq!(accounts(of().at_most("shop", 3)).0, [1, 3]);
}

#[test]
fn a_training_says_what_it_does_not_know() {
    let mut story = told(Story::of::<Customer>().configure(crate::world::matched), &records(200, 32));
    let trained = trained(&mut story);
    assert!(trained.remarks.iter().any(|remark| remark.contains("only supposed")), "{:?}", trained.remarks);
}
