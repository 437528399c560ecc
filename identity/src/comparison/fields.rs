//! Fields that are compared on their own.

use smallvec::SmallVec;

use super::{Agreement, Declared, Level, Part, Said, View, nothing};
use crate::dictionary::NONE;
use crate::layout::Role;
use crate::similarity::{jaro_winkler, within_edits};

/// A field and how its values are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Single {
    pub(super) field: usize,
    role: Role,
    scale: Scale,
}

#[derive(Debug, Clone, PartialEq)]
enum Scale {
    /// The same or not.
    Same,
    /// One edit, two edits.
    Edits,
    /// As edits; one number may end with the other.
    Phone,
    /// One edit, day and month changed places, few days apart, two edits, same year.
    Date,
    /// Within a twentieth, within a quarter.
    Near,
    /// By letters.
    Letters,
    /// As it is declared.
    Declared(Declared),
}

impl Single {
    /// How a field is compared that no joint comparison looks at. `first` says that it is the first of its role, and that whatever looks
    /// at that together with others does.
    #[must_use]
    pub fn of(field: usize, role: Role, first: bool) -> Option<Self> {
        let scale = match role {
            Role::GivenName | Role::Surname | Role::Street | Role::Mailbox | Role::Company => {
                (!first).then_some(Scale::Letters)?
            }
            Role::Title => (!first).then_some(Scale::Letters)?,
            Role::Postcode | Role::City => (!first).then_some(Scale::Edits)?,
            Role::MailDomain | Role::Site | Role::Names | Role::Description => return None,
            Role::Website => (!first).then_some(Scale::Same)?,
            Role::Phone => Scale::Phone,
            Role::Country | Role::Category => Scale::Same,
            Role::Identifier => Scale::Edits,
            Role::Date => Scale::Date,
            Role::Number => Scale::Near,
            Role::Text => Scale::Letters,
        };
        Some(Self { field, role, scale })
    }

    /// The same, compared as it is declared, if it is.
    pub(super) fn declared(self, declared: Option<&Declared>) -> Self {
        let declared = declared.filter(|declared| declared.fault().is_none());
        Self { scale: declared.map_or(self.scale, |declared| Scale::Declared(declared.clone())), ..self }
    }

    pub(super) fn levels(&self) -> Vec<Level> {
        let name = &format!("{:?}", self.role).to_lowercase();
        let (same, differ) = ((format!("same {name}"), Agreement::Exact), (format!("other {name}"), Agreement::Differ));
        let near = |text: &str| (format!("{name} {text}"), Agreement::Near);
        let far = |text: &str| (format!("{name} {text}"), Agreement::Differ);
        let levels = match &self.scale {
            Scale::Same => vec![same, differ],
            Scale::Edits => vec![same, near("one letter apart"), near("two letters apart"), differ],
            Scale::Phone => vec![same, near("one digit apart"), differ],
            Scale::Date => {
                vec![
                    same,
                    near("one digit apart"),
                    near("few days apart"),
                    near("two digits apart"),
                    far("of the same year"),
                    differ,
                ]
            }
            Scale::Near => vec![same, near("within a twentieth"), far("within a quarter"), differ],
            Scale::Letters => vec![same, near("alike"), far("faintly alike"), differ],
            Scale::Declared(declared) => {
                std::iter::once(same).chain(declared.says().iter().map(|says| near(says))).chain([differ]).collect()
            }
        };
        let of = |(place, (name, agreement)): (u8, (String, Agreement))| {
            let same = (agreement == Agreement::Exact).then(|| u8::try_from(self.field).ok()).flatten();
            let part = Part { role: self.role, agreement, component: (0, place), same };
            Level { name, group: 1, parts: SmallVec::from_iter([part]) }
        };
        std::iter::once(nothing()).chain((1..).zip(levels).map(of)).collect()
    }

    pub(super) fn level(&self, view: View<'_>, left: Said<'_>, right: Said<'_>) -> u8 {
        let (a, b) = (left[self.field], right[self.field]);
        if a == NONE || b == NONE {
            return 0;
        }
        if a == b {
            return 1;
        }
        if let Scale::Declared(declared) = &self.scale {
            return 2 + declared.kept(view.bytes(self.field, a), view.bytes(self.field, b)) as u8;
        }
        let (x, y) = view.signatures(self.field, left, right);
        match self.scale {
            Scale::Edits if !x.may_be_within_edits(y, 2) => return 4,
            Scale::Phone if !x.may_be_within_edits(y, 1) && !x.may_be_within(y) => return 3,
            Scale::Letters if !x.may_be_within_edits(y, 1) && !x.may_be_alike(y, 0.8) => return 4,
            _ => {}
        }
        let (a, b) = (view.bytes(self.field, a), view.bytes(self.field, b));
        match self.scale {
            Scale::Same | Scale::Declared(_) => 2,
            Scale::Edits if within_edits(a, b, 1) => 2,
            Scale::Edits if within_edits(a, b, 2) => 3,
            Scale::Edits => 4,
            Scale::Phone => {
                let ends = a.len().min(b.len()) >= 7 && (a.ends_with(b) || b.ends_with(a));
                if ends || within_edits(a, b, 1) { 2 } else { 3 }
            }
            Scale::Date if within_edits(a, b, 1) || swapped(a, b) => 2,
            Scale::Date if few_days(a, b) => 3,
            Scale::Date if within_edits(a, b, 2) => 4,
            Scale::Date if a.len() >= 4 && b.starts_with(&a[..4]) => 5,
            Scale::Date => 6,
            Scale::Near => near(a, b),
            Scale::Letters if within_edits(a, b, 1) && a.len() >= 4 || jaro_winkler(a, b, 0.92) > 0.0 => 2,
            Scale::Letters if jaro_winkler(a, b, 0.8) > 0.0 => 3,
            Scale::Letters => 4,
        }
    }
}

/// Whether day and month of two dates changed places.
fn swapped(a: &[u8], b: &[u8]) -> bool {
    a.len() == 8 && b.len() == 8 && a[..4] == b[..4] && a[4..6] == b[6..] && a[6..] == b[4..6]
}

/// Dates so many days apart are near: written down in another time zone, or after a weekend.
const FEW_DAYS: i64 = 3;

/// Whether two dates are few days apart, across months and years.
fn few_days(a: &[u8], b: &[u8]) -> bool {
    days(a).zip(days(b)).is_some_and(|(a, b)| (a - b).abs() <= FEW_DAYS)
}

/// The days since the first of March of the year 0, by the Gregorian calendar; none of what is no whole date.
pub(super) fn days(date: &[u8]) -> Option<i64> {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<i64>().ok());
    let (8, [year @ .., m1, m2, d1, d2]) = (date.len(), date) else { return None };
    let (year, month, day) = (number(year)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    // A year that begins in March ends with the day that leap years have more.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day)
}

fn near(a: &[u8], b: &[u8]) -> u8 {
    let number =
        |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    let (a, b) = (number(a), number(b));
    let apart = (a - b).abs() / a.abs().max(b.abs()).max(f64::MIN_POSITIVE);
    if apart <= 0.05 {
        2
    } else if apart <= 0.25 {
        3
    } else {
        4
    }
}

pub(super) fn system_levels() -> Vec<Level> {
    let of = |name: &str| Level { name: name.into(), group: 1, parts: SmallVec::new() };
    vec![nothing(), of("same system"), of("another system")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_near_by_days() {
        for (a, b, near) in [
            ("19991231", "20000101", true),
            ("20000228", "20000301", true),
            ("20240228", "20240302", true),
            ("20230228", "20230304", false),
            ("19991231", "20001231", false),
            ("20200131", "20200203", true),
            ("20200131", "20200204", false),
            ("1999", "2000", false),
            ("", "", false),
        ] {
            assert_eq!(few_days(a.as_bytes(), b.as_bytes()), near, "{a} {b}");
            assert_eq!(few_days(b.as_bytes(), a.as_bytes()), near, "{b} {a}");
        }
    }
}
