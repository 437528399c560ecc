//! The weather: which faults are switched on, how often each strikes, and how often it has.

use crate::fault::{Fault, Faults, Hits};
use crate::rng::Rng;

/// Decides whether faults strike.
#[derive(Debug)]
pub struct Weather {
    faults: Faults,
    per_mille: [usize; 25],
    rng: Rng,
    /// Whether there is weather at all: not after the heal.
    pub chaos: bool,
    /// The one fault that stays when everything else heals.
    lasting: Option<Fault>,
    /// How often each fault has struck.
    pub hits: Hits,
}

impl Weather {
    /// The weather of a seed.
    #[must_use]
    pub fn new(faults: Faults, lasting: Option<Fault>, mut rng: Rng) -> Self {
        let per_mille = Fault::ALL.map(|fault| often(fault) * (1 + rng.below(4)) / 2);
        Self { faults, per_mille, rng, chaos: true, lasting, hits: Hits::default() }
    }

    /// Whether a fault strikes here.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        let lasts = self.lasting == Some(fault);
        if !lasts && (!self.chaos || !self.faults.has(fault)) {
            return false;
        }
        // A webhook that is lost while the weather lasts is lost always.
        let strikes = lasts && fault == Fault::WebhookDropped || self.rng.chance(self.per_mille[fault as usize]);
        if strikes {
            self.hits.count(fault);
        }
        strikes
    }

    /// Whether a fault is switched on and there is weather.
    #[must_use]
    pub const fn has(&self, fault: Fault) -> bool {
        self.chaos && self.faults.has(fault)
    }

    /// Whether the weather lasts through the heal.
    #[must_use]
    pub const fn lasts(&self) -> bool {
        self.lasting.is_some()
    }

    /// Draws for the world itself: latencies, who edits what.
    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }
}

/// How often a fault strikes where it can, in a thousand.
const fn often(fault: Fault) -> usize {
    match fault {
        Fault::WebhookDropped | Fault::WebhookReordered => 250,
        Fault::WebhookRepeated | Fault::ReplyLost | Fault::EditRaced => 200,
        Fault::WebhookLate | Fault::SearchLag | Fault::BatchPartial | Fault::CallLate => 150,
        Fault::ReadStale | Fault::CallRefused | Fault::TokenExpired | Fault::RecordMoved => 100,
        Fault::PageShift
        | Fault::TimeEqual
        | Fault::ClockSkewed
        | Fault::TwoWorkers
        | Fault::ModelChanged
        | Fault::SchemaChanged => 300,
        Fault::Throttled | Fault::WebhookForged | Fault::BodyHostile | Fault::RecordPoisoned => 60,
        Fault::CommitFailed => 6,
        Fault::Crash => 3,
    }
}
