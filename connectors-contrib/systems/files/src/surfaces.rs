//! What reading a file promises.

use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{Channel, Deletes, EventSemantics, Order, Surface, SurfaceShape, TokenFormat};

use crate::settings::File;

/// What the surfaces of an object type are called.
pub(crate) fn name(object: &str, channel: Channel) -> String {
    let what = if channel == Channel::Scan { "scan" } else { "read" };
    format!("{object}.{what}")
}

/// The surfaces of a file: all of it, and one row of it.
pub(crate) fn of(object: &str, file: &File) -> [Surface; 2] {
    let order = match file.token.as_ref().map(|token| &token.format) {
        None => Order::None,
        Some(TokenFormat::Integer) => Order::By(Domain::Version),
        Some(TokenFormat::Millis) => Order::By(Domain::Time(modified(1))),
        Some(_) => Order::By(Domain::Time(modified(1_000))),
    };
    let shape = SurfaceShape {
        id: file.id.clone(),
        token: file.token.as_ref().map(|token| token.at.clone()).unwrap_or_default(),
        token_format: file.token.as_ref().map(|token| token.format.clone()).unwrap_or_default(),
        ..SurfaceShape::default()
    };
    let surface = |channel, deletes| Surface {
        name: name(object, channel).into(),
        object: object.into(),
        channel,
        semantics: EventSemantics::snapshot(order, deletes),
        shape: shape.clone(),
    };
    [surface(Channel::Scan, Deletes::Absence), surface(Channel::Read, Deletes::NeverTold)]
}

const fn modified(precision_ms: u32) -> TimeScale {
    TimeScale { kind: TimeKind::RecordModified, precision_ms, skew_ms: 0 }
}
