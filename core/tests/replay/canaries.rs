//! Canaries: what must be kept nowhere is put in wherever something comes in, and looked for wherever something is kept or shown.

use accordant::Lifetime;
use accordant::card::{CardNumbers, REMOVED};
use accordant::clock::SeededEntropy;
use accordant::engine::{Accordant, CaseFilter, Tenant};
use accordant::error::Error;
use accordant::id::{Actor, RecordRef};
use accordant::settle::{Choice, Ruling};
use accordant::store::MemoryStore;
use accordant::value::Field;
use bytes::Bytes;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::support::{Fake, SYSTEMS, Said, Variant, clock, model, open, record, says};

const CARDS: [&str; 7] = [
    "4111111111111111",
    "5555 5555 5555 4444",
    "3782-822463-10005",
    "6011111111111117",
    "3530111333300000",
    "38520000023237",
    "6200000000000005",
];

const SECRET: &str = "canary-of-a-secret";

fn raw(body: &str) -> Said {
    Said { kind: "raw".into(), other: body.into(), ..record("", 0, Json::Null) }
}

/// Card numbers in a text, as a number, in what no mapping names, where an object stands for a word, in what is no record, behind
/// escapes, and in the key of an element.
fn deliveries() -> Vec<(&'static str, Said)> {
    let escaped = r#"{"id":"5","at":3,"fields":{"email":"e@acme.test","name":"no \u0036011111111111117"}}"#;
    vec![
        ("crm", record("1", 1, json!({ "email": "ana@acme.test", "name": format!("pays by {}.", CARDS[0]) }))),
        ("shop", record("2", 1, json!({ "email": "ana@acme.test", "segment": format!("{}", CARDS[1]) }))),
        (
            "crm",
            record("3", 1, json!({ "email": "b@acme.test", "fax": 5_555_555_555_554_444_u64, "unmapped": CARDS[2] })),
        ),
        ("erp", record("4", 1, json!({ "email": "c@acme.test", "name": { "odd": CARDS[3] } }))),
        ("erp", raw(&format!("this is no record, and {} is none either; canary-in-a-body", CARDS[4]))),
        ("crm", raw(escaped)),
        ("shop", record("6", 2, json!({ "email": "d@acme.test", "tags": [CARDS[5], "blue"] }))),
        ("shop", record("7", 2, json!([CARDS[6]]))),
    ]
}

/// The digits of a text, so that no spelling hides a number.
fn digits(text: &[u8]) -> String {
    text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect()
}

fn assert_none(shown: &[u8], when: &str) {
    for card in CARDS {
        let plain = digits(card.as_bytes());
        for spelled in [card, &plain] {
            assert!(!shown.windows(spelled.len()).any(|window| window == spelled.as_bytes()), "{spelled} {when}");
        }
    }
    assert!(!holds(shown, SECRET), "a secret {when}");
}

fn holds(shown: &[u8], what: &str) -> bool {
    shown.windows(what.len()).any(|window| window == what.as_bytes())
}

/// What is told of inputs, and not asked for by name, holds nothing of what they say.
fn assert_told_nothing(told: &[u8]) {
    for said in ["@acme.test", "canary-in-a-body", "none either", "unmapped"] {
        assert!(!holds(told, said), "{said} is told: {}", String::from_utf8_lossy(told));
    }
}

fn delivery(said: &Said) -> http::Request<Bytes> {
    let body = Bytes::from(serde_json::to_vec(&[said]).unwrap());
    http::Request::builder().header("authorization", SECRET).body(body).unwrap()
}

#[test]
#[cfg(feature = "sqlite")]
fn no_card_number_and_no_secret_is_in_any_file_error_or_listing() {
    let folder = tempfile::tempdir().unwrap();
    let store = accordant::SqliteStore::open(folder.path().join("store.db")).unwrap();
    let queue = accordant::SqliteQueue::open(folder.path().join("queue.db")).unwrap();
    let tenant = open(Variant::default(), store.clone(), &clock(), 7).tenant("acme");
    let mut shown: Vec<u8> = Vec::new();
    block_on(async {
        for (system, said) in deliveries() {
            match tenant.receive(system, delivery(&said)).await {
                Ok(taken) => shown.extend(format!("{taken:?}").into_bytes()),
                Err(error) => shown.extend(format!("{error} {error:?}").into_bytes()),
            }
            if let Err(error) = tenant.enqueue(&queue, system, delivery(&said)).await {
                shown.extend(format!("{error} {error:?}").into_bytes());
            }
        }
        let letters = tenant.dead_letters().await.unwrap();
        assert!(letters.len() >= 3, "{letters:?}");
        shown.extend(format!("{letters:?}").into_bytes());
        let retried = tenant.retry_dead_letter(&letters[0].0, &Actor::new("ana")).await;
        shown.extend(format!("{retried:?}").into_bytes());
        assert_told_nothing(&shown);
        assert!(letters.iter().any(|(_, letter)| holds(&letter.bytes(), "canary-in-a-body")), "who asks for it has it");
        let one = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
        let view = tenant.inspect_erased(one).await.unwrap();
        let view = serde_json::to_string(&view).unwrap();
        assert!(view.contains(REMOVED) && view.contains("ana@acme.test"), "what the model keeps is kept: {view}");
        shown.extend(view.into_bytes());
        let verified = tenant.verify().await.unwrap();
        assert!(verified.is_clean(), "{verified}");
        let rederived = tenant.rederive().await.unwrap();
        assert!(rederived.is_same(), "{rederived}");
    });
    assert_none(&shown, "is shown");
    block_on(accordant::transfer::export(&store, tenant.id(), &folder.path().join("export"), |_| {})).unwrap();
    let mut seen = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        assert_none(&std::fs::read(&path).unwrap(), &format!("is in {}", path.display()));
        seen += 1;
    }
    assert!(seen >= 2, "{seen} files");
}

#[test]
fn people_cannot_enter_card_numbers() {
    let tenant = open(Variant::default(), MemoryStore::new(), &clock(), 7).tenant("acme");
    let by = Actor::new("ana");
    block_on(async {
        says(&tenant, "crm", &[record("1", 1, json!({ "email": "ana@acme.test", "fax": "1" }))]).await.unwrap();
        says(
            &tenant,
            "shop",
            &[record("1", 1, json!({ "email": "x@acme.test" })), record("2", 1, json!({ "email": "y@acme.test" }))],
        )
        .await
        .unwrap();
        let id = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
        let before = tenant.replay().await.unwrap().entries;
        let is_refused = |error: Error| {
            assert!(matches!(error, Error::Value { .. }), "{error}");
            assert_none(format!("{error} {error:?}").as_bytes(), "is in an error");
        };
        for card in CARDS {
            is_refused(tenant.enter_erased(id, "fax", Some(card), &by, "").await.unwrap_err());
            is_refused(tenant.enter_erased(id, "fax", Some("7"), &by, &format!("told me {card}")).await.unwrap_err());
            let choice = Choice::Value(Field::value(card));
            let ruling = Ruling { choice, lifetime: Lifetime::default(), by: by.clone(), reason: String::new() };
            is_refused(tenant.rule(id, "fax", ruling).await.unwrap_err());
        }
        assert_eq!(tenant.replay().await.unwrap().entries, before, "nothing was kept");
        // Nor many at once, nor as a reason.
        says(&tenant, "erp", &[record("1", 1, json!({ "email": "ana@acme.test", "fax": "2" }))]).await.unwrap();
        let before = tenant.replay().await.unwrap().entries;
        let rulings = [(Field::value(CARDS[0]), String::new()), (Field::value("7"), format!("told me {}", CARDS[1]))];
        for (field, reason) in rulings {
            let ruling = Ruling { choice: Choice::Value(field), lifetime: Lifetime::default(), by: by.clone(), reason };
            let preview = tenant.preview_decisions(&CaseFilter::default(), ruling).await.unwrap();
            assert_eq!(preview.effects.len(), 1, "{preview:?}");
            is_refused(tenant.decide_all(&preview).await.unwrap_err());
        }
        let reason = format!("paid by {}", CARDS[2]);
        is_refused(tenant.hold("crm", &by, &reason).await.unwrap_err());
        is_refused(tenant.close_case("unlinked/x", &by, &reason).await.unwrap_err());
        is_refused(tenant.unlink(id, &RecordRef::new("crm", "contacts", "1"), &by, &reason).await.unwrap_err());
        is_refused(tenant.discard_dead_letter("x", &by, &reason).await.unwrap_err());
        is_refused(tenant.erase(id, &by, &reason).await.unwrap_err());
        assert_eq!(tenant.replay().await.unwrap().entries, before, "nothing was kept");
    });
}

fn with(cards: CardNumbers) -> Tenant {
    let mut builder = Accordant::builder().clock(clock()).entropy(SeededEntropy::new(7)).card_numbers(cards);
    for (system, object) in SYSTEMS {
        builder = builder.connect(Fake::new(system, object));
    }
    builder.entity_model(model(Variant::default())).build().unwrap().tenant("acme")
}

#[test]
fn an_id_that_looks_like_a_card_number_is_an_id() {
    let ids = [CARDS[0].to_owned(), "4111-1111-1111-1111".to_owned(), format!("gid://crm/contacts/{}", CARDS[0])];
    for (cards, id) in
        [CardNumbers::Removed, CardNumbers::Kept].into_iter().flat_map(|c| ids.iter().map(move |id| (c, id)))
    {
        let tenant = with(cards);
        let name = format!("pays by {}", CARDS[1]);
        block_on(says(&tenant, "crm", &[record(id, 1, json!({ "email": "ana@acme.test", "name": name }))])).unwrap();
        let id = block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", id))).unwrap().expect(id);
        let view = serde_json::to_string(&block_on(tenant.inspect_erased(id)).unwrap()).unwrap();
        assert_eq!(view.contains(CARDS[1]), cards == CardNumbers::Kept, "{view}");
        assert_eq!(view.contains(REMOVED), cards == CardNumbers::Removed, "{view}");
        let verified = block_on(tenant.verify()).unwrap();
        assert!(verified.is_clean(), "{verified}");
    }
}

/// What is left of two numbers is the same, and two people are not.
#[test]
fn a_card_number_where_an_address_belongs_makes_nobody_of_two() {
    let tenant = open(Variant::default(), MemoryStore::new(), &clock(), 7).tenant("acme");
    let of = |card: &str, name: &str| json!({ "email": format!("pays by {card}"), "name": name });
    block_on(async {
        says(&tenant, "crm", &[record("1", 1, of(CARDS[0], "Ana")), record("2", 1, of(CARDS[1], "Ben"))])
            .await
            .unwrap();
        says(&tenant, "shop", &[record("9", 1, of(CARDS[2], "Cy"))]).await.unwrap();
        let mut entities = std::collections::BTreeSet::new();
        for (system, object, id) in [("crm", "contacts", "1"), ("crm", "contacts", "2"), ("shop", "customers", "9")] {
            entities.insert(tenant.entity_of(&RecordRef::new(system, object, id)).await.unwrap());
        }
        assert_eq!(entities.len(), 3, "{entities:?}");
        let letters = tenant.dead_letters().await.unwrap();
        assert_eq!(letters.len(), 3, "each is told: {letters:?}");
        assert!(
            letters.iter().all(|(_, letter)| letter.cause == "email: it held a card number, which is kept nowhere")
        );
        // An address in its place is taken as ever.
        says(&tenant, "crm", &[record("1", 2, json!({ "email": "ana@acme.test", "name": "Ana" }))]).await.unwrap();
        let found = tenant.find_erased("customer", "email", "ana@acme.test").await.unwrap();
        assert_eq!(found.len(), 1);
        let verified = tenant.verify().await.unwrap();
        assert!(verified.is_clean(), "{verified}");
    });
}
