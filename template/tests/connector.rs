//! The connector before a system in memory: what it reads and writes, and what it says when the system fails.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a passport is shown")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use accordant::connector::conformance::{Bench, Cannot, Measured, Values, measure};
use accordant::connector::{Connector, Cursor, Outcome, ReadAnswer, RecordKey, Write, WriteAction};
use accordant::fingerprint::Digest;
use accordant::id::{ObjectType, SurfaceName};
use accordant::model::Path;
use accordant::testing::FakeSystem;
use accordant::text::Text;
use accordant::value::{Email, Native};
use accordant::{Accordant, Actor, Canonical, ManualClock, Scope, SeededEntropy};
use accordant_template::{Api, Contact, Contacts, Failure};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::{Map, Value, json};

/// The system, in memory. Clones share it.
#[derive(Clone, Default)]
struct InMemory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    contacts: BTreeMap<u64, Contact>,
    /// What becomes of the next writes: before they happen, or after.
    failures: VecDeque<Failure>,
    down: bool,
    /// Writes happen, and nobody hears of it.
    silent: bool,
    /// How many a page holds at the most, whatever is asked for.
    caps: Option<usize>,
}

impl InMemory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Somebody who works in the system makes a contact, or changes one.
    fn edit(&self, id: u64, fields: &Value) {
        let mut state = self.state();
        let contact = state.contacts.entry(id).or_insert(Contact { id, version: 0, key: None, fields: Map::new() });
        contact.version += 1;
        contact.fields.extend(fields.as_object().unwrap().clone());
    }

    fn fails(&self, failure: Failure) {
        self.state().failures.push_back(failure);
    }

    /// Does what a write does, unless it is to fail.
    fn write(&self, write: impl FnOnce(&mut State) -> Result<Contact, Failure>) -> Result<Contact, Failure> {
        let mut state = self.state();
        Self::reached(&state)?;
        match state.failures.pop_front() {
            Some(Failure::NoAnswer) => write(&mut state).and(Err(Failure::NoAnswer)),
            Some(failure) => Err(failure),
            None => {
                let written = write(&mut state);
                if state.silent { written.and(Err(Failure::NoAnswer)) } else { written }
            }
        }
    }

    fn reached(state: &State) -> Result<(), Failure> {
        if state.down { Err(Failure::NotDone) } else { Ok(()) }
    }
}

#[async_trait]
impl Api for InMemory {
    async fn list(&self, behind: u64, most: usize) -> Result<Vec<Contact>, Failure> {
        Self::reached(&self.state())?;
        let most = self.state().caps.map_or(most, |caps| caps.min(most));
        Ok(self.state().contacts.range(behind + 1..).take(most).map(|(_, contact)| contact.clone()).collect())
    }

    async fn get(&self, id: u64) -> Result<Option<Contact>, Failure> {
        Self::reached(&self.state())?;
        Ok(self.state().contacts.get(&id).cloned())
    }

    async fn find(&self, key: &str) -> Result<Option<Contact>, Failure> {
        Self::reached(&self.state())?;
        Ok(self.state().contacts.values().find(|contact| contact.key.as_deref() == Some(key)).cloned())
    }

    async fn create(&self, key: &str, fields: Map<String, Value>) -> Result<Contact, Failure> {
        self.write(|state| {
            if let Some(made) = state.contacts.values().find(|contact| contact.key.as_deref() == Some(key)) {
                return Ok(made.clone());
            }
            let id = state.contacts.keys().last().map_or(1, |last| last + 1);
            let contact = Contact { id, version: 1, key: Some(key.to_owned()), fields };
            state.contacts.insert(id, contact.clone());
            Ok(contact)
        })
    }

    async fn update(&self, id: u64, version: i64, fields: Map<String, Value>) -> Result<Contact, Failure> {
        self.write(|state| {
            let contact = state.contacts.get_mut(&id).filter(|contact| contact.version == version);
            let contact = contact.ok_or(Failure::Moved)?;
            contact.version += 1;
            contact.fields.extend(fields);
            Ok(contact.clone())
        })
    }

    async fn delete(&self, id: u64, version: i64) -> Result<(), Failure> {
        let deleted = self.write(|state| {
            let there = state.contacts.get(&id).is_some_and(|contact| contact.version == version);
            if there { state.contacts.remove(&id).ok_or(Failure::Moved) } else { Err(Failure::Moved) }
        });
        deleted.map(drop)
    }
}

fn write(action: WriteAction, changes: &[(&str, &str)]) -> Write {
    Write {
        object: "contacts".into(),
        action,
        changes: changes.iter().map(|(path, text)| (Path::new(path), Native::Text((*text).into()))).collect(),
        expect: Vec::new(),
        expect_token: None,
        idempotency_key: Digest([1; 32]),
    }
}

fn outcome(connector: &Contacts<InMemory>, write: Write) -> Outcome {
    block_on(connector.write_batch(vec![write])).unwrap().remove(0).outcome
}

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

#[test]
fn a_scan_meets_every_record_once() {
    let system = InMemory::default();
    for id in 1..=250 {
        system.edit(id, &json!({ "email": format!("n{id}@acme.test") }));
    }
    // Asked for a hundred at a time; the system may give no more than thirty.
    for caps in [None, Some(30)] {
        system.state().caps = caps;
        assert_eq!(scanned(&Contacts::new(system.clone())), (1..=250).collect::<Vec<_>>());
    }
}

fn scanned(connector: &Contacts<InMemory>) -> Vec<u64> {
    let (mut ids, mut after): (Vec<u64>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = block_on(connector.read_page(&SurfaceName::from("contacts.scan"), after)).unwrap();
        let id = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["id"].as_u64().unwrap();
        ids.extend(page.items.iter().map(|item| id(&item.body)));
        after = page.next;
        if !page.more {
            return ids;
        }
    }
}

#[test]
fn a_record_that_moved_is_written_only_where_it_holds_what_is_expected() {
    let system = InMemory::default();
    system.edit(7, &json!({ "name": "Ana" }));
    let connector = Contacts::new(system.clone());
    let update = |expect: Option<&str>, version| {
        let mut write = write(WriteAction::Update { id: "7".into() }, &[("name", "Anna")]);
        write.expect = expect.iter().map(|name| (Path::new("name"), Native::Text((*name).into()))).collect();
        write.expect_token = version;
        write
    };
    assert_eq!(outcome(&connector, update(Some("Ann"), Some(9))), Outcome::Stale);
    assert_eq!(outcome(&connector, update(None, Some(9))), Outcome::Stale);
    assert_eq!(outcome(&connector, update(Some("Ana"), Some(9))), applied("7"), "the same value");
    assert_eq!(outcome(&connector, update(Some("spelled otherwise"), Some(2))), applied("7"), "the same version");
    assert_eq!(outcome(&connector, write(WriteAction::Archive { id: "8".into() }, &[])), Outcome::Stale);
}

#[test]
fn a_create_that_is_repeated_makes_nothing_and_overwrites_nothing() {
    let system = InMemory::default();
    let connector = Contacts::new(system.clone());
    let create = write(WriteAction::Create { key: "key-1".into() }, &[("name", "Ana")]);
    system.fails(Failure::NoAnswer);
    assert_eq!(outcome(&connector, create.clone()), Outcome::Unknown);
    system.edit(1, &json!({ "name": "Anna" }));
    assert_eq!(outcome(&connector, create), applied("1"));
    let state = system.state();
    assert_eq!((state.contacts.len(), &state.contacts[&1].fields["name"]), (1, &json!("Anna")));
}

#[test]
fn a_probe_finds_by_key_and_what_is_no_id_is_gone() {
    let system = InMemory::default();
    let connector = Contacts::new(system);
    outcome(&connector, write(WriteAction::Create { key: "key-1".into() }, &[("name", "Ana")]));
    let key = |id: &str, by_create_key| RecordKey { object: "contacts".into(), id: id.into(), by_create_key };
    let keys = [key("key-1", true), key("key-2", true), key("1", false), key("2", false), key("x", false)];
    let answers = block_on(connector.read_records(&keys)).unwrap();
    let found: Vec<bool> = answers.iter().map(|answer| matches!(answer, ReadAnswer::Found(_))).collect();
    let gone: Vec<bool> = answers.iter().map(|answer| matches!(answer, ReadAnswer::Gone)).collect();
    assert_eq!((found, gone), (vec![true, false, true, false, false], vec![false, true, false, true, true]));
}

#[test]
fn a_failure_is_told_as_it_is() {
    let system = InMemory::default();
    system.edit(7, &json!({ "name": "Ana" }));
    let connector = Contacts::new(system.clone());
    let cases = [
        (Failure::NotDone, Outcome::Deferred { after: None }),
        (Failure::NoAnswer, Outcome::Unknown),
        (Failure::Moved, Outcome::Stale),
        (Failure::Refused("too long".into()), Outcome::Refused { reason: "too long".into() }),
    ];
    for (failure, expected) in cases {
        system.fails(failure);
        assert_eq!(outcome(&connector, write(WriteAction::Update { id: "7".into() }, &[("name", "b")])), expected);
    }
}

/// The system, and the connector before it, as the kit plays with them.
struct Account {
    system: InMemory,
    connector: Contacts<InMemory>,
}

#[async_trait]
impl Bench for Account {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn values(&self, _: &ObjectType, number: u32) -> Result<Values, Cannot> {
        let email = (Path::new("email"), Text::from(format!("n{number}@acme.test")));
        Ok(vec![email, (Path::new("name"), format!("Ana {number}").into())])
    }

    async fn make(&self, object: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        let id = self.system.state().contacts.keys().last().map_or(1, |last| last + 1);
        self.edit(object, &id.to_string(), values).await?;
        Ok(id.to_string().into())
    }

    async fn edit(&self, _: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        let fields = values.iter().map(|(path, text)| (path.to_string(), json!(text.as_str())));
        self.system.edit(id.parse().unwrap(), &Value::Object(fields.collect()));
        Ok(())
    }

    async fn delete(&self, _: &ObjectType, id: &str) -> Result<(), Cannot> {
        self.system.state().contacts.remove(&id.parse().unwrap());
        Ok(())
    }

    async fn down(&self, down: bool) -> Result<(), Cannot> {
        self.system.state().down = down;
        Ok(())
    }

    async fn lose_answers(&self, lose: bool) -> Result<(), Cannot> {
        self.system.state().silent = lose;
        Ok(())
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Ok(Box::new(Contacts::new(self.system.clone())))
    }
}

#[test]
fn the_connector_keeps_what_it_promises() {
    let system = InMemory::default();
    let connector = Contacts::with_pages_of(system.clone(), 3);
    let passport = block_on(measure(&Account { system, connector }));
    println!("{passport}");
    passport.require();
    let known = [
        "nothing is promised",
        "nothing is pushed",
        "its reads never wait",
        "the bench does not count what is over the limits",
    ];
    for entry in passport.skipped() {
        let Measured::Skipped(why) = &entry.measured else { continue };
        assert!(known.contains(&why.as_str()), "{entry:?}\n{passport}");
    }
}

/// Somebody, in the system and in HubSpot.
#[derive(Canonical, Debug, PartialEq)]
#[canonical(entity = "person", system(contacts, object = "contacts"), system(hubspot, object = "people"))]
struct Person {
    #[canonical(identity, at(contacts = "email", hubspot = "email"))]
    email: Email,
    #[canonical(owner(hubspot), at(contacts = "name", hubspot = "name"))]
    name: String,
}

#[test]
fn the_engine_puts_right_what_the_owner_says_otherwise() {
    let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
    let (system, hubspot) = (InMemory::default(), FakeSystem::new("hubspot", &[Person::model()], &clock));
    system.edit(7, &json!({ "email": "ana@acme.test", "name": "Ann" }));
    hubspot.edit("people", "1", &json!({ "email": "ana@acme.test", "name": "Ana" }));
    let accordant = Accordant::builder()
        .clock(clock)
        .entropy(SeededEntropy::new(1))
        .connect(Contacts::new(system.clone()))
        .connect(hubspot)
        .entity::<Person>()
        .build()
        .unwrap();
    let tenant = accordant.tenant("acme");
    block_on(async {
        for connection in ["contacts", "hubspot"] {
            tenant.scan(connection).await.unwrap();
        }
        let plan = tenant.plan(Scope::default()).by(&Actor::new("mia")).bootstrap().await.unwrap();
        tenant.approve(plan.hash, &Actor::new("noah")).await.unwrap();
        tenant.apply(plan.hash).await.unwrap();
        assert!(tenant.verify().await.unwrap().is_clean());
    });
    assert_eq!(system.state().contacts[&7].fields["name"], "Ana");
}
