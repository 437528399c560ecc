//! Native leaves and canonical texts of every built-in kind: the contract of `Value`.
//!
//! The first byte picks the kind, the second the leaf and what the mapping knows; the rest is the text.

use accordant::value::Field;
use accordant::value::{
    Additive, Composite, Hints, InCurrency, KIND_NAMES, KindVisitor, Leaf, OneLeaf, Ordered, Value, join, split,
    with_kind,
};

struct Check<'a> {
    leaf: Leaf<'a>,
    text: &'a str,
    hints: Hints,
}

impl KindVisitor for Check<'_> {
    type Output = ();

    fn plain<T: OneLeaf>(self) {
        check::<T>(&self);
    }

    fn amount<T: InCurrency + Ordered + Additive>(self) {
        check::<T>(&self);
    }
}

fn check<T: Value>(given: &Check<'_>) {
    let Check { leaf, text, hints } = given;
    let mut short = String::from("before");
    let shortened = T::canonical_of(*leaf, hints, &mut short);
    let parsed = T::parse(*leaf, hints);
    assert_eq!(shortened.is_ok(), parsed.is_ok(), "canonical_of and parse refuse the same");
    if let Ok(value) = parsed {
        let mut long = String::new();
        value.canonical(&mut long);
        assert_eq!(short.strip_prefix("before"), Some(long.as_str()), "canonical_of is what parse gives");
        assert!(!long.is_empty(), "a value has a text");
        assert_eq!(T::from_canonical(&long).as_ref(), Ok(&value), "canonical text reads back");
        if hints.format.is_none() {
            assert_eq!(T::parse(value.native(hints).as_leaf(), hints), Ok(value), "the native leaf reads back");
        }
    }
    if let Ok(value) = T::from_canonical(text) {
        let mut again = String::new();
        value.canonical(&mut again);
        assert_eq!(T::from_canonical(&again), Ok(value), "canonical text has one form");
    }
}

/// Every leaf is refused, or a value that keeps the contract.
pub fn run(data: &[u8]) {
    let [kind, how, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    // The empty text is no leaf of any kind: it is a field that is empty.
    if text.is_empty() {
        return;
    }
    let leaf = match how & 3 {
        0 | 1 => Leaf::Text(text),
        2 => Leaf::Number(text),
        _ => Leaf::Bool(text.starts_with('t')),
    };
    let given = |bit: u8, hint: &str| (how & bit != 0).then(|| hint.into());
    let hints = Hints {
        object: None,
        currency: given(4, "JPY"),
        region: given(8, "US"),
        zone: given(16, "America/Los_Angeles"),
        format: given(32, "%d.%m.%Y %H:%M"),
    };
    let kind = usize::from(*kind) % (KIND_NAMES.len() + 1);
    if let Some(name) = KIND_NAMES.get(kind) {
        with_kind(name, Check { leaf, text, hints }).expect("a built-in kind");
        return;
    }
    check::<Composite>(&Check { leaf, text, hints });
    for arity in 1..4 {
        if let Some(members) = split(&Field::value(text), arity) {
            assert_eq!(split(&join(&members), arity), Some(members));
        }
    }
}
