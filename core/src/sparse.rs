//! A map by unit that is empty nearly everywhere.

use std::collections::BTreeMap;

use crate::model::UnitKey;

/// What few links have of few units: how often they reacted, where they may differ. It costs one word where there is
/// nothing, and there are many links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparse<T>(
    /// Never an empty map: equal contents are equal.
    Option<Box<BTreeMap<UnitKey, T>>>,
);

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Sparse<T> {
    /// Whether there is nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What is held for a unit.
    #[must_use]
    pub fn get(&self, key: &UnitKey) -> Option<&T> {
        self.0.as_ref()?.get(key)
    }

    /// Whether anything is held for a unit.
    #[must_use]
    pub fn contains_key(&self, key: &UnitKey) -> bool {
        self.get(key).is_some()
    }

    /// Holds something for a unit. Gives what was held before.
    pub fn insert(&mut self, key: UnitKey, value: T) -> Option<T> {
        self.0.get_or_insert_default().insert(key, value)
    }

    /// Holds nothing for a unit. Gives what was held before.
    pub fn remove(&mut self, key: &UnitKey) -> Option<T> {
        let removed = self.0.as_mut()?.remove(key);
        self.drop_empty();
        removed
    }

    /// Keeps only what `keep` says.
    pub fn retain(&mut self, keep: impl FnMut(&UnitKey, &mut T) -> bool) {
        if let Some(map) = &mut self.0 {
            map.retain(keep);
            self.drop_empty();
        }
    }

    /// Everything held, in the order of units.
    pub fn iter(&self) -> impl Iterator<Item = (&UnitKey, &T)> {
        self.0.iter().flat_map(|map| map.iter())
    }

    /// The units for which anything is held, in order.
    pub fn keys(&self) -> impl Iterator<Item = &UnitKey> {
        self.iter().map(|(key, _)| key)
    }

    fn drop_empty(&mut self) {
        self.0.take_if(|map| map.is_empty());
    }
}

impl<T> FromIterator<(UnitKey, T)> for Sparse<T> {
    fn from_iter<I: IntoIterator<Item = (UnitKey, T)>>(all: I) -> Self {
        let mut sparse = Self(Some(Box::new(all.into_iter().collect())));
        sparse.drop_empty();
        sparse
    }
}

#[cfg(test)]
mod tests {
    use super::Sparse;
    use crate::model::UnitKey;

    #[test]
    fn nothing_held_is_nothing_whatever_was_held_before() {
        let key = UnitKey::Whole(3);
        let mut sparse: Sparse<u8> = Sparse::default();
        assert_eq!(sparse.insert(key.clone(), 1), None);
        assert_eq!((sparse.get(&key), sparse.keys().collect::<Vec<_>>()), (Some(&1), vec![&key]));
        assert_eq!(sparse.remove(&key), Some(1));
        assert_eq!(sparse, Sparse::default());
        sparse.insert(key.clone(), 2);
        sparse.retain(|_, count| *count > 2);
        assert_eq!(sparse, Sparse::from_iter([]));
        assert!(sparse.is_empty() && !sparse.contains_key(&key));
    }
}
