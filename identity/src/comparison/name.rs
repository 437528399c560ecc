//! A person's name: given name and surname together, as the one without the other says something else.

use smallvec::SmallVec;

use super::{Agreement, Level, Part, Said, View, nothing};
use crate::dictionary::NONE;
use crate::layout::{Layout, Role};
pub(super) use crate::normalize::given_names_of;
use crate::similarity::{jaro_winkler, within_edits};

/// Given name and surname.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    given: Option<usize>,
    surname: Option<usize>,
}

const GIVEN: [(&str, Option<Agreement>); 6] = [
    ("", None),
    ("same given name", Some(Agreement::Exact)),
    ("short form of the given name", Some(Agreement::Near)),
    ("initial of the given name", Some(Agreement::Near)),
    ("given name alike", Some(Agreement::Near)),
    ("other given name", Some(Agreement::Differ)),
];
const SURNAME: [(&str, Option<Agreement>); 4] = [
    ("", None),
    ("same surname", Some(Agreement::Exact)),
    ("surname alike", Some(Agreement::Near)),
    ("other surname", Some(Agreement::Differ)),
];
const WIDTH: u8 = 4;
/// Behind all combinations: given name and surname changed places.
const SWAPPED: u8 = 6 * WIDTH;

impl Name {
    pub(super) fn of(layout: &Layout) -> Option<Self> {
        let name = Self { given: layout.field(Role::GivenName), surname: layout.field(Role::Surname) };
        (name.given.is_some() || name.surname.is_some()).then_some(name)
    }

    pub(super) fn levels(&self) -> Vec<Level> {
        let mut levels = Vec::new();
        for (g, (given, given_agrees)) in (0..).zip(GIVEN) {
            for (s, (surname, surname_agrees)) in (0..).zip(SURNAME) {
                let mut parts = SmallVec::new();
                let same = |agreement, field: Option<usize>| {
                    field.filter(|_| agreement == Agreement::Exact).and_then(|field| u8::try_from(field).ok())
                };
                if let Some(agreement) = given_agrees {
                    let same = same(agreement, self.given);
                    parts.push(Part { role: Role::GivenName, agreement, component: (0, g), same });
                }
                if let Some(agreement) = surname_agrees {
                    let same = same(agreement, self.surname);
                    parts.push(Part { role: Role::Surname, agreement, component: (1, s), same });
                }
                let name =
                    [given, surname].iter().filter(|name| !name.is_empty()).copied().collect::<Vec<_>>().join(", ");
                let group = u8::from(g > 0) + 2 * u8::from(s > 0);
                levels.push(if group == 0 { nothing() } else { Level { name, group, parts } });
            }
        }
        let part = |role, component| Part { role, agreement: Agreement::Exact, component, same: None };
        // Chance makes both agree crosswise about as often as straight.
        let parts = SmallVec::from_iter([part(Role::GivenName, (0, 1)), part(Role::Surname, (1, 1))]);
        levels.push(Level { name: "given name and surname changed places".into(), group: 3, parts });
        levels
    }

    pub(super) fn level(&self, view: View<'_>, a: Said<'_>, b: Said<'_>) -> u8 {
        let code = |row: Said<'_>, field: Option<usize>| field.map_or(NONE, |field| row[field]);
        let (given, surname) =
            ((code(a, self.given), code(b, self.given)), (code(a, self.surname), code(b, self.surname)));
        if given.0 != given.1 && given.0 == surname.1 && surname.0 == given.1 && given.0 != NONE && given.1 != NONE {
            return SWAPPED;
        }
        let first = self.given.map_or(0, |field| given_level(view, field, a, b));
        let last = self.surname.map_or(0, |field| surname_level(view, field, a, b));
        first * WIDTH + last
    }
}

fn given_level(view: View<'_>, field: usize, left: Said<'_>, right: Said<'_>) -> u8 {
    let (a, b) = (left[field], right[field]);
    if a == NONE || b == NONE {
        return 0;
    }
    if a == b {
        return 1;
    }
    if view.aliases.share(a, b) {
        return 2;
    }
    let (x, y) = view.signatures(field, left, right);
    let initial = x.length().min(y.length()) == 1;
    if !initial && !x.may_be_within_edits(y, 1) && !x.may_be_alike(y, 0.9) {
        return 5;
    }
    let (a, b) = (view.bytes(field, a), view.bytes(field, b));
    if initial {
        return if a[0] == b[0] { 3 } else { 5 };
    }
    let alike = (a.len().min(b.len()) >= 4 && within_edits(a, b, 1)) || jaro_winkler(a, b, 0.9) > 0.0;
    if alike { 4 } else { 5 }
}

fn surname_level(view: View<'_>, field: usize, left: Said<'_>, right: Said<'_>) -> u8 {
    let (a, b) = (left[field], right[field]);
    if a == NONE || b == NONE {
        return 0;
    }
    if a == b {
        return 1;
    }
    let (x, y) = view.signatures(field, left, right);
    if !x.may_be_within_edits(y, 1) && !x.may_be_alike(y, 0.92) {
        return 3;
    }
    let (a, b) = (view.bytes(field, a), view.bytes(field, b));
    let alike = (a.len().min(b.len()) >= 3 && within_edits(a, b, 1)) || jaro_winkler(a, b, 0.92) > 0.0;
    if alike { 2 } else { 3 }
}
