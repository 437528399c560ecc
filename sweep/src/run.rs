//! A sweep under way: all snapshots side by side, key by key.
//!
//! It goes by one fact: every snapshot comes in the order of keys. So the least key that any of them has next is one that no other
//! will have later, and whoever does not have it next does not have it at all. Where that fact does not hold, a key comes that is
//! not greater than the one before, which is an error.
//!
//! Most rows are the same everywhere. Rows of one layout are compared as the bytes that they are, and only of those that are not the
//! same are cells cut, and compared by their equivalences. No hash stands for a row: both rows are at hand, to compare them takes
//! less than to hash them, and two rows that are not the same are never taken to be.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::compare::{Attribute, NotText, changed, ids};
use crate::cursor::{Cursor, Room, of};
use crate::difference::{Changed, Counts, Difference};
use crate::error::{SnapshotError, SweepError};
use crate::order::Order;
use crate::snapshot::{Cell, Resumes, Wanted};

/// A sweep under way.
pub struct Run {
    of: String,
    room: Room,
    attributes: Arc<[Attribute]>,
    cursors: Vec<Cursor>,
    /// What is wanted of each snapshot.
    wanted: Vec<Wanted>,
    /// Whether rows of the same bytes are the same.
    alike: bool,
    reached: Option<Vec<u8>>,
    counts: Counts,
    heads: Vec<Head>,
    failed: bool,
}

/// How many, and how far: no value.
impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("counts", &self.counts).field("failed", &self.failed).finish_non_exhaustive()
    }
}

/// The rows of one key in one snapshot: the first, its number, and how many.
#[derive(Debug, Default)]
struct Head {
    row: Vec<u8>,
    number: u64,
    rows: u64,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A difference.
    Found(Difference),
    /// Rows were read: a good moment to show progress, or to keep a checkpoint.
    Read,
    /// Everything was compared.
    Done,
}

/// How far a sweep has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub phase: Phase,
    /// Rows of all snapshots that were compared.
    pub rows: u64,
    /// How much was read of what is read now: bytes, or rows of sources that know no bytes.
    pub read: u64,
    /// Of how much; `None`: somebody does not know.
    pub of: Option<u64>,
}

/// What a sweep does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// It looks whether a snapshot is in order.
    Looking,
    /// It brings one into order.
    Sorting,
    /// It compares.
    Comparing,
}

impl Run {
    pub(crate) fn new(
        of: String,
        room: Room,
        attributes: Vec<Attribute>,
        cursors: Vec<Cursor>,
        wanted: Vec<Wanted>,
        alike: bool,
        checkpoint: Option<&Checkpoint>,
    ) -> Self {
        let counts = checkpoint.map_or_else(|| Counts::of(cursors.len()), |checkpoint| checkpoint.counts.clone());
        let reached = checkpoint.and_then(|checkpoint| checkpoint.reached.clone());
        let heads = cursors.iter().map(|_| Head::default()).collect();
        let attributes = attributes.into();
        Self { of, room, attributes, cursors, wanted, alike, reached, counts, heads, failed: false }
    }

    /// Goes on to the next difference, or as far as rows are at hand.
    ///
    /// # Errors
    ///
    /// If a snapshot cannot be read, does not come in order, or a value that has to be shown is no text. Then it is over: go on
    /// from a checkpoint that was taken before.
    pub fn step(&mut self) -> Result<Step, SweepError> {
        if self.failed {
            return Err(SweepError::Failed);
        }
        let step = self.advance();
        self.failed = step.is_err();
        step
    }

    /// Goes to the end, and shows every difference.
    ///
    /// # Errors
    ///
    /// As [`Run::step`].
    pub fn finish(mut self, mut show: impl FnMut(&Difference)) -> Result<Counts, SweepError> {
        loop {
            match self.step()? {
                Step::Found(difference) => show(&difference),
                Step::Read => {}
                Step::Done => return Ok(self.counts),
            }
        }
    }

    /// How many there were until now.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Where it stands, behind what the last step told; `None` once it has failed.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        (!self.failed).then(|| Checkpoint {
            of: self.of.clone(),
            reached: self.reached.clone(),
            sides: self.cursors.iter().map(Cursor::standing).collect(),
            counts: self.counts.clone(),
        })
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let preparing = self.cursors.iter().find_map(|cursor| Some((cursor, cursor.preparing()?)));
        let rows = self.counts.rows.iter().sum();
        let Some((cursor, phase)) = preparing else {
            let extents = || self.cursors.iter().map(|cursor| cursor.snapshot.extent());
            let of = extents().map(|(_, of)| of).try_fold(0u64, |sum, of| Some(sum.saturating_add(of?)));
            let read = extents().map(|(read, _)| read).fold(0, u64::saturating_add);
            return Progress { phase: Phase::Comparing, rows, read, of };
        };
        let (read, of) = cursor.snapshot.extent();
        Progress { phase, rows, read, of }
    }

    /// The place of a system's side.
    pub(crate) fn side(&self, system: &str) -> Option<usize> {
        self.cursors.iter().position(|cursor| cursor.system == system)
    }

    /// Whether the rows of a side have native ids in a column of their own.
    pub(crate) fn has_ids(&self, side: usize) -> bool {
        self.wanted[side].columns.last().is_some_and(Option::is_some)
    }

    /// Whether what is compared is what a checkpoint was taken of. Of a table nobody can tell.
    pub(crate) fn is_of_same_snapshots(&self, checkpoint: &Checkpoint) -> bool {
        let same = |(cursor, held): (&Cursor, &crate::checkpoint::Standing)| {
            cursor.snapshot.resumes() == Resumes::ByPlace && cursor.standing().version == held.version
        };
        checkpoint.of == self.of && self.cursors.iter().zip(&checkpoint.sides).all(same)
    }

    fn advance(&mut self) -> Result<Step, SweepError> {
        if let Some(cursor) = self.cursors.iter_mut().find(|cursor| cursor.preparing().is_some()) {
            cursor.prepare(&self.room)?;
            return Ok(Step::Read);
        }
        let batches = |cursors: &[Cursor]| cursors.iter().map(|cursor| cursor.batches).sum::<u64>();
        let before = batches(&self.cursors);
        loop {
            for cursor in &mut self.cursors {
                cursor.fill(self.room.order)?;
            }
            // Also whoever looks behind a row reads.
            if batches(&self.cursors) > before {
                return Ok(Step::Read);
            }
            if self.alike {
                self.pass_agreeing();
            }
            if !self.take_least()? {
                return Ok(Step::Done);
            }
            if let Some(difference) = self.compare()? {
                return Ok(Step::Found(difference));
            }
        }
    }

    /// Passes by rows that are the same in all snapshots, as far as it is seen that no other row has their key.
    fn pass_agreeing(&mut self) {
        let Self { cursors, reached, counts, room, .. } = self;
        let Some((first, others)) = cursors.split_first_mut() else { return };
        let left = |cursor: &Cursor| cursor.batch.len() - cursor.at;
        let most = others.iter().map(left).fold(left(first), usize::min);
        let mut before = reached.as_deref();
        let mut passed = 0;
        'rows: while passed < most {
            let row = first.batch.row(first.at + passed);
            let key = first.batch.key(first.at + passed);
            for other in others.iter() {
                // Rows that are made need not hold their keys.
                let at = other.at + passed;
                if other.batch.row(at) != row || other.batch.key(at) != key {
                    break 'rows;
                }
            }
            if before.is_some_and(|before| room.order.compare(before, key) != Ordering::Less) {
                break;
            }
            before = Some(key);
            passed += 1;
        }
        // The last of them is alone of its key only where the next row is seen to have another.
        let next = |cursor: &Cursor| cursor.at + passed;
        let alone =
            |cursor: &Cursor| next(cursor) < cursor.batch.len() && before != Some(cursor.batch.key(next(cursor)));
        if passed > 0 && !(alone(first) && others.iter().all(alone)) {
            passed -= 1;
        }
        if passed == 0 {
            return;
        }
        let held = reached.get_or_insert_default();
        held.clear();
        held.extend_from_slice(first.batch.key(first.at + passed - 1));
        counts.keys += passed as u64;
        counts.rows.iter_mut().for_each(|rows| *rows += passed as u64);
        first.at += passed;
        others.iter_mut().for_each(|other| other.at += passed);
    }

    /// Takes all rows of the least key. Whether there is one.
    fn take_least(&mut self) -> Result<bool, SweepError> {
        let order = self.room.order;
        for cursor in &mut self.cursors {
            cursor.fill(order)?;
        }
        let with_rows = self.cursors.iter().filter(|cursor| cursor.has_row());
        let Some(least) = with_rows.min_by(|one, other| order.compare(one.key(), other.key())) else {
            return Ok(false);
        };
        if self.reached.as_deref().is_some_and(|reached| order.compare(reached, least.key()) != Ordering::Less) {
            return Err(SweepError::Unsorted { system: least.system.clone(), row: least.number() });
        }
        let mut key = self.reached.take().unwrap_or_default();
        key.clear();
        key.extend_from_slice(least.key());
        for (cursor, head) in self.cursors.iter_mut().zip(&mut self.heads) {
            head.take(cursor, &key, order)?;
        }
        self.reached = Some(key);
        Ok(true)
    }

    /// Compares the rows that were taken, and counts them.
    fn compare(&mut self) -> Result<Option<Difference>, SweepError> {
        let Self { heads, counts, .. } = self;
        counts.keys += 1;
        counts.rows.iter_mut().zip(heads.iter()).for_each(|(rows, head)| *rows += head.rows);
        let once = heads.iter().all(|head| head.rows == 1);
        let mut present = heads.iter().filter(|head| head.rows > 0);
        let same = match present.next() {
            Some(first) if self.alike => present.all(|head| head.row == first.row),
            _ => false,
        };
        if same && once {
            return Ok(None);
        }
        let cells = self.cut()?;
        let (changed, values) = match same {
            true => (Vec::new(), 0),
            false => changed(&self.attributes, &self.wanted, &cells).map_err(|cell| self.not_text(cell))?,
        };
        if changed.is_empty() && once {
            return Ok(None);
        }
        let difference = self.difference(&cells, changed)?;
        drop(cells);
        self.counts.note(&difference, values);
        Ok(Some(difference))
    }

    /// The cells of the rows that were taken; none of a snapshot that does not have the key.
    fn cut(&self) -> Result<Vec<Vec<Cell<'_>>>, SweepError> {
        let mut all = Vec::with_capacity(self.heads.len());
        for (cursor, head) in self.cursors.iter().zip(&self.heads) {
            let mut cells = Vec::new();
            if head.rows > 0 {
                cells.reserve(self.attributes.len() + 1);
                cursor.snapshot.cut(&head.row, head.number, &mut cells).map_err(of(&cursor.system))?;
                // Whatever a source makes of its rows.
                cells.resize(self.attributes.len() + 1, None);
            }
            all.push(cells);
        }
        Ok(all)
    }

    fn not_text(&self, cell: NotText) -> SweepError {
        let column = self.wanted[cell.side].columns[cell.place].clone().unwrap_or_default();
        of(&self.cursors[cell.side].system)(SnapshotError::NotText { row: self.heads[cell.side].number, column })
    }

    fn difference(&self, cells: &[Vec<Cell<'_>>], changed: Vec<Changed>) -> Result<Difference, SweepError> {
        let key = std::str::from_utf8(self.reached.as_deref().unwrap_or_default()).map_err(|_| {
            let side = self.heads.iter().position(|head| head.rows > 0).unwrap_or_default();
            let (row, column) = (self.heads[side].number, self.wanted[side].key.clone());
            of(&self.cursors[side].system)(SnapshotError::NotText { row, column })
        })?;
        let ids = ids(key, self.attributes.len(), &self.wanted, cells).map_err(|cell| self.not_text(cell))?;
        Ok(Difference { key: key.to_owned(), rows: self.heads.iter().map(|head| head.rows).collect(), ids, changed })
    }
}

impl Head {
    /// Takes all rows of a key.
    fn take(&mut self, cursor: &mut Cursor, key: &[u8], order: Order) -> Result<(), SweepError> {
        self.rows = 0;
        while cursor.fill(order)? && cursor.key() == key {
            if self.rows == 0 {
                self.row.clear();
                self.row.extend_from_slice(cursor.batch.row(cursor.at));
                self.number = cursor.number();
            }
            self.rows += 1;
            cursor.at += 1;
        }
        Ok(())
    }
}
