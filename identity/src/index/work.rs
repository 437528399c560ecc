//! What a change cost, in counts: what it reaches is clustered anew, and nothing else.

/// How much was clustered anew by a change, all rounds together that it took to see how far it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Records that were clustered.
    pub records: usize,
    /// Pairs between those.
    pub pairs: usize,
    /// Pairs that were weighed again, where a cluster of several records came together with another.
    pub weighed: usize,
}

impl Work {
    pub(super) const fn and(self, more: Self) -> Self {
        Self {
            records: self.records + more.records,
            pairs: self.pairs + more.pairs,
            weighed: self.weighed + more.weighed,
        }
    }
}
