//! The feed: everything that was committed is published, in order, with ids by which a repetition is told.

use std::collections::BTreeMap;

use accordant::engine::feed::{FORMAT, GoldenChange, JournalEvent, schema_of};
use accordant::queue::Topic;
use accordant::store::{Commit, RowKey, Store as _, Table};
use futures::executor::block_on;

use crate::office::{Office, until_quiet};

fn events(office: &Office) -> Vec<JournalEvent> {
    let heard = office.heard(Topic::Journal);
    let mut events: Vec<JournalEvent> =
        heard.iter().map(|message| serde_json::from_slice(&message.body).unwrap()).collect();
    for (event, message) in events.iter().zip(&heard) {
        assert_eq!(message.id.as_str(), format!("acme/{}", event.seq));
        assert_eq!(message.key.as_str(), event.subject, "entries about one subject stay in order");
    }
    events.sort_by_key(|event| event.seq);
    events
}

#[test]
fn every_entry_is_published_once_and_golden_records_as_they_became() {
    let office = Office::new();
    let mut workers = [office.worker(1), office.worker(2)];
    for number in 1..=4 {
        office.comes(number);
    }
    until_quiet(&office, &mut workers);
    office.edits(1, "300.00");
    until_quiet(&office, &mut workers);
    let events = events(&office);
    let tenant = office.tenant();
    let journal = block_on(office.world.store.journal(tenant.id(), 0, usize::MAX)).unwrap();
    assert_eq!(events.len(), journal.len());
    for (event, (entry, _)) in events.iter().zip(&journal) {
        assert_eq!(
            (event.format, event.seq, event.digest.as_str()),
            (FORMAT, entry.seq, entry.digest.to_string().as_str())
        );
        assert_eq!(
            event.payload.is_some(),
            !["observed", "model_accepted"].contains(&event.kind.as_str()),
            "{}",
            event.kind
        );
    }
    let mut latest: BTreeMap<String, GoldenChange> = BTreeMap::new();
    for message in office.heard(Topic::Golden) {
        let change: GoldenChange = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(message.key.as_str(), change.entity);
        assert_eq!(message.id.as_str(), format!("acme/{}/{}", change.entity, change.revision));
        let before = latest.insert(change.entity.clone(), change.clone());
        assert!(before.is_none_or(|before| before.revision < change.revision), "of one entity, in order");
    }
    let mut balances: Vec<_> = latest.values().map(|change| change.values["balance"].clone().unwrap()).collect();
    balances.sort();
    assert_eq!(balances, ["100.00 USD", "100.00 USD", "100.00 USD", "300.00 USD"]);
}

#[test]
fn what_was_published_and_not_noted_is_published_again_under_the_same_ids() {
    let office = Office::new();
    until_quiet(&office, &mut [office.worker(1)]);
    office.comes(1);
    until_quiet(&office, &mut [office.worker(2)]);
    let before = events(&office).len();
    // As a publisher that died between the broker's word and its own note leaves it.
    let (tenant, key) = (office.tenant(), RowKey::new(Table::Meta, "fed"));
    block_on(office.world.store.commit(tenant.id(), Commit { delete: vec![key], ..Commit::default() })).unwrap();
    let again = block_on(tenant.publish(&office.queue)).unwrap();
    assert_eq!(again, before, "all of them");
    assert_eq!(events(&office).len(), before, "and none is new to the broker");
    assert_eq!(block_on(tenant.publish(&office.queue)).unwrap(), 0);
}

#[test]
fn messages_have_a_schema_that_names_what_they_carry() {
    let schema = |topic| serde_json::to_value(schema_of(topic).unwrap()).unwrap();
    let required = |topic| {
        let schema = schema(topic);
        let named: Vec<String> =
            schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        named
    };
    assert_eq!(
        required(Topic::Journal),
        ["format", "tenant", "seq", "at", "actor", "kind", "subject", "digest"],
        "a field that is taken away is another format"
    );
    assert_eq!(required(Topic::Golden), ["format", "tenant", "entity", "entity_type", "revision", "values"]);
    assert!(schema_of(Topic::Inputs).is_none());
}
