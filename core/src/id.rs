//! Distinct types for everything that has a name, so that none can be passed for another.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::text::{Text, read_from_text};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// Wraps `name` as it is written.
            #[must_use]
            pub fn new(name: &str) -> Self {
                Self(Text::new(name))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(Text::from(name))
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}

name! {
    /// One client of the embedding service. Part of every key.
    TenantId
}
name! {
    /// An external application or store, as the model names it: `hubspot`.
    SystemName
}
name! {
    /// One tenant's account in a system: `hubspot`, `hubspot-eu`. By default it has the system's name.
    ConnectionName
}
name! {
    /// A native object type of a system: `contacts`.
    ObjectType
}
name! {
    /// The name that mappings use for one object type of one system: `hubspot`, or `hubspot_company` where a system has several.
    ObjectKey
}
name! {
    /// A canonical entity type: `customer`.
    EntityType
}
name! {
    /// The stable id of an attribute. Stored state is keyed by it; a renamed field keeps it.
    AttributeId
}
name! {
    /// The name of a group of attributes that resolve, move and are written as one.
    GroupId
}
name! {
    /// The name of a surface within a connector: `webhooks`, `poll`, `scan`.
    SurfaceName
}
name! {
    /// Who did something: an operator, a worker, or `accordant` itself.
    Actor
}

/// One native object in one system.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RecordRef {
    /// The account that holds the record.
    pub connection: ConnectionName,
    /// Its native type there.
    pub object: ObjectType,
    /// Its native id there, exactly as the payload carried it.
    pub id: Text,
}

impl RecordRef {
    /// Names a record.
    #[must_use]
    pub fn new(connection: &str, object: &str, id: &str) -> Self {
        Self { connection: connection.into(), object: object.into(), id: id.into() }
    }

    /// Connection, object type and id.
    pub(crate) fn parts(&self) -> (&str, &str, &str) {
        (self.connection.as_str(), self.object.as_str(), &self.id)
    }

    /// Writes its parts without their names, which reads as well: for what is stored often.
    pub(crate) fn in_short<S: Serializer>(record: &Arc<Self>, serializer: S) -> Result<S::Ok, S::Error> {
        record.parts().serialize(serializer)
    }
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.connection, self.object, self.id)
    }
}

/// A canonical business thing, whatever its type: a UUID of version 7, so ids sort by the time of first sight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(
    /// The bytes of the UUID, which order as its number does. A number is aligned to 16 bytes, and with it all that holds one.
    [u8; 16],
);

impl EntityId {
    /// Builds the version 7 UUID (RFC 9562, section 5.7) for `millis` since the epoch and ten bytes of randomness.
    ///
    /// Time and randomness are arguments: the pure centre has neither.
    #[must_use]
    pub fn from_parts(millis: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().into_bytes())
    }

    /// When the entity was first seen, in milliseconds since the epoch.
    #[must_use]
    pub fn known_from(self) -> i64 {
        // The first 48 bits (RFC 9562, section 5.7).
        i64::try_from(self.as_u128() >> 80).unwrap_or(i64::MAX)
    }

    /// The id as a number, for compact keys.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl EntityId {
    /// The id as it is shown.
    #[must_use]
    pub fn text(&self) -> Text {
        Text::new(self.shown(&mut uuid::Uuid::encode_buffer()))
    }

    fn shown<'t>(&self, text: &'t mut [u8; uuid::fmt::Urn::LENGTH]) -> &'t str {
        uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(text)
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown(&mut uuid::Uuid::encode_buffer()))
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not an entity id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an entity id: expected a UUID")]
pub struct NotAnEntityId;

impl FromStr for EntityId {
    type Err = NotAnEntityId;
    fn from_str(text: &str) -> Result<Self, NotAnEntityId> {
        uuid::Uuid::try_parse(text).map(|id| Self(id.into_bytes())).map_err(|_| NotAnEntityId)
    }
}

impl Serialize for EntityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown(&mut uuid::Uuid::encode_buffer()))
    }
}

impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_from_text(deserializer)
    }
}

/// The id of an entity whose type the compiler knows: `Id<Customer>`.
pub struct Id<E>(EntityId, PhantomData<fn() -> E>);

impl<E> Id<E> {
    /// Claims that `id` names an entity of type `E`. The engine checks the claim when the id is used.
    #[must_use]
    pub const fn new(id: EntityId) -> Self {
        Self(id, PhantomData)
    }

    /// The id without its type.
    #[must_use]
    pub const fn erase(self) -> EntityId {
        self.0
    }
}

impl<E> Clone for Id<E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E> Copy for Id<E> {}
impl<E> PartialEq for Id<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<E> Eq for Id<E> {}
impl<E> fmt::Debug for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl<E> fmt::Display for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<E> From<Id<E>> for EntityId {
    fn from(id: Id<E>) -> Self {
        id.0
    }
}
