//! Consent over systems: the most restrictive is golden, and is owed to all.

use std::borrow::Cow;

use accordant::fingerprint::Fingerprint;
use accordant::model::{EntityModel, Model, Transform};
use accordant::policy::Registry;
use accordant::testing::Story;
use accordant::value::{Consent, Hints, Leaf, Malformed, Native, Value as _};
use accordant::{Actor, Canonical, Email, RecordRef};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Who may be written to, in each system as a word.
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

/// Whoever said no and says nothing any more: its record is deleted, unlinked, or has no word. What it had said is everybody's by then, and
/// stands until a person decides.
#[test]
fn a_no_stands_after_its_record_is_gone_and_nobody_elses_yes_takes_it_back() {
    type Ending = fn(Story) -> Story;
    let endings: [(&str, Ending); 3] = [
        ("deleted", |story| story.deletes("shop", "2").polls("shop")),
        ("unlinked", |mut story| {
            let (id, record) = (story.entity_id::<Customer>(), RecordRef::new("shop", "customers", "2"));
            block_on(story.tenant().unlink(id, &record, &Actor::new("ana"), "somebody else")).expect("it is unlinked");
            story
        }),
        ("cleared", |story| story.says("shop", "2", json!({ "mails": null }))),
    ];
    let mut outcomes = Vec::new();
    for (ending, end) in endings {
        let mut story = end(customer(["granted", "denied", "granted"]).apply()).of_record("crm", "1");
        let stands = story.golden(Customer::MAILS).as_value().unwrap_or_default().to_owned();
        let mut story = story.says("crm", "1", json!({ "mails": "granted" })).of_record("crm", "1");
        outcomes.push((ending, stands, story.golden(Customer::MAILS).as_value().unwrap_or_default().to_owned()));
    }
    let of = |ending| (ending, "denied".to_owned(), "denied".to_owned());
    assert_eq!(outcomes, [of("deleted"), of("unlinked"), of("cleared")]);
}

/// A flag of the books: it knows yes and no.
struct Flag;

impl Transform<Consent> for Flag {
    fn name(&self) -> Cow<'static, str> {
        "flag".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<Consent>, Malformed> {
        let Some(leaf) = leaves.first().filter(|leaf| !matches!(leaf, Leaf::Null)) else { return Ok(None) };
        Consent::parse(*leaf, &Hints::default()).map(Some)
    }

    fn write(&self, consent: &Consent) -> Vec<Native> {
        match consent {
            Consent::Granted => vec![Native::Bool(true)],
            Consent::Denied => vec![Native::Bool(false)],
            _ => Vec::new(),
        }
    }
}

/// Who may be written to: in the CRM as a word, in the books as a flag.
#[derive(Canonical)]
#[canonical(entity = "reader", system(crm, object = "contacts"), system(books, object = "debtors"))]
struct Reader {
    #[canonical(identity, at(crm = "email", books = "email"))]
    email: Email,
    #[canonical(resolve(most_restrictive), at(crm = "mails", books(("mails"), via = Flag)))]
    mails: Option<Consent>,
}

#[test]
fn a_no_is_written_to_a_flag_and_read_from_it() {
    let reader = |word: &str, flag: bool| {
        let story = Story::of::<Reader>().says("crm", "1", ana(word));
        story.says("books", "2", json!({ "email": "ana@acme.test", "mails": flag })).bootstrap()
    };
    let story = reader("denied", true).expect(Reader::MAILS, "denied").apply();
    drop(story.expect_in("books", "2", "mails", json!(false)).expect_no_discrepancy().expect_quiet());
    let story = reader("granted", false).expect(Reader::MAILS, "denied").apply();
    let story = story.expect_in("crm", "1", "mails", json!("denied"));
    let story = story.says("books", "2", json!({ "mails": true })).expect(Reader::MAILS, "granted").apply();
    drop(story.expect_in("crm", "1", "mails", json!("granted")).expect_no_discrepancy().expect_quiet());
}

/// Beside an owner, the word of every other system would be undone; beside a policy that is not told whom it hears, decided by that.
#[test]
fn what_would_not_hear_every_word_is_refused() {
    let build = |rule: &str| {
        let file = FILE.replace("resolve = [\"most_restrictive\"]", rule);
        let model = EntityModel::from_toml(&file, &Registry::builtin()).expect("it reads");
        Model::compile(vec![model]).map(drop).map_err(|mistakes| mistakes.to_string())
    };
    assert_eq!(build("resolve = [\"most_restrictive\"]"), Ok(()));
    let owned = build("owner = [\"crm\"]\nresolve = [\"most_restrictive\"]").expect_err("an owner");
    assert!(owned.contains("customer.mails: ") && owned.contains("leave out the owners"), "{owned}");
    for chain in ["\"latest\", \"most_restrictive\"", "\"most_restrictive\", \"latest\""] {
        let mixed = build(&format!("resolve = [{chain}]")).expect_err("a policy that does not hear them");
        assert!(mixed.contains("customer.mails: ") && mixed.contains("leave the other out"), "{mixed}");
    }
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
