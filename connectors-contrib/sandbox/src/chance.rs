//! Chance, out of a seed: the same run every time.

use accordant::{Entropy as _, SeededEntropy};

/// A sequence of draws that a seed determines.
#[derive(Debug)]
pub struct Chance(SeededEntropy);

impl Chance {
    /// The draws of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// A number below `below`; none of none.
    pub fn below(&self, below: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        // Biased by less than one in 2^50 for the small numbers that are asked for here.
        u64::from_le_bytes(bytes).checked_rem(below).unwrap_or(0)
    }

    /// Whether something happens that happens to so many of a thousand. What never happens draws nothing, so that one
    /// fault does not change the course of another.
    pub fn permille(&self, of_thousand: u32) -> bool {
        of_thousand > 0 && self.below(1_000) < u64::from(of_thousand)
    }
}
