//! What each way of hearing from Shopify promises.

use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use chrono::TimeDelta;

use crate::selection;
use crate::settings::{Object, Settings};

/// What the surfaces of an object type are called.
pub(crate) fn name(object: &str, channel: Channel) -> String {
    let what = match channel {
        Channel::Webhook => "webhooks",
        Channel::Poll => "search",
        Channel::Scan => "bulk",
        _ => "read",
    };
    format!("{object}.{what}")
}

/// The surfaces of an object type. What orders them is `updatedAt`, in whole seconds.
pub(crate) fn of(name_of: &str, object: &Object, settings: &Settings) -> [Surface; 4] {
    let modified = TimeScale { kind: TimeKind::RecordModified, precision_ms: 1_000, skew_ms: 0 };
    let asked = |lag, deletes| {
        let snapshot = EventSemantics::snapshot(Order::By(Domain::Time(modified)), deletes);
        EventSemantics { lag, ..snapshot }
    };
    // By the vendor: eight more attempts in four hours, up to a day late, and not guaranteed at all.
    let told = EventSemantics {
        delivery: Guarantee::AtLeastOnceWithin { attempts: 9, horizon: settings.webhook_horizon },
        order: Order::None,
        completeness: Completeness::IdOnly,
        deletes: Deletes::Explicit,
        merges: Merges::Explicit,
        lag: TimeDelta::minutes(1),
        unrecoverable_after: Some(settings.webhook_horizon),
    };
    let node = SurfaceShape {
        id: "id".into(),
        id_prefix: object.prefix(),
        token: "updatedAt".into(),
        token_format: TokenFormat::Rfc3339,
        renames: selection::renames(&object.paths),
        ..SurfaceShape::default()
    };
    let event = SurfaceShape { id: "id".into(), ..SurfaceShape::default() };
    let surface = |channel, semantics, shape| Surface {
        name: name(name_of, channel).into(),
        object: name_of.into(),
        channel,
        semantics,
        shape,
    };
    let now = TimeDelta::zero();
    [
        surface(Channel::Webhook, told, event),
        surface(Channel::Poll, asked(settings.overlap, Deletes::NeverTold), node.clone()),
        surface(Channel::Scan, asked(now, Deletes::Absence), node.clone()),
        surface(Channel::Read, asked(now, Deletes::NeverTold), node),
    ]
}
