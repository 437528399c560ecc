//! The program as it is run: files in, files out, no configuration; what is wrong is said, and nothing half done.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use accordant_identity::model::Model;
use accordant_identity::testing::{COLUMNS, Generated, customers};
use tempfile::TempDir;

fn link(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_link")).args(arguments).current_dir(folder).output().expect("it can be run")
}

/// Writes records as a file, under names of columns; the system is no column.
fn write(path: &Path, names: &[&str], records: &[&Generated]) {
    let mut out = csv::Writer::from_path(path).expect("a file");
    out.write_record(std::iter::once("id").chain(names.iter().copied())).expect("a line");
    for record in records {
        let values = record.values.iter().skip(1).map(String::as_str);
        out.write_record(std::iter::once(record.id.as_str()).chain(values)).expect("a line");
    }
    out.flush().expect("written");
}

fn rows(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).expect("it was written");
    let header = reader.headers().expect("a header").iter().map(ToOwned::to_owned).collect();
    let rows = reader.records().map(|row| row.expect("a row").iter().map(ToOwned::to_owned).collect()).collect();
    (header, rows)
}

/// By cluster, the records in it.
fn clusters(path: &Path) -> Vec<BTreeSet<String>> {
    let (header, rows) = rows(path);
    assert_eq!(header, ["cluster", "system", "id"]);
    let mut clusters: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        clusters.entry(row[0].parse().expect("a number")).or_default().insert(row[2].clone());
    }
    assert!(clusters.keys().copied().eq(1..=clusters.len()), "numbered from one");
    clusters.into_values().collect()
}

/// The pairs of a probability of 0.95 or more; all are checked.
fn sure_pairs(path: &Path) -> BTreeSet<(String, String)> {
    let (header, rows) = rows(path);
    assert_eq!(header, ["left", "right", "probability", "weight"]);
    let probabilities: Vec<f64> = rows.iter().map(|row| row[2].parse().expect("a probability")).collect();
    assert!(probabilities.iter().all(|of| (0.01..=1.0).contains(of)) && probabilities.is_sorted_by(|a, b| a >= b));
    assert!(rows.iter().all(|row| row[3].is_empty() || row[3].parse::<f64>().is_ok_and(f64::is_finite)));
    let sure = rows.iter().zip(&probabilities).filter(|(_, of)| **of >= 0.95);
    sure.map(|(row, _)| (row[0].clone(), row[1].clone())).collect()
}

fn truth(records: &[Generated]) -> BTreeMap<&str, u64> {
    records.iter().map(|record| (record.id.as_str(), record.entity)).collect()
}

const SECTIONS: [&str; 8] = [
    "<h2>Columns</h2>",
    "<h2>How sure pairs are</h2>",
    "Weights of the pairs compared",
    "<h2>Sizes of entities</h2>",
    "<h2>Blocks</h2>",
    "<h2>Why records look alike</h2>",
    "<h2>Cases</h2>",
    "<h2>What to ask a person first</h2>",
];

#[test]
fn one_file_is_deduplicated() {
    let (folder, records) = (TempDir::new().expect("a folder"), customers(1_500, 31));
    write(&folder.path().join("customers.csv"), &COLUMNS[1..], &records.iter().collect::<Vec<_>>());
    let run = link(folder.path(), &["customers.csv", "--out", "found/deep"]);
    assert!(run.status.success(), "{run:?}");
    let found = folder.path().join("found/deep");
    let clusters = clusters(&found.join("clusters.csv"));
    let truth = truth(&records);
    assert_eq!(clusters.iter().map(BTreeSet::len).sum::<usize>(), records.len(), "every record is in one cluster");
    let larger: Vec<&BTreeSet<String>> = clusters.iter().filter(|cluster| cluster.len() > 1).collect();
    let pure =
        |cluster: &&&BTreeSet<String>| cluster.iter().map(|id| truth[id.as_str()]).collect::<BTreeSet<_>>().len() == 1;
    assert!(larger.len() > 200 && larger.iter().filter(pure).count() * 100 >= larger.len() * 97, "{}", larger.len());
    let sure = sure_pairs(&found.join("pairs.csv"));
    let together = sure.iter().filter(|(a, b)| clusters.iter().any(|of| of.contains(a) && of.contains(b))).count();
    assert!(together * 100 >= sure.len() * 95, "{together} of {} sure pairs are in one cluster", sure.len());
    let said = String::from_utf8(run.stdout).expect("text");
    let counts = format!(
        "{} records, {} entities, {} pairs of probability 0.95 or more",
        records.len(),
        clusters.len(),
        sure.len()
    );
    assert!(said.starts_with(&counts), "{said} but {counts}");
    let report = fs::read_to_string(found.join("report.html")).expect("a report");
    assert!(SECTIONS.iter().all(|section| report.contains(section)), "a section is missing");
    let (_, bridges) = report.split_once("<h2>The weakest bridges</h2>").expect("there are entities of three");
    assert!(bridges.contains("stroke-width=\"3\""), "why an entity holds is drawn");
    assert!(report.matches("<svg").count() >= 4 && report.matches("<svg").count() == report.matches("</svg>").count());
    assert!(report.contains("<td>company<td>Company") && report.contains("<td>email<td>Mailbox"));
    let model = Model::from_bytes(&fs::read(found.join("model.json")).expect("a model")).expect("it can be read back");
    assert_eq!(model.schema.attributes.len(), COLUMNS.len() - 1);
    // The same files give the same files.
    let again = link(folder.path(), &["customers.csv", "--out", "again"]);
    assert!(again.status.success());
    for file in ["pairs.csv", "clusters.csv", "report.html", "model.json"] {
        let read = |path: &Path| fs::read(path.join(file)).expect("it was written");
        assert!(read(&found) == read(&folder.path().join("again")), "{file}");
    }
}

#[test]
fn two_files_are_linked_one_to_one_though_their_columns_are_named_otherwise() {
    let (folder, records) = (TempDir::new().expect("a folder"), customers(2_500, 32));
    // Each file holds a customer once.
    let of = |system: &str| {
        let mut seen = BTreeSet::new();
        records.iter().filter(|r| r.values[0] == system && seen.insert(r.entity)).collect::<Vec<&Generated>>()
    };
    let (crm, shop) = (of("crm"), of("shop"));
    let others = [
        "Organisation",
        "Given Name",
        "Surname",
        "E-Mail",
        "telephone",
        "Website",
        "Address",
        "Town",
        "ZIP",
        "COUNTRY",
    ];
    write(&folder.path().join("crm.csv"), &COLUMNS[1..], &crm);
    write(&folder.path().join("shop.csv"), &others, &shop);
    let run = link(folder.path(), &["crm.csv", "shop.csv", "--out", "found"]);
    assert!(run.status.success(), "{run:?}");
    let found = folder.path().join("found");
    let (clusters, sure) = (clusters(&found.join("clusters.csv")), sure_pairs(&found.join("pairs.csv")));
    let truth = truth(&records);
    let right = sure.iter().filter(|(a, b)| truth[a.as_str()] == truth[b.as_str()]).count();
    let in_both: BTreeSet<u64> = crm.iter().map(|record| record.entity).collect();
    let in_both = shop.iter().filter(|record| in_both.contains(&record.entity)).count();
    assert!(right * 100 >= sure.len() * 97 && right * 100 >= in_both * 80, "{right} of {} and {in_both}", sure.len());
    assert_eq!(
        sure.iter().map(|(left, _)| left).collect::<BTreeSet<_>>().len(),
        sure.len(),
        "a record has one partner"
    );
    assert_eq!(
        sure.iter().map(|(_, right)| right).collect::<BTreeSet<_>>().len(),
        sure.len(),
        "a record has one partner"
    );
    // One threshold for both files: what is sure is one entity, and nothing else is.
    let coupled: BTreeSet<BTreeSet<String>> = clusters.iter().filter(|cluster| cluster.len() > 1).cloned().collect();
    let expected: BTreeSet<BTreeSet<String>> =
        sure.iter().map(|(a, b)| BTreeSet::from([a.clone(), b.clone()])).collect();
    assert_eq!(coupled, expected);
    let systems: BTreeSet<String> = rows(&found.join("clusters.csv")).1.into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(systems, ["crm", "shop"].map(ToOwned::to_owned).into());
    let report = fs::read_to_string(found.join("report.html")).expect("a report");
    assert!(
        report.contains("each record linked once at most") && SECTIONS.iter().all(|section| report.contains(section))
    );
    // Two files of one name are two systems still, and each may hold an entity more than once if it is said so.
    fs::create_dir(folder.path().join("other")).expect("a folder");
    fs::rename(folder.path().join("shop.csv"), folder.path().join("other/crm.csv")).expect("it can be moved");
    let run = link(folder.path(), &["crm.csv", "other/crm.csv", "--many", "--out", "many"]);
    assert!(run.status.success(), "{run:?}");
    let (_, rows) = rows(&folder.path().join("many/clusters.csv"));
    let systems: BTreeSet<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(systems, ["crm", "crm-2"].into());
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() {
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    file("ids.csv", "id\n1\n");
    file("one.csv", "id,a\n1,x\n2,y\n");
    file("other.csv", "id,b\n1,x\n2,y\n");
    file("alone.csv", "id,email\n1,a@b.nl\n2,c@d.nl\n");
    file("empty.csv", "");
    for (arguments, said) in [
        (&[][..], "link FILE.csv --out DIR"),
        (&["one.csv"], "link FILE.csv --out DIR"),
        (&["one.csv", "--out"], "link FILE.csv --out DIR"),
        (&["a.csv", "b.csv", "c.csv", "--out", "x"], "link FILE.csv --out DIR"),
        (&["one.csv", "--fast", "--out", "x"], "--fast is not known"),
        (&["missing.csv", "--out", "x"], "missing.csv: "),
        (&["ids.csv", "--out", "x"], "ids has no column beside the id"),
        (&["empty.csv", "--out", "x"], "empty has no column beside the id"),
        (&["one.csv", "other.csv", "--out", "x"], "one and other have no column in common"),
        (&["alone.csv", "--out", "x"], "nothing to learn from"),
    ] {
        let run = link(folder.path(), arguments);
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && told.contains(said), "{arguments:?}: {told}");
        assert!(run.stdout.is_empty() && !folder.path().join("x").exists(), "{arguments:?}");
    }
}

#[test]
fn who_holds_another_tax_number_is_another_and_that_is_told() {
    let (folder, records) = (TempDir::new().expect("a folder"), customers(600, 33));
    let mut names: Vec<&str> = COLUMNS[1..].to_vec();
    names.push("vat_number");
    let rows: Vec<(&str, Vec<String>)> = {
        let own = records.iter().map(|record| {
            let values = record.values.iter().skip(1).cloned().chain([format!("NL{:09}B01", record.entity * 7_919)]);
            (record.id.as_str(), values.collect())
        });
        // Two rows that say the same, but for their numbers.
        let twin = |number: &str| {
            [
                "Zandvliet BV",
                "Anna",
                "Zandvliet",
                "anna@zandvlietbv.nl",
                "+31 207654321",
                "zandvlietbv.nl",
                "12 Kerk Lane",
            ]
            .into_iter()
            .chain(["Zaandam", "91234", "nl", number])
            .map(ToOwned::to_owned)
            .collect()
        };
        own.chain([("one", twin("NL111111111B01")), ("other", twin("NL222222222B01"))]).collect()
    };
    let path = folder.path().join("customers.csv");
    let mut out = csv::Writer::from_path(&path).expect("a file");
    out.write_record(std::iter::once("id").chain(names)).expect("a line");
    for (id, values) in &rows {
        out.write_record(std::iter::once(*id).chain(values.iter().map(String::as_str))).expect("a line");
    }
    out.flush().expect("written");
    let run = link(folder.path(), &["customers.csv", "--out", "found"]);
    assert!(run.status.success(), "{run:?}");
    let found = folder.path().join("found");
    let clusters = clusters(&found.join("clusters.csv"));
    let of = |id: &str| clusters.iter().position(|cluster| cluster.contains(id));
    assert_ne!(of("one"), of("other"));
    let (header, refused) = self::rows(&found.join("refused.csv"));
    assert_eq!(header, ["left", "right", "weight", "because"]);
    let why = "they hold different values of what an entity has one of";
    assert!(refused.iter().any(|row| row[0] == "one" && row[1] == "other" && row[3] == why), "{refused:?}");
    let report = fs::read_to_string(found.join("report.html")).expect("a report");
    assert!(report.contains("Records of another vat_number are two"));
}
