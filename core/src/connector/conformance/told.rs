//! What a measurement comes to.

use super::bench::Cannot;

/// Why a measurement ended early.
#[derive(Debug, Clone)]
pub(super) enum End {
    Broken(String),
    Skipped(String),
}

/// What a measurement came to: what was seen, or how it ended.
pub(super) type Told<T = String> = Result<T, End>;

impl From<Cannot> for End {
    fn from(Cannot(why): Cannot) -> Self {
        Self::Skipped(why.into_owned())
    }
}

pub(super) fn broken<T>(told: impl Into<String>) -> Told<T> {
    Err(End::Broken(told.into()))
}

pub(super) fn skipped<T>(why: impl Into<String>) -> Told<T> {
    Err(End::Skipped(why.into()))
}
