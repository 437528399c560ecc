//! The contract of [`Value`], as the tests of every built-in type check it.

use crate::value::{Hints, Leaf, Malformed, Value};

/// The canonical text of a leaf, which must be the same by `canonical_of` and by `parse` and `canonical`.
pub(crate) fn canonical<T: Value>(leaf: Leaf<'_>, hints: &Hints) -> Result<String, Malformed> {
    let (mut short, mut long) = (String::new(), String::new());
    let shortened = T::canonical_of(leaf, hints, &mut short);
    let value = T::parse(leaf, hints)?;
    value.canonical(&mut long);
    assert_eq!(shortened, Ok(()));
    assert_eq!(short, long, "canonical_of differs from parse");
    assert_eq!(T::from_canonical(&long).as_ref(), Ok(&value), "canonical text does not read back");
    assert_eq!(T::parse(value.native(hints).as_leaf(), hints), Ok(value), "the native leaf does not read back");
    Ok(long)
}

/// No leaf made of `text` panics, and what is read keeps the contract.
pub(crate) fn holds<T: Value>(text: &str, hints: &Hints) {
    for leaf in [Leaf::Text(text), Leaf::Number(text), Leaf::Null, Leaf::Bool(true), Leaf::Bool(false)] {
        if T::parse(leaf, hints).is_ok() {
            assert!(canonical::<T>(leaf, hints).is_ok());
        }
    }
    if let Ok(value) = T::from_canonical(text) {
        let mut again = String::new();
        value.canonical(&mut again);
        assert_eq!(T::from_canonical(&again), Ok(value));
    }
}
