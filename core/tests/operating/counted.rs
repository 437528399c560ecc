//! A watch that counts what a store is asked for, and what it gives of the journal.

use std::sync::atomic::{AtomicUsize, Ordering};

use accordant::id::TenantId;
use accordant::journal::Entry;
use accordant::store::StoreError;
use accordant::testing::{StoreCall, StoreWatch};
use async_trait::async_trait;

/// How many journal entries were given, and how many rows were asked for at once.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    entries: AtomicUsize,
    at_once: AtomicUsize,
}

impl Counted {
    /// How many journal entries were given since this was last asked.
    pub(crate) fn entries(&self) -> usize {
        self.entries.swap(0, Ordering::SeqCst)
    }

    /// The most rows that one call asked for by their keys.
    pub(crate) fn at_once(&self) -> usize {
        self.at_once.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl StoreWatch for Counted {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        if let StoreCall::Load(keys) = call {
            self.at_once.fetch_max(keys.len(), Ordering::SeqCst);
        }
        Ok(())
    }

    fn holds(&self, _: &Entry) -> bool {
        self.entries.fetch_add(1, Ordering::SeqCst);
        true
    }
}
