//! Rows of a snapshot: a column of keys beside a column of rows, as bytes.

/// Some rows. A source fills it, a sweep reads it, and the source fills it again: its memory is kept.
///
/// A row is here as its source wrote it, uncut: what is the same in all snapshots is never looked at more closely.
#[derive(Default)]
pub struct Batch {
    /// Of a source that reads into it, more than is used.
    pub(crate) bytes: Vec<u8>,
    /// Keys that do not stand in their rows as they are.
    made: Vec<u8>,
    rows: Vec<Row>,
    places: Places,
}

/// How many, and none of them: they are values.
impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows", self.rows.len())
    }
}

/// Where a row and its key stand in the bytes.
#[derive(Debug, Clone, Copy)]
struct Row {
    from: u32,
    to: u32,
    key_from: u32,
    key_to: u32,
}

/// Set in the place of a key that was made.
const MADE: u32 = 1 << 31;

/// How the place of a row within its snapshot follows from where it stands in the batch.
#[derive(Debug, Clone, Copy)]
enum Places {
    /// Bytes before it.
    Bytes(u64),
    /// Rows before it.
    Rows(u64),
}

impl Default for Places {
    fn default() -> Self {
        Self::Rows(0)
    }
}

/// How many bytes of rows a batch is meant to have, so that those of several snapshots fit into a processor's cache.
pub(crate) const BYTES: usize = 128 << 10;

/// How many bytes a row, or a key, may have.
pub(crate) const LONGEST: usize = 16 << 20;

impl Batch {
    /// Empties it. What is pushed then are rows of a snapshot from one on, which is the place of each.
    pub fn begin(&mut self, row: u64) {
        self.clear();
        self.bytes.clear();
        self.places = Places::Rows(row);
    }

    /// Empties it of rows; the bytes stay, and begin at this place of the snapshot.
    pub(crate) fn begin_within(&mut self, byte: u64) {
        self.clear();
        self.places = Places::Bytes(byte);
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.made.clear();
    }

    /// Adds a row. Whether it had room: a row and a key have up to 16 MiB each, and a batch less than 2 GiB.
    #[must_use]
    pub fn push(&mut self, key: &[u8], row: &[u8]) -> bool {
        let (from, end) = (self.bytes.len(), self.bytes.len() + row.len());
        if end >= MADE as usize || row.len().max(key.len()) > LONGEST {
            return false;
        }
        self.bytes.extend_from_slice(row);
        self.push_made((from, end), key)
    }

    /// Adds a row that stands in the bytes, as its key does.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "blocks are of a bounded length, well below")]
    pub(crate) fn push_within(&mut self, row: (usize, usize), key: (usize, usize)) {
        let (from, to) = (row.0 as u32, row.1 as u32);
        self.rows.push(Row { from, to, key_from: key.0 as u32, key_to: key.1 as u32 });
    }

    /// Adds a row that stands in the bytes, and a key that does not.
    pub(crate) fn push_made(&mut self, row: (usize, usize), key: &[u8]) -> bool {
        let (from, end) = (self.made.len(), self.made.len() + key.len());
        if end >= MADE as usize {
            return false;
        }
        self.made.extend_from_slice(key);
        self.push_within(row, (from | MADE as usize, end));
        true
    }

    /// How many rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether it holds as much as it is meant to.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.bytes.len() >= BYTES
    }

    /// The key of a row. Empty behind the last.
    #[must_use]
    #[inline]
    pub fn key(&self, row: usize) -> &[u8] {
        let Some(row) = self.rows.get(row) else { return &[] };
        if row.key_from & MADE == 0 {
            &self.bytes[row.key_from as usize..row.key_to as usize]
        } else {
            &self.made[(row.key_from & !MADE) as usize..row.key_to as usize]
        }
    }

    /// A row. Empty behind the last.
    #[must_use]
    #[inline]
    pub fn row(&self, row: usize) -> &[u8] {
        let Some(row) = self.rows.get(row) else { return &[] };
        &self.bytes[row.from as usize..row.to as usize]
    }

    /// The place of a row within its snapshot.
    pub(crate) fn place(&self, row: usize) -> u64 {
        match self.places {
            Places::Bytes(before) => before + self.rows.get(row).map_or(0, |row| u64::from(row.from)),
            Places::Rows(before) => before + row as u64,
        }
    }
}
