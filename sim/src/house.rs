//! The rules of a house: words that a rule guards, decisions that take two people, and so many writes a day. They are judged
//! by what takes effect, whatever the engine says of it.

use std::collections::BTreeMap;

use accordant::fingerprint::Fingerprint;
use accordant::model::{Attribute, Canonical, EntityModel, GoldenReader, Incomplete};
use accordant::rule::{Change, Rule, Verdict};
use accordant::text::Text;
use accordant::{Builder, Limits};

use crate::design::ATTRIBUTES;
use crate::office;
use crate::rng::Rng;
use crate::word::Word;

/// What a rule does with the words that it guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A person must accept them.
    Hold,
    /// They go nowhere.
    Forbid,
}

/// The rules of a house.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct House {
    /// The attribute that a rule guards.
    pub rule: Option<(usize, Guard)>,
    /// The attribute that two people decide.
    pub two: Option<usize>,
    /// How many writes of an attribute into a system take effect unconfirmed.
    pub writes: Option<u32>,
    /// Whether roles are asked for, and which attributes are personal data.
    pub roles: bool,
    /// Whether the journal is kept for hours only.
    pub forgets: bool,
    /// Whether the store is sealed.
    pub sealed: bool,
}

/// Stands for the entity type of the built-in world, where the engine asks for one.
#[derive(Debug)]
struct Thing;

impl Canonical for Thing {
    const ENTITY: &'static str = "thing";

    fn model() -> EntityModel {
        EntityModel::new(Self::ENTITY)
    }

    fn read(_: &GoldenReader<'_>) -> Result<Self, Incomplete> {
        Err(Incomplete::default())
    }
}

impl House {
    /// The rules of a house, by chance; none in most.
    #[must_use]
    pub fn of(rng: &mut Rng, attributes: usize) -> Self {
        let guard = if rng.chance(500) { Guard::Hold } else { Guard::Forbid };
        let (rule, two) = (rng.below(attributes), rng.below(attributes));
        Self {
            rule: rng.chance(150).then_some((rule, guard)),
            two: rng.chance(150).then_some(two),
            writes: rng.chance(150).then(|| 1 + u32::from(rng.chance(500))),
            roles: false,
            forgets: false,
            sealed: false,
        }
    }

    /// Tells the engine of them.
    #[must_use]
    pub fn rule(&self, mut builder: Builder, attributes: usize) -> Builder {
        if self.roles {
            builder = builder.roles(office::roles(attributes));
        }
        if let Some((attribute, guard)) = self.rule {
            builder = builder.rule(handle(attribute), Guarding(guard));
        }
        match self.two {
            Some(attribute) => builder.four_eyes(handle(attribute)),
            None => builder,
        }
    }

    /// Whether a word of an attribute is guarded, and how.
    #[must_use]
    pub fn guards(&self, attribute: usize, word: Word) -> Option<Guard> {
        self.rule.filter(|(guarded, _)| *guarded == attribute && is_guarded(word)).map(|(_, guard)| guard)
    }
}

const fn handle(attribute: usize) -> Attribute<Thing, String> {
    Attribute::new(ATTRIBUTES[attribute])
}

/// One word in four is guarded.
const fn is_guarded(word: Word) -> bool {
    word.is_some() && word.said().number().is_multiple_of(4)
}

/// Guards words by their numbers.
struct Guarding(Guard);

impl Rule<String> for Guarding {
    fn name(&self) -> Text {
        "guarded words".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(i64::from(self.0 == Guard::Forbid));
    }

    fn judge(&self, change: &Change<'_, String>) -> Verdict {
        let word = change.after.as_deref().and_then(Word::parse).unwrap_or_default();
        match self.0 {
            _ if !is_guarded(word) => Verdict::Pass,
            Guard::Hold => Verdict::Hold("a guarded word".to_owned()),
            Guard::Forbid => Verdict::Forbid("a guarded word".to_owned()),
        }
    }
}

/// What was written, of each attribute into each system, against the limit on writes.
#[derive(Debug, Default)]
pub struct Allowance {
    written: BTreeMap<(usize, usize), Vec<i64>>,
    /// When more was confirmed, and how much.
    confirmed: BTreeMap<(usize, usize), Vec<(i64, usize)>>,
    /// Writes that the engine may have to repeat: nobody told it of them.
    excused: usize,
}

impl Allowance {
    /// Somebody confirmed so many writes beyond the limit.
    pub fn confirm(&mut self, system: usize, attribute: usize, writes: usize, now: i64) {
        self.confirmed.entry((system, attribute)).or_default().push((now, writes));
    }

    /// The engine does not know of so many writes.
    pub const fn excuse(&mut self, writes: usize) {
        self.excused += writes;
    }

    /// A write took effect. Says whether more did within a day than a limit allows: twice as many, because it counts anew after a
    /// day; and what was confirmed, after which it counts anew too.
    #[must_use]
    pub fn is_exceeded_by(&mut self, system: usize, attribute: usize, now: i64, limit: u32) -> bool {
        let (limit, day) = (limit as usize, Limits::WRITES_WITHIN.num_milliseconds());
        let written = self.written.entry((system, attribute)).or_default();
        written.push(now);
        written.retain(|at| now - *at < day);
        let confirmed = self.confirmed.get(&(system, attribute)).into_iter().flatten();
        // What was confirmed before the first of them may have been used up only now.
        let more: usize = confirmed.filter(|(at, _)| now - *at < 2 * day).map(|(_, writes)| writes + limit).sum();
        written.len() > 2 * limit + more + self.excused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn twice_the_limit_a_day_and_what_was_confirmed() {
        let mut allowance = Allowance::default();
        assert!((0..4).all(|hour| !allowance.is_exceeded_by(0, 0, hour * HOUR, 2)));
        assert!(allowance.is_exceeded_by(0, 0, 4 * HOUR, 2), "a fifth");
        assert!(!allowance.is_exceeded_by(0, 1, 4 * HOUR, 2), "another attribute");
        assert!(!allowance.is_exceeded_by(1, 0, 4 * HOUR, 2), "another system");
        allowance.confirm(0, 0, 1, 5 * HOUR);
        assert!(!allowance.is_exceeded_by(0, 0, 5 * HOUR, 2), "one was confirmed, and two have room again");
        assert!(!allowance.is_exceeded_by(0, 0, 6 * HOUR, 2));
        assert!(allowance.is_exceeded_by(0, 0, 7 * HOUR, 2));
        assert!(!allowance.is_exceeded_by(0, 0, 40 * HOUR, 2), "another day");
    }

    #[test]
    fn one_word_in_four_is_guarded_in_whatever_form() {
        let house = House { rule: Some((1, Guard::Hold)), ..House::default() };
        assert_eq!(house.guards(1, Word::new(4)), Some(Guard::Hold));
        assert_eq!(house.guards(1, Word::new(4).capital()), Some(Guard::Hold));
        assert_eq!(
            [house.guards(0, Word::new(4)), house.guards(1, Word::new(5)), house.guards(1, Word::NONE)],
            [None; 3]
        );
    }
}
