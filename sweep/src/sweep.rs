//! What is compared with what, and how.

use std::collections::BTreeSet;
use std::path::PathBuf;

use accordant::equivalence::Equivalence;
use accordant::fingerprint::Fingerprint;

use crate::checkpoint::Checkpoint;
use crate::compare::Attribute;
use crate::cursor::{Cursor, Room, of};
use crate::error::SweepError;
use crate::order::Order;
use crate::run::Run;
use crate::side::Side;
use crate::snapshot::Wanted;

/// A comparison of complete snapshots by key: which systems, which attributes, and how much memory it may take.
#[derive(Debug)]
pub struct Sweep {
    order: Order,
    attributes: Vec<Attribute>,
    sides: Vec<Side>,
    memory: usize,
    folder: Option<PathBuf>,
}

/// The memory of a sweep, where nothing else is said: 256 MiB.
const MEMORY: usize = 256 << 20;

impl Sweep {
    /// Nothing yet, by keys in this order.
    #[must_use]
    pub const fn by(order: Order) -> Self {
        Self { order, attributes: Vec::new(), sides: Vec::new(), memory: MEMORY, folder: None }
    }

    /// Compares an attribute by an equivalence: every value with that of the first snapshot that has the key and holds the attribute.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>, equivalence: Equivalence) -> Self {
        self.attributes([Attribute::new(name, equivalence)])
    }

    /// Compares these attributes, too.
    #[must_use]
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// Compares this snapshot, too.
    #[must_use]
    pub fn side(mut self, side: Side) -> Self {
        self.sides.push(side);
        self
    }

    /// May take about so many bytes of memory for rows that have to be brought into order: 256 MiB where nothing is said. What memory
    /// has no room for goes into temporary files. Beside it, each snapshot has buffers of half a MiB and its longest row.
    ///
    /// Every snapshot has an equal share, in order or not. Of its share half is for rows with their keys, 2 GiB at most, a quarter for
    /// where they stand (12 bytes a row), and a quarter for reading what was put into files. So two snapshots that are not in order
    /// stay in memory whole if this is four times what the rows of the larger one take.
    #[must_use]
    pub const fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Where temporary files are made, if not where the operating system has them. They have no names, and go with the sweep.
    #[must_use]
    pub fn spill_into(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Begins.
    ///
    /// # Errors
    ///
    /// [`SweepError::Snapshots`], [`SweepError::TwiceNamed`] and [`SweepError::NoAttribute`] for a sweep that cannot be;
    /// [`SweepError::Snapshot`] for a snapshot that cannot be read.
    pub fn start(self) -> Result<Run, SweepError> {
        self.begin(None)
    }

    /// Goes on where a sweep of the same stood. What was told until then is not told again.
    ///
    /// A snapshot that has to be brought into order is read anew. A table is read behind the key that was reached, as it is now.
    ///
    /// # Errors
    ///
    /// As [`Sweep::start`]; [`SweepError::OtherSweep`] for a checkpoint of another one, and
    /// [`SnapshotError::Replaced`](crate::SnapshotError::Replaced) where a file is another than it was.
    pub fn resume(self, checkpoint: &Checkpoint) -> Result<Run, SweepError> {
        self.begin(Some(checkpoint))
    }

    fn begin(self, checkpoint: Option<&Checkpoint>) -> Result<Run, SweepError> {
        self.check()?;
        let of_these = self.fingerprint();
        if checkpoint.is_some_and(|checkpoint| checkpoint.of != of_these || checkpoint.sides.len() != self.sides.len())
        {
            return Err(SweepError::OtherSweep);
        }
        let Self { order, attributes, sides, memory, folder } = self;
        let room = Room { order, memory: memory / sides.len().max(1), folder };
        let (mut cursors, mut all, mut layouts) = (Vec::new(), Vec::new(), Vec::new());
        for (place, mut side) in sides.into_iter().enumerate() {
            let wanted = side.wanted(&attributes, order);
            layouts.push(side.snapshot.bind(&wanted).map_err(of(&side.system))?);
            let standing = checkpoint.and_then(|checkpoint| Some((checkpoint, checkpoint.sides.get(place)?)));
            cursors.push(match standing {
                None => Cursor::begin(side.system, side.snapshot, side.sorted)?,
                Some((checkpoint, standing)) => {
                    let reached = checkpoint.reached.as_deref();
                    Cursor::resume(side.system, side.snapshot, standing, reached, &room)?
                }
            });
            all.push(wanted);
        }
        // Rows of one layout that have the same bytes need not be cut.
        let alike = layouts.iter().all(|layout| layout.is_some() && layout == &layouts[0]);
        Ok(Run::new(of_these, room, attributes, cursors, all, alike, checkpoint))
    }

    fn check(&self) -> Result<(), SweepError> {
        if self.sides.len() < 2 || u16::try_from(self.sides.len()).is_err() {
            return Err(SweepError::Snapshots { snapshots: self.sides.len() });
        }
        let attributes: BTreeSet<&str> = self.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
        let mut systems = BTreeSet::new();
        let twice = |name: &str| SweepError::TwiceNamed { name: name.to_owned() };
        for (place, attribute) in self.attributes.iter().enumerate() {
            if self.attributes[..place].iter().any(|other| other.name == attribute.name) {
                return Err(twice(&attribute.name));
            }
        }
        for side in &self.sides {
            if !systems.insert(side.system.as_str()) {
                return Err(twice(&side.system));
            }
            if let Some(attribute) = side.columns.keys().find(|column| !attributes.contains(column.as_str())) {
                return Err(SweepError::NoAttribute { system: side.system.clone(), attribute: attribute.clone() });
            }
        }
        Ok(())
    }

    /// What a checkpoint is of: everything that decides what is told, and not how it is found.
    fn fingerprint(&self) -> String {
        let mut fingerprint = Fingerprint::new();
        fingerprint.text(&format!("{:?}", self.order));
        for attribute in &self.attributes {
            fingerprint.text(&attribute.name).number(i64::from(attribute.apart));
            attribute.equivalence.fingerprint(&mut fingerprint);
        }
        for side in &self.sides {
            let wanted = side.wanted(&self.attributes, self.order);
            fingerprint.text(&side.system).text(&format!("{wanted:?}"));
        }
        fingerprint.finish().to_string()
    }
}

impl Side {
    fn wanted(&self, attributes: &[Attribute], order: Order) -> Wanted {
        let column = |attribute: &Attribute| match self.columns.get(&attribute.name) {
            Some(column) => column.clone(),
            None => Some(attribute.name.clone()),
        };
        let columns = attributes.iter().map(column).chain([self.id.clone()]).collect();
        Wanted { key: self.key.clone(), columns, order }
    }
}
