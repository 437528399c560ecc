//! The order of keys.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// In which order the keys of all snapshots come. Keys are the same where their bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By their bytes: of texts in UTF-8 the order of their code points, and `COLLATE "C"` of PostgreSQL.
    #[default]
    Bytes,
    /// Shorter ones first, those of one length by their bytes: the order of whole numbers from 0 on, as they are written without
    /// leading zeros. Any other keys have an order by it as well.
    Number,
}

impl Order {
    /// Which of two keys comes first.
    #[must_use]
    #[inline]
    pub fn compare(self, one: &[u8], other: &[u8]) -> Ordering {
        match self {
            Self::Bytes => one.cmp(other),
            Self::Number => one.len().cmp(&other.len()).then_with(|| one.cmp(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_their_order() {
        let mut numbers = ["10", "9", "0", "100", "99", "1"];
        numbers.sort_by(|one, other| Order::Number.compare(one.as_bytes(), other.as_bytes()));
        assert_eq!(numbers, ["0", "1", "9", "10", "99", "100"]);
        numbers.sort_by(|one, other| Order::Bytes.compare(one.as_bytes(), other.as_bytes()));
        assert_eq!(numbers, ["0", "1", "10", "100", "9", "99"]);
    }
}
