//! What goes wrong, and how often.

use chrono::TimeDelta;

/// What goes wrong. Numbers are of a thousand; a stand-in without faults is as good as its vendor promises, no better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// Webhooks that are sent twice.
    pub doubled: u32,
    /// Webhooks that are sent up to an hour late, and so out of order.
    pub late: u32,
    /// Webhooks that are never sent.
    pub lost: u32,
    /// Requests that are refused as too many, though they are not.
    pub throttled: u32,
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
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            doubled: 0,
            late: 0,
            lost: 0,
            throttled: 0,
            failing: 0,
            unanswered: 0,
            refused_items: 0,
            index_lag: TimeDelta::zero(),
            down: false,
        }
    }
}

impl Faults {
    /// The faults that have names, for command lines.
    pub const NAMES: [&str; 8] =
        ["doubled", "late", "lost", "throttled", "failing", "unanswered", "refused-items", "index-lag"];

    /// The same, with the fault of this name at the rate at which it is tried; `None` if there is no such fault.
    #[must_use]
    pub fn with(mut self, name: &str) -> Option<Self> {
        match name {
            "doubled" => self.doubled = 300,
            "late" => self.late = 300,
            "lost" => self.lost = 300,
            "throttled" => self.throttled = 50,
            "failing" => self.failing = 50,
            "unanswered" => self.unanswered = 50,
            "refused-items" => self.refused_items = 50,
            "index-lag" => self.index_lag = TimeDelta::minutes(30),
            _ => return None,
        }
        Some(self)
    }
}
