//! The stored form of a base: in a fact of the journal, and in the row of an entity.

use serde::{Deserialize, Serialize};

use crate::base::{Answered, Base, Marks, Origin, some};
use crate::text::Text;
use crate::value::Field;

/// A base and how its values were read: canonical forms are not compared across mappings.
///
/// It names the parts of a base itself: a flattened one is buffered part by part, and there are more bases than anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredBase {
    seen: Field,
    /// `None`: what is seen. Mostly it is.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    agreed: Option<Field>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wrote: Option<Box<Origin>>,
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    displaced: Option<Box<Field>>,
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    reread: Option<Box<Field>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Option<Box<Answered>>,
    /// In the row of an entity: how the values were read. 0 in a fact.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) read_by: u64,
    /// In the row of an entity: what stands in the system, where it was read by something dated, as the rates of one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) native: Option<StoredNative>,
}

/// What a value was read from, as far as it can be told: something between two leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredNative {
    /// How it was read, without what is dated.
    pub(crate) undated: u64,
    pub(crate) least: Text,
    pub(crate) most: Text,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl StoredBase {
    /// In the row of an entity.
    pub(crate) fn new(base: Base, read_by: u64, native: Option<StoredNative>) -> Self {
        let Base { seen, agreed, lost, marks } = base;
        let Marks { wrote, displaced, reread, answered } = marks.into_marks();
        let agreed = (agreed != seen).then_some(agreed);
        Self { seen, agreed, lost, wrote, displaced, reread, answered, read_by, native }
    }
}

impl From<Base> for StoredBase {
    fn from(base: Base) -> Self {
        Self::new(base, 0, None)
    }
}

impl From<StoredBase> for Base {
    fn from(stored: StoredBase) -> Self {
        let StoredBase { seen, agreed, lost, wrote, displaced, reread, answered, read_by: _, native: _ } = stored;
        let marks = Marks { wrote, displaced, reread, answered }.into();
        Self { agreed: agreed.unwrap_or_else(|| seen.clone()), seen, lost, marks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_stored_in_short_and_read_in_full_too() {
        let of = |seen: &str, agreed: Field| Base::accepted(Field::value(seen), agreed);
        let cases = [
            (of("a", Field::value("a")), r#"{"seen":"a"}"#),
            (Base::accepted(Field::Null, Field::Null), r#"{"seen":null}"#),
            (of("a", Field::Null), r#"{"seen":"a","agreed":null}"#),
            (of("a", Field::value("b")), r#"{"seen":"a","agreed":"b"}"#),
            (
                of("a", Field::value("a")).marked(|marks| marks.displaced = Some(Box::new(Field::Null))),
                r#"{"seen":"a","displaced":null}"#,
            ),
        ];
        for (base, short) in cases {
            assert_eq!(serde_json::to_string(&base).expect("a base is JSON"), short);
            assert_eq!(serde_json::from_str::<Base>(short).ok(), Some(base));
        }
        let full = r#"{"seen":"a","agreed":"a"}"#;
        assert_eq!(serde_json::from_str::<Base>(full).ok(), Some(Base::accepted(Field::value("a"), Field::value("a"))));
    }
}
