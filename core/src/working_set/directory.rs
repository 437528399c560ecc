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

#[derive(Debug, Clone, Copy)]
struct Place {
    id: Key,
    source: Source,
    record: RecordIndex,
}

/// A native id, at a fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// The number that the id is the decimal text of: it is the id.
    Number(u64),
    /// The hash of the id: the id itself has to be looked at.
    Hashed(u64),
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
        let key = self.key(id);
        let is_it = |place: &Place| {
            place.id == key
                && place.source == source
                && match key {
                    Key::Number(_) => true,
                    Key::Hashed(_) => records.get(place.record as usize).is_some_and(|at| *at.record.id == *id),
                }
        };
        self.places.find(self.hash(key, source), is_it).map(|place| place.record)
    }

    /// Notes where a record is that was not known before.
    pub(super) fn insert(&mut self, record: &RecordRef, index: RecordIndex) {
        let source = self.source(&record.connection, &record.object);
        let place = Place { id: self.key(&record.id), source, record: index };
        let Self { places, hasher, .. } = self;
        let hash = |place: &Place| hasher.hash_one((place.id, place.source));
        places.insert_unique(hash(&place), place, hash);
    }

    fn hash(&self, id: Key, source: Source) -> u64 {
        self.hasher.hash_one((id, source))
    }

    fn key(&self, id: &str) -> Key {
        number(id).map_or_else(|| Key::Hashed(self.hasher.hash_one(id)), Key::Number)
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
