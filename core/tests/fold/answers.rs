//! Everything that the engine asks of a representation, and the same answers computed without folding: from the plain
//! set of observations, as `docs/semantics.md` 3 defines them. The second way has no order to depend on.

use std::collections::{BTreeMap, BTreeSet};

use accordant::model::Shape;
use accordant::observation::{Coverage, Observation, Sighting, SlotIndex};
use accordant::representation::{Life, Representation};
use accordant::stamp::Stamp;
use accordant::value::Field;

use crate::world::{COLLECTIONS, ELEMENTS, Event, SCALARS, SHAPES, key};

/// What is said of one cell or element: the field, since when, and when it was last otherwise.
pub(crate) type Answer = Option<(Field, Stamp, Option<Stamp>)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) cells: BTreeMap<SlotIndex, Answer>,
    pub(crate) elements: BTreeMap<(SlotIndex, &'static str), Answer>,
    pub(crate) denied: BTreeSet<SlotIndex>,
    pub(crate) life: Life,
    pub(crate) tied: bool,
    pub(crate) missed_scans: usize,
    pub(crate) redirected_to: Option<String>,
    pub(crate) speaks: bool,
}

impl Answers {
    /// What is answered about one slot.
    pub(crate) fn of_slot(&self, slot: SlotIndex) -> (Option<&Answer>, Vec<&Answer>, bool) {
        let elements = ELEMENTS.iter().filter_map(|element| self.elements.get(&(slot, *element))).collect();
        (self.cells.get(&slot), elements, self.denied.contains(&slot))
    }
}

/// Asks a representation.
pub(crate) fn answers(representation: &Representation) -> Answers {
    let cell = |slot: &SlotIndex| {
        let cell = representation.cell(*slot)?;
        Some((cell.field().clone(), cell.since(), cell.not_before()))
    };
    let element = |slot: SlotIndex, element: &'static str| {
        let said = representation.element(slot, &key(element))?;
        Some((said.field.clone(), said.since, said.not_before))
    };
    Answers {
        cells: SCALARS.iter().map(|slot| (*slot, cell(slot))).collect(),
        elements: pairs().map(|(slot, name)| ((slot, name), element(slot, name))).collect(),
        denied: (0..4).filter(|slot| representation.is_denied(*slot)).collect(),
        life: representation.existence().life(),
        tied: representation.existence().tied(),
        missed_scans: representation.existence().missed_scans(),
        redirected_to: representation.redirected_to().map(ToString::to_string),
        speaks: representation.speaks(),
    }
}

fn pairs() -> impl Iterator<Item = (SlotIndex, &'static str)> {
    COLLECTIONS.iter().flat_map(|slot| ELEMENTS.iter().map(|element| (*slot, *element)))
}

/// What an observation says of a scalar slot: a cell carried, or Null where it is covered and the record has none.
pub(crate) fn says(observation: &Observation, slot: SlotIndex) -> Option<Field> {
    let carried = observation.cells.iter().find(|said| said.slot == slot);
    match carried {
        Some(said) => Some(said.field.clone()),
        None => covers(observation, slot).then_some(Field::Null),
    }
}

fn covers(observation: &Observation, slot: SlotIndex) -> bool {
    match &observation.coverage {
        Coverage::AllBut(uncovered) => !uncovered.contains(&slot) && !observation.denied.contains(&slot),
        Coverage::Carried => false,
    }
}

/// What an observation says of a collection: the elements it was seen with; `None`: it was not seen.
pub(crate) fn shows(observation: &Observation, slot: SlotIndex) -> Option<BTreeMap<String, Field>> {
    let carried: Vec<_> = observation.cells.iter().filter(|said| said.slot == slot).collect();
    (!carried.is_empty() || covers(observation, slot)).then(|| {
        let elements = carried.into_iter().filter_map(|said| Some((said.element.as_ref()?, said.field.clone())));
        elements.map(|(element, field)| (element.to_string(), field)).collect()
    })
}

/// The answers, from the set of observations alone.
pub(crate) fn expected(events: &[Event]) -> Answers {
    let seen: Vec<&Observation> = events
        .iter()
        .filter_map(|event| match event {
            Event::Observed(observation) => Some(observation),
            Event::Redirected(..) => None,
        })
        .collect();
    let merges = events.iter().filter_map(|event| match event {
        Event::Redirected(stamp, survivor) => Some((*stamp, *survivor)),
        Event::Observed(_) => None,
    });
    let redirected_to = merges.max().map(|(_, survivor)| survivor.to_owned());
    let (life, tied, missed_scans) = existence(&seen);
    Answers {
        cells: SCALARS.iter().map(|slot| (*slot, cell(&seen, *slot))).collect(),
        elements: pairs().map(|(slot, name)| ((slot, name), element(&seen, slot, name))).collect(),
        denied: (0..4).filter(|slot| denied(&seen, *slot)).collect(),
        speaks: life == Life::Live && redirected_to.is_none(),
        life,
        tied,
        missed_scans,
        redirected_to,
    }
}

/// The maximum of the set, the start of its run, and the last that was otherwise.
fn cell(seen: &[&Observation], slot: SlotIndex) -> Answer {
    let set: BTreeSet<(Stamp, Field)> =
        seen.iter().filter_map(|observation| Some((observation.stamp, says(observation, slot)?))).collect();
    let (_, value) = set.last()?;
    let otherwise = set.iter().rev().find(|(_, field)| field != value);
    let run = set.iter().filter(|entry| otherwise.is_none_or(|otherwise| *entry > otherwise));
    Some((value.clone(), run.map(|(stamp, _)| *stamp).min()?, otherwise.map(|(stamp, _)| *stamp)))
}

/// The same for an element. Where a collection was seen without it, it was Null; at one stamp the greater state counts.
fn element(seen: &[&Observation], slot: SlotIndex, name: &str) -> Answer {
    let mut looks: BTreeMap<Stamp, BTreeSet<Field>> = BTreeMap::new();
    for observation in seen {
        let Some(shown) = shows(observation, slot) else { continue };
        looks.entry(observation.stamp).or_default().extend(shown.get(name).cloned());
    }
    let state = |fields: &BTreeSet<Field>| fields.last().cloned().unwrap_or_default();
    let (_, last) = looks.last_key_value()?;
    let value = state(last);
    let mut since = None;
    for (stamp, fields) in looks.iter().rev() {
        if state(fields) != value {
            break;
        }
        since = Some(*stamp);
        if fields.len() > 1 {
            // At this stamp it was also said otherwise: the run goes back no further.
            break;
        }
    }
    let since = since?;
    Some((value, since, looks.range(..since).next_back().map(|(stamp, _)| *stamp)))
}

fn denied(seen: &[&Observation], slot: SlotIndex) -> bool {
    let denied = seen.iter().filter(|observation| observation.denied.contains(&slot)).map(|seen| seen.stamp).max();
    let said = |observation: &&&Observation| match SHAPES[usize::from(slot)] {
        Shape::One | Shape::List => says(observation, slot).is_some(),
        _ => shows(observation, slot).is_some(),
    };
    denied > seen.iter().filter(said).map(|observation| observation.stamp).max()
}

fn existence(seen: &[&Observation]) -> (Life, bool, usize) {
    let last = |wanted: &dyn Fn(&Sighting) -> bool| {
        seen.iter().filter(|observation| wanted(&observation.sighting)).map(|observation| observation.stamp).max()
    };
    let live = last(&|sighting| matches!(sighting, Sighting::Live { .. }));
    let full = last(&|sighting| matches!(sighting, Sighting::Live { full: true }));
    let dead = seen.iter().filter_map(|observation| match observation.sighting {
        Sighting::Dead(evidence) => Some((observation.stamp, evidence)),
        _ => None,
    });
    // At one stamp the strongest evidence counts: it is listed first.
    let dead = dead.max_by_key(|(stamp, evidence)| (*stamp, std::cmp::Reverse(*evidence)));
    let life = match (live, dead) {
        (None, None) => Life::Unknown,
        (Some(_), None) => Life::Live,
        (None, Some((_, evidence))) => Life::Dead(evidence),
        (Some(live), Some((dead, evidence))) if live < dead => Life::Dead(evidence),
        // A tie means live; otherwise only a full read after the death lifts the hiding.
        (Some(live), Some((dead, _))) if live == dead || full >= Some(dead) => Life::Live,
        _ => Life::Resurrected,
    };
    let met_by = seen.iter().filter(|observation| matches!(observation.sighting, Sighting::Live { .. }));
    let met_by = met_by.map(|observation| observation.stamp.read).max().unwrap_or(0);
    let mut missed: BTreeMap<u64, i64> = BTreeMap::new();
    for observation in seen {
        if let Sighting::Absent { scan } = observation.sighting {
            let token = missed.entry(scan).or_insert(i64::MAX);
            *token = observation.stamp.token.min(*token);
        }
    }
    // Met by a later read, or sighted with a later token, a record was not missed.
    missed.retain(|scan, token| *scan > u64::from(met_by) && live.is_none_or(|live: Stamp| live.token <= *token));
    (life, live.is_some() && live == dead.map(|(stamp, _)| stamp), missed.len())
}
