//! What each way of hearing from NetSuite promises.

use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{Channel, Completeness, Deletes, EventSemantics, Order, Surface, SurfaceShape, TokenFormat};
use chrono::TimeDelta;

use crate::query::FORMAT;
use crate::settings::Settings;

/// How a surface asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Changed,
    Deleted,
    Lines,
    Everything,
    One,
}

/// What the surfaces of an object type are called.
pub(crate) fn name(object: &str, way: Way) -> String {
    let what = match way {
        Way::Changed => "suiteql",
        Way::Deleted => "deleted",
        Way::Lines => "lines",
        Way::Everything => "scan",
        Way::One => "read",
    };
    format!("{object}.{what}")
}

/// The way of a surface, by its name.
pub(crate) fn way(name: &str) -> Option<Way> {
    match name.rsplit_once('.')?.1 {
        "suiteql" => Some(Way::Changed),
        "deleted" => Some(Way::Deleted),
        "lines" => Some(Way::Lines),
        "scan" => Some(Way::Everything),
        "read" => Some(Way::One),
        _ => None,
    }
}

/// The surfaces of an object type: the same rows, asked for by time, by id, or one by one; what was deleted; and, where its
/// lines are mapped, whose lines changed.
pub(crate) fn of(object: &str, settings: &Settings) -> Vec<Surface> {
    let modified = TimeScale { kind: TimeKind::RecordModified, precision_ms: 1_000, skew_ms: 0 };
    let asked = |lag, deletes| {
        let snapshot = EventSemantics::snapshot(Order::By(Domain::Time(modified)), deletes);
        EventSemantics { lag, ..snapshot }
    };
    // The id alone, and not of every type: whoever is named is read.
    let deleted = EventSemantics {
        order: Order::None,
        completeness: Completeness::IdOnly,
        ..asked(settings.overlap, Deletes::Explicit)
    };
    let lines = EventSemantics { deletes: Deletes::NeverTold, ..deleted.clone() };
    let row = SurfaceShape {
        id: "id".into(),
        token: "lastmodifieddate".into(),
        token_format: TokenFormat::Local { format: FORMAT.into(), zone: settings.zone.name().into() },
        ..SurfaceShape::default()
    };
    let gone = SurfaceShape { id: "id".into(), ..SurfaceShape::default() };
    let surface = |way, channel, semantics, shape| Surface {
        name: name(object, way).into(),
        object: object.into(),
        channel,
        semantics,
        shape,
    };
    let now = TimeDelta::zero();
    let mut all = vec![
        surface(Way::Changed, Channel::Poll, asked(settings.overlap, Deletes::NeverTold), row.clone()),
        surface(Way::Deleted, Channel::Poll, deleted, gone.clone()),
        surface(Way::Everything, Channel::Scan, asked(now, Deletes::Absence), row.clone()),
        surface(Way::One, Channel::Read, asked(now, Deletes::NeverTold), row),
    ];
    if settings.objects.get(object).is_some_and(|object| !object.lines.is_empty()) {
        all.push(surface(Way::Lines, Channel::Poll, lines, gone));
    }
    all
}
