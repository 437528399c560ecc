//! Canaries: a card number of any issuer, however it is divided, at any place of what comes in, is kept and shown nowhere; and nobody
//! enters one.

use accordant::engine::{CaseFilter, Search, Tenant};
use accordant::error::Error;
use accordant::settle::{Choice, Ruling};
use accordant::store::MemoryStore;
use accordant::value::Field;
use accordant::{EntityId, Lifetime, RecordRef, Scope};
use futures::executor::block_on;
use futures::future::BoxFuture;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::people::dump;
use crate::support::{Said, Variant, by, clock, open, record, says};

/// How issuers' numbers begin, and how many digits they have.
const ISSUERS: [(&str, usize); 10] = [
    ("4", 16),
    ("4", 19),
    ("51", 16),
    ("2221", 16),
    ("34", 15),
    ("37", 15),
    ("36", 14),
    ("6011", 16),
    ("3530", 16),
    ("62", 18),
];

/// What divides groups of four, if anything does.
const DIVIDERS: [&str; 5] = ["", " ", "-", "\u{a0}", "\u{2011}"];

/// A card number by its digits, and what divides them.
fn card() -> impl Strategy<Value = (String, &'static str)> {
    (0..ISSUERS.len(), vec(0u32..10, 19), 0..DIVIDERS.len()).prop_map(|(issuer, random, divider)| {
        let (prefix, length) = ISSUERS[issuer];
        let mut digits: Vec<u32> = prefix.chars().filter_map(|digit| digit.to_digit(10)).collect();
        digits.extend(random.iter().take(length - 1 - digits.len()));
        // The check digit (ISO/IEC 7812-1, annex B), reckoned here on its own.
        let mut sum = 0;
        for (place, digit) in digits.iter().rev().enumerate() {
            let doubled = if place % 2 == 0 { digit * 2 } else { *digit };
            sum += if doubled > 9 { doubled - 9 } else { doubled };
        }
        digits.push((10 - sum % 10) % 10);
        (digits.iter().map(ToString::to_string).collect(), DIVIDERS[divider])
    })
}

fn divided(card: &str, divider: &str) -> String {
    let groups: Vec<String> =
        card.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(divider)
}

fn raw(body: String) -> Said {
    Said { kind: "raw".into(), other: body, ..record("", 0, Json::Null) }
}

/// Everywhere that something comes in: each with who says it.
fn said(card: &str, written: &str, place: usize) -> (&'static str, Said) {
    let mail = "ana@acme.test";
    match place {
        0 => ("crm", record("1", 9, json!({ "email": mail, "name": format!("pays by {written}.") }))),
        1 => ("crm", record("1", 9, json!({ "email": mail, "name": written }))),
        2 => ("crm", record("1", 9, json!({ "email": mail, "unmapped": { "deep": [written] } }))),
        3 => ("erp", record("4", 9, json!({ "email": mail, "name": { "odd": written } }))),
        4 => ("shop", record("6", 9, json!({ "email": mail, "tags": [format!("{written}, blue")] }))),
        5 => ("shop", record("7", 9, json!([written]))),
        6 => ("erp", raw(format!("this is no record, and {written} is none either"))),
        7 => {
            let first = card.chars().next().map_or(0, u32::from);
            let rest = card.get(1..).unwrap_or("");
            let body =
                format!(r#"{{"id":"5","at":3,"fields":{{"email":"e@acme.test","name":"no \u{first:04x}{rest}"}}}}"#);
            ("crm", raw(body))
        }
        8 => ("crm", record("8", 9, json!({ "email": format!("pays by {written}") }))),
        _ => {
            // A number of its own, as far as JSON's readers keep all digits.
            let number: Json = card.parse::<u64>().map_or(Json::Null, Json::from);
            ("crm", record("9", 9, json!({ "email": "n@acme.test", "fax": number })))
        }
    }
}

const PLACES: usize = 10;

/// Everything that is shown of a tenant.
async fn shown(tenant: &Tenant) -> String {
    let mut all = format!("{:?}", tenant.open_cases(&CaseFilter::default(), None, 500).await.unwrap());
    for (_, letter) in tenant.dead_letters().await.unwrap() {
        all += &format!("{letter:?} {}", String::from_utf8_lossy(&letter.bytes()));
    }
    all += &format!("{:?}", tenant.search(&Search::default(), None, 500).await.unwrap());
    all += &format!("{:?}", tenant.plan(Scope::default()).await.unwrap());
    for id in tenant.replay().await.unwrap().entities.into_keys() {
        all += &format!("{:?} {:?}", tenant.inspect_erased(id).await, tenant.history(id, None, 500).await);
        all += &format!("{:?}", tenant.export_person(id).await);
    }
    all
}

/// Whether a text has the number, written in any of these ways.
fn tells(text: &str, card: &str) -> bool {
    let plain: String = text.chars().filter(|c| !DIVIDERS.contains(&c.to_string().as_str())).collect();
    plain.contains(card)
}

type Entering = fn(Tenant, EntityId, String) -> BoxFuture<'static, Result<(), Error>>;

fn ruling(value: &str, reason: &str) -> Ruling {
    let choice = Choice::Value(Field::value(value));
    Ruling { choice, lifetime: Lifetime::default(), by: by(), reason: reason.to_owned() }
}

/// Wherever people enter words.
const ENTERED: [(&str, Entering); 12] = [
    ("a value", |t, id, card| Box::pin(async move { t.enter_erased(id, "fax", Some(&card), &by(), "").await })),
    ("why a value", |t, id, card| Box::pin(async move { t.enter_erased(id, "fax", Some("7"), &by(), &card).await })),
    ("a decision", |t, id, card| Box::pin(async move { t.rule(id, "fax", ruling(&card, "")).await.map(drop) })),
    ("why a decision", |t, id, card| Box::pin(async move { t.rule(id, "fax", ruling("7", &card)).await.map(drop) })),
    ("why an erasure", |t, id, card| Box::pin(async move { t.erase(id, &by(), &card).await.map(drop) })),
    ("why it is lifted", |t, id, card| Box::pin(async move { t.lift_suppression(id, &by(), &card).await.map(drop) })),
    ("why a role", |t, _, card| {
        Box::pin(async move { t.grant(&by(), accordant::role::Role::Viewer, &by(), &card).await })
    }),
    ("why a hold", |t, _, card| Box::pin(async move { t.hold("crm", &by(), &card).await })),
    ("why a case is closed", |t, _, card| {
        Box::pin(async move { t.close_case("unlinked/x", &by(), &card).await.map(drop) })
    }),
    ("a comment", |t, _, card| Box::pin(async move { t.comment("unlinked/x", &card, &by()).await })),
    ("a label", |t, _, card| Box::pin(async move { t.label("unlinked/x", &card, &by()).await })),
    ("why a record is unlinked", |t, id, card| {
        let record = RecordRef::new("crm", "contacts", "1");
        Box::pin(async move { t.unlink(id, &record, &by(), &card).await.map(drop) })
    }),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_card_number_at_any_place_is_kept_and_shown_nowhere((card, divider) in card(), places in vec(0..PLACES, 1..5)) {
        let store = MemoryStore::new();
        let tenant = open(Variant::default(), store.clone(), &clock(), 7).tenant("acme");
        let written = divided(&card, divider);
        prop_assert!(tells(&written, &card));
        block_on(async {
            let ana = json!({ "email": "ana@acme.test", "name": "Ana" });
            says(&tenant, "crm", &[record("1", 1, ana)]).await.unwrap();
            for place in &places {
                let (system, said) = said(&card, &written, *place);
                let told = format!("{:?}", says(&tenant, system, &[said]).await);
                prop_assert!(!tells(&told, &card), "place {place}: {told}");
            }
            let stored = dump(&store, "acme").await;
            let told = stored.lines().find(|line| tells(line, &card));
            prop_assert!(told.is_none(), "{written} at {places:?} is stored: {told:?}");
            prop_assert!(!tells(&shown(&tenant).await, &card), "{written} at {places:?} is shown");
            prop_assert!(tenant.verify().await.unwrap().is_clean());
            Ok(())
        })?;
    }

    #[test]
    fn nobody_enters_a_card_number((card, divider) in card(), place in 0..ENTERED.len(), around in any::<bool>()) {
        let store = MemoryStore::new();
        let tenant = open(Variant::default(), store.clone(), &clock(), 7).tenant("acme");
        let (written, (name, enter)) = (divided(&card, divider), ENTERED[place]);
        let written = if around { format!("told me {written}, she did") } else { written };
        block_on(async {
            says(&tenant, "crm", &[record("1", 1, json!({ "email": "ana@acme.test", "fax": "1" }))]).await.unwrap();
            let id = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
            let before = dump(&store, "acme").await;
            let outcome = enter(tenant.clone(), id, written.clone()).await;
            let refused = matches!(outcome, Err(Error::Value { .. } | Error::NotNoted { .. }));
            prop_assert!(refused, "{written} as {name}: {outcome:?}");
            prop_assert!(!tells(&format!("{outcome:?}"), &card), "{name} is quoted: {outcome:?}");
            prop_assert_eq!(dump(&store, "acme").await, before, "{}", name);
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    #[cfg(feature = "sqlite")]
    fn a_card_number_at_any_place_is_in_no_file((card, divider) in card(), places in vec(0..PLACES, 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let store = accordant::SqliteStore::open(folder.path().join("store.db")).unwrap();
        let queue = accordant::SqliteQueue::open(folder.path().join("queue.db")).unwrap();
        let tenant = open(Variant::default(), store.clone(), &clock(), 7).tenant("acme");
        let written = divided(&card, divider);
        block_on(async {
            for place in &places {
                let (system, said) = said(&card, &written, *place);
                let body = bytes::Bytes::from(serde_json::to_vec(&[&said]).unwrap());
                drop(tenant.enqueue(&queue, system, http::Request::new(body)).await);
                drop(says(&tenant, system, &[said]).await);
            }
            accordant::transfer::export(&store, tenant.id(), &folder.path().join("export"), |_| {}).await.unwrap();
        });
        let mut seen = 0;
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let found = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            for spelled in [&card, &written] {
                prop_assert!(!found.contains(spelled.as_str()), "{spelled} at {places:?} is in {}", path.display());
            }
            seen += 1;
        }
        prop_assert!(seen >= 3, "{seen} files");
    }
}
