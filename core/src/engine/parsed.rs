//! What was read from rows before: a row that has not changed is not parsed again.
//!
//! Every step loads what it touches, and parsing JSON is most of what loading costs. What is kept here is a function of
//! the bytes of a row, as it was read or is about to be written, and is given out for the same bytes only: whoever changed a row, in this process or another, what
//! comes out is what the row holds now. It is memory of the engine value alone, bounded, and holds nothing that the store
//! does not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use crate::engine::tenant::Histories;
use crate::entity::Entity;
use crate::error::Error;
use crate::id::TenantId;
use crate::plan::Plan;
use crate::representation::Representation;
use crate::store::{Row, RowKey};

/// How many bytes of rows are remembered, at most twice.
const ROOM: usize = 8 << 20;

/// What rows of one kind held when they were last read.
pub(crate) struct Parsed<T>(Mutex<Generations<T>>);

/// Entries that were used lately, and those that will be forgotten unless they are used again.
struct Generations<T> {
    young: HashMap<(TenantId, RowKey), Remembered<T>>,
    old: HashMap<(TenantId, RowKey), Remembered<T>>,
    /// The bytes of the young ones.
    bytes: usize,
}

struct Remembered<T> {
    value: Vec<u8>,
    parsed: T,
}

/// What rows of entities, representations and plans held when they were last read, and where histories were left off.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) entities: Parsed<Option<Arc<Entity>>>,
    pub(crate) representations: Parsed<Arc<Representation>>,
    pub(crate) plans: Parsed<Arc<Plan>>,
    pub(crate) histories: Histories,
}

impl Memory {
    /// Forgets what rows of a tenant held, and where its histories were left off.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.entities.lock().forget(tenant);
        self.representations.lock().forget(tenant);
        self.plans.lock().forget(tenant);
        self.histories.forget(tenant);
    }
}

impl<T> Default for Parsed<T> {
    fn default() -> Self {
        Self(Mutex::new(Generations { young: HashMap::new(), old: HashMap::new(), bytes: 0 }))
    }
}

impl<T: Clone> Parsed<T> {
    /// What a row holds: as it was read before, if it holds the same bytes, else as `read` reads it.
    pub(crate) fn get(
        &self,
        tenant: &TenantId,
        key: &RowKey,
        row: Row,
        read: impl FnOnce(&Row) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let at = (tenant.clone(), key.clone());
        if let Some(parsed) = self.lock().recall(&at, &row.value) {
            return Ok(parsed);
        }
        // Not under the lock: others read other rows meanwhile.
        let parsed = read(&row)?;
        self.lock().remember(at, row.value, parsed.clone());
        Ok(parsed)
    }

    /// As [`Parsed::get`], without remembering what was read: for whoever goes through a whole table, and would leave no room
    /// for what steps work on.
    pub(crate) fn look(
        &self,
        tenant: &TenantId,
        key: &RowKey,
        row: &Row,
        read: impl FnOnce(&Row) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let at = (tenant.clone(), key.clone());
        let recalled = self.lock().recall(&at, &row.value);
        recalled.map_or_else(|| read(row), Ok)
    }

    /// Remembers what a row will hold once it is committed. If it never is, nobody asks with these bytes.
    pub(crate) fn expect(&self, tenant: &TenantId, key: &RowKey, value: &[u8], parsed: T) {
        self.lock().remember((tenant.clone(), key.clone()), value.to_vec(), parsed);
    }
}

impl<T> Parsed<T> {
    fn lock(&self) -> MutexGuard<'_, Generations<T>> {
        // Nothing panics between two changes of the maps, and a half-made one would only be forgotten sooner.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Generations<T> {
    fn forget(&mut self, tenant: &TenantId) {
        self.young.retain(|(of, _), _| of != tenant);
        self.old.retain(|(of, _), _| of != tenant);
        self.bytes = self.young.values().map(|remembered| remembered.value.len()).sum();
    }
}

impl<T: Clone> Generations<T> {
    fn recall(&mut self, at: &(TenantId, RowKey), value: &[u8]) -> Option<T> {
        if let Some(known) = self.young.get(at) {
            return (known.value == value).then(|| known.parsed.clone());
        }
        let (at, known) = self.old.remove_entry(at)?;
        let parsed = (known.value == value).then_some(known.parsed)?;
        self.remember(at, known.value, parsed.clone());
        Some(parsed)
    }

    fn remember(&mut self, at: (TenantId, RowKey), value: Vec<u8>, parsed: T) {
        let adds = value.len();
        let before = self.young.insert(at, Remembered { value, parsed });
        self.bytes = self.bytes + adds - before.map_or(0, |before| before.value.len());
        if self.bytes > ROOM {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{Parsed, ROOM};
    use crate::id::TenantId;
    use crate::store::{Row, RowKey, Table};

    fn row(value: &[u8]) -> Row {
        Row { key: "k".into(), revision: 1, value: value.to_vec() }
    }

    #[test]
    fn a_row_is_read_again_only_if_its_bytes_changed() {
        let (parsed, read) = (Parsed::default(), Cell::new(0));
        let get = |tenant: &str, value: &[u8]| {
            let key = RowKey::new(Table::Entity, "k");
            let read = |row: &Row| {
                read.set(read.get() + 1);
                Ok(row.value.clone())
            };
            let found = parsed.get(&TenantId::new(tenant), &key, row(value), read).expect("it reads");
            assert_eq!(found, value);
        };
        get("acme", b"one");
        get("acme", b"one");
        assert_eq!(read.get(), 1);
        // A row that was deleted and put again has the revision of the first one.
        get("acme", b"two");
        assert_eq!(read.get(), 2);
        get("other", b"two");
        assert_eq!(read.get(), 3);
    }

    #[test]
    fn a_row_that_was_written_here_is_not_read() {
        let parsed = Parsed::default();
        let (tenant, key) = (TenantId::new("acme"), RowKey::new(Table::Entity, "k"));
        parsed.expect(&tenant, &key, b"mine", b"mine".to_vec());
        let get = |value: &[u8], read: &dyn Fn(&Row) -> Vec<u8>| {
            let found = parsed.get(&tenant, &key, row(value), |row| Ok(read(row))).expect("it reads");
            assert_eq!(found, value);
        };
        get(b"mine", &|_| panic!("it is read"));
        // Another was faster: what the row holds is what counts.
        get(b"theirs", &|row| row.value.clone());
    }

    #[test]
    fn who_only_looks_is_told_what_is_remembered_and_adds_nothing() {
        let parsed = Parsed::default();
        let (tenant, key) = (TenantId::new("acme"), RowKey::new(Table::Entity, "k"));
        let read = Cell::new(0);
        let look = |value: &[u8]| {
            let count = |row: &Row| {
                read.set(read.get() + 1);
                Ok(row.value.clone())
            };
            assert_eq!(parsed.look(&tenant, &key, &row(value), count).expect("it reads"), value);
        };
        look(b"one");
        look(b"one");
        assert_eq!(read.get(), 2);
        parsed.expect(&tenant, &key, b"one", b"one".to_vec());
        look(b"one");
        assert_eq!(read.get(), 2);
        look(b"two");
        assert_eq!(read.get(), 3);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_used_stays() {
        let parsed: Parsed<usize> = Parsed::default();
        let tenant = TenantId::new("acme");
        let get = |key: String, size: usize| {
            let key = RowKey::new(Table::Entity, key);
            let mut fresh = false;
            let read = |row: &Row| {
                fresh = true;
                Ok(row.value.len())
            };
            parsed.get(&tenant, &key, row(&vec![0; size]), read).expect("it reads");
            fresh
        };
        assert!(get("used".into(), 100));
        for place in 0..40 {
            get(format!("filler {place}"), ROOM / 8);
            assert!(!get("used".into(), 100), "{place}");
        }
        let held = parsed.lock();
        let bytes: usize = held.young.values().chain(held.old.values()).map(|known| known.value.len()).sum();
        assert!(bytes <= 2 * ROOM + ROOM / 8, "{bytes}");
    }
}
