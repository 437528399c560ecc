//! Why two records look alike: declared, one by one, with what each leads to expect.

use crate::attribute::Entities;
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
    /// Roles of which it must have one, if any are named.
    one_of: &'static [Role],
    /// The entities among which there is such a relation; none for all.
    among: Option<Entities>,
    /// What tells the two apart whom it relates: where that differs, the relation must have been learned before a pair is linked.
    apart: &'static [Role],
    /// What the two share whom it relates: where none of that agrees, it relates nobody.
    share: &'static [Role],
    expected: &'static [(Role, Expected)],
    rest: Expected,
}

use Expected::{Alike, Either, Other, Same};

/// How many a table has at most: contacts and colleagues exclude each other.
pub(super) const MOST: usize = 8;

/// What most relations are.
const PLAIN: Relation = Relation {
    name: "",
    matches: false,
    needs: &[],
    one_of: &[],
    among: None,
    apart: &[],
    share: &[],
    expected: &[],
    rest: Other,
};

/// The relation by which contacts of one company are one account.
const CONTACT: &str = "another contact of the same company";

const RELATIONS: [Relation; MOST + 1] = [
    Relation { name: "the same", matches: true, rest: Same, ..PLAIN },
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
        ..PLAIN
    },
    Relation {
        name: CONTACT,
        matches: true,
        needs: &[Role::Company, Role::Surname],
        among: Some(Entities::Accounts),
        expected: &[(Role::GivenName, Other), (Role::Surname, Other), (Role::Mailbox, Other)],
        rest: Same,
        ..PLAIN
    },
    Relation {
        name: "colleagues at a company's site",
        needs: &[Role::Surname, Role::GivenName],
        one_of: &[Role::Company, Role::Site],
        among: Some(Entities::Persons),
        apart: &[Role::GivenName, Role::Surname],
        share: &[Role::Company, Role::Site],
        expected: &[
            (Role::Company, Same),
            (Role::Site, Same),
            (Role::Website, Same),
            (Role::Street, Same),
            (Role::Postcode, Same),
            (Role::City, Same),
            (Role::Phone, Either),
            (Role::Country, Same),
        ],
        ..PLAIN
    },
    Relation {
        name: "a household",
        apart: &[Role::GivenName],
        share: &[Role::Surname],
        needs: &[Role::Surname, Role::GivenName],
        expected: &[
            (Role::Surname, Same),
            (Role::Street, Same),
            (Role::Postcode, Same),
            (Role::City, Same),
            (Role::Phone, Either),
            (Role::Country, Same),
        ],
        ..PLAIN
    },
    Relation {
        name: "a shared site",
        needs: &[Role::Street],
        expected: &[
            (Role::Street, Same),
            (Role::Postcode, Same),
            (Role::City, Same),
            (Role::Phone, Either),
            (Role::Country, Same),
        ],
        ..PLAIN
    },
    Relation {
        name: "companies of one name",
        needs: &[Role::Company],
        expected: &[(Role::Company, Same), (Role::Country, Either)],
        ..PLAIN
    },
    Relation {
        name: "another of the same kind",
        needs: &[Role::Title],
        expected: &[(Role::Title, Other), (Role::Identifier, Other)],
        rest: Either,
        ..PLAIN
    },
    Relation {
        name: "a namesake",
        needs: &[Role::Surname, Role::GivenName],
        expected: &[
            (Role::GivenName, Same),
            (Role::Surname, Same),
            (Role::Mailbox, Alike),
            (Role::City, Either),
            (Role::Country, Either),
        ],
        ..PLAIN
    },
];

impl Default for Relation {
    /// One that is not known: it explains nothing.
    fn default() -> Self {
        PLAIN
    }
}

impl Relation {
    /// The relations that a table's fields let one think of. The first is a match.
    #[must_use]
    pub fn of(layout: &Layout) -> Vec<Self> {
        RELATIONS
            .iter()
            .filter(|relation| relation.needs.iter().all(|role| layout.field(*role).is_some()))
            .filter(|relation| {
                relation.one_of.is_empty() || relation.one_of.iter().any(|role| layout.field(*role).is_some())
            })
            .filter(|relation| relation.among.is_none_or(|among| among == layout.schema.entities))
            .cloned()
            .collect()
    }

    /// Whether a level says that what tells the two apart differs whom it relates.
    pub(crate) fn tells_apart(&self, level: &Level) -> bool {
        level.parts.iter().any(|part| self.apart.contains(&part.role) && part.agreement == Agreement::Differ)
    }

    /// Whether it could be why two records look alike that are two: they share what it leads to expect, and what tells two apart
    /// differs, and no number or date that a person has alone is the same.
    pub(crate) fn rivals(&self, levels: &[&Level]) -> bool {
        let parts = || levels.iter().flat_map(|level| &level.parts);
        let shared = || parts().any(|part| self.share.contains(&part.role) && part.agreement != Agreement::Differ);
        let one_person = levels
            .iter()
            .flat_map(|level| &level.parts)
            .any(|part| matches!(part.role, Role::Identifier | Role::Date) && part.agreement == Agreement::Exact);
        levels.iter().any(|level| self.tells_apart(level)) && shared() && !one_person
    }

    /// Whether it is why two records of different persons are one entity all the same: contacts of a company that both name.
    pub(crate) fn joins_persons(&self, levels: &[&Level]) -> bool {
        let mut parts = levels.iter().flat_map(|level| &level.parts);
        self.name == CONTACT
            && parts.any(|part| matches!(part.role, Role::Company | Role::Site) && part.agreement != Agreement::Differ)
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
