//! The laws of checks: what they count is what is there, however rows are split into batches and parts, and however little memory
//! their keys have.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::float_arithmetic, reason = "zero has one sign once nothing is added")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant_quality::check::{
    Batch, Bits, Bound, Check, Checker, Column, Outcome, Pattern, Reference, Relation, Rule, Settings, State, Texts,
    Values,
};
use proptest::prelude::*;

/// A row: a text, a whole number, a number, and two moments.
type Row = (Option<String>, Option<i64>, Option<f64>, Option<i64>, Option<i64>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = proptest::option::weighted(0.8, "[ab]{0,3}");
    let whole = proptest::option::weighted(0.8, -3i64..6);
    let real = proptest::option::weighted(0.8, prop_oneof![-2.0..3.0, Just(f64::NAN), Just(0.0), Just(-0.0)]);
    let moment = || proptest::option::weighted(0.8, 0i64..40);
    proptest::collection::vec((text, whole, real, moment(), moment()), 0..60)
}

fn checks() -> Vec<Check> {
    let named = |column: &str| column.to_owned();
    let between = |column: &str, least, most| Rule::Between { column: named(column), least, most };
    let related = |relation| Rule::Related { left: named("from"), relation, right: named("to") };
    let rules = [
        Rule::Rows { least: 10, most: Some(30) },
        Rule::Present { column: named("text") },
        Rule::Unique { columns: vec![named("text")] },
        Rule::Unique { columns: vec![named("whole")] },
        Rule::Unique { columns: vec![named("real"), named("text")] },
        Rule::Matches { column: named("text"), pattern: Arc::new(Pattern::new("a+b*").unwrap()) },
        Rule::OneOf { column: named("text"), values: ["a", "bb", ""].map(named).into() },
        between("whole", Some(Bound::Whole(0)), Some(Bound::Real(3.5))),
        between("real", Some(Bound::Real(-0.5)), None),
        Rule::Fresh { column: named("from"), now: 30, within: 12 },
        related(Relation::Less),
        related(Relation::AtMost),
        related(Relation::Equal),
        Rule::Refers { column: named("whole"), to: Arc::new(Reference::wholes([1, 2, 5])) },
        Rule::Refers { column: named("text"), to: Arc::new(Reference::texts(["ab", "b"]).unwrap()) },
        Rule::PresentWhen { column: named("whole"), when: named("text"), equals: None },
        Rule::PresentWhen { column: named("real"), when: named("text"), equals: Some(named("a")) },
    ];
    let named = |(place, rule): (usize, Rule)| Check { name: format!("{place}"), rule, at_least: 0.9 };
    rules.into_iter().enumerate().map(named).collect()
}

/// Of each check, how many pass, of how many, and the first rows that do not; each said once more, row by row.
fn truth(rows: &[Row]) -> Vec<(u64, u64, Vec<u64>)> {
    let judged = |judge: &dyn Fn(&Row) -> Option<bool>| {
        let judged: Vec<(u64, bool)> = (0..).zip(rows).filter_map(|(place, row)| Some((place, judge(row)?))).collect();
        let bad: Vec<u64> = judged.iter().filter(|(_, good)| !good).map(|(place, _)| *place).collect();
        ((judged.len() - bad.len()) as u64, judged.len() as u64, bad)
    };
    fn unique<K: Ord>(rows: &[Row], key: impl Fn(&Row) -> Option<K>) -> (u64, u64, Vec<u64>) {
        let mut by_key: BTreeMap<K, Vec<u64>> = BTreeMap::new();
        for (place, row) in (0..).zip(rows) {
            if let Some(key) = key(row) {
                by_key.entry(key).or_default().push(place);
            }
        }
        let of = by_key.values().map(Vec::len).sum::<usize>() as u64;
        let shared: BTreeSet<u64> = by_key.values().filter(|rows| rows.len() > 1).map(|rows| rows[0]).collect();
        (by_key.len() as u64, of, shared.into_iter().collect())
    }
    let related = |holds: fn(i64, i64) -> bool| judged(&move |row| row.3.zip(row.4).map(|(from, to)| holds(from, to)));
    let fits = (10..=30).contains(&rows.len());
    vec![
        (u64::from(fits), 1, vec![]),
        judged(&|row| Some(row.0.is_some())),
        unique(rows, |row| row.0.clone()),
        unique(rows, |row| row.1),
        // NaN is one key, and zero is one.
        unique(rows, |row| {
            row.2.map(|real| if real.is_nan() { None } else { Some((real + 0.0).to_bits()) }).zip(row.0.clone())
        }),
        judged(&|row| {
            row.0
                .as_ref()
                .map(|text| text.starts_with('a') && text.trim_start_matches('a').trim_start_matches('b').is_empty())
        }),
        judged(&|row| row.0.as_ref().map(|text| ["a", "bb", ""].contains(&text.as_str()))),
        judged(&|row| row.1.map(|whole| (0..=3).contains(&whole))),
        judged(&|row| row.2.map(|real| real >= -0.5)),
        judged(&|row| row.3.map(|from| (18..=30).contains(&from))),
        related(|from, to| from < to),
        related(|from, to| from <= to),
        related(|from, to| from == to),
        judged(&|row| row.1.map(|whole| [1, 2, 5].contains(&whole))),
        judged(&|row| row.0.as_ref().map(|text| ["ab", "b"].contains(&text.as_str()))),
        judged(&|row| row.0.as_ref().map(|_| row.1.is_some())),
        judged(&|row| row.0.as_ref().filter(|text| *text == "a").map(|_| row.2.is_some())),
    ]
}

fn take(checker: &mut Checker, rows: &[Row]) {
    fn bits(present: impl Iterator<Item = bool>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (place, present) in present.enumerate() {
            if place % 8 == 0 {
                bytes.push(0);
            }
            *bytes.last_mut().unwrap() |= u8::from(present) << (place % 8);
        }
        bytes
    }
    let (mut bytes, mut ends) = (Vec::new(), vec![0]);
    for row in rows {
        bytes.extend_from_slice(row.0.clone().unwrap_or_default().as_bytes());
        ends.push(i32::try_from(bytes.len()).unwrap());
    }
    let wholes: Vec<i64> = rows.iter().map(|row| row.1.unwrap_or(2)).collect();
    let reals: Vec<f64> = rows.iter().map(|row| row.2.unwrap_or(7.0)).collect();
    let from: Vec<i64> = rows.iter().map(|row| row.3.unwrap_or(29)).collect();
    let to: Vec<i64> = rows.iter().map(|row| row.4.unwrap_or(0)).collect();
    let present = [
        bits(rows.iter().map(|row| row.0.is_some())),
        bits(rows.iter().map(|row| row.1.is_some())),
        bits(rows.iter().map(|row| row.2.is_some())),
        bits(rows.iter().map(|row| row.3.is_some())),
        bits(rows.iter().map(|row| row.4.is_some())),
    ];
    let values = [
        ("text", Values::Text(Texts::between(&bytes, &ends).unwrap())),
        ("whole", Values::Whole(&wholes)),
        ("real", Values::Real(&reals)),
        ("from", Values::Moment(&from)),
        ("to", Values::Moment(&to)),
    ];
    let mut batch = Batch::of(rows.len());
    for ((name, values), present) in values.into_iter().zip(&present) {
        batch = batch.with(name, Column::partial(values, Bits::from(present, 0))).unwrap();
    }
    checker.take(&batch).unwrap();
}

fn settings(memory: usize) -> Settings {
    Settings { memory, examples: 3, show: true, ..Settings::default() }
}

fn outcomes(rows: &[Row], sizes: &[usize], memory: usize) -> Vec<Outcome> {
    let mut checker = Checker::new(checks(), settings(memory)).unwrap();
    for part in split(rows, sizes) {
        take(&mut checker, part);
    }
    checker.outcomes().unwrap()
}

/// The rows in parts of these sizes, and the rest.
fn split<'r>(mut rows: &'r [Row], sizes: &[usize]) -> Vec<&'r [Row]> {
    let mut parts = Vec::new();
    for size in sizes {
        let (part, rest) = rows.split_at((*size).min(rows.len()));
        parts.push(part);
        rows = rest;
    }
    parts.push(rows);
    parts
}

fn states(rows: &[Row], memory: usize) -> Vec<State> {
    let mut checker = Checker::new(checks(), settings(memory)).unwrap();
    take(&mut checker, rows);
    checker.into_states().unwrap()
}

fn merged(mut earlier: Vec<State>, later: Vec<State>, memory: usize) -> Vec<State> {
    for (state, later) in earlier.iter_mut().zip(later) {
        state.merge(later, &settings(memory)).unwrap();
    }
    earlier
}

fn read(states: Vec<State>) -> Vec<Outcome> {
    Checker::resume(checks(), settings(1 << 20), states).unwrap().outcomes().unwrap()
}

/// From a key a file to all in memory.
const MEMORY: [usize; 4] = [0, 150, 600, 1 << 20];

proptest! {
    #[test]
    fn what_is_counted_is_what_is_there(rows in rows(), sizes in proptest::collection::vec(0usize..20, 0..6)) {
        for memory in MEMORY {
            let outcomes = outcomes(&rows, &sizes, memory);
            for (outcome, (good, of, bad)) in outcomes.iter().zip(truth(&rows)) {
                prop_assert_eq!((outcome.good, outcome.of), (good, of), "{} {}", &outcome.check, memory);
                let examples: Vec<u64> = outcome.examples.iter().map(|example| example.row).collect();
                prop_assert_eq!(examples, bad.into_iter().take(3).collect::<Vec<_>>(), "{} {}", &outcome.check, memory);
                prop_assert_eq!(outcome.rows, rows.len() as u64);
            }
        }
    }

    #[test]
    fn parts_merge_to_one_pass_in_any_order(
        rows in rows(), sizes in proptest::collection::vec(0usize..25, 2), memory in proptest::sample::select(&MEMORY),
    ) {
        let whole = outcomes(&rows, &[], 1 << 20);
        let part = |place: usize| states(split(&rows, &sizes)[place], memory);
        let left = merged(merged(part(0), part(1), memory), part(2), memory);
        let right = merged(part(0), merged(part(1), part(2), memory), memory);
        prop_assert_eq!(&read(left), &whole);
        prop_assert_eq!(&read(right), &whole);
        prop_assert_eq!(whole.len(), checks().len());
    }

    #[test]
    fn a_state_is_stored_and_read_back(rows in rows(), size in 0usize..60, memory in proptest::sample::select(&MEMORY)) {
        let parts = split(&rows, &[size]);
        let text = serde_json::to_string(&states(parts[0], memory)).unwrap();
        let back: Vec<State> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&serde_json::to_string(&back).unwrap(), &text);
        let mut checker = Checker::resume(checks(), settings(memory), back).unwrap();
        take(&mut checker, parts[1]);
        prop_assert_eq!(checker.outcomes().unwrap(), outcomes(&rows, &[], 1 << 20));
    }
}

/// Beyond any number of files that are read at once: runs are merged into one, and merged again.
#[test]
fn keys_are_exact_whatever_memory_they_have() {
    let unique =
        || Check { name: "one".to_owned(), rule: Rule::Unique { columns: vec!["key".to_owned()] }, at_least: 1.0 };
    // 7 and 10 007 have no factor in common: all keys below 10 007 come, each once in as many rows.
    let keys: Vec<i64> = (0..30_000).map(|row| row * 7 % 10_007).collect();
    for memory in [2_000, 20_000, 100_000, 10 << 20] {
        let mut checker = Checker::new(vec![unique()], settings(memory)).unwrap();
        for part in keys.chunks(1_000) {
            checker.take(&Batch::of(part.len()).with("key", Column::full(Values::Whole(part))).unwrap()).unwrap();
        }
        let outcome = &checker.outcomes().unwrap()[0];
        assert_eq!((outcome.good, outcome.of), (10_007, 30_000), "{memory}");
        let examples: Vec<_> =
            outcome.examples.iter().map(|example| (example.row, example.rows, example.value.as_deref())).collect();
        assert_eq!(examples, [(0, 3, Some("0")), (1, 3, Some("7")), (2, 3, Some("14"))], "{memory}");
    }
}
