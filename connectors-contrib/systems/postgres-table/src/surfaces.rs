//! What each way of hearing from a table promises.

use crate::settings::{Settings, Table};
use accordant::model::Path;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Order, Surface, SurfaceShape, TokenFormat,
};
use chrono::TimeDelta;

/// How a surface hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Changed,
    Logged,
    Notified,
    Everything,
    One,
}

/// What the surfaces of an object type are called.
pub(crate) fn name(object: &str, way: Way) -> String {
    let what = match way {
        Way::Changed => "poll",
        Way::Logged => "log",
        Way::Notified => "notify",
        Way::Everything => "scan",
        Way::One => "read",
    };
    format!("{object}.{what}")
}

/// The way of a surface, by its name.
pub(crate) fn way(name: &str) -> Option<Way> {
    match name.rsplit_once('.')?.1 {
        "poll" => Some(Way::Changed),
        "log" => Some(Way::Logged),
        "notify" => Some(Way::Notified),
        "scan" => Some(Way::Everything),
        "read" => Some(Way::One),
        _ => None,
    }
}

/// The surfaces of an object type.
pub(crate) fn of(object: &str, table: &Table, settings: &Settings) -> Vec<Surface> {
    let modified = TimeScale { kind: TimeKind::RecordModified, precision_ms: 1, skew_ms: 0 };
    let (order, token_format) = match (table.counted(), &table.modified) {
        (Some(_), _) => (Order::By(Domain::Version), TokenFormat::Integer),
        (None, Some(_)) => (Order::By(Domain::Time(modified)), TokenFormat::Rfc3339),
        (None, None) => (Order::None, TokenFormat::Integer),
    };
    let shape = SurfaceShape {
        id: Path::key(&table.id),
        token: table.ordered_by().map(Path::key).unwrap_or_default(),
        token_format,
        archived: table.deleted.as_ref().map(|(column, _)| Path::key(column).into()),
        ..SurfaceShape::default()
    };
    let flag = table.deleted.as_ref().map(|(_, kept_for)| Deletes::SoftFlag { retention: *kept_for });
    let surface = |way, channel, semantics| Surface {
        name: name(object, way).into(),
        object: object.into(),
        channel,
        semantics,
        shape: shape.clone(),
    };
    // Which row, and no more: whoever is named is read.
    let hints = |delivery, deletes| EventSemantics {
        delivery,
        completeness: Completeness::IdOnly,
        ..EventSemantics::snapshot(Order::None, deletes)
    };
    let mut surfaces = Vec::new();
    if table.sequence.is_some() || table.modified.is_some() {
        let deletes = flag.clone().unwrap_or(Deletes::NeverTold);
        let polled = EventSemantics { lag: table.overlap, ..EventSemantics::snapshot(order, deletes) };
        surfaces.push(surface(Way::Changed, Channel::Poll, polled));
    }
    if let Some(log) = &settings.log {
        // What was not taken in is kept without end; of what was, nobody but the cursor's own follower is told again.
        let kept = Guarantee::AtLeastOnceByCursor { retention: log.kept };
        surfaces.push(surface(Way::Logged, Channel::Stream, hints(kept, Deletes::Explicit)));
    }
    if settings.channel.is_some() {
        // Whoever is not there hears nothing. Where nothing else tells of changes, everything is then read anew.
        let alone = surfaces.is_empty();
        let told = EventSemantics {
            unrecoverable_after: alone.then_some(TimeDelta::minutes(1)),
            ..hints(Guarantee::AtMostOnce, Deletes::NeverTold)
        };
        surfaces.push(surface(Way::Notified, Channel::Stream, told));
    }
    let deletes = flag.unwrap_or(Deletes::Absence);
    surfaces.push(surface(Way::Everything, Channel::Scan, EventSemantics::snapshot(order, deletes)));
    surfaces.push(surface(Way::One, Channel::Read, EventSemantics::snapshot(order, Deletes::NeverTold)));
    surfaces
}
