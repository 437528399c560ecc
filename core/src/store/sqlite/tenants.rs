//! The number of a tenant, which the journal's rows have instead of its name.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension as _};

use super::rows::{signed, unsigned};
use crate::id::TenantId;

/// Bits of a place that are the entry's number in its tenant's journal: a million million entries. The others are the tenant's: eight
/// million tenants.
const ENTRY_BITS: u32 = 40;
const LAST_ENTRY: u64 = (1 << ENTRY_BITS) - 1;
const LAST_TENANT: i64 = (1 << (63 - ENTRY_BITS)) - 1;

/// Where a tenant's entries stand among all.
#[derive(Clone, Copy)]
pub(super) struct Places {
    number: i64,
}

impl Places {
    /// Of a tenant that has a number. Read anew each time: another handle may have given it, and a commit that is undone takes
    /// it back.
    pub(super) fn of(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<Option<Self>> {
        let mut number = connection.prepare_cached("SELECT number FROM tenant WHERE name = ?1")?;
        number.query_row([tenant.as_str()], |row| Ok(Self { number: row.get(0)? })).optional()
    }

    /// Of a tenant who is given a number if it has none. Call it in a transaction that writes.
    pub(super) fn taken(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<Self> {
        if let Some(places) = Self::of(connection, tenant)? {
            return Ok(places);
        }
        let mut insert = connection.prepare_cached("INSERT INTO tenant (name) VALUES (?1)")?;
        let number = insert.insert([tenant.as_str()])?;
        if number > LAST_TENANT {
            return Err(out_of_range(number));
        }
        Ok(Self { number })
    }

    /// The place of an entry.
    pub(super) fn at(self, seq: u64) -> rusqlite::Result<i64> {
        if seq > LAST_ENTRY {
            return Err(out_of_range(signed(seq)));
        }
        Ok(self.number << ENTRY_BITS | signed(seq))
    }

    /// The places of all entries behind one; of none, where no more can be.
    pub(super) fn behind(self, seq: u64) -> RangeInclusive<i64> {
        let first = self.number << ENTRY_BITS;
        first.saturating_add(signed(seq.min(LAST_ENTRY))).saturating_add(1)..=self.last()
    }

    /// The places of all entries up to one, itself too.
    pub(super) fn until(self, seq: u64) -> RangeInclusive<i64> {
        let first = self.number << ENTRY_BITS;
        first..=first | signed(seq.min(LAST_ENTRY))
    }

    pub(super) fn all(self) -> RangeInclusive<i64> {
        self.until(LAST_ENTRY)
    }

    fn last(self) -> i64 {
        self.number << ENTRY_BITS | signed(LAST_ENTRY)
    }
}

/// The number of the entry at a place.
pub(super) fn seq(place: i64) -> u64 {
    unsigned(place) & LAST_ENTRY
}

fn out_of_range(number: i64) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(0, number)
}
