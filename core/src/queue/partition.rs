//! Which partition a key lies in, and which keys a worker has.

use std::collections::BTreeSet;

use crate::fingerprint::Fingerprint;
use crate::id::TenantId;

/// The partition of a tenant's key: the same on every broker, in every process and version.
///
/// # Panics
///
/// Never: of no partitions, it is the first.
#[must_use]
pub fn partition_of(tenant: &TenantId, key: &str, partitions: u32) -> u32 {
    let number = Fingerprint::new().text(tenant.as_str()).text(key).finish().short_number();
    u32::try_from(number % u64::from(partitions.max(1))).unwrap_or(0)
}

/// The partitions that a worker has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Share {
    partitions: u32,
    mine: BTreeSet<u32>,
}

impl Share {
    /// These, of so many.
    #[must_use]
    pub fn of(partitions: u32, mine: impl IntoIterator<Item = u32>) -> Self {
        Self { partitions, mine: mine.into_iter().collect() }
    }

    /// Everything: a worker that is alone.
    #[must_use]
    pub fn whole() -> Self {
        Self::of(1, [0])
    }

    /// Whether a tenant's key is this worker's.
    #[must_use]
    pub fn has(&self, tenant: &TenantId, key: &str) -> bool {
        self.mine.contains(&partition_of(tenant, key, self.partitions))
    }

    /// The partitions of it that `before` has not: all, where topics had another number of partitions then.
    #[must_use]
    pub(crate) fn gained_since(&self, before: &Share) -> Share {
        let had = |partition: &u32| before.partitions == self.partitions && before.mine.contains(partition);
        Self::of(self.partitions, self.mine.iter().copied().filter(|partition| !had(partition)))
    }

    /// How many partitions there are in all.
    #[must_use]
    pub const fn partitions(&self) -> u32 {
        self.partitions
    }

    /// The partitions.
    #[must_use]
    pub const fn mine(&self) -> &BTreeSet<u32> {
        &self.mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_where_it_is_from_version_to_version() {
        let acme = TenantId::new("acme");
        let places: Vec<u32> =
            ["crm\u{1f}people\u{1f}1", "a", "b", ""].iter().map(|key| partition_of(&acme, key, 16)).collect();
        // By the definition, with another implementation of SHA-256.
        assert_eq!(places, [12, 3, 6, 9], "messages lie where they were put");
    }

    #[test]
    fn what_was_gained_is_what_was_not_there_before() {
        let now = Share::of(8, [1, 2, 5]);
        assert_eq!(now.gained_since(&Share::of(8, [2, 3])), Share::of(8, [1, 5]));
        assert_eq!(now.gained_since(&Share::of(4, [1, 2])), now);
        assert!(now.gained_since(&now).mine().is_empty());
    }

    #[test]
    fn keys_are_spread_over_all_partitions_and_by_tenant() {
        let mut held = [0u32; 8];
        for number in 0..8000 {
            held[partition_of(&TenantId::new("acme"), &number.to_string(), 8) as usize] += 1;
        }
        assert!(held.iter().all(|count| (900..1100).contains(count)), "{held:?}");
        let of = |tenant: &str| {
            (0..64).map(|n: u32| partition_of(&TenantId::new(tenant), &n.to_string(), 8)).collect::<Vec<_>>()
        };
        assert_ne!(of("acme"), of("globex"));
    }

    #[test]
    fn of_all_shares_exactly_one_has_a_key() {
        let shares: Vec<Share> = (0..3).map(|n| Share::of(8, (0..8).filter(move |p| p % 3 == n))).collect();
        for number in 0..200 {
            let has = shares.iter().filter(|share| share.has(&TenantId::new("acme"), &number.to_string())).count();
            assert_eq!(has, 1);
        }
        assert!(Share::whole().has(&TenantId::new("acme"), "anything"));
        assert!(!Share::default().has(&TenantId::new("acme"), "anything"));
    }
}
