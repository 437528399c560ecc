//! The log of an index: what was answered outlives a crash; a torn end is left out; damage is said.

use std::io::{self, Cursor};
use std::sync::Arc;

use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decision, Decisions, RecordName};
use accordant_identity::linkage;
use accordant_identity::log::{Durable, LogError, Logged};
use accordant_identity::model::Model;
use accordant_identity::sniff;
use accordant_identity::table::Table;
use accordant_identity::testing::{COLUMNS, Generated, customers};

fn model(records: &[Generated]) -> Arc<Model> {
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let sample: Vec<Vec<String>> = records.iter().map(|record| record.values.to_vec()).collect();
    let mut table = Table::new(sniff::schema(&names, &sample, &[]));
    for record in records {
        table.push(&record.id, "", &record.values);
    }
    let linkage = linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained");
    Arc::clone(linkage.scorer.model())
}

fn name(record: &Generated) -> RecordName {
    RecordName { system: record.values[0].clone(), id: record.id.clone() }
}

fn open(model: &Arc<Model>, written: &[u8]) -> Result<Logged<Vec<u8>>, LogError> {
    Logged::open(Arc::clone(model), Rails::default(), Cursor::new(written.to_vec()), written.to_vec())
}

/// Records by entity, whatever the numbers of the entities.
fn groups(logged: &Logged<Vec<u8>>) -> Vec<Vec<RecordName>> {
    let of = |entity: &u64| {
        let mut records = logged.index().records(*entity);
        records.sort();
        records
    };
    let mut groups: Vec<Vec<RecordName>> = logged.index().entities().iter().map(of).collect();
    groups.sort();
    groups
}

#[test]
fn what_was_answered_is_there_again() {
    let records = customers(300, 21);
    let model = model(&records);
    let mut logged = open(&model, b"").expect("an empty log");
    for record in &records {
        logged.put(&name(record), &record.values).expect("memory does not fail");
    }
    // One goes for good, one goes and comes back, one is changed, two are decided about.
    logged.remove(&name(&records[0])).expect("memory does not fail");
    logged.remove(&name(&records[1])).expect("memory does not fail");
    logged.put(&name(&records[1]), &records[1].values).expect("memory does not fail");
    logged.put(&name(&records[2]), &records[3].values).expect("memory does not fail");
    let decision =
        Decision { a: name(&records[4]), b: name(&records[5]), same: true, by: "ana".into(), at: "now".into() };
    logged.decide(decision).expect("memory does not fail");
    let written = logged.log().clone();
    let again = open(&model, &written).expect("what was written can be read");
    assert_eq!(groups(&again), groups(&logged));
    assert_eq!(again.index().decisions().all().len(), 1);
    assert_eq!(again.index().entity(&name(&records[0])), None);
    assert_eq!(again.index().entity(&name(&records[4])), again.index().entity(&name(&records[5])));

    let torn = &written[..written.len() - 5];
    let without = open(&model, torn).expect("a torn end was never answered");
    assert_eq!(without.index().decisions().all().len(), 0);
    let mut damaged = written.clone();
    damaged[3] = b'#';
    assert!(matches!(open(&model, &damaged), Err(LogError::Damaged { line: 1 })));
}

#[test]
fn what_could_not_be_kept_was_not_taken_in() {
    #[derive(Debug)]
    struct Full;
    impl Durable for Full {
        fn append(&mut self, _: &[u8]) -> io::Result<()> {
            Err(io::Error::other("full"))
        }
    }
    let records = customers(300, 22);
    let mut logged =
        Logged::open(model(&records), Rails::default(), Cursor::new(Vec::new()), Full).expect("an empty log");
    assert!(matches!(logged.put(&name(&records[0]), &records[0].values), Err(LogError::Medium(_))));
    assert!(logged.index().entities().is_empty());
}
