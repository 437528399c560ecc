//! What each way of hearing from HubSpot promises.

use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use chrono::TimeDelta;

use crate::settings::Settings;

/// What the surfaces of an object type are called.
pub(crate) fn name(object: &str, channel: Channel) -> String {
    let what = match channel {
        Channel::Webhook => "webhooks",
        Channel::Poll => "search",
        Channel::Scan => "scan",
        _ => "read",
    };
    format!("{object}.{what}")
}

/// The surfaces of an object type. What orders them is `updatedAt`; the `occurredAt` of webhooks is another clock.
pub(crate) fn of(object: &str, settings: &Settings) -> [Surface; 4] {
    let modified = TimeScale { kind: TimeKind::RecordModified, precision_ms: 1, skew_ms: 0 };
    let asked = |lag, deletes| {
        let snapshot = EventSemantics::snapshot(Order::By(Domain::Time(modified)), deletes);
        EventSemantics { merges: Merges::ChangedId, lag, ..snapshot }
    };
    // By the vendor: again and again, then silently never. Observed: ten more attempts within a day.
    let told = EventSemantics {
        delivery: Guarantee::AtLeastOnceWithin { attempts: 11, horizon: settings.webhook_horizon },
        order: Order::None,
        completeness: Completeness::SingleField,
        deletes: Deletes::Explicit,
        merges: Merges::Explicit,
        lag: TimeDelta::minutes(1),
        unrecoverable_after: Some(settings.webhook_horizon),
    };
    let record = SurfaceShape {
        id: "id".into(),
        token: "updatedAt".into(),
        token_format: TokenFormat::Rfc3339,
        archived: Some("archived".into()),
        ..SurfaceShape::default()
    };
    let event = SurfaceShape {
        id: "objectId".into(),
        named_property: Some(("propertyName".into(), "propertyValue".into(), "properties".into())),
        ..SurfaceShape::default()
    };
    let archived = Deletes::SoftFlag { retention: settings.archived_for };
    let surface = |channel, semantics, shape| Surface {
        name: name(object, channel).into(),
        object: object.into(),
        channel,
        semantics,
        shape,
    };
    let now = TimeDelta::zero();
    [
        surface(Channel::Webhook, told, event),
        surface(Channel::Poll, asked(settings.overlap, Deletes::NeverTold), record.clone()),
        surface(Channel::Scan, asked(now, archived), record.clone()),
        surface(Channel::Read, asked(now, Deletes::NeverTold), record),
    ]
}
