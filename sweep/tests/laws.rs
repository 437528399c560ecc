//! A sweep says what a naive comparison says, however its snapshots are written, ordered, spilled and gone on with.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use accordant::equivalence::Equivalence;
use accordant::normalize::{lowercase, trim};
use accordant::value::Field;
use accordant_sweep::source::{Csv, JsonLines};
use accordant_sweep::{Attribute, Changed, Checkpoint, Counts, Difference, Order, Side, Step, Sweep};
use proptest::prelude::*;
use tempfile::TempDir;

const ATTRIBUTES: [&str; 3] = ["name", "note", "amount"];

/// A row: a key, and a value of each attribute.
type Row = (String, [Field; 3]);

fn equivalences() -> [(Equivalence, bool); 3] {
    let lower = Equivalence::Normalized(std::sync::Arc::new(lowercase()));
    let trimmed = Equivalence::Normalized(std::sync::Arc::new(trim()));
    [(lower, false), (trimmed, true), (Equivalence::Tolerance(1.into()), false)]
}

/// The answer by the definition: everything in memory, in maps.
fn naive(tables: &[Vec<Row>], order: Order, holds: impl Fn(usize, usize) -> bool) -> (Vec<Difference>, Counts) {
    let mut rows: Vec<BTreeMap<&str, Vec<&[Field; 3]>>> = Vec::new();
    for table in tables {
        let mut by_key = BTreeMap::new();
        table.iter().for_each(|(key, values)| by_key.entry(key.as_str()).or_insert_with(Vec::new).push(values));
        rows.push(by_key);
    }
    let keys: BTreeSet<&str> = rows.iter().flat_map(|table| table.keys().copied()).collect();
    let mut keys: Vec<&str> = keys.into_iter().collect();
    keys.sort_by(|one, other| order.compare(one.as_bytes(), other.as_bytes()));
    let mut counts = Counts {
        rows: tables.iter().map(|table| table.len() as u64).collect(),
        keys: keys.len() as u64,
        missing: vec![0; tables.len()],
        repeated: vec![0; tables.len()],
        ..Counts::default()
    };
    let mut differences = Vec::new();
    for key in keys {
        let met: Vec<u64> = rows.iter().map(|table| table.get(key).map_or(0, |met| met.len() as u64)).collect();
        let mut changed = Vec::new();
        for (place, (attribute, (equivalence, apart))) in ATTRIBUTES.iter().zip(equivalences()).enumerate() {
            let value =
                |side: usize| rows[side].get(key).filter(|_| holds(side, place)).map(|met| met[0][place].clone());
            let values: Vec<Option<Field>> = (0..tables.len()).map(value).collect();
            let mut known = values.iter().flatten();
            let Some(first) = known.next() else { continue };
            let blank = |field: &Field| match (&equivalence, field) {
                (Equivalence::Normalized(normalizer), Field::Value(text)) => normalizer.normalize(text).is_empty(),
                (_, field) => *field == Field::Empty,
            };
            let same = |value: &Field| match (value.is_value() && !blank(value), first.is_value() && !blank(first)) {
                (true, true) => equivalence.same(value, first),
                (false, false) => !apart || (*value == Field::Null) == (*first == Field::Null),
                _ => false,
            };
            let others = known.filter(|value| !same(value)).count() as u64;
            counts.values += others;
            if others > 0 {
                changed.push(Changed { attribute: (*attribute).to_owned(), values });
            }
        }
        counts.changed += u64::from(!changed.is_empty());
        for (side, met) in met.iter().enumerate() {
            counts.missing[side] += u64::from(*met == 0);
            counts.repeated[side] += u64::from(*met > 1);
        }
        if !changed.is_empty() || met.iter().any(|met| *met != 1) {
            let ids = met.iter().map(|met| (*met > 0).then(|| key.to_owned())).collect();
            differences.push(Difference { key: key.to_owned(), rows: met, ids, changed });
        }
    }
    (differences, counts)
}

fn csv(table: &[Row], quoted: bool, returns: bool, turned: bool) -> String {
    let cell = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Empty => "\"\"".to_owned(),
        Field::Value(text) if quoted || text.contains(['"', ',', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Field::Value(text) => text.to_string(),
    };
    let end = if returns { "\r\n" } else { "\n" };
    let mut text = format!("{}{end}", if turned { "amount,name,note,nr" } else { "nr,name,note,amount" });
    for (key, [name, note, amount]) in table {
        let key = cell(&Field::value(key));
        let cells = [&cell(name), &cell(note), &cell(amount)];
        let [name, note, amount] = cells;
        text.push_str(&if turned {
            format!("{amount},{name},{note},{key}{end}")
        } else {
            format!("{key},{name},{note},{amount}{end}")
        });
    }
    text
}

fn json_lines(table: &[Row]) -> String {
    let mut text = String::new();
    for (key, [name, note, amount]) in table {
        let record = serde_json::json!({ "of": { "key": key, "name": name }, "note": note, "amount": amount });
        text.push_str(&format!("{record}\n"));
    }
    text
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Quoted,
    Returns,
    Turned,
    JsonLines,
}

fn write(folder: &Path, side: usize, table: &[Row], form: Form) {
    let text = match form {
        Form::Plain => csv(table, false, false, false),
        Form::Quoted => csv(table, true, false, false),
        Form::Returns => csv(table, false, true, false),
        Form::Turned => csv(table, false, false, true),
        Form::JsonLines => json_lines(table),
    };
    fs::write(folder.join(side.to_string()), text).unwrap();
}

struct World {
    folder: TempDir,
    forms: Vec<Form>,
    order: Order,
    sorted: Vec<bool>,
    memory: usize,
    /// Of the second snapshot, whether it holds notes.
    notes: bool,
}

impl World {
    fn sweep(&self) -> Sweep {
        let mut sweep = Sweep::by(self.order).memory(self.memory).spill_into(self.folder.path());
        for (attribute, (equivalence, apart)) in ATTRIBUTES.iter().zip(equivalences()) {
            let attribute = Attribute::new(*attribute, equivalence);
            sweep = sweep.attributes([if apart { attribute.telling_null_from_empty() } else { attribute }]);
        }
        for (place, form) in self.forms.iter().enumerate() {
            let (system, path) = (format!("system {place}"), self.folder.path().join(place.to_string()));
            let side = match form {
                Form::JsonLines => Side::new(system, JsonLines::new(path)).key("of.key").column("name", "of.name"),
                _ => Side::new(system, Csv::new(path)).key("nr"),
            };
            let side = if self.sorted[place] { side.sorted() } else { side };
            sweep = sweep.side(if place == 1 && !self.notes { side.without("note") } else { side });
        }
        sweep
    }

    /// All differences, and all checkpoints with how many differences stood before each.
    fn run(&self, from: Option<&Checkpoint>) -> (Vec<Difference>, Counts, Vec<(Checkpoint, usize)>) {
        let mut run = match from {
            None => self.sweep().start().unwrap(),
            Some(checkpoint) => self.sweep().resume(checkpoint).unwrap(),
        };
        let (mut differences, mut checkpoints) = (Vec::new(), vec![(run.checkpoint().unwrap(), 0)]);
        loop {
            let step = run.step().unwrap();
            match step {
                Step::Found(difference) => differences.push(difference),
                Step::Done => return (differences, run.counts().clone(), checkpoints),
                _ => {}
            }
            checkpoints.push((run.checkpoint().unwrap(), differences.len()));
        }
    }
}

fn field() -> BoxedStrategy<Field> {
    prop_oneof![
        1 => Just(Field::Null),
        1 => Just(Field::Empty),
        4 => prop::sample::select(vec!["a", "A", " a", "b,\"c\"", "x\ny", "  ", "\"", "é"]).prop_map(Field::value),
    ]
    .boxed()
}

fn amount() -> BoxedStrategy<Field> {
    let texts = prop::sample::select(vec!["1", "1.0", "2", "9", "x"]).prop_map(Field::value);
    prop_oneof![1 => Just(Field::Null), 4 => texts].boxed()
}

/// Tables that are much alike: copies of one, with some rows of each changed, left out, repeated or added.
fn tables(sides: usize) -> impl Strategy<Value = Vec<Vec<Row>>> {
    let row = || (0u32..120, [field(), field(), amount()]);
    let base = prop::collection::btree_map(0u32..120, [field(), field(), amount()], 0..60);
    let edits = prop::collection::vec(prop::collection::vec((0u8..4, row()), 0..6), sides);
    (base, edits).prop_map(|(base, edits)| {
        let mut all = Vec::new();
        for edits in edits {
            let mut rows: Vec<(u32, [Field; 3])> = base.clone().into_iter().collect();
            for (what, (key, values)) in edits {
                let at = rows.iter().position(|(other, _)| *other == key);
                match (what, at) {
                    (0, Some(at)) => rows[at].1 = values,
                    (1, Some(at)) => drop(rows.remove(at)),
                    (2, Some(at)) => rows.insert(at, rows[at].clone()),
                    (_, Some(at)) => rows.insert(at + 1, (key, values)),
                    (_, None) => rows.push((key, values)),
                }
            }
            all.push(rows.into_iter().map(|(key, values)| (key.to_string(), values)).collect());
        }
        all
    })
}

fn in_order(table: &mut [Row], order: Order) {
    table.sort_by(|(one, _), (other, _)| order.compare(one.as_bytes(), other.as_bytes()));
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        3 => Just(Form::Plain),
        1 => prop::sample::select(vec![Form::Quoted, Form::Returns, Form::Turned, Form::JsonLines]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Of two to four systems, in either order of keys, sorted or not, with memory for a few rows or for all.
    #[test]
    fn a_sweep_says_what_a_naive_comparison_says(
        (mut tables, forms) in (2usize..5).prop_flat_map(|sides| {
            (tables(sides), prop::collection::vec(form(), sides))
        }),
        order in prop::sample::select(vec![Order::Bytes, Order::Number]),
        sorted in prop::collection::vec(any::<bool>(), 4),
        (memory, notes) in (prop::sample::select(vec![0usize, 2_000, 1 << 20]), any::<bool>()),
        shuffle in any::<u64>(),
    ) {
        for (table, sorted) in tables.iter_mut().zip(&sorted) {
            in_order(table, order);
            if !sorted {
                // Rows of one key stay in their order: the first is compared.
                let by = |key: &str| key.bytes().fold(shuffle, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
                table.sort_by_key(|(key, _)| by(key));
            }
        }
        let world = World { folder: tempfile::tempdir().unwrap(), forms, order, sorted, memory, notes };
        for (side, (table, form)) in tables.iter().zip(&world.forms).enumerate() {
            write(world.folder.path(), side, table, *form);
        }
        let (expected, counted) = naive(&tables, order, |side, place| notes || side != 1 || place != 1);
        let (found, counts, checkpoints) = world.run(None);
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(&counts, &counted);
        // From every checkpoint on, by way of its stored form, the rest is told, and nothing twice.
        for (checkpoint, before) in checkpoints {
            let stored = serde_json::to_string(&checkpoint).unwrap();
            let (rest, counts, _) = world.run(Some(&serde_json::from_str(&stored).unwrap()));
            prop_assert_eq!(&rest, &expected[before..], "behind {}", stored);
            prop_assert_eq!(&counts, &counted);
        }
    }
}
