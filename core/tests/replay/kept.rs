//! Where what a system says is kept, place by place: a value that the model names, and a secret in a body that it does not name. The table of
//! `docs/what-is-kept.md` is held to it.

use std::collections::{BTreeMap, BTreeSet};

use accordant::engine::Tenant;
use accordant::id::Actor;
use accordant::plan::Scope;
use accordant::settle::{Choice, Ruling};
use accordant::store::Store;
use accordant::value::Field;
use accordant::{Lifetime, RecordRef};
use bytes::Bytes;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::support::{Said, Variant, clock, dump, open, record};

/// An address, which the model names.
const NAMED: &str = "canary@acme.test";

/// What nobody named, in the body of a record that is read well.
const UNNAMED: &str = "sk-canary-of-an-api-key";

/// The same, in the body of one that cannot be read.
const UNREAD: &str = "Bearer canary-of-a-token";

fn said() -> Vec<(&'static str, Said)> {
    let secret = json!({ "api_key": UNNAMED, "headers": { "Authorization": UNNAMED } });
    let with = |mut fields: Json| {
        fields.as_object_mut().unwrap().extend(secret.as_object().unwrap().clone());
        fields
    };
    let unread = json!({ "email": NAMED, "Authorization": UNREAD }).to_string();
    vec![
        ("crm", record("1", 1, with(json!({ "email": NAMED, "name": "Ana", "balance": "1" })))),
        ("shop", record("2", 1, with(json!({ "email": NAMED, "name": "Ana", "segment": NAMED })))),
        ("crm", record("1", 2, with(json!({ "email": NAMED, "name": "Anna", "balance": NAMED })))),
        ("shop", record("2", 2, with(json!({ "email": NAMED, "name": NAMED, "segment": "b" })))),
        ("erp", Said { kind: "raw".into(), other: unread, ..record("", 0, Json::Null) }),
    ]
}

fn delivery(said: &Said) -> http::Request<Bytes> {
    let body = Bytes::from(serde_json::to_vec(&[said]).unwrap());
    http::Request::builder().header("authorization", UNREAD).body(body).unwrap()
}

/// The places of a store that hold this: tables, and kinds of entries of the journal.
fn places(dumped: &[String], what: &str) -> BTreeSet<String> {
    let place = |line: &String| match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["entry", _, kind, ..] => format!("entry `{kind}`"),
        [table, ..] => format!("table `{table}`"),
        [] => String::new(),
    };
    dumped.iter().filter(|line| line.contains(what)).map(place).collect()
}

/// A history in which all of it comes by, and what is shown of it that nobody asked for by name.
async fn history(tenant: &Tenant) -> String {
    let mut shown = String::new();
    for (system, said) in said() {
        shown += &format!("{:?}", tenant.receive(system, delivery(&said)).await);
    }
    let no_array = http::Request::builder().body(Bytes::from(format!("{NAMED} {UNREAD}"))).unwrap();
    let refused = tenant.receive("crm", no_array).await.unwrap_err();
    shown += &format!("{refused} {refused:?}");
    let letters = tenant.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    shown += &format!("{letters:?} {:?}", tenant.dead_letter_groups().await.unwrap());
    shown += &format!("{:?}", tenant.retry_dead_letter(&letters[0].0, &Actor::new("ana")).await);
    let one = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
    let ruling = Ruling {
        choice: Choice::Value(Field::value(NAMED)),
        lifetime: Lifetime::default(),
        by: Actor::new("ana"),
        reason: "she says so".to_owned(),
    };
    tenant.rule(one, "name", ruling).await.unwrap();
    let plan = tenant.plan(Scope::default()).await.unwrap();
    shown += &format!("{:?}", tenant.approve(plan.hash, &Actor::new("ana")).await);
    shown += &format!("{:?} {:?}", tenant.status().await.unwrap(), tenant.raise_alerts().await.unwrap());
    shown += &format!("{:?}", tenant.journal_sizes().await.unwrap());
    let verified = tenant.verify().await.unwrap();
    assert!(verified.is_clean(), "{verified}");
    shown + &format!("{verified} {verified:?}")
}

/// The rows of the document's table: what is kept there of either.
fn documented() -> BTreeMap<String, (bool, bool)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/what-is-kept.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("| place | what the model names | what it does not name |").expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    rows.map(cells).map(|cells| (cells[0].clone(), (cells[1] == "yes", cells[2] == "yes"))).collect()
}

#[test]
#[cfg(feature = "sqlite")]
fn what_a_system_says_is_kept_where_the_documentation_says_and_shown_to_nobody_who_does_not_ask() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let store = accordant::SqliteStore::open(path("store.db")).unwrap();
    let tenant = open(Variant::default(), store.clone(), &clock(), 7).tenant("acme");
    let shown = block_on(history(&tenant));
    for canary in [NAMED, UNNAMED, UNREAD] {
        assert!(!shown.contains(canary), "{canary}: {shown}");
    }
    let queue = accordant::SqliteQueue::open(path("queue.db")).unwrap();
    for (system, said) in said() {
        block_on(tenant.enqueue(&queue, system, delivery(&said))).unwrap();
    }
    block_on(accordant::transfer::export(&store, tenant.id(), &path("export"), |_| {})).unwrap();

    let dumped = block_on(dump(&store));
    let named = places(&dumped, NAMED);
    let unnamed: BTreeSet<String> = [UNNAMED, UNREAD].iter().flat_map(|secret| places(&dumped, secret)).collect();
    let mut kept: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for place in named.union(&unnamed) {
        kept.insert(place.clone(), (named.contains(place), unnamed.contains(place)));
    }
    // Of a file, what any page of it holds: with the pages that were written and are not in the database yet.
    let holds = |files: &[&str], what: &str| {
        let mut all = files.iter().flat_map(|name| std::fs::read(path(name)).unwrap_or_default());
        let all: Vec<u8> = all.by_ref().collect();
        all.windows(what.len()).any(|window| window == what.as_bytes())
    };
    let files = [("store", vec!["store.db", "store.db-wal"]), ("queue", vec!["queue.db", "queue.db-wal"])];
    for (name, files) in files.into_iter().chain([("export", vec!["export"])]) {
        let secret = holds(&files, UNNAMED) || holds(&files, UNREAD);
        kept.insert(format!("file of the {name}"), (holds(&files, NAMED), secret));
    }
    assert_eq!(kept, documented());
}

#[test]
fn a_secret_that_the_model_does_not_name_goes_with_what_systems_said() {
    let store = accordant::MemoryStore::new();
    let clock = clock();
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    block_on(async {
        history(&tenant).await;
        let one = tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap();
        tenant.erase(one, &Actor::new("ana"), "she asked").await.unwrap();
        let dumped = dump(&store).await;
        for canary in [NAMED, UNNAMED, UNREAD] {
            assert_eq!(places(&dumped, canary), BTreeSet::new(), "{canary}");
        }
        assert!(!store.journal(tenant.id(), 0, usize::MAX).await.unwrap().is_empty());
    });
}
