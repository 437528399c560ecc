//! What a fake system promises, as the engine's types say it.

use accordant::chrono::TimeDelta;
use accordant::id::{ObjectType, SurfaceName};
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};

use crate::design::{System, Told};

/// The surfaces of a system's object type.
#[must_use]
pub fn of(object: &str, system: &System) -> Vec<Surface> {
    let log = Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(30) };
    let push = Guarantee::AtLeastOnceWithin { attempts: 10, horizon: TimeDelta::days(1) };
    let mut surfaces = vec![
        surface(object, system, "changes", Channel::Poll, log),
        surface(object, system, "scan", Channel::Scan, Guarantee::Snapshot),
        surface(object, system, "read", Channel::Read, Guarantee::Snapshot),
    ];
    if system.told != Told::Nothing {
        surfaces.push(surface(object, system, "webhooks", Channel::Webhook, push));
    }
    surfaces
}

/// The name of a surface.
#[must_use]
pub fn name(object: &str, kind: &str) -> SurfaceName {
    SurfaceName::from(format!("{object}/{kind}"))
}

fn surface(object: &str, system: &System, kind: &str, channel: Channel, delivery: Guarantee) -> Surface {
    let domain = if system.versions {
        Domain::Version
    } else {
        Domain::Time(TimeScale {
            kind: TimeKind::FieldModified,
            precision_ms: u32::try_from(system.grain).unwrap_or(1),
            skew_ms: u32::try_from(system.skew.abs()).unwrap_or(0),
        })
    };
    let hint = channel == Channel::Webhook && system.told == Told::Hint;
    let told = match channel {
        Channel::Poll => system.tells_deletes,
        channel => channel == Channel::Webhook,
    };
    Surface {
        name: name(object, kind),
        object: ObjectType::new(object),
        channel,
        semantics: EventSemantics {
            delivery,
            order: if hint { Order::None } else { Order::By(domain) },
            completeness: match channel {
                Channel::Webhook if hint => Completeness::IdOnly,
                Channel::Webhook if system.told == Told::Changed => Completeness::ChangedFields,
                _ => Completeness::Full,
            },
            deletes: if told { Deletes::Explicit } else { Deletes::Absence },
            merges: if told { Merges::Explicit } else { Merges::ChangedId },
            lag: TimeDelta::zero(),
            unrecoverable_after: None,
        },
        shape: SurfaceShape {
            root: "record".into(),
            id: "id".into(),
            token: "modified".into(),
            token_format: if system.versions { TokenFormat::Integer } else { TokenFormat::Millis },
            ..SurfaceShape::default()
        },
    }
}
