//! The script of one run: what goes wrong, what the world is like, and what people and the operator do, in order. A seed
//! determines it; a shorter one is made by leaving things out; and a file spells it out.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::attempt::TRIES;
use crate::design::{Design, Told};
use crate::dialect::own::Catalogue;
use crate::fault::{Fault, Faults};
use crate::office::{ADMIN, OFFICE};
use crate::rng::Rng;
use crate::step::{Does, Step};

/// How the world heals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealBy {
    /// Everything is polled and scanned.
    Scans,
    /// Everything is polled, and scanned where polls do not tell of deletions.
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
    /// The seed: of what the weather draws, and of everything below unless a file says otherwise.
    pub seed: u64,
    /// The faults that are switched on.
    pub faults: Faults,
    /// How the world heals.
    pub heal_by: HealBy,
    /// The one fault that stays while everything else heals: liveness under weather.
    pub lasting: Option<Fault>,
    /// The system that is only observed until the first heal, if there is one.
    pub observed: Option<usize>,
    /// The world.
    pub design: Design,
    /// The steps of each round of chaos, heal and quiet, in the order in which they were thought of.
    pub rounds: Vec<Vec<Step>>,
}

/// What a seed determines, and a file of the first kind says otherwise.
#[derive(Debug, Clone)]
pub struct Sketch {
    /// The faults that are switched on.
    pub faults: Faults,
    /// How the world heals.
    pub heal_by: HealBy,
    /// The one fault that stays.
    pub lasting: Option<Fault>,
    /// How many rounds.
    pub rounds: usize,
    /// How many steps each.
    pub steps: usize,
    /// The steps to leave out, by number.
    pub without: BTreeSet<usize>,
}

impl Sketch {
    /// What a seed determines.
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
        Self { faults, heal_by, lasting, rounds: 2, steps: 60, without: BTreeSet::new() }
    }

    /// The world as the first files knew it.
    fn design(&self, seed: u64) -> Design {
        let mut design = Design::of(&mut Rng::new(seed ^ 0x0DE5_1649), self.faults);
        if self.heal_by == HealBy::Webhooks {
            for system in design.systems.iter_mut().filter(|system| system.told == Told::Nothing) {
                system.told = Told::Full;
            }
        }
        design
    }

    /// The steps as the first files knew them.
    fn script(&self, seed: u64, design: &Design) -> Vec<Vec<Step>> {
        let mut rng = Rng::new(seed ^ 0x05C2_1B75);
        let mut number = 0;
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            let mut steps = Vec::new();
            for _ in 0..self.steps {
                let step = Step { after: rng.between(0, 8 * 3_600_000), does: self.does(&mut rng, design, round) };
                if !self.without.contains(&number) {
                    steps.push(step);
                }
                number += 1;
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

    /// What scripts have gained since, for one round: drawn from a sequence of its own.
    fn more(&self, rng: &mut Rng, design: &Design) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..8 {
            let system = rng.below(design.systems.len());
            let subject = rng.below(design.subjects);
            let does = match rng.below(8) {
                0 | 1 if self.heal_by == HealBy::Scans => Does::Scan(system),
                2 if self.faults.has(Fault::RecordMoved) => match design.existence {
                    Some(owner) => Does::Delete { system: owner, subject },
                    None => Does::Delete { system, subject },
                },
                3 | 4 => Does::Propose,
                5 | 6 => Does::Reapply(rng.below(100)),
                _ => Does::Work,
            };
            steps.push(Step { after: rng.between(0, 8 * 3_600_000), does });
        }
        steps
    }

    /// The script that a file of the first kind stands for.
    #[must_use]
    pub fn spelled_out(&self, seed: u64) -> Options {
        let design = self.design(seed);
        let rounds = self.script(seed, &design);
        Options {
            seed,
            faults: self.faults,
            heal_by: self.heal_by,
            lasting: self.lasting,
            observed: None,
            design,
            rounds,
        }
    }
}

impl Options {
    /// The script of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let sketch = Sketch::of(seed);
        let mut options = sketch.spelled_out(seed);
        let mut rng = Rng::new(seed ^ 0x0E14_2CED);
        options.design = options.design.enriched(&mut rng);
        for steps in &mut options.rounds {
            steps.extend(sketch.more(&mut rng, &options.design));
        }
        options.design = options.design.enlivened(&mut Rng::new(seed ^ 0x0A57_E1F5));
        options.design = options.design.voting(&mut Rng::new(seed ^ 0x0B07_E5ED));
        options.operated().governed()
    }

    /// The script of a seed, in a world about a user's own model.
    #[must_use]
    pub fn own(seed: u64, catalogue: &Arc<Catalogue>) -> Self {
        let mut sketch = Sketch::of(seed);
        // The model is the user's: nobody changes it under way.
        sketch.faults = sketch.faults.without(Fault::ModelChanged);
        let own = catalogue.own(&mut Rng::new(seed ^ 0x0312_88B1));
        let design = sketch.design(seed).about(own);
        let rounds = sketch.script(seed, &design);
        let mut options = Self {
            observed: None,
            seed,
            faults: sketch.faults,
            heal_by: sketch.heal_by,
            lasting: sketch.lasting,
            design,
            rounds,
        };
        let mut rng = Rng::new(seed ^ 0x0E14_2CED);
        for steps in &mut options.rounds {
            steps.extend(sketch.more(&mut rng, &options.design));
        }
        options.operated()
    }

    /// The same with what operators allow: a system that is only observed at first, and permissions that come and go. Drawn
    /// from a sequence of its own.
    fn operated(mut self) -> Self {
        let mut rng = Rng::new(self.seed ^ 0x0DE5_4B00);
        self.observed = rng.chance(200).then(|| rng.below(self.design.systems.len()));
        if rng.chance(300) {
            for steps in &mut self.rounds {
                for _ in 0..2 + rng.below(4) {
                    let (system, attribute) =
                        (rng.below(self.design.systems.len()), rng.below(self.design.attributes.len()));
                    let does = if rng.chance(600) { Does::Give { system, attribute } } else { Does::Withdraw };
                    steps.push(Step { after: rng.between(0, 8 * 3_600_000), does });
                }
            }
        }
        self
    }

    /// The same, in one world of four, with an office whose people have roles, and persons who are erased; in some of those the
    /// store is sealed. Drawn from a sequence of its own.
    fn governed(mut self) -> Self {
        let mut rng = Rng::new(self.seed ^ 0x0E7A_5E0D);
        if !rng.chance(250) {
            return self;
        }
        self.design.house.roles = true;
        self.design.house.forgets = rng.chance(300);
        self.design.house.sealed = Rng::new(self.seed ^ 0x05EA_1ED0).chance(400);
        for steps in &mut self.rounds {
            for _ in 0..8 + rng.below(8) {
                let (who, subject) = (rng.below(OFFICE.len()), rng.below(self.design.subjects));
                let does = match rng.below(10) {
                    0 | 1 => Does::Erase(subject),
                    2 => Does::Lift(subject),
                    3 if self.design.house.forgets => Does::Compact,
                    3..=5 => Does::Grant { who, rank: rng.below(ADMIN + 1) },
                    _ => Does::Try { who, what: rng.below(TRIES.len()), subject },
                };
                steps.push(Step { after: rng.between(0, 8 * 3_600_000), does });
            }
        }
        self
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.rounds.iter().map(Vec::len).sum()
    }

    /// The same without the steps whose numbers lie in a range.
    #[must_use]
    pub fn without(&self, numbers: &std::ops::Range<usize>) -> Self {
        let mut number = 0;
        let mut shorter = self.clone();
        for steps in &mut shorter.rounds {
            steps.retain(|_| {
                number += 1;
                !numbers.contains(&(number - 1))
            });
        }
        shorter
    }
}
