//! References to other entities.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{EntityId, Id};
use crate::model::Canonical;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};

/// A reference to an entity of type `T`.
///
/// Systems hold native ids; the engine translates them through the crosswalk, both ways. An id that leads to no entity
/// yet hides the attribute on its link until the record is linked.
///
/// **Canonical form:** the entity's id. What an observation holds is the native id as text.
pub struct Ref<T>(EntityId, PhantomData<fn() -> T>);

impl<T> Ref<T> {
    /// A reference to an entity.
    #[must_use]
    pub fn to(id: Id<T>) -> Self {
        Self(id.erase(), PhantomData)
    }

    /// The entity.
    #[must_use]
    pub const fn id(&self) -> Id<T> {
        Id::new(self.0)
    }
}

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
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Ref<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> std::hash::Hash for Ref<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
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
impl<T> Serialize for Ref<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, T> Deserialize<'de> for Ref<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(EntityId::deserialize(deserializer)?, PhantomData))
    }
}
impl<T> schemars::JsonSchema for Ref<T> {
    fn schema_name() -> Cow<'static, str> {
        "Ref".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uuid" })
    }
    fn inline_schema() -> bool {
        true
    }
}

impl<T: Canonical> Value for Ref<T> {
    const KIND: Kind = Kind { name: "ref", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        Self::from_canonical(leaf.as_text().unwrap_or_default().trim())
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0.to_string());
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        let id = text.parse().map_err(|_| Malformed::new("not an entity id"))?;
        Ok(Self(id, PhantomData))
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.to_string().into())
    }

    fn reference() -> Option<&'static str> {
        Some(T::ENTITY)
    }

    fn canonical_of(leaf: Leaf<'_>, _: &Hints, out: &mut String) -> Result<(), Malformed> {
        out.push_str(leaf.as_text().ok_or(Malformed::new("not an id"))?.trim());
        Ok(())
    }
}

impl<T: Canonical> OneLeaf for Ref<T> {}
