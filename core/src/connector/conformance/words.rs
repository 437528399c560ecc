//! Declarations, as a passport names them.

use chrono::TimeDelta;

use crate::connector::CreateSafety;
use crate::stamp::{Domain, TimeKind};
use crate::surface::{Completeness, Deletes, Guarantee, Merges, Order};

/// A length of time, in its greatest whole unit.
pub(super) fn time(time: TimeDelta) -> String {
    let seconds = time.num_seconds();
    match seconds {
        0 => format!("{} ms", time.num_milliseconds()),
        _ if seconds % 86_400 == 0 => format!("{} d", seconds / 86_400),
        _ if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        _ if seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

pub(super) fn order(order: Order) -> String {
    match order {
        Order::By(Domain::Time(scale)) => {
            let kind = match scale.kind {
                TimeKind::FieldModified => "field modified",
                TimeKind::RecordModified => "record modified",
                TimeKind::Occurred => "occurred",
                _ => "time",
            };
            format!("by {kind}, {}", time(TimeDelta::milliseconds(i64::from(scale.precision_ms))))
        }
        Order::By(Domain::Version) => "by version".into(),
        Order::By(Domain::ReadOrder) => "by reads".into(),
        Order::FollowOnly => "followed".into(),
        Order::None => "none".into(),
    }
}

pub(super) fn completeness(completeness: Completeness) -> &'static str {
    match completeness {
        Completeness::Full => "full",
        Completeness::ChangedFields => "changed fields",
        Completeness::SingleField => "single field",
        Completeness::IdOnly => "id only",
        Completeness::Gap => "gap",
    }
}

pub(super) fn deletes(deletes: &Deletes) -> String {
    match deletes {
        Deletes::Explicit => "explicit".into(),
        Deletes::SoftFlag { retention } => format!("flag, for {}", time(*retention)),
        Deletes::Absence => "absence".into(),
        Deletes::NeverTold => "never told".into(),
    }
}

pub(super) const fn merges(merges: Merges) -> &'static str {
    match merges {
        Merges::Explicit => "explicit",
        Merges::ChangedId => "changed id",
        Merges::NeverTold => "never told",
    }
}

pub(super) fn delivery(guarantee: Guarantee) -> String {
    match guarantee {
        Guarantee::AtMostOnce => "at most once".into(),
        Guarantee::AtLeastOnceWithin { attempts, horizon } => {
            format!("at least once, {attempts} attempts in {}", time(horizon))
        }
        Guarantee::AtLeastOnceByCursor { retention } => format!("at least once by cursor, for {}", time(retention)),
        Guarantee::Snapshot => "snapshot".into(),
    }
}

pub(super) fn create_safety(safety: CreateSafety) -> String {
    match safety {
        CreateSafety::RemoteKey => "remote key".into(),
        CreateSafety::DrainThenConsistentLookup { drain_seconds } => {
            format!("look-up after {}", time(TimeDelta::seconds(i64::from(drain_seconds))))
        }
        CreateSafety::DetectAndMerge => "detect and merge".into(),
    }
}
