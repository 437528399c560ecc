//! Why a matcher takes records for one entity: the pairs that hold them together, and where that would break first.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::RecordRef;
use crate::matching::{Probability, Step, bits};
use crate::text::Text;

/// Why records are one entity, as a matcher says. It names records, attributes and how they agree, never a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeldTogether {
    /// The records, by connection, object type and id.
    pub records: Vec<RecordRef>,
    /// The pairs that hold them together, the strongest first: the last is the weakest. None of a record alone.
    pub bridges: Vec<Bridge>,
}

/// A pair that holds records together: without it there would be two entities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bridge {
    /// The one.
    pub one: RecordRef,
    /// The other.
    pub other: RecordRef,
    /// What it joins with, in thousandths of a bit. What keys or people say outweighs all that is compared.
    pub millibits: i32,
    /// How probable it is that its two sides are one entity.
    pub probability: Probability,
    /// Why it holds.
    pub because: Holds,
    /// How many records are on the side of the one, and on that of the other.
    pub sides: (usize, usize),
    /// The rules by which the two were compared at all; none of two that keys or people say are one, or that others lead to.
    pub compared_by: Vec<Text>,
    /// Why the two weigh what they weigh on their own.
    pub steps: Vec<Step>,
}

/// Why a pair holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Holds {
    /// What the two say is strong enough.
    Compared,
    /// Keys or people say that they are one.
    Given,
}

impl HeldTogether {
    /// Records, and what holds them together.
    #[must_use]
    pub const fn new(records: Vec<RecordRef>, bridges: Vec<Bridge>) -> Self {
        Self { records, bridges }
    }

    /// Where it would break first; none of a record alone.
    #[must_use]
    pub fn weakest(&self) -> Option<&Bridge> {
        self.bridges.last()
    }
}

impl Bridge {
    /// A pair that what the two say holds, with a record on each side and no steps.
    #[must_use]
    pub const fn new(one: RecordRef, other: RecordRef, millibits: i32, probability: Probability) -> Self {
        Self {
            one,
            other,
            millibits,
            probability,
            because: Holds::Compared,
            sides: (1, 1),
            compared_by: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The same, because of this, with so many records on each side.
    #[must_use]
    pub fn between(self, because: Holds, sides: (usize, usize)) -> Self {
        Self { because, sides, ..self }
    }

    /// The same, with the rules by which the two were compared, and why they weigh what they weigh.
    #[must_use]
    pub fn explained(self, compared_by: Vec<Text>, steps: Vec<Step>) -> Self {
        Self { compared_by, steps, ..self }
    }
}

impl fmt::Display for HeldTogether {
    /// A line for each pair, the strongest first, and why the weakest weighs what it weighs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(weakest) = self.weakest() else { return f.write_str("a record alone") };
        writeln!(f, "{} records, held together by {} pairs:", self.records.len(), self.bridges.len())?;
        for Bridge { one, other, millibits, probability, because, sides, .. } in &self.bridges {
            write!(f, "{one} and {other}, between {} and {}: ", sides.0, sides.1)?;
            match because {
                Holds::Compared => writeln!(f, "{} bits, probability {probability}", bits(*millibits))?,
                Holds::Given => writeln!(f, "given as one, by keys or people")?,
            }
        }
        write!(f, "It would break first between {} and {}", weakest.one, weakest.other)?;
        if !weakest.compared_by.is_empty() {
            let rules: Vec<&str> = weakest.compared_by.iter().map(|rule| &**rule).collect();
            write!(f, ", compared by {}", rules.join("; "))?;
        }
        weakest.steps.iter().try_for_each(|step| write!(f, "\n{step}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_records_together_reads_from_the_strongest_to_where_it_would_break_first() {
        let record = |id: &str| RecordRef::new("crm", "contacts", id);
        let bridge = |one: &str, other: &str, millibits| {
            Bridge::new(record(one), record(other), millibits, Probability::percent(99))
        };
        let given = bridge("a", "b", 256_000).between(Holds::Given, (1, 2));
        let weak = bridge("b", "c", 6_125).between(Holds::Compared, (2, 1));
        let weak = weak.explained(vec!["phone, refined by city".into()], vec![Step::new("phone", "same phone", 6_125)]);
        let held = HeldTogether::new(["a", "b", "c"].map(record).to_vec(), vec![given, weak.clone()]);
        assert_eq!(held.weakest(), Some(&weak));
        let [a, b, c] = ["a", "b", "c"].map(|id| record(id).to_string());
        assert_eq!(
            held.to_string(),
            format!(
                "3 records, held together by 2 pairs:\n\
                 {a} and {b}, between 1 and 2: given as one, by keys or people\n\
                 {b} and {c}, between 2 and 1: +6.12 bits, probability 99.00 %\n\
                 It would break first between {b} and {c}, compared by phone, refined by city\n\
                 phone: same phone (+6.12)"
            )
        );
        assert_eq!(HeldTogether::new(vec![record("a")], Vec::new()).to_string(), "a record alone");
    }
}
