//! The script of one run: its options, and what people and the operator's clock do, in order. A seed determines it; a
//! shorter one is made by leaving things out.

use std::collections::BTreeSet;

use crate::design::{Design, Told};
use crate::fault::{Fault, Faults};
use crate::rng::Rng;

/// How the world heals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealBy {
    /// Everything is polled and scanned.
    Scans,
    /// Everything is polled.
    Polls,
    /// Nothing is asked for: what was acknowledged must be enough.
    Webhooks,
}

/// Faults under which a world that polls must still come to rest.
const LASTING: [Fault; 7] = [
    Fault::WebhookDropped,
    Fault::WebhookRepeated,
    Fault::WebhookReordered,
    Fault::CallRefused,
    Fault::ReplyLost,
    Fault::SearchLag,
    Fault::BatchPartial,
];

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// The faults that are switched on.
    pub faults: Faults,
    /// How the world heals.
    pub heal_by: HealBy,
    /// The one fault that stays while everything else heals: liveness under weather.
    pub lasting: Option<Fault>,
    /// Rounds of chaos, heal and quiet.
    pub rounds: usize,
    /// Steps of each round.
    pub steps: usize,
    /// The steps to leave out, by number.
    pub without: BTreeSet<usize>,
}

impl Options {
    /// The options of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x0A17_10E5);
        let mut faults = Faults::default();
        let eager = 200 + 150 * rng.below(5);
        for fault in Fault::ALL {
            if rng.chance(eager) {
                faults = faults.with(fault);
            }
        }
        let heal_by = match rng.below(5) {
            0 => HealBy::Webhooks,
            1 => HealBy::Polls,
            _ => HealBy::Scans,
        };
        if heal_by == HealBy::Webhooks {
            // What nobody is told of cannot be known.
            faults = faults.without(Fault::WebhookDropped).without(Fault::ReadStale);
        }
        if heal_by != HealBy::Scans {
            // What came in a shape that nobody could read is only seen again by reading everything.
            faults = faults.without(Fault::SchemaChanged).without(Fault::ReadStale).without(Fault::TimeEqual);
        }
        let lasting = (heal_by != HealBy::Webhooks && rng.chance(200)).then(|| LASTING[rng.below(LASTING.len())]);
        Self { seed, faults, heal_by, lasting, rounds: 2, steps: 60, without: BTreeSet::new() }
    }

    /// The design of the world.
    #[must_use]
    pub fn design(&self) -> Design {
        let mut design = Design::of(&mut Rng::new(self.seed ^ 0x0DE5_1649), self.faults);
        if self.heal_by == HealBy::Webhooks {
            for system in design.systems.iter_mut().filter(|system| system.told == Told::Nothing) {
                system.told = Told::Full;
            }
        }
        design
    }

    /// The steps of each round, numbered through.
    #[must_use]
    pub fn script(&self, design: &Design) -> Vec<Vec<Step>> {
        let mut rng = Rng::new(self.seed ^ 0x05C2_1B75);
        let mut number = 0;
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            let mut steps = Vec::new();
            for _ in 0..self.steps {
                let step =
                    Step { number, after: rng.between(0, 8 * 3_600_000), does: self.does(&mut rng, design, round) };
                number += 1;
                if !self.without.contains(&step.number) {
                    steps.push(step);
                }
            }
            rounds.push(steps);
        }
        rounds
    }

    fn does(&self, rng: &mut Rng, design: &Design, round: usize) -> Does {
        let system = rng.below(design.systems.len());
        let subject = rng.below(design.subjects);
        let attribute = rng.below(design.attributes.len());
        let moves = self.faults.has(Fault::RecordMoved);
        let asks = self.heal_by != HealBy::Webhooks;
        let first = if round == 0 { 120 } else { 20 };
        match rng.below(1000) {
            below if below < first => Does::Make { system, subject },
            0..400 => Does::Edit { system, subject, attribute, how: rng.below(10) },
            400..420 if moves => Does::Delete { system, subject },
            420..440 if moves => Does::Revive { system, subject },
            440..450 if moves => Does::Double { system, subject },
            450..470 if moves => Does::Merge { system, subject },
            400..500 => Does::Edit { system, subject, attribute, how: 9 },
            500..660 if asks => Does::Poll(system),
            660..690 if asks && self.heal_by == HealBy::Scans => Does::Scan(system),
            500..820 => Does::Work,
            820..825 if self.faults.has(Fault::ModelChanged) => Does::Remodel { attribute, system },
            820..860 => Does::Mend(true),
            860..980 => Does::Mend(false),
            _ => Does::Decide,
        }
    }
}

/// One step of a script.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its number.
    pub number: usize,
    /// When, after the round began, in milliseconds.
    pub after: i64,
    /// What happens.
    pub does: Does,
}

/// What happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// A person makes a record, unless there is one.
    Make {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// A person edits: 0 clears, 1 and 2 copy what another system holds, the rest say something new.
    Edit {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
        /// What.
        attribute: usize,
        /// How.
        how: usize,
    },
    /// A person deletes a record.
    Delete {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// A person brings a record back.
    Revive {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// A person makes a second record of somebody.
    Double {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// A person merges two records of somebody.
    Merge {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// The engine polls.
    Poll(usize),
    /// The engine scans.
    Scan(usize),
    /// The engine does what is due.
    Work,
    /// A plan is made, approved and applied: at first contact, or as every day.
    Mend(bool),
    /// A person decides something that waits.
    Decide,
    /// The model changes: another system owns an attribute, or none does.
    Remodel {
        /// Which attribute.
        attribute: usize,
        /// The new owner, if it is not the present one.
        system: usize,
    },
}
