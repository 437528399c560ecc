//! Where records are: by connection, object type and native id.
//!
//! A stream looks up every delivery's record, so a look-up compares no text where ids are numbers, as most are.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::id::{ConnectionName, ObjectType, RecordRef};
use crate::working_set::{RecordIndex, RecordState};

/// A connection's object type in one working set: [`WorkingSet::source`](crate::working_set::WorkingSet::source) gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(u32);

/// Finds records.
#[derive(Debug, Default)]
pub(super) struct Directory {
    sources: Vec<(ConnectionName, ObjectType)>,
    places: HashTable<Place>,
    hasher: DefaultHashBuilder,
}

/// 16 bytes: there is one for each record.
#[derive(Debug, Clone, Copy)]
struct Place {
    id: u64,
    of: u32,
    record: RecordIndex,
}

impl Place {
    const fn key(&self) -> Key {
        Key { id: self.id, of: self.of }
    }
}

/// A source and a native id, at a fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    /// The number that the id is the decimal text of, which is the id; or its hash, so that the id itself has to be looked at.
    id: u64,
    /// Twice the source, and one more for a hash.
    of: u32,
}

impl Key {
    const fn is_hash(self) -> bool {
        self.of % 2 == 1
    }
}

impl Directory {
    /// The source of a connection and object type, if it has one.
    pub(super) fn known_source(&self, connection: &ConnectionName, object: &ObjectType) -> Option<Source> {
        let place = self.sources.iter().position(|(of, named)| of == connection && named == object)?;
        u32::try_from(place).ok().map(Source)
    }

    /// The source of a connection and object type.
    pub(super) fn source(&mut self, connection: &ConnectionName, object: &ObjectType) -> Source {
        self.known_source(connection, object).unwrap_or_else(|| {
            self.sources.push((connection.clone(), object.clone()));
            Source(super::next(self.sources.len() - 1))
        })
    }

    /// The place of a record.
    pub(super) fn find_record(&self, record: &RecordRef, records: &[RecordState]) -> Option<RecordIndex> {
        self.find(self.known_source(&record.connection, &record.object)?, &record.id, records)
    }

    /// The record of this id.
    pub(super) fn find(&self, source: Source, id: &str, records: &[RecordState]) -> Option<RecordIndex> {
        let key = self.key(source, id);
        let is_it = |place: &Place| {
            let named = || records.get(place.record as usize).is_some_and(|at| *at.record.id == *id);
            place.key() == key && (!key.is_hash() || named())
        };
        self.places.find(self.hasher.hash_one(key), is_it).map(|place| place.record)
    }

    /// Notes where a record is that was not known before.
    pub(super) fn insert(&mut self, record: &RecordRef, index: RecordIndex) {
        let source = self.source(&record.connection, &record.object);
        let Key { id, of } = self.key(source, &record.id);
        let place = Place { id, of, record: index };
        let Self { places, hasher, .. } = self;
        let hash = |place: &Place| hasher.hash_one(place.key());
        places.insert_unique(hash(&place), place, hash);
    }

    fn key(&self, source: Source, id: &str) -> Key {
        let (id, hashed) = number(id).map_or_else(|| (self.hasher.hash_one(id), 1), |number| (number, 0));
        Key { id, of: source.0 * 2 + hashed }
    }
}

/// The number that `id` is the only decimal text of.
fn number(id: &str) -> Option<u64> {
    let digits = id.as_bytes();
    let plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() < 20;
    let number = digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| number.wrapping_mul(10).wrapping_add(u64::from(digit)))
    })?;
    plain.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_two_words() {
        assert_eq!(size_of::<Place>(), 16);
    }

    #[test]
    fn a_number_has_one_text() {
        for (id, expected) in [
            ("0", Some(0)),
            ("10000000017", Some(10_000_000_017)),
            ("9999999999999999999", Some(9_999_999_999_999_999_999)),
            ("10000000000000000000", None),
            ("007", None),
            ("+7", None),
            ("", None),
            ("7 ", None),
            ("gid://shopify/Customer/7", None),
        ] {
            assert_eq!(number(id), expected, "{id}");
        }
    }
}
