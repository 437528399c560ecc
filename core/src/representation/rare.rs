//! What few records have said of them: collections, denials, merges inside their system.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use crate::observation::SlotIndex;
use crate::representation::cell::Cell;
use crate::stamp::Stamp;
use crate::text::Text;

/// The registers that most records have nothing in, behind one word: there are many records.
#[derive(Debug, Clone, Default)]
pub(super) struct Rare(Option<Box<Registers>>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Registers {
    pub(super) elements: BTreeMap<(SlotIndex, Text), Cell>,
    /// Stamps at which a whole collection was covered: an element not said then was absent.
    pub(super) covered: BTreeMap<SlotIndex, BTreeSet<Stamp>>,
    /// The latest stamp at which each slot was denied. It is readable again once it is said later.
    pub(super) denied: BTreeMap<SlotIndex, Stamp>,
    /// Where a merge inside the system sent this id: the latest edge counts.
    pub(super) redirects: BTreeSet<(Stamp, Text)>,
    /// Whether the id stands although it was merged away: it is the one that a cycle of merges leaves. Not folded: it is
    /// resolved with the other ids of the cycle when the record is loaded.
    pub(super) returned: bool,
}

static NOTHING: Registers = Registers {
    elements: BTreeMap::new(),
    covered: BTreeMap::new(),
    denied: BTreeMap::new(),
    redirects: BTreeSet::new(),
    returned: false,
};

impl Deref for Rare {
    type Target = Registers;
    fn deref(&self) -> &Registers {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl Rare {
    /// Whether there is nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// To change them.
    pub(super) fn make(&mut self) -> &mut Registers {
        self.0.get_or_insert_default()
    }

    /// To change them, if there is anything.
    pub(super) fn held(&mut self) -> Option<&mut Registers> {
        self.0.as_deref_mut()
    }
}

impl PartialEq for Rare {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Rare {}
