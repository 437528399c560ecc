//! Observations: "this connection was seen to say this about this record".

pub(crate) mod stored;

use serde::{Deserialize, Serialize};

use crate::id::RecordRef;
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::Field;

/// The place of an attribute among those that one object type maps: an index into its decode table.
pub type SlotIndex = u16;

/// One cell of an observation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Said {
    /// Which mapped attribute.
    pub slot: SlotIndex,
    /// Which element, for an attribute that is a set or a keyed collection.
    pub element: Option<Text>,
    /// What was said.
    pub field: Field,
}

/// What an observation covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Every mapped attribute but those listed: what was neither requested nor permitted, or could not be decoded.
    ///
    /// A covered attribute that the record lacks is Null.
    AllBut(Vec<SlotIndex>),
    /// Only what it carries.
    Carried,
}

/// What an observation says of the record's existence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// The record was there, in full or in part.
    Live {
        /// Whether every covered attribute was read: only that lifts the hiding after a resurrection.
        full: bool,
    },
    /// The record is gone.
    Dead(DeathEvidence),
    /// A complete scan did not meet the record. Two of them, confirmed by a direct read, make a tombstone. It is stamped
    /// with the last token known of the record: a sighting with a later one takes it back.
    Absent {
        /// The scan.
        scan: u64,
    },
}

/// How sure we are that a record is gone, weakest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeathEvidence {
    /// The system said that it deleted the record.
    Deleted,
    /// The record carries an archived flag.
    Archived,
    /// A direct read found nothing (404, 410).
    Gone,
    /// At least two complete scans missed it and a direct read confirmed.
    MissingInScans,
}

/// One observation of one record, decoded and stamped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observation {
    /// The record.
    pub record: RecordRef,
    /// Where it stands in the record's ordering domain.
    pub stamp: Stamp,
    /// What it says of existence.
    pub sighting: Sighting,
    /// What it covers.
    pub coverage: Coverage,
    /// The cells that it carries, ordered by slot and element.
    pub cells: Vec<Said>,
    /// Attributes that this link may not read: shown as Denied, never compared.
    pub denied: Vec<SlotIndex>,
}
