//! A value that others may hold as well, until it is changed.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A value that is owned, or shared with whoever remembers it; whoever changes a shared one changes a copy.
///
/// Steps load much more than they change. What is shared costs a counter where it is loaded, and what is owned lies in its
/// place: many values next to each other, without a pointer between them.
pub enum CopyOnWrite<T> {
    /// Nobody else holds it.
    Owned(T),
    /// Others may hold it.
    Shared(Arc<T>),
}

impl<T: Clone> CopyOnWrite<T> {
    /// The value, to be changed: a copy of its own, if it was shared.
    pub fn to_mut(&mut self) -> &mut T {
        if let Self::Shared(shared) = self {
            *self = Self::Owned(T::clone(shared));
        }
        match self {
            Self::Owned(value) => value,
            Self::Shared(shared) => Arc::make_mut(shared),
        }
    }
}

impl<T> Deref for CopyOnWrite<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Owned(value) => value,
            Self::Shared(shared) => shared,
        }
    }
}

impl<T: Clone> Clone for CopyOnWrite<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Owned(value) => Self::Owned(value.clone()),
            Self::Shared(shared) => Self::Shared(Arc::clone(shared)),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for CopyOnWrite<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T> From<T> for CopyOnWrite<T> {
    fn from(value: T) -> Self {
        Self::Owned(value)
    }
}

impl<T> From<Arc<T>> for CopyOnWrite<T> {
    fn from(shared: Arc<T>) -> Self {
        Self::Shared(shared)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::CopyOnWrite;

    #[test]
    fn a_change_is_seen_by_nobody_who_shares_the_value() {
        let remembered = Arc::new(vec![1]);
        let mut lent: CopyOnWrite<Vec<i32>> = CopyOnWrite::Shared(Arc::clone(&remembered));
        let looked = lent.clone();
        lent.to_mut().push(2);
        assert_eq!((&*lent, &*looked, &*remembered), (&vec![1, 2], &vec![1], &vec![1]));
        let place = lent.as_ptr();
        lent.to_mut()[0] = 3;
        assert_eq!((lent.as_ptr(), &lent[..]), (place, &[3, 2][..]), "its own value is changed in its place");
    }
}
