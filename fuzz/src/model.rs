//! A stored model of identity that is not what was written: it is refused by a typed error, or scores any records of its schema.
//!
//! The first byte says whether the rest is a model, or is put into one that was trained: at a place of three bytes, over so many bytes.

use std::sync::{Arc, LazyLock};

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::index::Index;
use accordant_identity::model::Model;
use accordant_identity::table::Table;
use accordant_identity::{explain, linkage};

/// The columns, each of another kind.
const COLUMNS: [(&str, Kind); 9] = [
    ("first", Kind::GivenName),
    ("last", Kind::Surname),
    ("email", Kind::Mailbox),
    ("company", Kind::Company),
    ("street", Kind::Street),
    ("city", Kind::City),
    ("born", Kind::Date),
    ("title", Kind::Title),
    ("price", Kind::Number),
];

const RECORDS: [[&str; 9]; 8] = [
    ["Anna", "Visser", "anna@acme.nl", "Acme BV", "1 Main St", "Delft", "1980-02-03", "sony player dx12", "10"],
    ["Ana", "Visser", "anna@acme.nl", "Acme", "1 Main Street", "Delft", "1980-03-02", "sony dx12", "10.2"],
    ["Peter", "Visser", "peter@acme.nl", "Acme", "1 Main St", "Delft", "", "philips kx99", "300"],
    ["Robert", "Smith", "bob@gmail.com", "", "7 Canal Rd", "Leiden", "1955-01-01", "blue bicycle", "99"],
    ["Bob", "Smith", "bob@gmail.com", "", "7 Canal Rd", "Leiden", "1955-01-01", "bicycle, blue", "99"],
    ["Smith", "Robert", "", "Bolt Ltd", "", "Leiden", "", "", ""],
    ["", "", "info@bolt.com", "Bolt", "9 Mill Lane", "Utrecht", "", "red bicycle", "101"],
    ["伟", "王", "wei@bolt.com", "Bolt", "9 Mill Lane", "Utrecht", "1990-12-31", "red bicycle", "n/a"],
];

/// A trained model, as it is stored.
pub static TRAINED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut table = Table::new(Schema::new(&COLUMNS));
    for (id, values) in RECORDS.iter().enumerate() {
        table.push(&id.to_string(), ["crm", "erp"][id % 2], values);
    }
    let trained = linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {});
    trained.expect("it can be trained").scorer.model().to_bytes()
});

/// Refused, or good for any records.
pub fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    if how % 2 == 0 {
        return exercise(rest);
    }
    let [high, middle, low, over, put @ ..] = rest else { return };
    let mut bytes = TRAINED.clone();
    let at = (usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low)) % bytes.len();
    let end = (at + usize::from(*over)).min(bytes.len());
    bytes.splice(at..end, put.iter().copied());
    exercise(&bytes);
}

fn exercise(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes(bytes) else { return };
    let again = Model::from_bytes(&model.to_bytes()).expect("what was read can be written and read");
    assert_eq!(again, model);
    let model = Arc::new(model);
    let mut table = Table::new(model.schema.clone());
    let mut index = Index::new(Arc::clone(&model), Rails::default());
    for (id, values) in RECORDS.iter().enumerate() {
        let (id, system) = (id.to_string(), ["crm", "erp"][id % 2].to_owned());
        table.push(&id, &system, values);
        index.put(&RecordName { system, id }, values);
    }
    let linkage = linkage::link(&mut table, model, &mut |_| {});
    assert!(linkage.weights.iter().all(|weight| weight.is_finite()));
    let clusters = linkage.clusters(&table, &Rails::default());
    assert!(linkage.pairs(&clusters, 0.0).iter().all(|pair| (0.0..=1.0).contains(&pair.probability)));
    for pair in &linkage.candidates.pairs {
        let explained = explain::pair(&linkage.scorer, linkage.view(&table), pair.a, pair.b);
        assert!(explained.probability.is_finite() && explain::svg(&explained).ends_with("</svg>"));
    }
    for (id, _) in RECORDS.iter().enumerate() {
        let system = ["crm", "erp"][id % 2].to_owned();
        let near = index.near(&RecordName { system, id: id.to_string() });
        assert!(near.pairs.iter().all(|pair| (0.0..=1.0).contains(&pair.probability)));
    }
}
