//! What a fake system promises.

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
    let log = Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(30) };
    let push = Guarantee::AtLeastOnceWithin { attempts: 10, horizon: TimeDelta::days(1) };
    vec![
        surface(object, "changes", Channel::Poll, log),
        surface(object, "scan", Channel::Scan, Guarantee::Snapshot),
        surface(object, "read", Channel::Read, Guarantee::Snapshot),
        surface(object, "webhooks", Channel::Webhook, push),
    ]
}

fn surface(object: &ObjectType, kind: &str, channel: Channel, delivery: Guarantee) -> Surface {
    let told = !matches!(channel, Channel::Scan | Channel::Read);
    Surface {
        name: name(object, kind),
        object: object.clone(),
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
