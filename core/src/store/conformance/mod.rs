//! What every store must pass, for authors of stores.
//!
//! Behind the feature `conformance`, and exempt from semver: a new version may have new cases. Each case takes an empty
//! store and panics where the store breaks the contract of [`Store`]. [`store_conformance!`] makes a test
//! of each:
//!
//! ```
//! mod conformance {
//!     use accordant::store::MemoryStore;
//!
//!     accordant::store_conformance!(((), MemoryStore::new()));
//! }
//! ```
//!
//! [`SharedCase::all`] has the cases that need several handles on one content, as several processes have them, and
//! [`a_random_history_ends_as_in_memory`] does random things to a store and to the one in memory;
//! [`a_tenant_that_moves_through_gives_the_same_bytes`] imports and exports one. For tests of crashes and lost connections,
//! [`whole_commit`] is a commit that shows whether all of it is there.
//!
//! What is a store's own business is not here: what a crash leaves, how its files or tables are upgraded, how its errors
//! are told apart.
//!
//! [`store_conformance!`]: crate::store_conformance
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a case tells its finding by panicking")]

mod chain;
mod commits;
mod cut;
mod handles;
mod history;
mod moves;
mod rows;
mod scans;
mod whole;

use std::fmt;
use std::future::Future;

use futures::future::BoxFuture;

use super::{Commit, Committed, Row, RowKey, Store, Table};
use crate::id::{Actor, TenantId};
use crate::journal::{Draft, Entry, Head, Payload, verify};

pub use chain::*;
pub use commits::*;
pub use cut::*;
pub use handles::*;
pub use history::*;
pub use moves::*;
pub use rows::*;
pub use scans::*;
pub use whole::*;

/// Makes a test of every case in [`conformance`](crate::store::conformance).
///
/// The argument is evaluated for each test. It is a pair: what has to outlive the store, such as a temporary directory,
/// and an empty store.
#[macro_export]
macro_rules! store_conformance {
    ($open:expr) => {
        $crate::store_conformance! { @cases @tests $open }
    };
    (@cases $($what:tt)+) => {
        $crate::store_conformance! { $($what)+;
            an_empty_commit_changes_nothing
            a_commit_happens_as_a_whole
            a_lost_race_leaves_nothing
            the_first_row_that_is_not_as_expected_is_named
            expectations_alone_write_nothing
            expectations_see_the_state_before_the_commit
            revisions_rise_by_one_from_one
            a_deleted_row_starts_over
            a_missing_row_may_be_deleted
            the_later_put_of_a_key_counts
            a_row_both_put_and_deleted_is_put
            of_two_racing_commits_one_is_done
            concurrent_commits_all_happen
            a_dropped_commit_is_whole_or_nothing
            a_commit_that_was_never_polled_does_not_happen

            rows_are_loaded_in_the_order_of_keys
            tables_are_separate
            values_come_back_as_they_went_in
            a_large_value_comes_back_as_it_went_in
            keys_come_back_as_they_went_in
            long_keys_come_back_in_order
            names_in_the_journal_come_back_as_they_went_in
            a_large_commit_happens_as_a_whole
            tenants_do_not_see_each_other

            a_scan_is_ordered_by_bytes
            pages_of_a_scan_meet
            a_scan_starts_behind_after_and_within_the_prefix
            no_character_of_a_prefix_has_a_meaning
            keys_may_be_prefixes_of_each_other
            prefixes_end_where_characters_end
            a_limit_of_any_size_is_kept

            entries_come_back_as_they_were_sealed
            the_chain_goes_on_across_commits
            pages_of_the_journal_meet
            entries_about_a_subject_are_found_page_by_page
            a_place_in_time_is_before_the_first_later_entry
            a_lost_commit_leaves_no_entry
            the_chain_verifies_after_an_erasure
            an_erasure_concerns_one_subject
            an_erasure_ends_where_it_is_told
            an_erasure_spares_what_comes_later
            an_altered_entry_is_found
            a_removed_entry_is_found
            reordered_entries_are_found

            entries_sealed_elsewhere_are_taken_over_as_they_are
            what_does_not_follow_is_not_taken_over
            a_cut_takes_the_beginning_and_leaves_the_chain
            a_cut_leaves_the_last_entry
            what_comes_of_a_cut_journal_is_taken_over
            payloads_of_a_kind_expire
            what_stands_outlives_a_forgetting
        }
    };
    (@tests $open:expr; $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                let (_outlives, store) = $open;
                $crate::store::conformance::block_on($crate::store::conformance::$case(&store));
            }
        )+
    };
    (@list; $($case:ident)+) => {
        vec![$(Case { name: stringify!($case), run: |store| Box::pin($case(store)) }),+]
    };
}

/// One case of the suite, for test programs that make their lists themselves.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    run: for<'s> fn(&'s dyn Store) -> BoxFuture<'s, ()>,
}

impl Case {
    /// Every case, in the order of the suite.
    #[must_use]
    pub fn all() -> Vec<Self> {
        crate::store_conformance! { @cases @list }
    }

    /// Runs it on an empty store.
    pub async fn run(self, store: &dyn Store) {
        (self.run)(store).await;
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// One case about several handles on one content.
#[derive(Clone, Copy)]
pub struct SharedCase {
    /// Its name.
    pub name: &'static str,
    run: for<'s> fn(&'s dyn Shared) -> BoxFuture<'s, ()>,
}

impl SharedCase {
    /// Every case.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self { name: "what_one_handle_commits_all_see", run: |all| Box::pin(what_one_handle_commits_all_see(all)) },
            Self { name: "of_racing_handles_one_is_done", run: |all| Box::pin(of_racing_handles_one_is_done(all)) },
            Self {
                name: "a_number_that_many_raise_loses_nothing",
                run: |all| Box::pin(a_number_that_many_raise_loses_nothing(all)),
            },
            Self { name: "handles_write_one_chain", run: |all| Box::pin(handles_write_one_chain(all)) },
            Self { name: "a_reader_sees_a_commit_whole", run: |all| Box::pin(a_reader_sees_a_commit_whole(all)) },
            Self {
                name: "who_wakes_late_overwrites_nothing",
                run: |all| Box::pin(who_wakes_late_overwrites_nothing(all)),
            },
        ]
    }

    /// Runs it on empty content.
    pub async fn run(self, shared: &dyn Shared) {
        (self.run)(shared).await;
    }
}

impl fmt::Debug for SharedCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedCase").field(&self.name).finish()
    }
}

/// Runs a case on this thread.
pub fn block_on<T>(case: impl Future<Output = T>) -> T {
    futures::executor::block_on(case)
}

/// The tenant that cases work on.
#[must_use]
pub fn tenant() -> TenantId {
    TenantId::new("acme")
}

fn key(key: &str) -> RowKey {
    RowKey::new(Table::Entity, key)
}

fn put(keys: &[&str]) -> Commit {
    Commit { put: keys.iter().map(|name| (key(name), name.as_bytes().to_vec())).collect(), ..Commit::default() }
}

fn draft(subject: &str, payload: &str) -> Draft {
    // Any salts will do here, as long as they differ.
    let mut salt = [0; 16];
    for (index, byte) in subject.bytes().chain(payload.bytes()).enumerate() {
        salt[index % 16] ^= byte.wrapping_add(index.to_le_bytes()[0]);
    }
    Draft {
        at: 1_700_000_000_000,
        actor: Actor::new("accordant"),
        kind: "observed",
        subject: subject.into(),
        payload: payload.as_bytes().to_vec(),
        salt,
    }
}

fn record(drafts: impl IntoIterator<Item = Draft>) -> Commit {
    Commit { journal: drafts.into_iter().collect(), ..Commit::default() }
}

async fn done(store: &dyn Store, commit: Commit) -> Head {
    match store.commit(&tenant(), commit).await.unwrap() {
        Committed::Done { head } => head,
        Committed::Lost { key } => panic!("lost a race about {key:?} that nobody else ran"),
    }
}

async fn load(store: &dyn Store, name: &str) -> Option<Row> {
    store.load(&tenant(), &[key(name)]).await.unwrap().remove(0)
}

async fn revision(store: &dyn Store, name: &str) -> Option<u64> {
    load(store, name).await.map(|row| row.revision)
}

async fn keys(store: &dyn Store, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    let rows = store.scan(&tenant(), Table::Entity, prefix, after, limit).await.unwrap();
    rows.into_iter().map(|row| row.key.as_str().to_owned()).collect()
}

async fn entries(store: &dyn Store) -> Vec<(Entry, Option<Payload>)> {
    store.journal(&tenant(), 0, usize::MAX).await.unwrap()
}

/// Where the chain of `entries` ends, if it holds.
fn end(entries: &[(Entry, Option<Payload>)]) -> Result<Head, crate::journal::Broken> {
    entries.iter().try_fold(Head::default(), |head, (entry, payload)| verify(head, entry, payload.as_ref()))
}
