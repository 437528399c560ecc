//! An index of matches that finds nobody.

use crate::id::RecordRef;
use crate::matching::{Features, HeldTogether, MatchIndex, Neighbourhood};

/// A [`MatchIndex`] that finds nobody alike, for tests of everything around matching. What it holds lives as long as it does.
///
/// ```
/// use accordant::RecordRef;
/// use accordant::matching::MatchIndex;
/// use accordant::testing::NobodyAlike;
///
/// let index = NobodyAlike(());
/// assert!(index.around(&RecordRef::new("crm", "contacts", "101")).pairs.is_empty());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyAlike<T>(pub T);

impl<T: Send + Sync + 'static> MatchIndex for NobodyAlike<T> {
    fn put(&mut self, _: &Features) {}

    fn remove(&mut self, _: &RecordRef) {}

    fn hold_apart(&mut self, _: &RecordRef, _: &RecordRef, _: bool) {}

    fn around(&self, _: &RecordRef) -> Neighbourhood {
        Neighbourhood::default()
    }

    fn held_together(&self, _: &RecordRef) -> Option<HeldTogether> {
        None
    }
}
