//! What values may refer to.

use std::collections::HashSet;
use std::fmt;

use foldhash::fast::FixedState;

use super::key_table::KeyTable;

/// The values that a column may hold: the keys of another table.
pub struct Reference(Held);

enum Held {
    Texts(KeyTable),
    Wholes(HashSet<i64, FixedState>),
}

/// How many, and none of them: they are values of a table.
impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = match &self.0 {
            Held::Texts(held) => held.len(),
            Held::Wholes(held) => held.len(),
        };
        write!(f, "{count} values")
    }
}

impl Reference {
    /// These texts. Nothing where they are more than 4 GiB, or 4 thousand million.
    #[must_use]
    pub fn texts<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut held = KeyTable::default();
        let fits = texts.into_iter().all(|text| held.take(text.as_ref(), 0, 1, usize::MAX));
        fits.then_some(Self(Held::Texts(held)))
    }

    /// These whole numbers.
    #[must_use]
    pub fn wholes(numbers: impl IntoIterator<Item = i64>) -> Self {
        let mut held = HashSet::with_hasher(FixedState::with_seed(1));
        held.extend(numbers);
        Self(Held::Wholes(held))
    }

    /// Whether it holds the text; whole numbers are texts of digits.
    pub(crate) fn text(&self, text: &[u8]) -> bool {
        match &self.0 {
            Held::Texts(held) => held.holds(text),
            Held::Wholes(held) => std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok())
                .is_some_and(|number| held.contains(&number)),
        }
    }

    /// Whether it holds the whole number.
    pub(crate) fn whole(&self, number: i64) -> bool {
        match &self.0 {
            Held::Texts(held) => held.holds(number.to_string().as_bytes()),
            Held::Wholes(held) => held.contains(&number),
        }
    }
}
