//! Where one object type holds an attribute, as the derive and a consultant say it.

use std::sync::Arc;

use crate::id::ObjectKey;
use crate::model::{Path, Transform};
use crate::ownership::{Direction, Strength};
use crate::value::{Hints, InCurrency, OneLeaf, Refers, Value};

/// Where one object type holds an attribute of type `T`.
pub struct At<T> {
    pub(super) object: ObjectKey,
    pub(super) read: Vec<Path>,
    pub(super) write: Option<Vec<Path>>,
    pub(super) direction: Direction,
    pub(super) strength: Strength,
    pub(super) hints: Hints,
    pub(super) separator: Option<char>,
    pub(super) via_object: Option<ObjectKey>,
    pub(super) via: Option<Arc<dyn Transform<T>>>,
}

impl<T> std::fmt::Debug for At<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("At").field("object", &self.object).field("read", &self.read).finish_non_exhaustive()
    }
}

impl<T: Value> At<T> {
    fn of(object: &str, read: Vec<Path>) -> Self {
        Self {
            object: object.into(),
            read,
            write: None,
            direction: Direction::Both,
            strength: Strength::Normal,
            hints: Hints { object: Some(object.into()), ..Hints::default() },
            separator: None,
            via_object: None,
            via: None,
        }
    }

    /// One path holds the value.
    #[must_use]
    pub fn path(object: &str, path: &str) -> Self
    where
        T: OneLeaf,
    {
        Self::of(object, vec![path.into()])
    }

    /// One path holds an amount, in a currency that the model states (ISO 4217).
    #[must_use]
    pub fn amount_in(object: &str, path: &str, currency: &str) -> Self
    where
        T: InCurrency,
    {
        let mut at = Self::of(object, vec![path.into()]);
        at.hints.currency = Some(currency.into());
        at
    }

    /// One path holds an amount, another its currency.
    #[must_use]
    pub fn amount_with_currency_at(object: &str, path: &str, currency: &str) -> Self
    where
        T: InCurrency,
    {
        Self::of(object, vec![path.into(), currency.into()])
    }

    /// A transform makes the value of several leaves.
    #[must_use]
    pub fn via<X: Transform<T>>(object: &str, paths: &[&str], transform: X) -> Self {
        let mut at = Self::of(object, paths.iter().map(|path| Path::new(path)).collect());
        at.via = Some(Arc::new(transform));
        at
    }

    /// Writes to other paths than are read.
    #[must_use]
    pub fn write_to(mut self, paths: &[&str]) -> Self {
        self.write = Some(paths.iter().map(|path| Path::new(path)).collect());
        self
    }

    /// Never writes.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.direction = Direction::ReadOnly;
        self
    }

    /// Never reads.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.direction = Direction::WriteOnly;
        self
    }

    /// Fills empties only.
    #[must_use]
    pub fn weak(mut self) -> Self {
        self.strength = Strength::Weak;
        self
    }

    /// Writes a deviating observer back.
    #[must_use]
    pub fn strong(mut self) -> Self {
        self.strength = Strength::Strong;
        self
    }

    /// The region (ISO 3166 alpha-2) of national phone numbers.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.hints.region = Some(region.into());
        self
    }

    /// The IANA zone of local times without offset.
    #[must_use]
    pub fn zone(mut self, zone: &str) -> Self {
        self.hints.zone = Some(zone.into());
        self
    }

    /// The `strftime` format of dates and times.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        self.hints.format = Some(format.into());
        self
    }

    /// Says which of the target's object types in this system a reference names, by its key.
    #[must_use]
    pub fn via_object(mut self, key: &str) -> Self
    where
        T: Refers,
    {
        self.via_object = Some(key.into());
        self
    }

    /// What separates the values of a set kept in one text.
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = Some(separator);
        self
    }
}
