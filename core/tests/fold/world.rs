//! Small histories: observations of every kind over four slots, with few stamps and few values so that they collide.

use accordant::id::RecordRef;
use accordant::model::Shape;
use accordant::observation::{Coverage, DeathEvidence, Observation, Said, Sighting, SlotIndex};
use accordant::representation::{FoldOutcome, Representation};
use accordant::stamp::Stamp;
use accordant::text::Text;
use accordant::value::Field;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};

/// Two scalars, a set and a keyed collection.
pub(crate) const SHAPES: [Shape; 4] = [Shape::One, Shape::One, Shape::Set, Shape::Keyed];
pub(crate) const SCALARS: [SlotIndex; 2] = [0, 1];
pub(crate) const COLLECTIONS: [SlotIndex; 2] = [2, 3];
pub(crate) const ELEMENTS: [&str; 3] = ["x", "y", "never"];

/// Something that happens to a representation.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Observed(Observation),
    Redirected(Stamp, &'static str),
}

impl Event {
    pub(crate) fn token(&self) -> i64 {
        match self {
            Event::Observed(observation) => observation.stamp.token,
            Event::Redirected(stamp, _) => stamp.token,
        }
    }
}

pub(crate) fn apply(representation: &mut Representation, event: &Event) -> FoldOutcome {
    match event {
        Event::Observed(observation) => representation.fold(observation, &SHAPES),
        Event::Redirected(stamp, survivor) => {
            representation.redirect(*stamp, (*survivor).into());
            FoldOutcome::default()
        }
    }
}

pub(crate) fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Representation {
    let mut representation = Representation::new();
    for event in events {
        apply(&mut representation, event);
    }
    representation
}

pub(crate) fn observation(stamp: Stamp, sighting: Sighting, coverage: Coverage, cells: Vec<Said>) -> Observation {
    let record = RecordRef::new("crm", "contacts", "1");
    Observation { record, stamp, sighting, coverage, cells, denied: Vec::new() }
}

/// A read of everything.
pub(crate) fn full(token: i64, cells: Vec<Said>) -> Observation {
    observation(Stamp::new(token), Sighting::Live { full: true }, Coverage::AllBut(Vec::new()), cells)
}

/// A webhook that carries some attributes.
pub(crate) fn partial(token: i64, cells: Vec<Said>) -> Observation {
    observation(Stamp::new(token), Sighting::Live { full: false }, Coverage::Carried, cells)
}

pub(crate) fn dead(token: i64, evidence: DeathEvidence) -> Observation {
    observation(Stamp::new(token), Sighting::Dead(evidence), Coverage::Carried, Vec::new())
}

/// A scan that missed the record when `token` was the last known of it.
pub(crate) fn absent(token: i64, scan: u64) -> Observation {
    observation(Stamp::new(token), Sighting::Absent { scan }, Coverage::Carried, Vec::new())
}

pub(crate) fn said(slot: SlotIndex, text: &str) -> Said {
    Said { slot, element: None, field: Field::value(text) }
}

pub(crate) fn element(slot: SlotIndex, key: &str, text: &str) -> Said {
    Said { slot, element: Some(key.into()), field: Field::value(text) }
}

pub(crate) fn stamp() -> impl Strategy<Value = Stamp> {
    (1_i64..6, 0_u32..3).prop_map(|(token, read)| Stamp { token, read })
}

fn scalar() -> impl Strategy<Value = Field> {
    prop_oneof![Just(Field::Null), Just(Field::Empty), select(vec![Field::value("a"), Field::value("b")])]
}

fn cells() -> impl Strategy<Value = Vec<Said>> {
    let scalars = (proptest::option::of(scalar()), proptest::option::of(scalar()));
    let set = proptest::option::of(subsequence(vec!["x", "y"], 0..=2));
    let keyed = proptest::option::of((subsequence(vec!["x", "y"], 0..=2), select(vec!["a", "b"])));
    (scalars, set, keyed).prop_map(|((first, second), set, keyed)| {
        let mut cells = Vec::new();
        for (slot, field) in [(0, first), (1, second)] {
            cells.extend(field.map(|field| Said { slot, element: None, field }));
        }
        if let Some(elements) = set {
            cells.extend(collection(2, elements.into_iter().map(|key| (key, key))));
        }
        if let Some((elements, text)) = keyed {
            cells.extend(collection(3, elements.into_iter().map(|key| (key, text))));
        }
        cells
    })
}

/// A collection that is carried without elements says so by a cell of its own.
fn collection<'a>(slot: SlotIndex, elements: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Said> {
    let mut cells: Vec<Said> = elements.map(|(key, text)| element(slot, key, text)).collect();
    if cells.is_empty() {
        cells.push(Said { slot, element: None, field: Field::Null });
    }
    cells
}

fn evidence() -> impl Strategy<Value = DeathEvidence> {
    select(vec![DeathEvidence::Deleted, DeathEvidence::Archived, DeathEvidence::Gone, DeathEvidence::MissingInScans])
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let slots = || subsequence(vec![0_u16, 1, 2, 3], 0..=2);
    let full_read =
        (stamp(), cells(), slots(), slots(), any::<bool>()).prop_map(|(stamp, cells, hidden, denied, full)| {
            // What is denied is not carried; what was not requested may be either.
            let cells = cells.into_iter().filter(|said| !denied.contains(&said.slot)).collect();
            let mut seen = observation(stamp, Sighting::Live { full }, Coverage::AllBut(hidden), cells);
            seen.denied = denied;
            Event::Observed(seen)
        });
    let webhook = (stamp(), cells()).prop_map(|(stamp, cells)| {
        Event::Observed(observation(stamp, Sighting::Live { full: false }, Coverage::Carried, cells))
    });
    let death = (stamp(), evidence()).prop_map(|(stamp, evidence)| {
        Event::Observed(observation(stamp, Sighting::Dead(evidence), Coverage::Carried, Vec::new()))
    });
    let missed = (stamp(), 1_u64..4).prop_map(|(stamp, scan)| {
        Event::Observed(observation(stamp, Sighting::Absent { scan }, Coverage::Carried, Vec::new()))
    });
    let merged = (stamp(), select(vec!["2", "3"])).prop_map(|(stamp, survivor)| Event::Redirected(stamp, survivor));
    prop_oneof![5 => full_read, 5 => webhook, 2 => death, 2 => missed, 1 => merged]
}

pub(crate) fn history(length: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec(event(), length)
}

pub(crate) fn key(text: &str) -> Text {
    text.into()
}
