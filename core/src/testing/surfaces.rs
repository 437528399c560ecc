//! What fake systems promise.

use chrono::TimeDelta;

use crate::id::{ObjectType, SurfaceName};
use crate::stamp::{Domain, TimeKind, TimeScale};
use crate::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};

/// The name of an object type's surface.
pub(super) fn name(object: &ObjectType, surface: &str) -> SurfaceName {
    SurfaceName::from(format!("{object}/{surface}"))
}

/// The object type and the kind of surface that a name means.
pub(super) fn parts(surface: &SurfaceName) -> Option<(ObjectType, &str)> {
    let (object, kind) = surface.as_str().rsplit_once('/')?;
    Some((object.into(), kind))
}

/// The four surfaces of an object type.
pub(super) fn of(object: &ObjectType) -> Vec<Surface> {
    [("changes", Channel::Poll), ("scan", Channel::Scan), ("read", Channel::Read), ("webhooks", Channel::Webhook)]
        .map(|(kind, channel)| record_surface(name(object, kind), object.clone(), channel))
        .into()
}

/// A surface that tells whole records, as [`FakeSystem`](super::FakeSystem) does:
/// `{"id": "7", "modified": 1767600000000, "record": {"email": "ana@acme.test"}}`, where `modified` is in milliseconds since
/// the epoch and orders what is said of a field. On what is polled, followed or pushed, deletes and merges are told of.
#[must_use]
pub fn record_surface(name: impl Into<SurfaceName>, object: impl Into<ObjectType>, channel: Channel) -> Surface {
    let (delivery, told) = match channel {
        Channel::Poll | Channel::Stream => (Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(30) }, true),
        Channel::Webhook => (Guarantee::AtLeastOnceWithin { attempts: 10, horizon: TimeDelta::days(1) }, true),
        Channel::Scan | Channel::Read => (Guarantee::Snapshot, false),
    };
    Surface {
        name: name.into(),
        object: object.into(),
        channel,
        semantics: EventSemantics {
            delivery,
            order: Order::By(Domain::Time(TimeScale { kind: TimeKind::FieldModified, precision_ms: 1, skew_ms: 0 })),
            completeness: Completeness::Full,
            deletes: if told { Deletes::Explicit } else { Deletes::Absence },
            merges: if told { Merges::Explicit } else { Merges::ChangedId },
            lag: TimeDelta::zero(),
            unrecoverable_after: None,
        },
        shape: SurfaceShape {
            root: "record".into(),
            id: "id".into(),
            token: "modified".into(),
            token_format: TokenFormat::Millis,
            ..SurfaceShape::default()
        },
    }
}
