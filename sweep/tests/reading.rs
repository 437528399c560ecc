//! Files are read as they are written, whatever they hold, and not believed where they end badly.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use accordant::equivalence::Equivalence;
use accordant_sweep::source::{Csv, JsonLines};
use accordant_sweep::{Batch, Counts, Order, Side, Snapshot, SnapshotError, Start, Step, Sweep, SweepError, Wanted};
use proptest::prelude::*;
use tempfile::TempDir;

fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

/// Every cell of every row, empty where there is none.
fn read(mut snapshot: impl Snapshot, key: &str, columns: &[&str]) -> Result<Vec<Vec<Vec<u8>>>, SnapshotError> {
    let columns = columns.iter().map(|column| Some((*column).to_owned())).collect();
    snapshot.bind(&Wanted { key: key.to_owned(), columns, order: Order::Bytes })?;
    snapshot.begin(&Start::default())?;
    let (mut batch, mut rows) = (Batch::default(), Vec::new());
    while snapshot.next(&mut batch)? {
        for row in 0..batch.len() {
            let mut cells = Vec::new();
            snapshot.cut(batch.row(row), rows.len() as u64, &mut cells)?;
            let mut told = vec![batch.key(row).to_vec()];
            told.extend(cells.into_iter().map(|cell| cell.unwrap_or_default().into_owned()));
            rows.push(told);
        }
    }
    Ok(rows)
}

/// Behind a row longer than a block there may stand more than a block.
#[test]
fn long_rows_behind_one_another_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(300 << 10);
    let path = put(&folder, "long.csv", format!("id,text\n1,{long}\n2,{long}\n3,{long}\n4,short\n"));
    let rows = read(Csv::new(path), "id", &["text"]).unwrap();
    let lengths: Vec<usize> = rows.iter().map(|row| row[1].len()).collect();
    assert_eq!(lengths, [long.len(), long.len(), long.len(), 5]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Rows of any cells, quoted where they need it or not: they are what another reader of CSV makes of them.
    #[test]
    fn csv_is_what_another_reader_makes_of_it(
        rows in prop::collection::vec(("[a-z\",\n]{1,5}", "[a-z \",\n\r\u{e9}]{0,6}", "[a-z\"]{0,40}"), 1..30),
        always in any::<bool>(),
        key in 0usize..2,
        repeated in 1usize..200,
    ) {
        let style = if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let mut writer = csv::WriterBuilder::new().quote_style(style).from_writer(Vec::new());
        writer.write_record(["a", "b", "c"]).unwrap();
        for row in rows.iter().cycle().take(rows.len() * repeated) {
            let cells = if key == 0 { [&row.0, &row.1, &row.2] } else { [&row.1, &row.0, &row.2] };
            writer.write_record(cells).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let mut expected = Vec::new();
        for record in csv::Reader::from_reader(text.as_slice()).byte_records() {
            let record = record.unwrap();
            let cell = |place: usize| record.get(place).unwrap().to_vec();
            expected.push(vec![cell(key), cell(0), cell(1), cell(2)]);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = put(&folder, "t.csv", &text);
        prop_assert_eq!(read(Csv::new(path), ["a", "b"][key], &["a", "b", "c"]).unwrap(), expected);
    }

    /// Wherever a file is cut off, it is an error, or it has whole rows only: a cut between two rows is one that nobody can see.
    #[test]
    fn a_file_that_was_cut_off_never_tells_of_half_a_row(
        rows in prop::collection::vec(("[a-z]{1,3}", "[a-z \",\n]{0,6}"), 1..8),
        cut in 0usize..200,
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b"]).unwrap();
        rows.iter().for_each(|row| writer.write_record([&row.0, &row.1]).unwrap());
        let text = writer.into_inner().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let whole = read(Csv::new(put(&folder, "whole.csv", &text)), "a", &["b"]).unwrap();
        let path = put(&folder, "part.csv", &text[..cut.min(text.len())]);
        if let Ok(part) = read(Csv::new(path), "a", &["b"]) {
            prop_assert_eq!(&part[..], &whole[..part.len()]);
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_told_without_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let csv = [
        ("id,secret\n1,a\n2,b,c\n", "row 1 has not one cell for each of 2 columns"),
        ("id,secret\n1,a\n2,\"b\"\n\"3\"\n", "row 2 has not one cell for each of 2 columns"),
        ("id,secret\n1,a\n,b\n", "row 1 has no key in column id"),
        ("id,secret\n\"\",b\n", "row 0 has no key in column id"),
        ("id,secret\n1,a\n2,b", "it was cut off: its last row does not end"),
        ("id,secret\n1,a\n2,\"b\n", "it was cut off: its last row does not end"),
        ("", "it was cut off: its last row does not end"),
        ("id,private\n1,a\n", "there is no column secret"),
        ("id,secret,secret\n1,a,b\n", "two columns are called secret"),
    ];
    for (content, expected) in csv {
        let error = read(Csv::new(put(&folder, "t", content)), "id", &["secret"]).unwrap_err();
        assert_eq!(error.to_string(), expected, "{content:?}");
    }
    let lines = [
        ("{\"id\":1}\n[2]\n", "row 1 is no JSON object"),
        ("{\"id\":1}\n{\"id\":\n", "row 1 is no JSON object"),
        ("{\"id\":1}\n{\"secret\":\"x\"}\n", "row 1 has no key in column id"),
        ("{\"id\":null}\n", "row 0 has no key in column id"),
        ("{\"id\":{}}\n", "row 0 has no key in column id"),
        ("{\"id\":[\"1\"]}\n", "row 0 has no key in column id"),
        ("{\"id\":true}\n", "row 0 has no key in column id"),
        ("{\"id\":1}\n{\"id\":2}", "it was cut off: its last row does not end"),
    ];
    for (content, expected) in lines {
        let error = read(JsonLines::new(put(&folder, "t", content)), "id", &["secret"]).unwrap_err();
        assert_eq!(error.to_string(), expected, "{content:?}");
    }
    let long = format!("id,secret\n1,\"{}", "x".repeat(17 << 20));
    let error = read(Csv::new(put(&folder, "t", long)), "id", &["secret"]).unwrap_err();
    assert!(matches!(error, SnapshotError::TooLong { row: 0, .. }), "{error}");
}

#[test]
fn lines_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}{\"id\":1,\"n\":{\"v\":1.10,\"t\":true}}\r\n\n {\"n\":{\"v\":\"a\\n\\u00e9\"},\"id\":\"b\"} \n\
                {\"id\":\"{c}\",\"n\":7}\n{\"id\":\"d\",\"n\":{\"v\":[1, 2]},\"n\":{\"v\":\"x\",\"t\":null}}\n";
    let rows = read(JsonLines::new(put(&folder, "t", text)), "id", &["n.v", "n.t"]).unwrap();
    let expected = [["1", "1.10", "true"], ["b", "a\n\u{e9}", ""], ["{c}", "", ""], ["d", "x", ""]];
    assert_eq!(rows, expected.map(|row| row.map(|cell| cell.as_bytes().to_vec()).to_vec()));
    let text = "1;\u{e9}\r\n\r\n2;\"a;\"\"b\"\"\"\r\n3;";
    let csv = || Csv::new(folder.path().join("u")).columns(["id", "n"]).delimiter(b';');
    put(&folder, "u", text);
    let rows = read(csv().may_end_without_line_break(), "id", &["n"]).unwrap();
    let expected = [["1", "\u{e9}"], ["2", "a;\"b\""], ["3", ""]];
    assert_eq!(rows, expected.map(|row| row.map(|cell| cell.as_bytes().to_vec()).to_vec()));
    assert!(matches!(read(csv(), "id", &["n"]), Err(SnapshotError::CutOff)));
}

fn sides(folder: &TempDir, sorted: bool) -> Sweep {
    let side = |name: &str| {
        let side = Side::new(name, Csv::new(folder.path().join(name)));
        if sorted { side.sorted() } else { side }
    };
    Sweep::by(Order::Bytes).attribute("n", Equivalence::Exact).side(side("a")).side(side("b"))
}

#[test]
fn what_was_declared_sorted_and_is_not_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a", "id,n\n1,x\n3,x\n2,x\n");
    put(&folder, "b", "id,n\n1,x\n2,x\n3,x\n");
    let told = sides(&folder, true).start().unwrap().finish(|_| {}).unwrap_err();
    assert!(matches!(&told, SweepError::Unsorted { system, row: 2 } if system == "a"), "{told}");
    let counts = sides(&folder, false).start().unwrap().finish(|_| {}).unwrap();
    assert_eq!(
        counts,
        Counts { rows: vec![3, 3], keys: 3, missing: vec![0; 2], repeated: vec![0; 2], ..Counts::default() }
    );
}

#[test]
fn a_run_that_failed_is_over_and_its_checkpoints_lead_on() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |last: &str| (0..40_000).map(|id| format!("{id:06},x\n")).chain([last.to_owned()]).collect::<String>();
    put(&folder, "a", format!("id,n\n{}", rows("040000,y\n")));
    put(&folder, "b", format!("id,n\n{}", rows("040000\n")));
    let mut run = sides(&folder, true).start().unwrap();
    let mut last = run.checkpoint().unwrap();
    let error = loop {
        match run.step() {
            Ok(Step::Done) => panic!("the last row is none"),
            Ok(_) => last = run.checkpoint().unwrap(),
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "the snapshot of b: row 40000 has not one cell for each of 2 columns");
    assert!(matches!(run.step(), Err(SweepError::Failed)) && run.checkpoint().is_none());
    let told = sides(&folder, true).resume(&last).unwrap().finish(|_| {}).unwrap_err();
    assert_eq!(told.to_string(), error.to_string());
    // A file that was written to is another.
    put(&folder, "b", format!("id,n\n{}", rows("040000,xx\n")));
    let told = sides(&folder, true).resume(&last).unwrap_err();
    assert!(matches!(told, SweepError::Snapshot { source: SnapshotError::Replaced, .. }), "{told}");
    let told = sides(&folder, true).attribute("m", Equivalence::Exact).resume(&last).unwrap_err();
    assert!(matches!(told, SweepError::OtherSweep), "{told}");
}

/// Blocks end anywhere: between rows of one key, within a row that differs, within quotes.
#[test]
fn nothing_hangs_on_where_blocks_end() {
    let folder = tempfile::tempdir().unwrap();
    for shift in 0..40 {
        let (mut one, mut other, mut expected) = ("id,n\n".to_owned(), "id,n\n".to_owned(), Vec::new());
        one.push_str(&format!("0,{}\n", "x".repeat(shift)));
        other.push_str(&format!("0,{}\n", "x".repeat(shift)));
        for id in 1..9_000 {
            let row = format!("{id},\"some, text of the row {}\"\n", id % 10);
            let (in_one, in_other) = match id % 31 {
                3 => (vec![row.clone()], vec![row.replace("some", "other")]),
                7 => (vec![row.clone(), row.clone()], vec![row.clone(), row]),
                11 => (vec![row.clone()], Vec::new()),
                13 => (vec![row.clone(), row.replace("some", "other")], vec![row]),
                _ => (vec![row.clone()], vec![row]),
            };
            if [3, 7, 11, 13].contains(&(id % 31)) {
                let changed = usize::from(id % 31 == 3);
                expected.push((id.to_string(), vec![in_one.len() as u64, in_other.len() as u64], changed));
            }
            one.push_str(&in_one.concat());
            other.push_str(&in_other.concat());
        }
        put(&folder, "a", one);
        put(&folder, "b", other);
        let side = |name: &str| Side::new(name, Csv::new(folder.path().join(name))).sorted();
        let sweep = Sweep::by(Order::Number).attribute("n", Equivalence::Exact).side(side("a")).side(side("b"));
        let mut found = Vec::new();
        let show = |told: &accordant_sweep::Difference| {
            found.push((told.key.clone(), told.rows.clone(), told.changed.len()));
        };
        sweep.start().unwrap().finish(show).unwrap();
        assert_eq!(found, expected, "shifted by {shift}");
    }
}

/// Rows that are the same everywhere are not cut: whether they are rows nobody asks.
#[test]
fn rows_are_looked_at_where_they_differ() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a", "id,n\n1\n2,x\n3,x\n");
    put(&folder, "b", "id,n\n1\n2,x\n3,x\n");
    let counts = sides(&folder, true).start().unwrap().finish(|_| {}).unwrap();
    assert_eq!((counts.keys, counts.changed), (3, 0));
    put(&folder, "b", "id,n\n1,\n2,x\n3,x\n");
    let told = sides(&folder, true).start().unwrap().finish(|_| {}).unwrap_err();
    assert_eq!(told.to_string(), "the snapshot of a: row 0 has not one cell for each of 2 columns");
}

#[test]
fn a_sweep_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a", "id,n\n");
    put(&folder, "b", "id,n\n");
    let side = |system: &str| Side::new(system, Csv::new(folder.path().join("a")));
    let told = |sweep: Sweep| sweep.start().unwrap_err().to_string();
    let one = || Sweep::by(Order::Bytes).attribute("n", Equivalence::Exact).side(side("a"));
    assert_eq!(told(one()), "a sweep compares two snapshots or more, and these are 1");
    assert_eq!(told(one().side(side("a"))), "the name a is given twice");
    assert_eq!(told(one().side(side("b")).attribute("n", Equivalence::Exact)), "the name n is given twice");
    assert_eq!(told(one().side(side("b").column("m", "n"))), "b maps m, which is not compared");
    assert_eq!(told(one().side(side("b").key("k"))), "the snapshot of b: there is no column k");
    assert_eq!(
        sides(&folder, false).start().unwrap().finish(|_| {}).unwrap(),
        Counts { rows: vec![0; 2], missing: vec![0; 2], repeated: vec![0; 2], ..Counts::default() }
    );
}
