//! What people, and scripts, do in the account, past the interface.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use chrono_tz::Tz;

use super::{Inside, NetSuite};

impl NetSuite {
    /// Somebody changes the zone of the integration's user.
    pub fn moves_to(&self, zone: Tz) {
        self.inside().zone = zone;
    }

    /// The zone that the integration's user was in at first.
    #[must_use]
    pub const fn home(&self) -> Tz {
        self.settings.zone
    }

    /// A row as it stands.
    #[must_use]
    pub fn row(&self, table: &str, id: &str) -> Option<BTreeMap<String, String>> {
        let inside = self.inside();
        inside.tables.get(table)?.get(&id.parse().ok()?).map(|row| row.values.clone())
    }

    /// A row as SuiteQL shows it at an instant: late, where scripts commit late, with when it changed in the user's zone.
    #[must_use]
    pub fn seen(&self, table: &str, id: &str, now: i64) -> Option<BTreeMap<String, String>> {
        let inside = self.inside();
        let row = inside.tables.get(table)?.get(&id.parse().ok()?)?;
        let (_, seen) = row.seen.iter().rev().find(|(from, _)| *from <= now)?;
        let mut values = seen.values.clone();
        values.insert("lastmodifieddate".into(), inside.local(seen.modified));
        Some(values)
    }

    /// The ids of a table's rows, ascending.
    #[must_use]
    pub fn ids(&self, table: &str) -> Vec<String> {
        self.inside().tables.get(table).into_iter().flat_map(BTreeMap::keys).map(u64::to_string).collect()
    }

    /// The account's inside, as a clerk acts on it.
    fn as_clerk(&self) -> MutexGuard<'_, Inside> {
        let mut inside = self.inside();
        inside.ledger.acts(Some("clerk"));
        inside
    }

    /// A person, or a script, changes a row or makes it, and says its id. It is seen when the script commits: up to
    /// [`Faults::index_lag`](crate::Faults::index_lag) later.
    pub fn edit(&self, table: &str, id: Option<&str>, values: &[(&str, &str)]) -> String {
        let now = self.clock.now();
        let mut inside = self.as_clerk();
        let id = id.and_then(|id| id.parse().ok()).unwrap_or_else(|| inside.fresh());
        inside.put_late(table, id, values, now, false);
        id.to_string()
    }

    /// A person changes values of a row that NetSuite keeps in a child of it, such as its addresses: the row does not say that it
    /// changed, as others have observed.
    pub fn edit_child(&self, table: &str, id: &str, values: &[(&str, &str)]) {
        let now = self.clock.now();
        if let Ok(id) = id.parse() {
            self.as_clerk().put_late(table, id, values, now, true);
        }
    }

    /// A script imports values into every row of a table, all at one instant. How many those are.
    pub fn import(&self, table: &str, values: &[(&str, &str)]) -> usize {
        let now = self.clock.now();
        let mut inside = self.as_clerk();
        let ids: Vec<u64> = inside.tables.get(table).into_iter().flat_map(BTreeMap::keys).copied().collect();
        for id in &ids {
            inside.put_late(table, *id, values, now, false);
        }
        ids.len()
    }

    /// A person deletes a row.
    pub fn delete(&self, table: &str, id: &str) {
        let now = self.clock.now();
        if let Ok(id) = id.parse() {
            self.as_clerk().remove(table, id, now);
        }
    }
}

impl Inside {
    /// Puts values into a row, which are seen when whatever does it commits.
    fn put_late(&mut self, table: &str, id: u64, values: &[(&str, &str)], now: i64, of_child: bool) {
        let most = u64::try_from(self.faults.index_lag.num_milliseconds()).unwrap_or(0);
        let visible = now.saturating_add(self.chance.below(most).cast_signed());
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())));
        self.put(table, id, values, now, visible, of_child);
    }
}
