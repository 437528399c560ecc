//! Text as a value: `String`.

use std::cmp::Ordering;

use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Ordered, Value};

/// Text exactly as the system gave it: nothing is trimmed, folded or normalised (mappings ask for that by name).
///
/// **Canonical form:** the text. A number gives its text as written, a boolean `true` or `false`. Text with a NUL
/// character is refused: databases behind systems and stores cannot hold it, and would cut it off or fail.
impl Value for String {
    const KIND: Kind = Kind { name: "text", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        text_of(leaf).map(str::to_owned)
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(self);
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Ok(text.to_owned())
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.as_str().into())
    }

    fn canonical_of(leaf: Leaf<'_>, _: &Hints, out: &mut String) -> Result<(), Malformed> {
        out.push_str(text_of(leaf)?);
        Ok(())
    }
}

fn text_of(leaf: Leaf<'_>) -> Result<&str, Malformed> {
    match leaf {
        Leaf::Text(text) | Leaf::Number(text) if text.as_bytes().contains(&0) => {
            Err(Malformed::new("text with a NUL character"))
        }
        Leaf::Text(text) | Leaf::Number(text) => Ok(text),
        Leaf::Bool(true) => Ok("true"),
        Leaf::Bool(false) => Ok("false"),
        Leaf::Null => Err(Malformed::new("not a text")),
    }
}

impl OneLeaf for String {}

/// By code point, so the order is the same on every machine.
impl Ordered for String {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    #[test]
    fn keeps_every_leaf_as_written() {
        for (leaf, expected) in [
            (Leaf::Text("  Ada "), "  Ada "),
            (Leaf::Number("1.50"), "1.50"),
            (Leaf::Bool(true), "true"),
            (Leaf::Bool(false), "false"),
        ] {
            assert_eq!(canonical::<String>(leaf, &Hints::default()).as_deref(), Ok(expected));
        }
        assert!(String::parse(Leaf::Null, &Hints::default()).is_err());
        assert!(String::parse(Leaf::Text("a\0b"), &Hints::default()).is_err());
    }

    proptest! {
        #[test]
        fn any_text(text in ".*") {
            holds::<String>(&text, &Hints::default());
        }
    }
}
