//! `Ref`: a value that names another entity.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{EntityId, Id};
use crate::model::Canonical;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Refers, Value};

/// A reference to an entity of type `T`: `Ref<Employee>`.
///
/// **Canonical form:** the entity id, a UUID. A system knows only its own ids, so what a mapping reads is the native id
/// as it is, without white space around it, and the engine finds the entity id that it stands for. What is written is
/// the entity id, which the engine replaces by the native id on the way out. Only entity ids [`parse`](Value::parse).
pub struct Ref<T>(EntityId, PhantomData<fn() -> T>);

const NOT_AN_ID: Malformed = Malformed::new("not the id of a record");
const NOT_AN_ENTITY_ID: Malformed = Malformed::new("not an entity id");

impl<T> Ref<T> {
    /// Claims that `id` names an entity of type `T`. The engine checks the claim when the id is used.
    #[must_use]
    pub const fn new(id: EntityId) -> Self {
        Self(id, PhantomData)
    }

    /// A reference to an entity.
    #[must_use]
    pub const fn to(id: Id<T>) -> Self {
        Self(id.erase(), PhantomData)
    }

    /// The id of the entity.
    #[must_use]
    pub const fn id(self) -> Id<T> {
        Id::new(self.0)
    }

    /// The id without its type.
    #[must_use]
    pub const fn erase(self) -> EntityId {
        self.0
    }
}

// By hand, because a derive would ask `T` for the same.
impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ref<T> {}
impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ref<T> {}
impl<T> PartialOrd for Ref<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Ref<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Ref<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl<T> fmt::Display for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<T> FromStr for Ref<T> {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.parse().map(Self::new).map_err(|_| NOT_AN_ENTITY_ID)
    }
}
impl<T> From<Id<T>> for Ref<T> {
    fn from(id: Id<T>) -> Self {
        Self::to(id)
    }
}
impl<T> Serialize for Ref<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, T> Deserialize<'de> for Ref<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        EntityId::deserialize(deserializer).map(Self::new)
    }
}
impl<T> JsonSchema for Ref<T> {
    fn schema_name() -> Cow<'static, str> {
        "Ref".into()
    }
    fn schema_id() -> Cow<'static, str> {
        "accordant::Ref".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uuid", "description": "The id of an entity" })
    }
}

impl<T: Canonical> Value for Ref<T> {
    const KIND: Kind = Kind { name: "ref", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        leaf.as_text().ok_or(NOT_AN_ENTITY_ID)?.trim().parse()
    }

    fn canonical(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{}", self.0);
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        text.parse()
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.to_string().into())
    }

    fn reference() -> Option<&'static str> {
        Some(T::ENTITY)
    }

    /// Appends the native id: which entity it names, only the crosswalk knows.
    fn canonical_of(leaf: Leaf<'_>, _: &Hints, out: &mut String) -> Result<(), Malformed> {
        let id = leaf.as_text().map(str::trim).filter(|id| !id.is_empty()).ok_or(NOT_AN_ID)?;
        out.push_str(id);
        Ok(())
    }
}

impl<T: Canonical> OneLeaf for Ref<T> {}
impl<T: Canonical> Refers for Ref<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EntityModel, GoldenReader, Incomplete};

    struct Employee;

    impl Canonical for Employee {
        const ENTITY: &'static str = "employee";
        fn model() -> EntityModel {
            EntityModel::new(Self::ENTITY)
        }
        fn read(_: &GoldenReader<'_>) -> Result<Self, Incomplete> {
            Ok(Self)
        }
    }

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn a_native_id_is_observed_as_it_is() {
        for (leaf, expected) in
            [(Leaf::Text(" 5 "), "5"), (Leaf::Number("5"), "5"), (Leaf::Text("gid://x/5"), "gid://x/5")]
        {
            let mut text = String::new();
            assert_eq!(Ref::<Employee>::canonical_of(leaf, &Hints::default(), &mut text), Ok(()));
            assert_eq!(text, expected);
            assert!(Ref::<Employee>::parse(leaf, &Hints::default()).is_err());
        }
        assert!(Ref::<Employee>::canonical_of(Leaf::Bool(true), &Hints::default(), &mut String::new()).is_err());
    }

    #[test]
    fn an_entity_id_survives_every_way_round() {
        let reference: Ref<Employee> = ID.parse().expect("a UUID");
        let mut text = String::new();
        reference.canonical(&mut text);
        assert_eq!(text, ID);
        assert_eq!(Ref::from_canonical(&text), Ok(reference));
        assert_eq!(Ref::parse(reference.native(&Hints::default()).as_leaf(), &Hints::default()), Ok(reference));
        let json = serde_json::to_string(&reference).expect("a string");
        assert_eq!(serde_json::from_str::<Ref<Employee>>(&json).ok(), Some(reference));
        assert_eq!(Ref::from(reference.id()), reference);
        assert_eq!(Ref::<Employee>::reference(), Some("employee"));
        assert!("5".parse::<Ref<Employee>>().is_err());
    }
}
