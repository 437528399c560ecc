//! The log of an index: what was answered outlives a crash; a torn end is left out; damage is said.

use std::io::{self, Cursor};
use std::sync::Arc;

use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decision, Decisions, RecordName};
use accordant_identity::linkage;
use accordant_identity::log::{Durable, LogError, LogFile, Logged};
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
fn a_file_has_room_ahead_and_forgets_what_was_cut_off() {
    let records = customers(300, 23);
    let model = model(&records);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("index.log");
    let open = || {
        let (written, log) = LogFile::open(&path)?;
        Logged::open(Arc::clone(&model), Rails::default(), written, log)
    };
    let mut logged = open().expect("a new file");
    for record in &records[..20] {
        logged.put(&name(record), &record.values).expect("there is room");
    }
    drop(logged);
    let held = std::fs::read(&path).expect("it is there");
    let end = held.iter().rposition(|byte| *byte != 0).expect("lines") + 1;
    assert!(held.len() > end + 1_000, "room is made ahead");
    let last = held[..end - 1].iter().rposition(|byte| *byte == b'\n').expect("several lines") + 1;
    let has = |place: usize| open().map(|logged| logged.index().entity(&name(&records[place])).is_some());
    assert!(has(19).expect("what was answered is there") && std::fs::read(&path).is_ok_and(|left| left.len() == end));
    // The end of the last entry is not there, or its beginning, or the file ends in it; a shorter one takes its place.
    let pages = [(last + 9, end), (end - 1, end), (last, last + 9), (last, end - 1), (last + 3, last + 9)];
    for torn in
        pages.iter().map(|(from, to)| (*from, *to, held.len())).chain([(end, end, last + 9), (end, end, end - 1)])
    {
        let (from, to, length) = torn;
        let mut file = held.clone();
        file[from..to].fill(0);
        file.truncate(length);
        std::fs::write(&path, &file).expect("it can be written");
        assert!(has(18).expect("one entry was cut off") && !has(19).expect("one entry was cut off"), "{torn:?}");
        open().expect("it goes on").remove(&name(&records[0])).expect("there is room");
        assert!(has(18).expect("it can be read") && !has(0).expect("it can be read"), "{torn:?}");
    }
    // Zeros among what was answered are damage.
    let mut damaged = held.clone();
    damaged[3] = 0;
    std::fs::write(&path, &damaged).expect("it can be written");
    assert!(matches!(open().map(drop), Err(LogError::Damaged { line: 1 })));
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
