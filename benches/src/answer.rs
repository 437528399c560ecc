//! What a run arrived at, read from the state of the engine.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use accordant::discrepancy::{DiscrepancyKind, DiscrepancyState};
use accordant::fingerprint::{Digest, Fingerprint};
use accordant::golden::Status;
use accordant::model::UnitKey;
use accordant::representation::{CellRef, Representation};
use accordant::working_set::{EntityState, WorkingSet};

/// The first seven attributes are text, the last is money.
const AMOUNT: u16 = 7;
const ATTRIBUTES: u16 = 8;

/// Entities and their values, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Entities of which anything was said.
    pub entities: u64,
    /// Attributes with a value.
    pub values: u64,
    /// The lengths of all texts.
    pub lengths: u64,
    /// All amounts.
    pub cents: u64,
}

impl Sums {
    fn add(&mut self, attribute: u16, value: &str) {
        self.values += 1;
        if attribute == AMOUNT {
            self.cents += cents(value);
        } else {
            self.lengths += value.len() as u64;
        }
    }

    /// The four figures, in the order of the fields.
    #[must_use]
    pub const fn figures(&self) -> [u64; 4] {
        [self.entities, self.values, self.lengths, self.cents]
    }
}

/// Hundredths of canonical decimal text.
fn cents(value: &str) -> u64 {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digit = |place: usize| fraction.as_bytes().get(place).map_or(0, |digit| u64::from(digit.wrapping_sub(b'0')));
    whole.parse::<u64>().unwrap_or_default() * 100 + digit(0) * 10 + digit(1)
}

fn entities(sets: &[WorkingSet]) -> impl Iterator<Item = (&WorkingSet, &EntityState)> {
    sets.iter().flat_map(|set| set.entities().iter().map(move |state| (set, state)))
}

/// What golden holds.
#[must_use]
pub fn golden(sets: &[WorkingSet]) -> Sums {
    let mut sums = Sums::default();
    for (set, state) in entities(sets) {
        let speaks = |record: &u32| set.records().get(*record as usize).is_some_and(|r| r.representation.speaks());
        sums.entities += u64::from(state.records.iter().any(speaks));
        for attribute in 0..ATTRIBUTES {
            let cell = state.entity.golden.get(&UnitKey::Whole(attribute));
            if let Some(value) = cell.and_then(|cell| cell.field.as_value()) {
                sums.add(attribute, value);
            }
        }
    }
    sums
}

/// What the yardstick calls resolved, computed from the same representations: in each attribute the value that was last
/// *heard* counts, whether or not it is news, and conflicts wait for nobody.
///
/// It shows that decoding and folding lose nothing. Where it differs from golden, the engine kept a value for a reason.
#[must_use]
pub fn last_heard(sets: &[WorkingSet]) -> Sums {
    let mut sums = Sums::default();
    for (set, state) in entities(sets) {
        let mut systems: [Option<&Representation>; 3] = [None; 3];
        for record in state.records.iter().filter_map(|record| set.records().get(*record as usize)) {
            systems[usize::from(record.object)] =
                Some(&*record.representation).filter(|representation| representation.speaks());
        }
        sums.entities += u64::from(systems.iter().any(Option::is_some));
        for attribute in 0..ATTRIBUTES {
            // The attributes were declared in one order for all systems, so slot and attribute are one number.
            let cells = systems.map(|system| system.and_then(|representation| representation.cell(attribute)));
            if let Some(value) = choose(attribute, cells) {
                sums.add(attribute, value);
            }
        }
    }
    sums
}

fn choose(attribute: u16, cells: [Option<CellRef<'_>>; 3]) -> Option<&str> {
    const BEHIND_MS: i64 = 5 * 24 * 3_600_000;
    let order: Option<[usize; 3]> = match attribute {
        0..=2 => Some([0, 1, 2]),
        6 => Some([2, 1, 0]),
        _ => None,
    };
    let values = cells.map(|cell| cell.and_then(|cell| Some((cell.stamp().token, cell.field().as_value()?))));
    let freshest = values.iter().flatten().max_by_key(|(heard, _)| *heard)?;
    let preferred = order.into_iter().flatten().filter_map(|system| values[system]);
    let chosen = preferred.into_iter().find(|(heard, _)| heard.saturating_add(BEHIND_MS) >= freshest.0);
    Some(chosen.unwrap_or(*freshest).1)
}

/// How many discrepancies stand, by kind and state; and how many units wait for a person.
#[must_use]
pub fn standing(sets: &[WorkingSet]) -> BTreeMap<(DiscrepancyKind, DiscrepancyState), u64> {
    let mut counts = BTreeMap::new();
    for (_, state) in entities(sets) {
        for discrepancy in state.entity.discrepancies.values() {
            *counts.entry((discrepancy.kind, discrepancy.state)).or_default() += 1;
        }
    }
    counts
}

/// How many units no policy could settle.
#[must_use]
pub fn parked(sets: &[WorkingSet]) -> u64 {
    let units = entities(sets).flat_map(|(_, state)| state.entity.golden.iter());
    units.filter(|(_, cell)| matches!(cell.status, Status::Parked { .. })).count() as u64
}

/// Sixteen digits that stand for the whole state: every entity with its golden values, bases, discrepancies and links, and what every
/// record says. The order of entities and of working sets makes no difference.
#[must_use]
pub fn digest(sets: &[WorkingSet]) -> String {
    let mut sum = 0_u64;
    for (set, state) in entities(sets) {
        let mut print = Fingerprint::new();
        print.text(&format!("{:?}", state.entity));
        for record in state.records.iter().filter_map(|record| set.records().get(*record as usize)) {
            print.text(&format!("{:?} {:?}", record.record, record.representation));
        }
        let Digest(bytes) = print.finish();
        let (first, _) = bytes.split_at(8);
        sum = sum.wrapping_add(first.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    }
    format!("{sum:016x}")
}

/// The answer as JSON.
#[must_use]
pub fn to_json(sets: &[WorkingSet]) -> String {
    let mut out = String::new();
    let list = |sums: Sums| sums.figures().map(|figure| figure.to_string()).join(",");
    let _ = write!(
        out,
        r#"{{"golden":[{}],"last_heard":[{}],"parked":{},"discrepancies":{{"#,
        list(golden(sets)),
        list(last_heard(sets)),
        parked(sets)
    );
    for (place, ((kind, state), count)) in standing(sets).into_iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let state = format!("{state:?}").to_lowercase();
        let _ = write!(out, r#"{comma}"{}, {state}":{count}"#, kind.title());
    }
    out.push_str("}}");
    out
}
