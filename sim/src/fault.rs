//! The faults: what can go wrong between an engine and the systems that it keeps true.

use std::fmt;

/// One kind of fault. Each seed switches a random subset on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A webhook is never delivered.
    WebhookDropped,
    /// A webhook is delivered up to five times.
    WebhookRepeated,
    /// A webhook overtakes others by up to an hour.
    WebhookReordered,
    /// A webhook comes days late.
    WebhookLate,
    /// Modification times repeat, or their grain hides an order.
    TimeEqual,
    /// A system's clock is off by up to ten minutes.
    ClockSkewed,
    /// A call is refused before anything happens.
    CallRefused,
    /// A call takes effect and its reply is lost.
    ReplyLost,
    /// A call arrives after its caller has given up.
    CallLate,
    /// A system throttles all calls for minutes.
    Throttled,
    /// The token expires in the middle of a batch.
    TokenExpired,
    /// A part of a batch is put off or refused.
    BatchPartial,
    /// A read is answered by a replica that is behind.
    ReadStale,
    /// Search shows changes only after a while.
    SearchLag,
    /// Pages shift while they are read.
    PageShift,
    /// The process dies at a commit or call.
    Crash,
    /// A commit fails, with or without effect.
    CommitFailed,
    /// A second worker runs, or one pauses and wakes up late.
    TwoWorkers,
    /// The model changes under way, the truth boundary included.
    ModelChanged,
    /// A field comes in a shape that the model does not know.
    SchemaChanged,
    /// A person edits between our read and our write.
    EditRaced,
    /// A record is merged, deleted or brought back while a plan stands.
    RecordMoved,
    /// A webhook is forged, replayed or meant for another account.
    WebhookForged,
    /// A body is huge or nested beyond reason.
    BodyHostile,
    /// A record cannot be read, ever.
    RecordPoisoned,
}

impl Fault {
    /// Every fault, in the order of the list.
    pub const ALL: [Fault; 25] = [
        Fault::WebhookDropped,
        Fault::WebhookRepeated,
        Fault::WebhookReordered,
        Fault::WebhookLate,
        Fault::TimeEqual,
        Fault::ClockSkewed,
        Fault::CallRefused,
        Fault::ReplyLost,
        Fault::CallLate,
        Fault::Throttled,
        Fault::TokenExpired,
        Fault::BatchPartial,
        Fault::ReadStale,
        Fault::SearchLag,
        Fault::PageShift,
        Fault::Crash,
        Fault::CommitFailed,
        Fault::TwoWorkers,
        Fault::ModelChanged,
        Fault::SchemaChanged,
        Fault::EditRaced,
        Fault::RecordMoved,
        Fault::WebhookForged,
        Fault::BodyHostile,
        Fault::RecordPoisoned,
    ];

    /// The name that options and reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Fault::WebhookDropped => "webhook-dropped",
            Fault::WebhookRepeated => "webhook-repeated",
            Fault::WebhookReordered => "webhook-reordered",
            Fault::WebhookLate => "webhook-late",
            Fault::TimeEqual => "time-equal",
            Fault::ClockSkewed => "clock-skewed",
            Fault::CallRefused => "call-refused",
            Fault::ReplyLost => "reply-lost",
            Fault::CallLate => "call-late",
            Fault::Throttled => "throttled",
            Fault::TokenExpired => "token-expired",
            Fault::BatchPartial => "batch-partial",
            Fault::ReadStale => "read-stale",
            Fault::SearchLag => "search-lag",
            Fault::PageShift => "page-shift",
            Fault::Crash => "crash",
            Fault::CommitFailed => "commit-failed",
            Fault::TwoWorkers => "two-workers",
            Fault::ModelChanged => "model-changed",
            Fault::SchemaChanged => "schema-changed",
            Fault::EditRaced => "edit-raced",
            Fault::RecordMoved => "record-moved",
            Fault::WebhookForged => "webhook-forged",
            Fault::BodyHostile => "body-hostile",
            Fault::RecordPoisoned => "record-poisoned",
        }
    }

    /// The fault of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults(u32);

impl Faults {
    /// Whether the set has a fault.
    #[must_use]
    pub const fn has(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u32) != 0
    }

    /// The set with a fault.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self(self.0 | (1 << fault as u32))
    }

    /// The set without a fault.
    #[must_use]
    pub const fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << fault as u32))
    }

    /// The faults of the set, in the order of the list.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(move |fault| self.has(*fault))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.iter().enumerate() {
            write!(f, "{}{fault}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// How often each fault struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hits(pub [u32; 25]);

impl Hits {
    /// Counts one strike.
    pub const fn count(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// Whether a fault struck.
    #[must_use]
    pub const fn has(&self, fault: Fault) -> bool {
        self.0[fault as usize] > 0
    }
}
