//! Consent over systems: the most restrictive is golden, and is owed to all.

use accordant::model::EntityModel;
use accordant::policy::Registry;
use accordant::testing::Story;
use accordant::value::Consent;
use accordant::{Canonical, Email};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Who may be written to: in the CRM as a word, in the shop as it says it, in the books as a flag.
#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(crm, object = "contacts"), system(shop, object = "customers"), system(books, object = "debtors"))]
struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email", books = "email"))]
    email: Email,
    #[canonical(resolve(most_restrictive), at(crm = "mails", shop = "mails", books = "mails"))]
    mails: Option<Consent>,
}

const FILE: &str = r#"
entity = "customer"
system.crm.object = "contacts"
system.shop.object = "customers"
system.books.object = "debtors"

[attribute.email]
kind = "email"
required = true
identity = true
at.crm = "email"
at.shop = "email"
at.books = "email"

[attribute.mails]
kind = "consent"
resolve = ["most_restrictive"]
at.crm = "mails"
at.shop = "mails"
at.books = "mails"
"#;

const SYSTEMS: [(&str, &str); 3] = [("crm", "1"), ("shop", "2"), ("books", "3")];

fn ana(mails: &str) -> Json {
    json!({ "email": "ana@acme.test", "mails": mails })
}

/// Everybody says something of Ana.
fn customer(said: [&str; 3]) -> Story {
    let story = Story::of::<Customer>();
    SYSTEMS
        .into_iter()
        .zip(said)
        .fold(story, |story, ((system, id), mails)| story.says(system, id, ana(mails)))
        .bootstrap()
}

#[test]
fn one_denial_is_owed_to_all() {
    let story = customer(["granted", "unsubscribed", "subscribed"]).expect(Customer::MAILS, "denied");
    let story = story.apply();
    drop(
        SYSTEMS
            .into_iter()
            .filter(|(system, _)| *system != "shop")
            .fold(story, |story, (system, id)| story.expect_in(system, id, "mails", json!("denied")))
            .expect_no_discrepancy()
            .expect_quiet(),
    );
}

#[test]
fn a_yes_beside_a_no_that_stands_is_undone() {
    let story = customer(["granted", "denied", "granted"]).apply();
    let story = story.says("crm", "1", json!({ "mails": "granted" })).expect(Customer::MAILS, "denied").apply();
    drop(story.expect_in("crm", "1", "mails", json!("denied")).expect_quiet());
}

/// What we wrote elsewhere is our copy, and no word against it.
#[test]
fn who_said_no_can_take_it_back() {
    let story = customer(["granted", "denied", "granted"]).apply();
    let story = story.says("shop", "2", json!({ "mails": "granted" })).expect(Customer::MAILS, "granted").apply();
    let story = story.expect_in("crm", "1", "mails", json!("granted"));
    drop(story.expect_in("books", "3", "mails", json!("granted")).expect_no_discrepancy().expect_quiet());
}

#[test]
fn a_file_says_the_same_as_the_derive() {
    let file = EntityModel::from_toml(FILE, &Registry::builtin()).expect("it reads");
    assert_eq!(format!("{file:?}"), format!("{:?}", Customer::model()));
    let wrong = FILE.replace("kind = \"consent\"", "kind = \"text\"");
    let refused = EntityModel::from_toml(&wrong, &Registry::builtin()).expect_err("texts have no restriction");
    assert!(
        refused.to_string().contains("there is no policy `most_restrictive` for values of kind `text`"),
        "{refused}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However they are met, golden is what the most restrictive of them says, and once applied nobody allows more.
    #[test]
    fn nobody_ends_up_allowing_more_than_anybody_said(said in vec(0usize..4, 3)) {
        let said: Vec<Consent> = said.into_iter().map(|place| Consent::ALL[place]).collect();
        let least = said.iter().copied().reduce(Consent::and).expect("three");
        let words: Vec<&str> = said.iter().map(|consent| consent.word()).collect();
        let story = customer([words[0], words[1], words[2]]).expect(Customer::MAILS, least.word()).apply();
        let story = SYSTEMS
            .into_iter()
            .fold(story, |story, (system, id)| story.expect_in(system, id, "mails", json!(least.word())));
        drop(story.expect_quiet());
    }
}
