//! What each way of hearing from a described system promises: no more than its description does.

use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Archived, Channel, Completeness, Deletes, EventSemantics, Flag, Guarantee, Order, Surface, SurfaceShape,
    TokenFormat,
};
use chrono::TimeDelta;

use crate::description::{Changed, Description, Object, Record, Written};

/// What the surfaces of an object type are called.
pub(crate) fn name(object: &str, channel: Channel) -> String {
    let what = match channel {
        Channel::Webhook => "webhooks",
        Channel::Poll => "changed",
        Channel::Scan => "scan",
        _ => "read",
    };
    format!("{object}.{what}")
}

/// What orders the states of a record.
fn order(record: &Record) -> (Order, TokenFormat) {
    match (&record.version, &record.modified) {
        (Some(_), _) => (Order::By(Domain::Version), TokenFormat::Integer),
        (None, Some(modified)) => {
            let scale = TimeScale { kind: TimeKind::RecordModified, precision_ms: modified.precision_ms, skew_ms: 0 };
            let format = match modified.written {
                Written::Millis => TokenFormat::Millis,
                _ => TokenFormat::Rfc3339,
            };
            (Order::By(Domain::Time(scale)), format)
        }
        (None, None) => (Order::None, TokenFormat::Integer),
    }
}

/// The surfaces of an object type: those that are described.
pub(crate) fn of(name_of: &str, object: &Object, description: &Description) -> Vec<Surface> {
    let (order, token_format) = order(&object.record);
    let token = object.record.version.as_ref().or(object.record.modified.as_ref().map(|modified| &modified.at));
    let shape = SurfaceShape {
        id: object.record.id.as_str().into(),
        token: token.map(|path| path.as_str().into()).unwrap_or_default(),
        token_format,
        archived: object
            .record
            .deleted
            .as_ref()
            .map(|deleted| Archived { at: deleted.at.as_str().into(), flag: Flag::Set }),
        ..SurfaceShape::default()
    };
    let deletes = match &object.record.deleted {
        Some(deleted) => Deletes::SoftFlag { retention: TimeDelta::days(i64::from(deleted.kept_days)) },
        None => Deletes::Absence,
    };
    let surface = |channel, semantics| Surface {
        name: name(name_of, channel).into(),
        object: name_of.into(),
        channel,
        semantics,
        shape: shape.clone(),
    };
    let mut surfaces = Vec::new();
    if let Some(webhooks) = description.webhooks.as_ref().filter(|webhooks| webhooks.tells_of(name_of)) {
        // Nobody knows how often a system tries that we only know by a description: a push is never relied on.
        let told = EventSemantics {
            delivery: Guarantee::AtMostOnce,
            completeness: Completeness::IdOnly,
            unrecoverable_after: Some(TimeDelta::hours(i64::from(webhooks.kept_hours))),
            ..EventSemantics::snapshot(Order::None, Deletes::NeverTold)
        };
        surfaces.push(surface(Channel::Webhook, told));
    }
    if let Some(changed) = &object.changed {
        let deletes = if object.record.deleted.is_some() { deletes.clone() } else { Deletes::NeverTold };
        let polled = EventSemantics { lag: overlap(changed), ..EventSemantics::snapshot(order, deletes) };
        surfaces.push(surface(Channel::Poll, polled));
    }
    if object.list.is_some() {
        surfaces.push(surface(Channel::Scan, EventSemantics::snapshot(order, deletes)));
    }
    if object.one.is_some() {
        surfaces.push(surface(Channel::Read, EventSemantics::snapshot(order, Deletes::NeverTold)));
    }
    surfaces
}

/// How far a poll reaches back.
pub(crate) fn overlap(changed: &Changed) -> TimeDelta {
    TimeDelta::seconds(i64::from(changed.overlap_seconds))
}
