//! Fields that are compared on their own.

use smallvec::SmallVec;

use super::{Agreement, Level, Part, View, nothing};
use crate::dictionary::NONE;
use crate::layout::Role;
use crate::similarity::{jaro_winkler, within_edits};

/// A field and how its values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Single {
    field: usize,
    role: Role,
    scale: Scale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// The same or not.
    Same,
    /// One edit, two edits.
    Edits,
    /// As edits; one number may end with the other.
    Phone,
    /// One edit, day and month changed places, same year.
    Date,
    /// Within a twentieth, within a quarter.
    Near,
    /// By letters.
    Letters,
}

impl Single {
    /// How a field is compared that no joint comparison looks at. `first` says that it is the first of its role.
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

    pub(super) fn levels(self) -> Vec<Level> {
        let name = &format!("{:?}", self.role).to_lowercase();
        let (same, differ) = ((format!("same {name}"), Agreement::Exact), (format!("other {name}"), Agreement::Differ));
        let near = |text: &str| (format!("{name} {text}"), Agreement::Near);
        let far = |text: &str| (format!("{name} {text}"), Agreement::Differ);
        let levels = match self.scale {
            Scale::Same => vec![same, differ],
            Scale::Edits => vec![same, near("one letter apart"), near("two letters apart"), differ],
            Scale::Phone => vec![same, near("one digit apart"), differ],
            Scale::Date => {
                vec![same, near("one digit apart"), near("two digits apart"), far("of the same year"), differ]
            }
            Scale::Near => vec![same, near("within a twentieth"), far("within a quarter"), differ],
            Scale::Letters => vec![same, near("alike"), far("faintly alike"), differ],
        };
        let of = |(place, (name, agreement)): (u8, (String, Agreement))| {
            let same = (agreement == Agreement::Exact).then(|| u8::try_from(self.field).ok()).flatten();
            let part = Part { role: self.role, agreement, component: (0, place), same };
            Level { name, group: 1, parts: SmallVec::from_iter([part]) }
        };
        std::iter::once(nothing()).chain((1..).zip(levels).map(of)).collect()
    }

    pub(super) fn level(self, view: View<'_>, left: &[u32], right: &[u32]) -> u8 {
        let (a, b) = (left[self.field], right[self.field]);
        if a == NONE || b == NONE {
            return 0;
        }
        if a == b {
            return 1;
        }
        let (a, b) = (view.bytes(self.field, a), view.bytes(self.field, b));
        match self.scale {
            Scale::Same => 2,
            Scale::Edits if within_edits(a, b, 1) => 2,
            Scale::Edits if within_edits(a, b, 2) => 3,
            Scale::Edits => 4,
            Scale::Phone => {
                let ends = a.len().min(b.len()) >= 7 && (a.ends_with(b) || b.ends_with(a));
                if ends || within_edits(a, b, 1) { 2 } else { 3 }
            }
            Scale::Date if within_edits(a, b, 1) || swapped(a, b) => 2,
            Scale::Date if within_edits(a, b, 2) => 3,
            Scale::Date if a.len() >= 4 && b.starts_with(&a[..4]) => 4,
            Scale::Date => 5,
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
