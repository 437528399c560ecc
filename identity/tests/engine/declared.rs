//! What is declared of attributes, and what a training says of itself.

use accordant::matching::{MatcherError, Matching};
use accordant::testing::Story;
use accordant::{Canonical, Error, RecordRef};
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

#[test]
fn a_training_says_what_it_does_not_know() {
    let mut story = told(Story::of::<Customer>().configure(crate::world::matched), &records(200, 32));
    let trained = trained(&mut story);
    assert!(trained.remarks.iter().any(|remark| remark.contains("only supposed")), "{:?}", trained.remarks);
}
