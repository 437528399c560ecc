//! Comparing what operators allow, and what of it is used up, with what the journal adds up to.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::suppression::{digest_of_key, suppressed_prefix};
use crate::engine::tenant::counts::{Count, count_rows};
use crate::engine::tenant::replay::Replayed;
use crate::engine::tenant::rollout::{connection_of_key, state_prefix};
use crate::engine::tenant::standing::standing_prefix;
use crate::engine::tenant::verify::{Compared, Difference};
use crate::error::Error;
use crate::id::ConnectionName;
use crate::plan::{GivenStanding, StandingId};
use crate::rollout::ConnectionState;
use crate::store::Table;
use crate::text::Text;

impl Tenant {
    /// Compares how connections stand, and what counts against limits.
    pub(super) async fn compare_allowed(&self, replayed: &Replayed, found: &mut Vec<Difference>) -> Result<(), Error> {
        let mut stored: BTreeMap<ConnectionName, ConnectionState> = BTreeMap::new();
        for row in self.all_rows(Table::Meta, state_prefix(), "read how connections stand").await? {
            if let Some(connection) = connection_of_key(&row.key) {
                stored.insert(connection, parse(Table::Meta, &row)?);
            }
        }
        let differ = |(connection, compared)| Difference::Connection { connection, compared };
        found.extend(differing(&replayed.connections, &stored).map(differ));

        let mut stored: BTreeMap<StandingId, GivenStanding> = BTreeMap::new();
        for row in self.all_rows(Table::Meta, standing_prefix(), "read standing approvals").await? {
            let standing: GivenStanding = parse(Table::Meta, &row)?;
            stored.insert(standing.id, standing);
        }
        let differ = |(id, compared)| Difference::StandingApproval { id, compared };
        found.extend(differing(&replayed.standing, &stored).map(differ));

        let (mut stored, mut unaccounted) = (BTreeMap::<Text, Count>::new(), BTreeSet::new());
        for (table, prefix) in count_rows() {
            for row in self.all_rows(table, prefix, "read what counts against limits").await? {
                let count: Count = parse(table, &row)?;
                if count.is_accounted_for() {
                    stored.insert(row.key, count);
                } else if count != Count::default() {
                    unaccounted.insert(row.key);
                }
            }
        }
        let (suppressed, granted) = (&replayed.suppressed, &replayed.roles);
        let mut replayed = replayed.counts.clone();
        replayed.retain(|key, _| !unaccounted.contains(key));
        let name = |key: Text| key.replace('\u{1f}', "/").into();
        let differ = |(key, compared)| Difference::Counted { place: name(key), compared };
        found.extend(differing(&replayed, &stored).map(differ));

        let differ = |(actor, compared)| Difference::Granted { actor, compared };
        found.extend(differing(granted, &self.grants().await?).map(differ));

        let rows = self.all_rows(Table::Meta, suppressed_prefix(), "read who is suppressed").await?;
        let stored = rows.iter().filter_map(|row| Some((digest_of_key(&row.key)?, ()))).collect();
        let replayed = suppressed.iter().map(|digest| (*digest, ())).collect();
        let differ = |(digest, compared)| Difference::Suppressed { digest, compared };
        found.extend(differing(&replayed, &stored).map(differ));
        Ok(())
    }
}

/// The keys at which two maps differ, each with how.
pub(super) fn differing<'a, K: Ord + Clone, V: PartialEq>(
    replayed: &'a BTreeMap<K, V>,
    stored: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (K, Compared)> + use<'a, K, V> {
    let known = stored.iter().filter_map(|(key, value)| match replayed.get(key) {
        Some(replayed) if replayed == value => None,
        Some(_) => Some((key.clone(), Compared::Differs)),
        None => Some((key.clone(), Compared::Unaccounted)),
    });
    let missing = replayed.keys().filter(|key| !stored.contains_key(key));
    known.chain(missing.map(|key| (key.clone(), Compared::Missing)))
}
