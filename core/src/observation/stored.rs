//! The stored form of an observation: JSON, keyed by attribute id, as the journal holds it beside the bytes it came from.

use serde::{Deserialize, Serialize};

use crate::id::{RecordRef, SurfaceName};
use crate::observation::{Coverage, Observation, Said, Sighting, SlotIndex};
use crate::representation::stored::SlotNames;
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::Field;

/// An observation as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObservation {
    /// The record.
    pub record: RecordRef,
    /// The surface that carried it.
    pub surface: SurfaceName,
    stamp: (i64, u32),
    sighting: Sighting,
    /// What a full observation leaves out; `None`: it covers only what it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all_but: Option<Vec<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cells: Vec<(Text, Option<Text>, Field)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    denied: Vec<Text>,
    /// The bytes as the system sent them, if they are text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl StoredObservation {
    /// The form that the journal holds.
    #[must_use]
    pub fn new(observation: &Observation, surface: &SurfaceName, body: &[u8], names: &SlotNames) -> Self {
        let named = |slots: &[SlotIndex]| slots.iter().filter_map(|slot| names.name(*slot).cloned()).collect();
        Self {
            record: observation.record.clone(),
            surface: surface.clone(),
            stamp: (observation.stamp.token, observation.stamp.read),
            sighting: observation.sighting.clone(),
            all_but: match &observation.coverage {
                Coverage::AllBut(slots) => Some(named(slots)),
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

    /// The observation under today's model. Attributes that are gone are left out.
    ///
    /// What the model has gained since was not covered then, so it is left out of a full observation's coverage.
    #[must_use]
    pub fn into_observation(self, names: &SlotNames, slots: usize) -> Observation {
        let indexed = |stored: &[Text]| stored.iter().filter_map(|name| names.slot(name)).collect::<Vec<_>>();
        let mut cells: Vec<Said> = self
            .cells
            .into_iter()
            .filter_map(|(name, element, field)| Some(Said { slot: names.slot(&name)?, element, field }))
            .collect();
        cells.sort_by(|a, b| (a.slot, &a.element).cmp(&(b.slot, &b.element)));
        let coverage = match &self.all_but {
            None => Coverage::Carried,
            Some(all_but) => {
                let mut uncovered = indexed(all_but);
                let said = |slot: SlotIndex| cells.iter().any(|cell| cell.slot == slot);
                let gained = (0..slots).filter_map(|slot| SlotIndex::try_from(slot).ok()).filter(|slot| !said(*slot));
                uncovered.extend(gained);
                uncovered.sort_unstable();
                uncovered.dedup();
                Coverage::AllBut(uncovered)
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
