//! Reading one snapshot in the order of its keys, whether it comes so or is brought into it.

use std::cmp::Ordering;
use std::path::PathBuf;

use crate::batch::Batch;
use crate::checkpoint::Standing;
use crate::error::{SnapshotError, SweepError};
use crate::order::Order;
use crate::run::Phase;
use crate::runs::{Sorted, Sorter};
use crate::snapshot::{Resumes, Snapshot, Start};

/// One snapshot that is read.
pub(crate) struct Cursor {
    pub(crate) system: String,
    pub(crate) snapshot: Box<dyn Snapshot>,
    pub(crate) batch: Batch,
    /// The next row of the batch.
    pub(crate) at: usize,
    /// How many batches were read to be compared.
    pub(crate) batches: u64,
    /// How many rows were read before the batch, for errors; the place in the snapshot's own order, where that is what is read.
    row: u64,
    stage: Stage,
    ended: bool,
    /// Rows up to this key were compared before: they are passed by.
    passed: Option<Vec<u8>>,
    version: String,
}

/// What is done with the snapshot, and what that holds.
enum Stage {
    /// Looked through, whether it is in order: the key that was last.
    Looking(Option<Vec<u8>>),
    /// Brought into order.
    Sorting(Sorter),
    /// Compared as it comes.
    Comparing,
    /// Compared as it was brought into order.
    Sorted(Sorted),
}

/// How memory is used.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) order: Order,
    pub(crate) memory: usize,
    pub(crate) folder: Option<PathBuf>,
}

impl Room {
    fn sorter(&self) -> Sorter {
        Sorter::new(self.order, self.memory, self.folder.clone())
    }
}

impl Cursor {
    /// From the beginning.
    pub(crate) fn begin(
        system: String,
        mut snapshot: Box<dyn Snapshot>,
        declared_sorted: bool,
    ) -> Result<Self, SweepError> {
        snapshot.begin(&Start::default()).map_err(of(&system))?;
        let stage = if declared_sorted { Stage::Comparing } else { Stage::Looking(None) };
        Ok(Self::reading(system, snapshot, stage))
    }

    fn reading(system: String, snapshot: Box<dyn Snapshot>, stage: Stage) -> Self {
        let version = snapshot.version();
        let batch = Batch::default();
        Self { system, snapshot, batch, at: 0, batches: 0, row: 0, stage, ended: false, passed: None, version }
    }

    /// Where a checkpoint says, behind the key that was reached.
    pub(crate) fn resume(
        system: String,
        mut snapshot: Box<dyn Snapshot>,
        standing: &Standing,
        reached: Option<&[u8]>,
        room: &Room,
    ) -> Result<Self, SweepError> {
        let whole = |version| Start { version, ..Start::default() };
        let version = Some(standing.version.as_str());
        let (start, stage) = match standing.sorted {
            None => (whole(version), Stage::Looking(None)),
            Some(false) => (whole(version), Stage::Sorting(room.sorter())),
            Some(true) => (Start { place: standing.place, row: standing.row, reached, version }, Stage::Comparing),
        };
        let by_key = snapshot.resumes() == Resumes::ByKey;
        let start = if by_key { Start { place: 0, row: 0, ..start } } else { start };
        snapshot.begin(&start).map_err(of(&system))?;
        let mut cursor = Self::reading(system, snapshot, stage);
        if by_key || standing.sorted == Some(false) {
            cursor.passed = reached.map(<[u8]>::to_vec);
        } else {
            cursor.row = start.row;
        }
        Ok(cursor)
    }

    /// Where it stands.
    pub(crate) fn standing(&self) -> Standing {
        let sorted = match self.stage {
            Stage::Looking(_) => None,
            Stage::Sorting(_) | Stage::Sorted(_) => Some(false),
            Stage::Comparing => Some(true),
        };
        let place = if self.at < self.batch.len() { self.batch.place(self.at) } else { self.snapshot.place() };
        Standing { version: self.version.clone(), sorted, place, row: self.number() }
    }

    /// The number of the next row.
    pub(crate) const fn number(&self) -> u64 {
        self.row + self.at as u64
    }

    /// What is done: nothing but comparing is left where it is `None`.
    pub(crate) const fn preparing(&self) -> Option<Phase> {
        match self.stage {
            Stage::Looking(_) => Some(Phase::Looking),
            Stage::Sorting(_) => Some(Phase::Sorting),
            Stage::Comparing | Stage::Sorted(_) => None,
        }
    }

    pub(crate) fn has_row(&self) -> bool {
        self.at < self.batch.len()
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.batch.key(self.at)
    }

    /// Looks through the next rows, or takes them to be sorted.
    pub(crate) fn prepare(&mut self, room: &Room) -> Result<(), SweepError> {
        let more = self.snapshot.next(&mut self.batch).map_err(of(&self.system))?;
        let batch = &self.batch;
        let mut begin_anew = !more;
        self.stage = match std::mem::replace(&mut self.stage, Stage::Comparing) {
            Stage::Looking(mut last) if more => {
                let falls = (0..batch.len()).any(|row| {
                    let before = if row == 0 { last.as_deref() } else { Some(batch.key(row - 1)) };
                    before.is_some_and(|before| room.order.compare(before, batch.key(row)) == Ordering::Greater)
                });
                if falls {
                    begin_anew = true;
                    Stage::Sorting(room.sorter())
                } else {
                    let held = last.get_or_insert_default();
                    held.clear();
                    held.extend_from_slice(batch.key(batch.len() - 1));
                    Stage::Looking(last)
                }
            }
            Stage::Sorting(mut sorter) => {
                for row in 0..batch.len() {
                    sorter.push(batch.key(row), batch.row(row))?;
                }
                if more {
                    Stage::Sorting(sorter)
                } else {
                    begin_anew = false;
                    Stage::Sorted(sorter.sorted()?)
                }
            }
            Stage::Looking(_) => Stage::Comparing,
            ready @ (Stage::Comparing | Stage::Sorted(_)) => ready,
        };
        self.batch.begin(0);
        if begin_anew {
            let start = Start { version: Some(&self.version), ..Start::default() };
            self.snapshot.begin(&start).map_err(of(&self.system))?;
        }
        Ok(())
    }

    /// Reads the next rows, where all of the batch were taken. Whether there is one.
    pub(crate) fn fill(&mut self, order: Order) -> Result<bool, SweepError> {
        while self.at >= self.batch.len() && !self.ended {
            self.row += self.batch.len() as u64;
            self.at = 0;
            self.batches += 1;
            let more = match &mut self.stage {
                Stage::Sorted(sorted) => sorted.next(&mut self.batch)?,
                _ => self.snapshot.next(&mut self.batch).map_err(of(&self.system))?,
            };
            self.ended = !more;
            self.pass(order);
        }
        Ok(self.has_row())
    }

    /// Passes by what was compared before.
    fn pass(&mut self, order: Order) {
        let Some(reached) = &self.passed else { return };
        while self.at < self.batch.len() && order.compare(self.batch.key(self.at), reached) != Ordering::Greater {
            self.at += 1;
        }
        if self.at < self.batch.len() {
            self.passed = None;
        }
    }
}

pub(crate) fn of(system: &str) -> impl Fn(SnapshotError) -> SweepError {
    move |source| SweepError::Snapshot { system: system.to_owned(), source }
}
