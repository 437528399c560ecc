//! What is wrong with a description, all at once.

use std::fmt;

/// One mistake in a description.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// Where in the description: `objects.users.list.paging`.
    pub place: String,
    /// What is wrong there, and what to write.
    pub told: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.told) } else { write!(f, "`{}`: {}", self.place, self.told) }
    }
}

/// Everything that is wrong with a description. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    pub(crate) fn one(place: impl Into<String>, told: impl Into<String>) -> Self {
        Self(vec![Mistake { place: place.into(), told: told.into() }])
    }
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
