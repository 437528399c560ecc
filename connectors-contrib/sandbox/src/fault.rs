//! What goes wrong, and how often.

use chrono::TimeDelta;

/// What goes wrong. Numbers are of a thousand; a stand-in without faults is as good as its vendor promises, no better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// Webhooks that are sent twice.
    pub doubled: u32,
    /// Webhooks that are sent up to an hour late, and so out of order.
    pub late: u32,
    /// Webhooks of new records that are sent behind those of what was changed about them since.
    pub update_first: u32,
    /// Webhooks that are never sent.
    pub lost: u32,
    /// Requests that are refused as too many, though they are not: by the window of ten seconds, by the points in a 200, by
    /// the number of requests at once.
    pub throttled: u32,
    /// Requests that are refused as too many in the other way that the vendor has: by the second, or with `Retry-After`.
    pub busy: u32,
    /// Requests that fail before they have an effect.
    pub failing: u32,
    /// Requests that have their effect and are answered with the failure of a gateway.
    pub unanswered: u32,
    /// Items of a batch that are refused, while the others are taken.
    pub refused_items: u32,
    /// Up to how long a change stays invisible to searches.
    pub index_lag: TimeDelta,
    /// Whether nobody answers at all.
    pub down: bool,
    /// Whether webhooks do not arrive: they are tried again until they are given up.
    pub unreachable: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            doubled: 0,
            late: 0,
            update_first: 0,
            lost: 0,
            throttled: 0,
            busy: 0,
            failing: 0,
            unanswered: 0,
            refused_items: 0,
            index_lag: TimeDelta::zero(),
            down: false,
            unreachable: false,
        }
    }
}

/// A fault that has a name, for command lines.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    set: fn(&mut Faults),
}

impl Fault {
    /// Every fault, at the rate at which it is tried.
    pub const ALL: [Self; 12] = [
        Self { name: "doubled", about: "webhooks are sent twice", set: |faults| faults.doubled = 300 },
        Self {
            name: "late",
            about: "webhooks come up to an hour late, and out of order",
            set: |faults| faults.late = 300,
        },
        Self {
            name: "update-first",
            about: "the webhook of a new record comes behind those of its changes",
            set: |faults| faults.update_first = 500,
        },
        Self { name: "lost", about: "webhooks are never sent", set: |faults| faults.lost = 300 },
        Self {
            name: "throttled",
            about: "429 by the ten seconds or the account, THROTTLED inside a 200",
            set: |faults| faults.throttled = 50,
        },
        Self { name: "busy", about: "429 by the second, or with Retry-After", set: |faults| faults.busy = 50 },
        Self { name: "failing", about: "requests fail before they have an effect", set: |faults| faults.failing = 50 },
        Self {
            name: "unanswered",
            about: "requests have their effect, and a gateway's failure for an answer",
            set: |faults| faults.unanswered = 50,
        },
        Self {
            name: "refused-items",
            about: "one item of a batch is refused, the others are taken (207)",
            set: |faults| faults.refused_items = 50,
        },
        Self {
            name: "index-lag",
            about: "searches show a change up to half an hour late",
            set: |faults| faults.index_lag = TimeDelta::minutes(30),
        },
        Self { name: "down", about: "the systems do not answer at all", set: |faults| faults.down = true },
        Self {
            name: "unreachable",
            about: "webhooks do not arrive, are tried again and given up",
            set: |faults| faults.unreachable = true,
        },
    ];
}

impl Faults {
    /// The same, with the fault of this name at the rate at which it is tried; `None` if there is no such fault.
    #[must_use]
    pub fn with(mut self, name: &str) -> Option<Self> {
        let fault = Fault::ALL.iter().find(|fault| fault.name == name)?;
        (fault.set)(&mut self);
        Some(self)
    }
}
