//! Files of every format: read to their end, and never believed beyond it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use accordant::connector::{
    Connector as _, ConnectorError, ConnectorErrorKind, Cursor, Outcome, Page, ReadAnswer, WriteAction,
};
use accordant::id::SurfaceName;
use accordant::schema::FieldKind;
use accordant_files::{File, Files};
use accordant_rehearsal::{json, key, write};
use futures::executor::block_on;
use proptest::prelude::*;
use tempfile::TempDir;

const SCAN: &str = "customers.scan";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file in place as its writers should: beside, and renamed.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let (beside, path) = (self.path("beside"), self.path(name));
        fs::write(&beside, content).unwrap();
        fs::rename(beside, &path).unwrap();
        path
    }
}

fn files(file: File) -> Files {
    Files::new("export").file("customers", file)
}

fn page(files: &Files, after: Option<Cursor>) -> Result<Page, ConnectorError> {
    block_on(files.read_page(&SurfaceName::from(SCAN), after))
}

/// Pages to the end: what they carry.
fn scan(files: &Files) -> Result<Vec<String>, ConnectorError> {
    let (mut bodies, mut after) = (Vec::new(), None);
    loop {
        let page = page(files, after.clone())?;
        bodies.extend(page.items.iter().map(|item| String::from_utf8_lossy(&item.body).into_owned()));
        assert!(!page.more || page.next != after, "a page that leads nowhere");
        after = page.next;
        if !page.more {
            return Ok(bodies);
        }
    }
}

fn refused(file: File) -> String {
    let error = scan(&files(file)).unwrap_err();
    assert_eq!(error.kind, ConnectorErrorKind::Malformed, "{error}");
    error.to_string()
}

#[test]
fn csv_is_read_with_all_that_its_cells_may_hold() {
    let folder = Folder::new();
    let path = folder.put(
        "customers.csv",
        "\u{feff}id,name,note\r\n1,\"Lopez, Ana\",\"first\nsecond\"\r\n2,\"He said \"\"5\"\" pipe\",\r\n3,Ng,Zürich 5\" pipe\r\n",
    );
    for rows in [1, 2, 3, 100] {
        let read = scan(&files(File::csv(&path).page(rows))).unwrap();
        let expected = [
            r#"{"id":"1","name":"Lopez, Ana","note":"first\nsecond"}"#,
            r#"{"id":"2","name":"He said \"5\" pipe","note":null}"#,
            r#"{"id":"3","name":"Ng","note":"Zürich 5\" pipe"}"#,
        ];
        assert_eq!(read, expected, "{rows} a page");
    }
    let blank = folder.put("blank.csv", "id\n1\n\n2\n\n\n");
    for rows in [1, 2, 3] {
        assert_eq!(scan(&files(File::csv(&blank).page(rows))).unwrap().len(), 2, "{rows} a page");
    }
    let semicolons = folder.put("semicolons.csv", "nr;name\n7;a,b\n");
    let read = scan(&files(File::csv(semicolons).delimiter(b';').id("nr"))).unwrap();
    assert_eq!(read, [r#"{"nr":"7","name":"a,b"}"#]);
}

#[test]
fn json_lines_are_read_as_they_are() {
    let folder = Folder::new();
    let path = folder.put("c.jsonl", "\u{feff}{\"id\":1,\"n\":1.10}\r\n\n{\"id\":2,\"n\":12345678901234567.891}\n");
    for rows in [1, 2, 100] {
        let read = scan(&files(File::json_lines(&path).page(rows))).unwrap();
        assert_eq!(read, [r#"{"id":1,"n":1.10}"#, r#"{"id":2,"n":12345678901234567.891}"#], "{rows} a page");
    }
}

/// A file that ends in the middle of a row is an error, not a shorter file: what is missing in it is not gone.
#[test]
fn a_file_that_did_not_end_well_is_no_end_of_a_scan() {
    let folder = Folder::new();
    let cases = [
        ("id,name\n1,Ana\n2,N", "without a line break"),
        ("id,name\n1,Ana\n2,\"N\n", "its last row was cut off"),
        ("", "it is empty"),
        ("id,name\n", "it has no rows"),
        ("nr,name\n1,Ana\n", "no column `id`"),
        ("id,name,name\n1,a,b\n", "column 3 has no name of its own"),
        ("id,,name\n1,a,b\n", "column 2 has no name of its own"),
    ];
    for (content, expected) in cases {
        let told = refused(File::csv(folder.put("c.csv", content)));
        assert!(told.contains(expected), "{content:?}: {told}");
    }
    for (content, expected) in [("{\"id\":1}\n{\"id\":2}", "without a line break"), ("", "it has no rows")] {
        let told = refused(File::json_lines(folder.put("c.jsonl", content)));
        assert!(told.contains(expected), "{content:?}: {told}");
    }
    let loose = |name: &str, content: &str| folder.put(name, content);
    let torn = refused(File::json_lines(loose("c.jsonl", "{\"id\":1}\n{\"id\":")).may_end_without_line_break());
    assert!(torn.contains("its last line was cut off"), "{torn}");
    let torn = refused(File::csv(loose("c.csv", "id,name\n1,a\n2")).may_end_without_line_break());
    assert!(torn.contains("its last row was cut off"), "{torn}");
    let whole = File::json_lines(loose("c.jsonl", "{\"id\":1}\n{\"id\":2}")).may_end_without_line_break();
    assert_eq!(scan(&files(whole)).unwrap().len(), 2);
    let whole = File::csv(loose("c.csv", "id,name\n1,a\n2,b")).may_end_without_line_break();
    assert_eq!(scan(&files(whole)).unwrap().len(), 2);
    let empty = File::csv(loose("c.csv", "id,name\n")).may_be_empty();
    assert_eq!(scan(&files(empty)).unwrap().len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Wherever a file is cut off, a scan of it is an error, or it met whole rows and knows that there are no more: a cut
    /// between two rows is the one that nobody can see.
    #[test]
    fn a_file_cut_off_anywhere_never_tells_of_half_a_row(
        rows in prop::collection::vec(("[a-z \",\n]{0,6}", "[a-z\"\u{e9}]{0,4}"), 1..8),
        cut in 0usize..400,
        page in 1usize..4,
    ) {
        let folder = Folder::new();
        let mut whole = csv_text(&rows);
        let expected = scan(&files(File::csv(folder.put("c.csv", &whole)).page(page))).unwrap();
        prop_assert_eq!(expected.len(), rows.len());
        whole.truncate(cut.min(whole.len()));
        if let Ok(read) = scan(&files(File::csv(folder.put("c.csv", &whole)).page(page).may_be_empty())) {
            prop_assert!(expected.starts_with(&read), "{:?}", String::from_utf8_lossy(&whole));
        }
    }
}

/// Rows as a careful program writes them, with every cell quoted.
fn csv_text(rows: &[(String, String)]) -> Vec<u8> {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let mut text = String::from("id,name,note\n");
    for (number, (name, note)) in rows.iter().enumerate() {
        text.push_str(&format!("{number},{},{}\n", quoted(name), quoted(note)));
    }
    text.into_bytes()
}

#[test]
fn a_row_that_cannot_be_read_is_a_dead_letter_and_nobody_is_gone_meanwhile() {
    let folder = Folder::new();
    let path = folder.put("c.csv", b"id,name\n1,Ana\n2,too,many\n3,\xff\n4,Ng\n");
    let csv = files(File::csv(path));
    assert_eq!(scan(&csv).unwrap().len(), 4, "what cannot be read is kept whole");
    let answers = block_on(csv.read_records(&[key("customers", "4"), key("customers", "9")])).unwrap();
    assert!(matches!(&answers[0], ReadAnswer::Found(item) if json(item)["name"] == "Ng"));
    assert!(matches!(&answers[1], ReadAnswer::Failed(error) if error.kind == ConnectorErrorKind::Malformed));
    let lines = files(File::json_lines(folder.put("c.jsonl", "{\"id\":1}\n{\"id\n{\"id\":3}\n")));
    assert_eq!(scan(&lines).unwrap()[1], "{\"id");
    let answers = block_on(lines.read_records(&[key("customers", "9")])).unwrap();
    assert!(matches!(&answers[0], ReadAnswer::Failed(_)));
}

#[test]
fn records_are_found_by_id_or_gone() {
    let folder = Folder::new();
    let csv = files(File::csv(folder.put("c.csv", "id,name\n1,Ana\n2,Ng\n3,Bo\n")).page(1));
    let keys = [key("customers", "3"), key("customers", "9"), key("customers", "1"), key("orders", "1")];
    let answers = block_on(csv.read_records(&keys)).unwrap();
    assert!(matches!(&answers[0], ReadAnswer::Found(item) if json(item)["name"] == "Bo"));
    assert!(matches!(&answers[1], ReadAnswer::Gone));
    assert!(matches!(&answers[2], ReadAnswer::Found(_)));
    assert!(matches!(&answers[3], ReadAnswer::Failed(_)));
}

#[test]
fn a_file_that_is_replaced_meanwhile_is_begun_anew() {
    let folder = Folder::new();
    let path = folder.put("c.csv", "id,name\n1,Ana\n2,Ng\n3,Bo\n");
    let csv = files(File::csv(&path).page(1));
    let first = page(&csv, None).unwrap();
    let second = page(&csv, first.next.clone()).unwrap();
    assert_eq!(json(&second.items[0])["id"], "2");
    // Of the same length, so that no length tells them apart.
    folder.put("c.csv", "id,name\n1,Eva\n2,Ng\n3,Bo\n");
    let anew = page(&csv, second.next).unwrap();
    assert_eq!(json(&anew.items[0])["name"], "Eva");
    let going_on = page(&csv, anew.next).unwrap();
    assert_eq!(json(&going_on.items[0])["id"], "2");
}

#[test]
fn a_file_that_is_not_there_or_not_ready_is_waited_for() {
    let folder = Folder::new();
    let kind = |file: File| page(&files(file), None).unwrap_err().kind;
    assert_eq!(kind(File::csv(folder.path("c.csv"))), ConnectorErrorKind::Unavailable);
    let path = folder.put("c.csv", "id\n1\n");
    let ready = folder.path("_SUCCESS");
    assert_eq!(kind(File::csv(&path).ready_when(&ready)), ConnectorErrorKind::Unavailable);
    fs::write(&ready, "").unwrap();
    assert_eq!(scan(&files(File::csv(&path).ready_when(&ready))).unwrap().len(), 1);
}

/// A quote that is not closed takes no more into memory than a row may have.
#[test]
fn a_row_that_is_too_long_is_an_error() {
    let folder = Folder::new();
    let endless = format!("id,name\n1,\"{}", "x,\n".repeat(200_000));
    let told = refused(File::csv(folder.put("c.csv", &endless)).longest_row(10_000));
    assert!(told.contains("longer than any may be"), "{told}");
    let told = refused(File::json_lines(folder.put("c.jsonl", &endless)).longest_row(5));
    assert!(told.contains("longer than any may be"), "{told}");
}

#[test]
fn a_cursor_of_another_surface_is_an_error() {
    let folder = Folder::new();
    let csv = files(File::csv(folder.put("c.csv", "id\n1\n")));
    for text in ["", "7", "a/b", "x/-1"] {
        assert_eq!(page(&csv, Some(Cursor(text.into()))).unwrap_err().kind, ConnectorErrorKind::Malformed, "{text}");
    }
}

#[test]
fn nothing_is_written() {
    let folder = Folder::new();
    let path = folder.put("c.csv", "id,name\n1,Ana\n");
    let csv = files(File::csv(&path));
    let actions = [
        WriteAction::Create { key: "k".into() },
        WriteAction::Update { id: "1".into() },
        WriteAction::Archive { id: "1".into() },
    ];
    let writes = actions.into_iter().map(|action| write("customers", 1, action, [("name", "x")])).collect();
    let receipts = block_on(csv.write_batch(writes)).unwrap();
    assert!(receipts.iter().all(|receipt| matches!(receipt.outcome, Outcome::Refused { .. })));
    assert_eq!(fs::read_to_string(Path::new(&path)).unwrap(), "id,name\n1,Ana\n");
}

#[test]
fn a_file_of_cells_names_its_columns_and_one_of_lines_does_not() {
    let folder = Folder::new();
    let path = folder.put("customers.csv", "\u{feff}id,First Name,Tel.,a\\b\n1,Ana,x,y\n");
    let csv = files(File::csv(&path));
    assert!(csv.describes());
    let described = block_on(csv.describe(&["customers".into(), "orders".into()])).unwrap();
    let paths: Vec<accordant::model::Path> = described[0].fields.iter().map(|field| field.path.clone()).collect();
    assert_eq!(
        (described.len(), paths),
        (1, ["id", "First Name", "Tel\\.", "a\\\\b"].map(accordant::model::Path::new).to_vec())
    );
    assert!(described[0].fields.iter().all(|field| field.kind == FieldKind::Text));
    // Nothing is concluded of a file that is not there, or has not even the names of its columns.
    fs::remove_file(&path).unwrap();
    assert_eq!(block_on(csv.describe(&["customers".into()])).unwrap_err().kind, ConnectorErrorKind::Unavailable);
    folder.put("customers.csv", "");
    assert_eq!(block_on(csv.describe(&["customers".into()])).unwrap_err().kind, ConnectorErrorKind::Malformed);
    // The last name of a header that was cut off may be half of one.
    folder.put("customers.csv", "id,First Na");
    assert_eq!(block_on(csv.describe(&["customers".into()])).unwrap_err().kind, ConnectorErrorKind::Malformed);
    assert!(!files(File::csv(&path)).may_describe(false).describes());
    let lines = files(File::json_lines(folder.put("customers.jsonl", "{\"id\":1}\n")));
    assert!(!lines.describes() && block_on(lines.describe(&["customers".into()])).unwrap().is_empty());
}

#[test]
fn a_file_that_is_not_there_hides_nothing_of_the_others() {
    let folder = Folder::new();
    let always = File::csv(folder.put("customers.csv", "id,name\n1,Ana\n"));
    let seldom = File::csv(folder.path("closing.csv")).ready_when(folder.path("_SUCCESS"));
    let csv = Files::new("export").file("closing", seldom).file("customers", always);
    let described = block_on(csv.describe(&["closing".into(), "customers".into()])).unwrap();
    assert_eq!(described.iter().map(|schema| schema.object.as_str()).collect::<Vec<_>>(), ["customers"]);
    let alone = block_on(csv.describe(&["closing".into()])).unwrap_err();
    assert_eq!(alone.kind, ConnectorErrorKind::Unavailable, "of none, nothing is known");
}
