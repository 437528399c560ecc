//! Files as people have them: columns under other names, a source per row, values of any size, any script.

use std::collections::BTreeSet;

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::csv_table::{self, Source};
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::linkage::{self, Progress};
use accordant_identity::table::Table;

fn read(files: &[(&str, &str)], schema: Option<Schema>) -> Table {
    let source = |(name, csv): &(&str, &str)| Source { name: (*name).to_owned(), bytes: csv.as_bytes().to_vec() };
    let sources =
        files.iter().map(source).map(|Source { name, bytes }| Source { name, bytes: std::io::Cursor::new(bytes) });
    csv_table::read(sources.collect(), schema).expect("it can be read")
}

fn columns(table: &Table) -> Vec<(&str, Kind)> {
    table.layout().schema.attributes.iter().map(|attribute| (attribute.name.as_str(), attribute.kind)).collect()
}

const LEFT: &str =
    "id,Email,phone,Surname,note\n1,anna@acme.nl,+31201234567,Visser,x\n2,bob@bolt.com,+31207654321,Smit,y\n";
const RIGHT: &str =
    "key,remark,last name,telephone,E-MAIL\n7,p,Visser,020 1234567,anna@acme.nl\n8,q,Smit,,bob@bolt.com\n";

#[test]
fn columns_of_two_files_are_one_by_name_or_by_kind() {
    let table = read(&[("left", LEFT), ("right", RIGHT)], None);
    assert_eq!(columns(&table), [("Email", Kind::Mailbox), ("phone", Kind::Phone), ("Surname", Kind::Surname)]);
    let text = |row: u32, field: usize| table.dictionary(field).text(table.code(row, field)).to_owned();
    let field = |name: &str| table.layout().fields.iter().position(|field| field.name == name).expect("a field");
    for (left, right) in [(0, 2), (1, 3)] {
        assert_eq!(text(left, field("Email")), text(right, field("Email")));
        assert_eq!(text(left, field("Surname")), text(right, field("Surname")));
    }
    assert_eq!(text(2, field("Email")), "anna@acme.nl");
    assert!(!text(2, field("phone")).is_empty() && text(3, field("phone")).is_empty());
    // Declared columns are found however their names are written, the very same first.
    let schema = Schema::new(&[("EMAIL", Kind::Mailbox)]);
    let declared = read(&[("left", LEFT), ("right", RIGHT)], Some(schema));
    assert!((0..4).all(|row| declared.code(row, 0) != 0));
    let schema = Schema::new(&[("Mail", Kind::Mailbox)]);
    let twice = read(&[("one", "id,mail,Mail\n1,a@b.nl,c@d.nl\n")], Some(schema));
    assert_eq!(twice.dictionary(0).text(twice.code(0, 0)), "c@d.nl");
}

#[test]
fn files_whose_columns_are_named_otherwise_are_linked() {
    let (mut left, mut right) = (String::from("id,Email,Surname\n"), String::from("id,last_name,e-mail\n"));
    for n in 0..40 {
        left.push_str(&format!("l{n},p{n}@acme{n}.nl,Visser{n}\n"));
        right.push_str(&format!("r{n},Visser{n},p{n}@acme{n}.nl\n"));
    }
    let table = read(&[("left", &left), ("right", &right)], None);
    let linkage = linkage::train(&table, Scope::Across, &Decisions::default(), &mut |_| {}).expect("it can be trained");
    let sure: BTreeSet<(String, String)> = linkage
        .one_to_one(&table, &Rails::default(), 0.95)
        .pairs
        .iter()
        .map(|pair| (table.id(pair.a)[1..].to_owned(), table.id(pair.b)[1..].to_owned()))
        .collect();
    assert_eq!(sure.len(), 40);
    assert!(sure.iter().all(|(left, right)| left == right));
}

#[test]
fn every_row_may_have_a_source_of_its_own() {
    // More than fit sixteen bits: each keeps its name, and records of one id are records of their sources.
    let many = 70_000_u32;
    let mut csv = String::from("id,source,city\n");
    (0..many).for_each(|n| csv.push_str(&format!("1,s{n},Delft\n")));
    let table = read(&[("all", &csv)], None);
    assert_eq!(table.systems().len(), 70_000);
    let keys: BTreeSet<u64> = (0..many).map(|row| table.key(row)).collect();
    assert_eq!(keys.len(), 70_000, "no two records are called the same");
    for row in [0, 65_534, 65_535, 65_536, 69_999] {
        let system = table.systems()[table.system_of(row)].clone();
        assert_eq!(system, format!("s{row}"));
        assert_eq!(table.key(row), RecordName { system, id: "1".into() }.key());
    }
}

#[test]
fn any_script_is_linked() {
    let persons = [
        ("محمد", "العلي", "دبي"),
        ("יוסף", "כהן", "חיפה"),
        ("伟", "王", "北京"),
        ("Анна", "Иванова", "Москва"),
        ("Ελένη", "Παπαδοπούλου", "Αθήνα"),
        ("สมชาย", "ใจดี", "กรุงเทพ"),
        ("Zoë", "O’Brien-Müller", "Köln"),
        ("Ngọc", "Nguyễn", "Hà Nội"),
    ];
    // Each twice, once with marks of direction, in capitals, or composed of other letters; and each with another's name in its city.
    let mut csv = String::from("id,first_name,last_name,city,email\n");
    for (n, (first, last, city)) in persons.iter().enumerate() {
        csv.push_str(&format!("a{n},{first},{last},{city},p{n}@mail.example\n"));
        csv.push_str(&format!(
            "b{n},\u{202e}{}\u{202c},{},{city},p{n}@mail.example\n",
            first.to_uppercase(),
            last.to_uppercase()
        ));
        let (_, other, _) = persons[(n + 3) % persons.len()];
        csv.push_str(&format!("c{n},X{n},{other},{city},q{n}@mail.example\n"));
    }
    for n in 0..60 {
        csv.push_str(&format!("o{n},First{n},Last{n},Town{},o{n}@other.example\n", n % 9));
        if n % 2 == 0 {
            csv.push_str(&format!("t{n},First{n},Last{n},Town{},o{n}@other.example\n", n % 9));
        }
    }
    let table = read(&[("all", &csv)], None);
    let linkage = linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained");
    let clusters = linkage.clusters(&table, &Rails::default());
    let row = |id: String| (0..).take(table.rows()).find(|row| table.id(*row) == id).expect("a record") as usize;
    for (n, person) in persons.iter().enumerate() {
        let [a, b, c] = ["a", "b", "c"].map(|prefix| clusters.of[row(format!("{prefix}{n}"))]);
        assert_eq!(a, b, "{person:?} is one");
        assert_ne!(a, c, "{person:?} is no other");
    }
}

#[test]
fn a_value_that_is_no_text_is_replaced_and_takes_nothing_from_the_next() {
    // Two halves of one letter, in two columns: side by side they would be text.
    let csv: &[u8] =
        b"id,city,street\n1,Delft,Markt 1\n2,K\xc3,\xa9 5\n3,K\xef\xbf\xbd,\xef\xbf\xbd 5\n4,K\xc3\xb6ln,Dom 4\n";
    let source = Source { name: "all".to_owned(), bytes: csv };
    let schema = Schema::new(&[("city", Kind::City), ("street", Kind::Street)]);
    let table = csv_table::read(vec![source], Some(schema)).expect("it can be read");
    assert_eq!(table.codes(1), table.codes(2));
    let text = |row: u32| table.dictionary(0).text(table.code(row, 0)).to_owned();
    assert_eq!((text(0), text(3)), ("delft".to_owned(), "koln".to_owned()));
}

#[test]
fn progress_goes_on_to_the_end() {
    let table = read(&[("left", LEFT), ("right", RIGHT)], None);
    let mut told: Vec<Progress> = Vec::new();
    let linkage = linkage::train(&table, Scope::Across, &Decisions::default(), &mut |progress| told.push(progress))
        .expect("it can be trained");
    assert!(told.windows(2).all(|two| two[0].done <= two[1].done && two[0].of == two[1].of), "{told:?}");
    let end = told.last().expect("something is told");
    assert!(
        end.done == end.of && told.len() > linkage.candidates.skew.len(),
        "each rule and each pass is told: {told:?}"
    );
}
