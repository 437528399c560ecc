//! Random histories: a store and the one in memory answer alike, whatever is done to them.

use futures::future::join_all;

use super::super::{Commit, MemoryStore, RowKey, Store, Table};
use crate::id::{Actor, TenantId};
use crate::journal::{Draft, Head, verify_all};

const TENANTS: [&str; 3] = ["acme", "b%", ""];
const TABLES: [Table; 3] = [Table::Entity, Table::Index, Table::Work];
/// Few, so that steps meet; odd, so that prefixes matter.
const KEYS: [&str; 12] = ["", "a", "a%", "a_", "a/", "a\0", "a\u{1}", "a\u{1}\u{1}", "aé", "a\u{10ffff}", "b", "'"];
const SUBJECTS: [&str; 4] = ["r", "r1", "%", "\0"];

/// Does `steps` random things to a store, and to one in memory, and compares every answer; at the end, everything. The
/// same seed does the same.
pub async fn a_random_history_ends_as_in_memory(store: &dyn Store, seed: u64, steps: usize) {
    let (oracle, mut random) = (MemoryStore::new(), Random(seed));
    for step in 0..steps {
        let at = format!("seed {seed}, step {step}");
        let tenant = TenantId::new(random.of(&TENANTS));
        match random.below(13) {
            0..5 => {
                // Under way together; what each expects is settled before, so that some of them lose.
                let mut commits = Vec::new();
                for _ in 0..=random.below(4) {
                    let tenant = TenantId::new(random.of(&TENANTS));
                    commits.push((tenant.clone(), random.commit(&oracle, &tenant).await));
                }
                let race =
                    |store| join_all(commits.iter().map(move |(tenant, commit)| commit_to(store, tenant, commit)));
                assert_eq!(race(&oracle as &dyn Store).await, race(store).await, "{at}: {commits:?}");
            }
            5..7 => {
                let asked: Vec<RowKey> = (0..random.below(6)).map(|_| random.row()).collect();
                let expected = oracle.load(&tenant, &asked).await.unwrap();
                assert_eq!(store.load(&tenant, &asked).await.unwrap(), expected, "{at}: {asked:?}");
            }
            7..10 => {
                let (table, prefix) = (TABLES[random.below(3)], random.of(&KEYS));
                let after = (random.below(2) == 0).then(|| random.of(&KEYS));
                let limit = [0, 1, 2, 3, usize::MAX][random.below(5)];
                let expected = oracle.scan(&tenant, table, prefix, after, limit).await.unwrap();
                let found = store.scan(&tenant, table, prefix, after, limit).await.unwrap();
                assert_eq!(found, expected, "{at}: {prefix:?} behind {after:?}, {limit}");
            }
            10 => {
                let (after, limit) = (random.below(9) as u64, random.below(4));
                let expected = oracle.journal(&tenant, after, limit).await.unwrap();
                assert_eq!(store.journal(&tenant, after, limit).await.unwrap(), expected, "{at}");
                let place = i64::try_from(random.below(40)).unwrap() - 5;
                let expected = oracle.journal_place(&tenant, place).await.unwrap();
                assert_eq!(store.journal_place(&tenant, place).await.unwrap(), expected, "{at}");
            }
            11 => {
                let until = random.below(4) as u64;
                let expected = oracle.cut(&tenant, until).await.unwrap();
                assert_eq!(store.cut(&tenant, until).await.unwrap(), expected, "{at}");
                let until = random.below(9) as u64;
                let expected = oracle.expire(&tenant, "observed", until).await.unwrap();
                assert_eq!(store.expire(&tenant, "observed", until).await.unwrap(), expected, "{at}");
            }
            _ => {
                let subject = random.of(&SUBJECTS);
                let expected = oracle.erase(&tenant, subject).await.unwrap();
                assert_eq!(store.erase(&tenant, subject).await.unwrap(), expected, "{at}");
            }
        }
    }
    for tenant in TENANTS.map(TenantId::new) {
        for table in Table::ALL {
            let expected = oracle.scan(&tenant, table, "", None, usize::MAX).await.unwrap();
            assert_eq!(store.scan(&tenant, table, "", None, usize::MAX).await.unwrap(), expected, "seed {seed}");
        }
        let entries = store.journal(&tenant, 0, usize::MAX).await.unwrap();
        assert_eq!(entries, oracle.journal(&tenant, 0, usize::MAX).await.unwrap(), "seed {seed}");
        // Behind the first entry that is left, each follows the one before it.
        if let Some(((first, _), rest)) = entries.split_first() {
            verify_all(Head { seq: first.seq, digest: first.digest }, rest).unwrap();
        }
    }
}

async fn commit_to(store: &dyn Store, tenant: &TenantId, commit: &Commit) -> super::super::Committed {
    store.commit(tenant, commit.clone()).await.unwrap()
}

/// `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or_default()
    }

    pub(crate) fn of<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.below(among.len())]
    }

    fn row(&mut self) -> RowKey {
        RowKey::new(TABLES[self.below(TABLES.len())], self.of(&KEYS))
    }

    fn bytes(&mut self) -> Vec<u8> {
        match self.below(4) {
            0 => Vec::new(),
            1 => br#"{"a":[1,"b"]}"#.to_vec(),
            2 => b"text\0".to_vec(),
            _ => self.next().to_le_bytes().to_vec(),
        }
    }

    /// A commit that mostly expects what is so.
    async fn commit(&mut self, oracle: &MemoryStore, tenant: &TenantId) -> Commit {
        let mut commit = Commit::default();
        for _ in 0..self.below(3) {
            let row = self.row();
            let now = oracle.load(tenant, std::slice::from_ref(&row)).await.unwrap().remove(0).map(|row| row.revision);
            let expected = match self.below(8) {
                0 => None,
                1 => Some(self.below(4) as u64),
                _ => now,
            };
            commit.expect.push((row, expected));
        }
        for _ in 0..self.below(5) {
            let put = (self.row(), self.bytes());
            commit.put.push(put);
        }
        for _ in 0..self.below(3) {
            commit.delete.push(self.row());
        }
        for _ in 0..self.below(3) {
            let mut salt = [0; 16];
            salt[..8].copy_from_slice(&self.next().to_le_bytes());
            let subject = self.of(&SUBJECTS).into();
            let at = i64::try_from(self.below(30)).unwrap_or_default();
            let (actor, payload) = (Actor::new("test"), self.bytes());
            commit.journal.push(Draft { at, actor, kind: "observed", subject, payload, salt });
        }
        commit
    }
}
