//! A table of keys in memory: which row is the first of each, and how many have it.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::runs::Counted;

/// Finds keys by their hash. A fixed one: no answer depends on it, and how long it takes should not vary.
const HASH: FixedState = FixedState::with_seed(0x6b65_7973);

/// Keys one behind the other, in the order of their first rows.
#[derive(Default)]
pub(crate) struct KeyTable {
    bytes: Vec<u8>,
    /// Where each key ends, and its first row, counted from `from` on.
    keys: Vec<(u32, u32)>,
    by_hash: HashTable<u32>,
    /// How many rows have a key besides the first.
    more: HashMap<u32, u64, FixedState>,
    from: u64,
}

/// How many, and none of them: they are values of the table.
impl fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.len())
    }
}

fn key<'b>(bytes: &'b [u8], keys: &[(u32, u32)], place: u32) -> &'b [u8] {
    let place = place as usize;
    let from = place.checked_sub(1).map_or(0, |before| keys[before].0 as usize);
    &bytes[from..keys[place].0 as usize]
}

impl KeyTable {
    pub(crate) const fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.keys.reserve(more);
        let (bytes, keys) = (&self.bytes, &self.keys);
        self.by_hash.reserve(more, |place| HASH.hash_one(key(bytes, keys, *place)));
    }

    /// Empties it, and gives its memory back: what comes next may need it for other parts.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// An empty table counts rows from this one on.
    pub(crate) fn begin(&mut self, row: u64) {
        if self.is_empty() {
            self.from = row;
        }
    }

    /// What it takes with one more key. Vectors and tables double: what they will have taken counts, and not what is used.
    fn size_with(&self, key: &[u8]) -> usize {
        let grown = |len: usize, capacity: usize, more: usize| {
            if len + more <= capacity { capacity } else { (2 * capacity).max(len + more) }
        };
        let slots = grown(self.by_hash.len(), self.by_hash.capacity(), 1).max(4) * 8 / 7;
        grown(self.bytes.len(), self.bytes.capacity(), key.len())
            + grown(self.keys.len(), self.keys.capacity(), 1) * 8
            + slots * 5
            + grown(self.more.len(), self.more.capacity(), 1) * 8 / 7 * 17
    }

    /// Takes a key that `rows` rows have, `first` the first of them, if it then takes no more bytes than `bound`, and its numbers
    /// reach. Whether it was taken.
    pub(crate) fn take(&mut self, new: &[u8], first: u64, rows: u64, bound: usize) -> bool {
        let hash = HASH.hash_one(new);
        let Self { bytes, keys, by_hash, more, from } = self;
        if let Some(place) = by_hash.find(hash, |place| key(bytes, keys, *place) == new) {
            // What is known of it may be in a file, and the rest here.
            let place = *place;
            if bound < usize::MAX && !more.contains_key(&place) && self.size_with(&[]) > bound {
                return false;
            }
            // Rows come in order: the first is known.
            let held = self.more.entry(place).or_default();
            *held = held.saturating_add(rows);
            return true;
        }
        let row = first.checked_sub(*from).and_then(|row| u32::try_from(row).ok());
        let (Some(row), Ok(end), Ok(place)) = (row, u32::try_from(bytes.len() + new.len()), u32::try_from(keys.len()))
        else {
            return false;
        };
        // What does not grow takes no more than it took.
        let grows = bytes.len() + new.len() > bytes.capacity()
            || keys.len() == keys.capacity()
            || by_hash.len() == by_hash.capacity();
        if grows && bound < usize::MAX && self.size_with(new) > bound {
            return false;
        }
        let Self { bytes, keys, by_hash, more, .. } = self;
        bytes.extend_from_slice(new);
        keys.push((end, row));
        by_hash.insert_unique(hash, place, |place| HASH.hash_one(key(bytes, keys, *place)));
        if rows > 1 {
            more.insert(place, rows - 1);
        }
        true
    }

    /// Whether it holds the key.
    pub(crate) fn holds(&self, wanted: &[u8]) -> bool {
        self.by_hash.find(HASH.hash_one(wanted), |place| key(&self.bytes, &self.keys, *place) == wanted).is_some()
    }

    fn at(&self, place: u32) -> (&[u8], u64, u64) {
        let first = self.from + u64::from(self.keys[place as usize].1);
        (
            key(&self.bytes, &self.keys, place),
            first,
            1u64.saturating_add(self.more.get(&place).copied().unwrap_or_default()),
        )
    }

    /// Key, first row, and how many rows, in the order of the first rows.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (&[u8], u64, u64)> {
        (0..self.keys.len() as u32).map(|place| self.at(place))
    }

    /// Those that several rows have, in no order.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (&[u8], u64, u64)> {
        self.more.keys().map(|place| self.at(*place))
    }

    /// In the order of the keys.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = Counted> {
        let mut places: Vec<u32> = (0..self.keys.len() as u32).collect();
        places.sort_unstable_by(|one, other| {
            key(&self.bytes, &self.keys, *one).cmp(key(&self.bytes, &self.keys, *other))
        });
        places.into_iter().map(|place| {
            let (key, first, rows) = self.at(place);
            Counted { key: key.to_vec(), first, rows }
        })
    }
}
