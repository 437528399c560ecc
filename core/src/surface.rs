//! Surfaces: the ways in which a system's changes become known, and what each promises.
//!
//! Promises are values. Channel, order, delivery and completeness decide whether a payload is believed or only says which
//! record to read ([`Surface::observes`]); deletes and merges decide what an absence, and another id, may mean. The lag is for
//! connectors, which let their polls overlap; the horizon is for the engine, which reads a connection anew after a longer
//! outage ([`Tenant::listen`](crate::engine::Tenant::listen)). Whether a connector keeps what its surfaces promise is
//! measured by its passport: `connector::conformance`, behind the feature `conformance`.

use chrono::TimeDelta;

use crate::id::{ObjectType, SurfaceName};
use crate::model::Path;
use crate::stamp::Domain;
use crate::value::Leaf;

/// One event surface of a connector, for one object type.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Its name within the connector.
    pub name: SurfaceName,
    /// The native object type that it tells of.
    pub object: ObjectType,
    /// How changes arrive.
    pub channel: Channel,
    /// What it promises.
    pub semantics: EventSemantics,
    /// How its payloads relate to the documented shape of the record.
    pub shape: SurfaceShape,
}

impl Surface {
    /// The domain by whose tokens the surface orders what it carries, if it carries something.
    #[must_use]
    pub const fn orders_by(&self) -> Option<Domain> {
        match self.semantics.order {
            Order::By(domain) if self.semantics.carries() => Some(domain),
            _ => None,
        }
    }

    /// Whether what the surface carries is believed where stamps are of `domain`, or only tells us to read the record.
    ///
    /// Without comparable tokens only the numbers of our own reads order anything, so a surface observes only if it says
    /// how things are when it is read: a read, a scan, or a poll that is followed and answers with a snapshot. A log tells
    /// again what was true before the last read, and a push has no read at all.
    #[must_use]
    pub const fn observes(&self, domain: Domain) -> bool {
        match (self.semantics.order, domain) {
            (Order::By(_), _) => self.semantics.carries(),
            (Order::FollowOnly | Order::None, Domain::Time(_) | Domain::Version) => false,
            (Order::FollowOnly | Order::None, Domain::ReadOrder) => match self.channel {
                Channel::Read | Channel::Scan => true,
                Channel::Poll | Channel::Stream => {
                    matches!(self.semantics.order, Order::FollowOnly)
                        && matches!(self.semantics.delivery, Guarantee::Snapshot)
                        && self.semantics.carries()
                }
                Channel::Webhook => false,
            },
        }
    }
}

/// How changes arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// The system calls us.
    Webhook,
    /// We ask for what changed.
    Poll,
    /// We follow a log.
    Stream,
    /// We read everything.
    Scan,
    /// We read one record.
    Read,
}

/// What a surface promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSemantics {
    /// How often an event arrives, if at all.
    pub delivery: Guarantee,
    /// Whether and how its events can be ordered.
    pub order: Order,
    /// How much of a record an event carries.
    pub completeness: Completeness,
    /// How deletions show.
    pub deletes: Deletes,
    /// Whether it tells of merges.
    pub merges: Merges,
    /// How long a change may stay invisible, and so how far back a poll must reach.
    pub lag: TimeDelta,
    /// The horizon: after an outage longer than this, events are lost and only a full scan helps. `None`: never. Where it is
    /// told so, by [`Tenant::run`](crate::engine::Tenant::run), a worker or [`Tenant::listen`](crate::engine::Tenant::listen),
    /// the engine then scans by itself.
    pub unrecoverable_after: Option<TimeDelta>,
}

impl EventSemantics {
    /// Of a surface that answers with whole records as they are when it is asked: at once, without end, and without a word
    /// about merges. What promises less says so over it.
    #[must_use]
    pub const fn snapshot(order: Order, deletes: Deletes) -> Self {
        Self {
            delivery: Guarantee::Snapshot,
            order,
            completeness: Completeness::Full,
            deletes,
            merges: Merges::NeverTold,
            lag: TimeDelta::zero(),
            unrecoverable_after: None,
        }
    }

    /// Whether an event carries more than an id.
    const fn carries(&self) -> bool {
        !matches!(self.completeness, Completeness::IdOnly | Completeness::Gap)
    }
}

/// How often an event arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guarantee {
    /// Perhaps never.
    AtMostOnce,
    /// At least once while the sender keeps trying.
    AtLeastOnceWithin {
        /// Attempts.
        attempts: u32,
        /// How long they go on.
        horizon: TimeDelta,
    },
    /// At least once for whoever follows the cursor while the log is kept.
    AtLeastOnceByCursor {
        /// How long the log is kept.
        retention: TimeDelta,
    },
    /// Whatever is there when we look.
    Snapshot,
}

/// Whether events can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// By tokens of the record's ordering domain.
    By(Domain),
    /// By tokens that can only be followed: a cursor, never a stamp. What orders a page is the number of its read.
    FollowOnly,
    /// Not at all: an event is a hint to read.
    None,
}

/// How much of a record an event carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completeness {
    /// Every mapped attribute.
    Full,
    /// The attributes that changed.
    ChangedFields,
    /// One attribute.
    SingleField,
    /// The id alone.
    IdOnly,
    /// Notice that something was missed.
    Gap,
}

/// How deletions show.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deletes {
    /// As an event.
    Explicit,
    /// As a flag on a record that stays readable for this long.
    SoftFlag {
        /// How long.
        retention: TimeDelta,
    },
    /// Only by absence from a complete scan.
    Absence,
    /// Never.
    NeverTold,
}

/// Whether merges inside the system are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Merges {
    /// As an event with survivor and losers.
    Explicit,
    /// A read by an old id answers with another.
    ChangedId,
    /// Not at all.
    NeverTold,
}

/// How a surface's payload relates to the connector's documented record shape.
///
/// Mapping paths address the documented shape; each surface translates. Shopify's REST payloads say `default_address`
/// where the documented shape says `defaultAddress`; HubSpot's webhooks carry one property by name.
#[derive(Debug, Clone, Default)]
pub struct SurfaceShape {
    /// Where the record is inside an item's body.
    pub root: Path,
    /// The native id, from the root of the body.
    pub id: Path,
    /// The ordering token, from the root of the body. Empty: the item has none.
    pub token: Path,
    /// How the token is written.
    pub token_format: TokenFormat,
    /// Documented path → the path in this payload, longest match first. A prefix moves everything below it.
    pub renames: Vec<(Path, Path)>,
    /// A property carried by name: `(path of the name, path of the value, prefix of the documented path)`.
    pub named_property: Option<(Path, Path, Path)>,
    /// What stands before the number in an id that is an address: `gid://shopify/Customer/`.
    pub id_prefix: String,
    /// What says that the record is archived.
    pub archived: Option<Archived>,
}

/// What says of a record that it is archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Where it is, from the root of the body.
    pub at: Path,
    /// What of it says so.
    pub flag: Flag,
}

impl From<Path> for Archived {
    /// A flag that is true.
    fn from(at: Path) -> Self {
        Self { at, flag: Flag::True }
    }
}

impl From<&str> for Archived {
    /// A flag that is true.
    fn from(at: &str) -> Self {
        Path::from(at).into()
    }
}

/// What of a flag says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Flag {
    /// That it is true: `true`, `t`, `yes`, `y` or 1, as text in any case.
    #[default]
    True,
    /// That there is something: an instant of deletion, or who deleted it. Null, `false`, `f`, `no`, `n`, 0 and the empty text
    /// are nothing.
    Set,
}

impl Flag {
    /// Whether a value says yes.
    #[must_use]
    pub fn says_yes(self, leaf: Leaf<'_>) -> bool {
        let among = |text: &str, words: &[&str]| words.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
        match (self, leaf) {
            (_, Leaf::Null) => false,
            (_, Leaf::Bool(flag)) => flag,
            (Self::True, Leaf::Number(text)) => text == "1",
            (Self::True, Leaf::Text(text)) => among(text, &["true", "t", "yes", "y", "1"]),
            (Self::Set, Leaf::Number(text)) => text != "0",
            (Self::Set, Leaf::Text(text)) => !among(text, &["", "false", "f", "no", "n", "0"]),
        }
    }
}

/// How an ordering token is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TokenFormat {
    /// A number of milliseconds since the epoch, as a number or as text.
    #[default]
    Millis,
    /// RFC 3339, `2026-11-21T03:00:00-05:00`.
    Rfc3339,
    /// A local time in a zone: `strftime` format, IANA zone.
    Local {
        /// The format.
        format: String,
        /// The zone.
        zone: String,
    },
    /// A version number.
    Integer,
}
