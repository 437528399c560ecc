//! The stored form of an observation: JSON, keyed by attribute id, as the journal holds it beside the bytes it came from.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::decode::Reach;
use crate::id::{RecordRef, SurfaceName};
use crate::model::change::Step;
use crate::observation::{Coverage, Observation, Said, Sighting, SlotIndex};
use crate::representation::stored::SlotNames;
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::Field;

/// An observation as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredObservation {
    /// The record.
    pub(crate) record: RecordRef,
    /// The surface that carried it.
    pub(crate) surface: SurfaceName,
    stamp: (i64, u64),
    sighting: Sighting,
    /// What a full observation covers without saying anything of it: there was no value. `None`: it covers only what it
    /// carries. What it leaves out is not listed, so that attributes the model gains later are not covered either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silent: Option<Vec<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cells: Vec<(Text, Option<Text>, Field)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    denied: Vec<Text>,
    /// The bytes as the system sent them, if they are text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
}

impl StoredObservation {
    /// The form that the journal holds.
    #[must_use]
    pub(crate) fn new(observation: &Observation, surface: &SurfaceName, body: &[u8], names: &SlotNames) -> Self {
        let named = |slots: &[SlotIndex]| slots.iter().filter_map(|slot| names.name(*slot).cloned()).collect();
        Self {
            record: observation.record.clone(),
            surface: surface.clone(),
            stamp: (observation.stamp.token, observation.stamp.read),
            sighting: observation.sighting.clone(),
            silent: match &observation.coverage {
                Coverage::AllBut(uncovered) => {
                    let said = |slot: SlotIndex| observation.cells.iter().any(|cell| cell.slot == slot);
                    let silent = |slot: &SlotIndex| {
                        !said(*slot) && !uncovered.contains(slot) && !observation.denied.contains(slot)
                    };
                    Some(named(&names.slots().filter(silent).collect::<Vec<_>>()))
                }
                Coverage::Carried => None,
            },
            cells: observation
                .cells
                .iter()
                .filter_map(|said| Some((names.name(said.slot)?.clone(), said.element.clone(), said.field.clone())))
                .collect(),
            denied: named(&observation.denied),
            body: std::str::from_utf8(body).ok().filter(|body| !body.is_empty()).map(str::to_owned),
        }
    }

    /// What kind of observation it is.
    pub(crate) const fn sighting(&self) -> &Sighting {
        &self.sighting
    }

    /// What it says, by attribute and element.
    pub(crate) fn said(&self) -> impl Iterator<Item = &(Text, Option<Text>, Field)> {
        self.cells.iter()
    }

    /// Leaves out what is said of attributes that are read otherwise by now.
    pub(crate) fn forget(&mut self, forgotten: impl Fn(&str) -> bool) {
        self.cells.retain(|(name, _, _)| !forgotten(name));
        if let Some(silent) = &mut self.silent {
            silent.retain(|name| !forgotten(name));
        }
    }

    /// Says of an attribute what it said of the one that this is migrated from. What nothing can be made of is left out.
    pub(crate) fn migrate(&mut self, step: &Step) {
        let today = Text::new(step.attribute.as_str());
        let said = self.cells.iter().filter(|(name, ..)| step.is_stored_as(name));
        let made: Vec<_> =
            said.filter_map(|(_, _, field)| Some((today.clone(), None, step.field(field).ok()?))).collect();
        let is_silent = self.silent.iter().flatten().any(|name| step.is_stored_as(name));
        self.forget(|name| name == today.as_str());
        self.cells.extend(made);
        self.silent.iter_mut().filter(|_| is_silent).for_each(|silent| silent.push(today.clone()));
    }

    /// Whether it says anything of attributes.
    pub(crate) fn speaks(&self) -> bool {
        !self.cells.is_empty() || self.silent.is_some()
    }

    /// How far its body may be believed about each of today's attributes: what it covered then is covered, and of the rest
    /// only what the body carries counts. What was not asked for then is not told by a body that lacks it.
    #[must_use]
    pub(crate) fn reach(&self, names: &SlotNames) -> Vec<Reach> {
        let covered = self.cells.iter().map(|(name, ..)| name).chain(self.silent.iter().flatten());
        let covered: BTreeSet<SlotIndex> = covered.filter_map(|name| names.slot(name)).collect();
        let denied: BTreeSet<SlotIndex> = self.denied.iter().filter_map(|name| names.slot(name)).collect();
        let reach = |slot: SlotIndex| match (denied.contains(&slot), covered.contains(&slot)) {
            (true, _) => Reach::Denied,
            (false, true) => Reach::Covered,
            (false, false) => Reach::Carried,
        };
        names.slots().map(reach).collect()
    }

    /// The observation under today's model. Attributes that are gone are left out.
    ///
    /// What the model has gained since was not covered then.
    #[must_use]
    pub(crate) fn into_observation(self, names: &SlotNames) -> Observation {
        let indexed = |stored: &[Text]| stored.iter().filter_map(|name| names.slot(name)).collect::<Vec<_>>();
        let mut cells: Vec<Said> = self
            .cells
            .into_iter()
            .filter_map(|(name, element, field)| Some(Said { slot: names.slot(&name)?, element, field }))
            .collect();
        cells.sort_by(|a, b| (a.slot, &a.element).cmp(&(b.slot, &b.element)));
        let coverage = match &self.silent {
            None => Coverage::Carried,
            Some(silent) => {
                let silent = indexed(silent);
                let said = |slot: SlotIndex| cells.iter().any(|cell| cell.slot == slot);
                Coverage::AllBut(names.slots().filter(|slot| !said(*slot) && !silent.contains(slot)).collect())
            }
        };
        Observation {
            record: self.record,
            stamp: Stamp { token: self.stamp.0, read: self.stamp.1 },
            sighting: self.sighting,
            coverage,
            cells,
            denied: indexed(&self.denied),
        }
    }
}
