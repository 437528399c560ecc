//! Bad input: a clear error or a sensible answer, bounded memory, never a panic.

use std::sync::Arc;

use accordant_identity::blocking::{Limits, Scope};
use accordant_identity::cluster::{Clusters, Rails, Refusal};
use accordant_identity::comparison::Comparison;
use accordant_identity::csv_table::{self, ReadError, Source};
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::index::Index;
use accordant_identity::linkage::{self, Linkage, Untrainable};
use accordant_identity::model::Model;
use accordant_identity::table::Table;

fn read(csv: &str) -> Table {
    csv_table::read(vec![Source { name: "records".into(), bytes: csv.as_bytes() }], None).expect("it can be read")
}

fn train(table: &Table) -> Result<Linkage, Untrainable> {
    linkage::train(table, Scope::Within, &Decisions::default(), &mut |_| {})
}

fn clusters(csv: &str) -> (Table, Clusters) {
    let table = read(csv);
    let linkage = train(&table).expect("it can be trained");
    let model = linkage.scorer.model();
    let read = Model::from_bytes(&model.to_bytes()).expect("what was learned can be stored");
    assert!(read == **model, "and is the same when it is read");
    let clusters = linkage.clusters(&table, &Rails::default());
    for pair in linkage.pairs(&clusters, 0.0) {
        assert!((0.0..=1.0).contains(&pair.probability), "{pair:?}");
    }
    (table, clusters)
}

#[test]
fn columns_of_nothing_cannot_be_learned_from() {
    let table = read("id,email,phone\n1,,\n2,,\n3,n/a,\n");
    assert_eq!(train(&table).err(), Some(Untrainable::NothingToCompare));
}

#[test]
fn a_column_of_nothing_beside_others_is_left_out() {
    let (_, clusters) = clusters("id,email,phone\n1,ana@acme.nl,\n2,ana@acme.nl,\n3,bob@other.nl,\n");
    assert_eq!(clusters.of.len(), 3);
}

#[test]
fn a_column_of_one_value_tells_nothing() {
    let table = read("id,country\n1,NL\n2,NL\n3,NL\n");
    assert_eq!(train(&table).err(), Some(Untrainable::NothingToCompare));
}

/// Names share a dictionary: two columns of one value each are not two values of one.
#[test]
fn columns_of_one_value_each_tell_nothing_together() {
    for records in [3, 50, 3_000] {
        let rows: String = (0..records).map(|id| format!("{id},Ana,Jansen\n")).collect();
        let table = read(&format!("id,first_name,last_name\n{rows}"));
        assert_eq!(train(&table).err(), Some(Untrainable::NothingToCompare), "{records}");
    }
}

/// What is mostly looked at together with something else is looked at where that is missing.
#[test]
fn a_website_without_mailboxes_and_a_description_without_titles_are_compared() {
    let sites: String = (0..60).map(|id| format!("{id},https://www.site{}.nl/\n", id / 2)).collect();
    let words = ["red", "steel", "oak", "round", "garden", "folding"];
    let described: String = (0..60)
        .map(|id| {
            let thing = id / 2;
            format!(
                "{id},{} {} table model TX{thing}00 for {} guests\n",
                words[thing % 6],
                words[thing / 5 % 6],
                thing + 2
            )
        })
        .collect();
    for (column, compared, rows) in [("website", "website", sites), ("description", "title", described)] {
        let table = read(&format!("id,{column}\n{rows}"));
        let linkage = train(&table).expect("it can be trained");
        assert!(linkage.candidates.pairs.len() >= 30, "{column}");
        let comparisons = Comparison::standard(table.layout(), false);
        assert_eq!(comparisons.iter().map(|comparison| comparison.name.as_str()).collect::<Vec<_>>(), [compared]);
        // Those that say the same weigh more than the others.
        let weighed: Vec<(bool, f32)> = linkage
            .candidates
            .pairs
            .iter()
            .zip(&linkage.weights)
            .map(|(pair, weight)| (table.codes(pair.a) == table.codes(pair.b), *weight))
            .collect();
        let of = |same: bool| weighed.iter().filter(move |(is, _)| *is == same).map(|(_, weight)| *weight);
        assert_eq!(of(true).count(), 30, "{column}");
        assert!(of(true).fold(f32::MAX, f32::min) > of(false).fold(f32::MIN, f32::max), "{column}: {weighed:?}");
    }
}

#[test]
fn one_record_and_no_record_are_no_pairs() {
    assert_eq!(train(&read("id,email\n1,ana@acme.nl\n")).err(), Some(Untrainable::NothingToCompare));
    assert_eq!(train(&read("id,email\n")).err(), Some(Untrainable::NothingToCompare));
}

#[test]
fn records_that_share_nothing_give_no_signal() {
    let table = read("id,email\n1,ana@acme.nl\n2,bob@other.com\n3,carl@third.org\n");
    assert_eq!(train(&table).err(), Some(Untrainable::NoPairs));
}

#[test]
fn records_that_say_the_same_are_one_however_many_there_are() {
    let mut csv = String::from("id,first_name,last_name,email\n");
    for id in 0..60 {
        csv.push_str(&format!("{id},Bob{id},Visser{id},bob{id}@other{}.nl\n", id / 2));
        csv.push_str(&format!("x{id},Bob{id},Visser{id},bob{id}@other{}.nl\n", id / 2));
    }
    let same = 17;
    let block = usize::try_from(Limits::default().block).expect("a small number");
    assert!(same > block && same <= Rails::default().size, "more than a block holds");
    (0..same).for_each(|id| csv.push_str(&format!("s{id},Ana,Jansen,ana@acme.nl\n")));
    let table = read(&csv);
    let linkage = train(&table).expect("it can be trained");
    let clusters = linkage.clusters(&table, &Rails::default());
    let largest = clusters.groups().into_iter().max_by_key(Vec::len).expect("there are some");
    assert!(largest.len() == same && largest.iter().all(|row| table.id(*row).starts_with('s')), "{largest:?}");
    assert!(clusters.refused.is_empty(), "{:?}", clusters.refused);
    // Told: by the model and by the index, with the rule.
    let model = linkage.scorer.model();
    assert!(model.skew.iter().any(|skew| skew.rule == "email" && skew.left_out == 17), "{:?}", model.skew);
    let remarks = model.remarks();
    assert!(remarks.iter().any(|remark| remark.contains("email") && remark.contains("17 of 137")), "{remarks:?}");
    // One at a time, in any order, it is the same.
    let mut rows: Vec<&str> = csv.lines().skip(1).collect();
    for turned in [0, 1, 61, 130] {
        rows.rotate_left(turned);
        let mut index = Index::new(Arc::clone(model), Rails::default());
        for row in &rows {
            let values: Vec<&str> = row.split(',').collect();
            index.put(&RecordName { system: "records".into(), id: values[0].into() }, &values[1..]);
        }
        let name = |id: &str| RecordName { system: "records".into(), id: id.into() };
        let of = |index: &Index, id: &str| index.entity(&name(id)).map(|entity| index.records(entity).len());
        assert_eq!((of(&index, "s0"), of(&index, "s16"), of(&index, "3")), (Some(17), Some(17), Some(2)));
        assert!(index.left_out(&name("s3")).iter().any(|rule| rule == "email"));
        assert!(index.left_out(&name("3")).is_empty());
        // One that goes leaves no gap, and one that comes again closes none.
        index.remove(&name("s7"));
        assert_eq!((of(&index, "s0"), of(&index, "s7")), (Some(16), None));
        index.put(&name("s7"), &["Ana", "Jansen", "ana@acme.nl"]);
        assert_eq!(of(&index, "s7"), Some(17));
    }
}

#[test]
fn identical_records_by_the_thousand_stay_within_bounds() {
    let mut csv = String::from("id,first_name,last_name,email\n");
    for id in 0..5_000 {
        csv.push_str(&format!("{id},Ana,Jansen,ana@acme.nl\n"));
    }
    for id in 5_000..5_100 {
        csv.push_str(&format!("{id},Bob{id},Visser{id},bob{id}@other{}.nl\n", id / 2));
        csv.push_str(&format!("x{id},Bob{id},Visser{id},bob{id}@other{}.nl\n", id / 2));
    }
    let table = read(&csv);
    let linkage = train(&table).expect("it can be trained");
    assert!(linkage.candidates.pairs.len() < 10_000, "a value that thousands hold makes no pairs");
    assert!(linkage.candidates.skew.iter().any(|skew| skew.left_out >= 5_000), "and that is reported");
    let clusters = linkage.clusters(&table, &Rails::default());
    let largest = clusters.groups().iter().map(Vec::len).max();
    assert_eq!(largest, Some(Rails::default().size));
    // What would be too large is a case.
    assert!(
        clusters.refused.iter().all(|refused| refused.because == Refusal::TooLarge) && !clusters.refused.is_empty()
    );
    let alone = clusters.groups().iter().filter(|group| group.len() == 1 && group[0] < 5_000).count();
    assert!(alone < 500, "{alone} of 5 000 that say the same stand alone");
}

#[test]
fn values_of_ten_megabytes_are_cut() {
    let long = "x".repeat(10 << 20);
    let names = "é ".repeat(5 << 20);
    let csv = format!(
        "id,company,last_name,email\n1,{long},{names},{long}@acme.nl\n2,{long},{names},b@acme.nl\n3,Acme,Visser,b@acme.nl\n4,Bolt,Smit,c@d.nl\n"
    );
    let (table, clusters) = clusters(&csv);
    assert_eq!(clusters.of.len(), 4);
    for field in 0..table.layout().fields.len() {
        for code in 0..table.dictionary(field).codes() {
            let length = table.dictionary(field).bytes(u32::try_from(code).expect("few values")).len();
            assert!(length <= 512, "{}: {length}", table.layout().fields[field].name);
        }
    }
}

#[test]
fn any_script_can_be_linked() {
    let csv = "id,first_name,last_name,city\n\
               1,محمد,العلي,دبي\n2,محمد,العلي,دبي\n3,יוסף,כהן,חיפה\n4,יוסף,כהן,חיפה\n\
               5,伟,王,北京\n6,伟,王,北京\n7,\u{202e}Анна\u{202c},Иванова,Москва\n8,Анна,Иванова,Москва\n9,Zoë,O’Brien-Müller,Köln\n";
    let (table, clusters) = clusters(csv);
    let together = |a: usize, b: usize| clusters.of[a] == clusters.of[b];
    assert!(!together(0, 2) && !together(2, 4) && !together(4, 6) && !together(6, 8));
    assert_eq!(table.code(6, 0), table.code(7, 0), "marks of direction are no letters");
}

#[test]
fn garbage_is_read_as_far_as_it_goes() {
    let bytes: &[u8] = b"id,email,name\n1,a@b.nl\n2,a@b.nl,x,too,many\n\xff\xfe,\xff\xff,\"un\nquoted\"\n3,c@d.nl,y\n";
    let table = csv_table::read(vec![Source { name: "garbage".into(), bytes }], None).expect("it can be read");
    assert_eq!(table.rows(), 4);
    let linked = train(&table);
    assert!(linked.is_ok_and(|linkage| linkage.weights.iter().all(|weight| weight.is_finite())));
}

#[test]
fn files_that_cannot_be_linked_say_so() {
    let source = |name: &str, csv: &'static str| Source { name: name.into(), bytes: csv.as_bytes() };
    let nothing = csv_table::read(vec![source("ids", "id\n1\n")], None);
    assert!(matches!(nothing, Err(ReadError::NoColumns { name }) if name == "ids"));
    let strangers = csv_table::read(vec![source("left", "id,a\n1,x\n"), source("right", "id,b\n1,x\n")], None);
    assert!(matches!(strangers, Err(ReadError::NothingInCommon { .. })));
}
