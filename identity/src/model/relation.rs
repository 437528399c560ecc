//! Why two records look alike: declared, one by one, with what each leads to expect.

use crate::comparison::{Agreement, Comparison, Level};
use crate::layout::{Layout, Role};

/// What a relation leads to expect of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The values are the same.
    Same,
    /// They may well be the same.
    Either,
    /// They differ, and may well be written alike: mailboxes are named after people.
    Alike,
    /// They differ.
    Other,
}

/// Why two records look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its name.
    pub name: &'static str,
    /// Whether they are one entity.
    pub matches: bool,
    /// Roles that a table must have for the relation to be thought of.
    needs: &'static [Role],
    expected: &'static [(Role, Expected)],
    rest: Expected,
}

use Expected::{Alike, Either, Other, Same};

/// How many there are at most.
pub(super) const MOST: usize = 8;

const RELATIONS: [Relation; MOST] = [
    Relation { name: "the same", matches: true, needs: &[], expected: &[], rest: Same },
    Relation {
        name: "the same, who moved on",
        matches: true,
        needs: &[Role::Surname, Role::GivenName],
        expected: &[
            (Role::GivenName, Same),
            (Role::Surname, Same),
            (Role::Company, Same),
            (Role::Country, Same),
            (Role::Date, Same),
            (Role::Identifier, Same),
            (Role::Street, Other),
            (Role::Postcode, Other),
        ],
        rest: Either,
    },
    Relation {
        name: "another contact of the same company",
        matches: true,
        needs: &[Role::Company, Role::Surname],
        expected: &[(Role::GivenName, Other), (Role::Surname, Other), (Role::Mailbox, Other)],
        rest: Same,
    },
    Relation {
        name: "a household",
        matches: false,
        needs: &[Role::Surname, Role::GivenName],
        expected: &[
            (Role::Surname, Same),
            (Role::Street, Same),
            (Role::Postcode, Same),
            (Role::City, Same),
            (Role::Phone, Either),
            (Role::Country, Same),
        ],
        rest: Other,
    },
    Relation {
        name: "a shared site",
        matches: false,
        needs: &[Role::Street],
        expected: &[
            (Role::Street, Same),
            (Role::Postcode, Same),
            (Role::City, Same),
            (Role::Phone, Either),
            (Role::Country, Same),
        ],
        rest: Other,
    },
    Relation {
        name: "companies of one name",
        matches: false,
        needs: &[Role::Company],
        expected: &[(Role::Company, Same), (Role::Country, Either)],
        rest: Other,
    },
    Relation {
        name: "another of the same kind",
        matches: false,
        needs: &[Role::Title],
        expected: &[(Role::Title, Other), (Role::Identifier, Other)],
        rest: Either,
    },
    Relation {
        name: "a namesake",
        matches: false,
        needs: &[Role::Surname, Role::GivenName],
        expected: &[
            (Role::GivenName, Same),
            (Role::Surname, Same),
            (Role::Mailbox, Alike),
            (Role::City, Either),
            (Role::Country, Either),
        ],
        rest: Other,
    },
];

impl Relation {
    /// The relations that a table's fields let one think of. The first is a match.
    #[must_use]
    pub fn of(layout: &Layout) -> Vec<Self> {
        RELATIONS
            .iter()
            .filter(|relation| relation.needs.iter().all(|role| layout.field(*role).is_some()))
            .cloned()
            .collect()
    }

    /// How likely each level is expected to be, before any data is seen.
    #[must_use]
    pub fn expectation(&self, comparison: &Comparison, chance: &[f64]) -> Vec<f64> {
        let mut likely: Vec<f64> = comparison
            .levels
            .iter()
            .zip(chance)
            .map(|(level, chance)| {
                if level.parts.is_empty() {
                    return *chance;
                }
                level.parts.iter().map(|part| of(self.expects(part.role), part.agreement)).product()
            })
            .collect();
        normalise(comparison, &mut likely);
        likely
    }

    /// Keeps what was learned within what the relation means: a household in which given names agree is no household.
    ///
    /// Without that, a class that is no match could grow over matches that merely look like it.
    pub(super) fn bound(&self, comparison: &Comparison, likely: &mut [f64]) {
        for (agreement, most) in [(Agreement::Exact, MOST_EXACT), (Agreement::Near, MOST_NEAR)] {
            let against = |level: &Level| {
                level.parts.iter().any(|part| {
                    let expected = self.expects(part.role);
                    part.agreement == agreement
                        && (expected == Other || (expected == Alike && agreement == Agreement::Exact))
                })
            };
            let groups = comparison.levels.iter().map(|level| level.group).max().unwrap_or_default();
            for group in 0..=groups {
                let within = || comparison.levels.iter().enumerate().filter(move |(_, level)| level.group == group);
                let sum: f64 = within().filter(|(_, level)| against(level)).map(|(place, _)| likely[place]).sum();
                if sum <= most || sum >= 1.0 {
                    continue;
                }
                for (place, level) in within() {
                    likely[place] *= if against(level) { most / sum } else { (1.0 - most) / (1.0 - sum) };
                }
            }
        }
    }

    fn expects(&self, role: Role) -> Expected {
        self.expected.iter().find(|(of, _)| *of == role).map_or(self.rest, |(_, expected)| *expected)
    }
}

/// The most that is learned of a relation against what it expects.
const MOST_EXACT: f64 = 0.06;
const MOST_NEAR: f64 = 0.08;

const fn of(expected: Expected, agreement: Agreement) -> f64 {
    match (expected, agreement) {
        (Same, Agreement::Exact) => 0.8,
        (Same, Agreement::Near) => 0.12,
        (Same, Agreement::Differ) => 0.08,
        (Either, Agreement::Exact) => 0.45,
        (Either, Agreement::Near) => 0.05,
        (Either, Agreement::Differ) => 0.5,
        (Alike, Agreement::Exact) => 0.01,
        (Alike, Agreement::Near) => 0.4,
        (Alike, Agreement::Differ) => 0.59,
        (Other, Agreement::Exact) => 0.01,
        (Other, Agreement::Near) => 0.03,
        (Other, Agreement::Differ) => 0.96,
    }
}

/// Makes the levels of each group add up to one.
pub(super) fn normalise(comparison: &Comparison, likely: &mut [f64]) {
    for group in 0..=u8::MAX {
        let within = || comparison.levels.iter().enumerate().filter(move |(_, level)| level.group == group);
        let (levels, sum) = within().fold((0, 0.0), |(levels, sum), (place, _)| (levels + 1, sum + likely[place]));
        if levels == 0 {
            if group > 8 {
                break;
            }
            continue;
        }
        for (place, _) in within() {
            likely[place] = if sum > 0.0 { likely[place] / sum } else { 1.0 / f64::from(levels) };
        }
    }
}
