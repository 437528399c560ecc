//! How many dead letters wait, by connection. Their keys do not say, and nobody bounds how many are kept: each look goes through a page of
//! them, and remembers how far it came. In memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::tenant::dead_letter::LetterState;
use crate::error::Error;
use crate::id::{ConnectionName, TenantId};
use crate::store::Table;
use crate::text::Text;

/// How many there are, by connection.
type Counts = BTreeMap<ConnectionName, u64>;

/// How far the letters of tenants were counted.
#[derive(Debug, Default)]
pub(crate) struct LetterCounts(Mutex<BTreeMap<TenantId, Counting>>);

/// How far those of one were.
#[derive(Debug, Default)]
struct Counting {
    /// Up to this key.
    after: Option<Text>,
    so_far: Counts,
    /// What the last time through all of them came to.
    last: Option<Counts>,
}

impl Counting {
    /// What is known: while the first time through is under way, what it has come to.
    fn known(&self) -> Counts {
        self.last.as_ref().unwrap_or(&self.so_far).clone()
    }
}

/// What is read of a letter to count it.
#[derive(Deserialize)]
struct LetterHead {
    connection: ConnectionName,
    #[serde(default)]
    state: LetterState,
}

impl LetterCounts {
    fn held(&self) -> MutexGuard<'_, BTreeMap<TenantId, Counting>> {
        // Counts are added one by one, and a lost one is found by the next time through.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn after(&self, tenant: &TenantId) -> Option<Text> {
        self.held().get(tenant).and_then(|counting| counting.after.clone())
    }

    /// A page behind `from` was looked through, up to a key or to the end. Gives what is known then. A page that somebody else looked
    /// through meanwhile is not counted twice.
    fn add(&self, tenant: &TenantId, from: Option<&Text>, page: Counts, until: Option<Text>) -> Counts {
        let mut held = self.held();
        let counting = held.entry(tenant.clone()).or_default();
        if counting.after.as_ref() == from {
            for (connection, many) in page {
                *counting.so_far.entry(connection).or_default() += many;
            }
            counting.after = until;
            if counting.after.is_none() {
                counting.last = Some(std::mem::take(&mut counting.so_far));
            }
        }
        counting.known()
    }
}

impl Tenant {
    /// How many dead letters wait, by connection: looks at the next page of them.
    pub(in crate::engine::tenant) async fn count_letters(&self) -> Result<Counts, Error> {
        let from = self.core.letters.after(&self.id);
        let rows = self.letter_rows(from.as_deref()).await?;
        let until = rows.last().filter(|_| rows.len() == super::by_cause::PAGE).map(|row| row.key.clone());
        let mut page = Counts::new();
        for row in &rows {
            let LetterHead { connection, state } = parse(Table::DeadLetter, row)?;
            if state == LetterState::Waiting {
                *page.entry(connection).or_default() += 1;
            }
        }
        Ok(self.core.letters.add(&self.id, from.as_ref(), page, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(many: u64) -> Counts {
        Counts::from([(ConnectionName::new("crm"), many)])
    }

    #[test]
    fn what_is_known_is_the_last_time_through_and_no_page_counts_twice() {
        let (counts, acme) = (LetterCounts::default(), TenantId::new("acme"));
        let (first, second) = (Text::from("a"), Text::from("b"));
        assert_eq!(counts.add(&acme, None, of(200), Some(first.clone())), of(200), "so far");
        assert_eq!(counts.add(&acme, None, of(200), Some(first.clone())), of(200), "by two at once");
        assert_eq!(counts.add(&acme, Some(&first), of(150), Some(second.clone())), of(350));
        assert_eq!(counts.add(&acme, Some(&second), of(1), None), of(351));
        assert_eq!(counts.after(&acme), None, "from the beginning");
        assert_eq!(counts.add(&acme, None, of(7), Some(first.clone())), of(351), "the last time through all of them");
        assert_eq!(counts.add(&acme, Some(&first), Counts::new(), None), of(7));
        assert_eq!(counts.add(&TenantId::new("other"), None, Counts::new(), None), Counts::new());
    }
}
