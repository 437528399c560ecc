//! An address: street, postcode and city, which move together.

use smallvec::SmallVec;

use super::{Agreement, Level, Part, Said, View, nothing};
use crate::dictionary::NONE;
use crate::layout::{Layout, Role};
use crate::similarity::{jaro_winkler, within_edits};

/// Street, postcode and city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    street: Option<usize>,
    postcode: Option<usize>,
    city: Option<usize>,
}

const STREET: [(&str, Option<Agreement>); 5] = [
    ("", None),
    ("same street and number", Some(Agreement::Exact)),
    ("street alike", Some(Agreement::Near)),
    ("other number", Some(Agreement::Near)),
    ("other street", Some(Agreement::Differ)),
];
const POSTCODE: [(&str, Option<Agreement>); 4] = [
    ("", None),
    ("same postcode", Some(Agreement::Exact)),
    ("postcode alike", Some(Agreement::Near)),
    ("other postcode", Some(Agreement::Differ)),
];
const CITY: [(&str, Option<Agreement>); 4] = [
    ("", None),
    ("same city", Some(Agreement::Exact)),
    ("city alike", Some(Agreement::Near)),
    ("other city", Some(Agreement::Differ)),
];

impl Address {
    pub(super) fn of(layout: &Layout) -> Option<Self> {
        let address = Self {
            street: layout.field(Role::Street),
            postcode: layout.field(Role::Postcode),
            city: layout.field(Role::City),
        };
        (address.street.is_some() || address.postcode.is_some() || address.city.is_some()).then_some(address)
    }

    pub(super) fn levels(&self) -> Vec<Level> {
        let mut levels = Vec::new();
        for (s, street) in (0..).zip(STREET) {
            for (p, postcode) in (0..).zip(POSTCODE) {
                for (c, city) in (0..).zip(CITY) {
                    let all = [
                        (Role::Street, street, (0, s), self.street),
                        (Role::Postcode, postcode, (1, p), self.postcode),
                        (Role::City, city, (2, c), self.city),
                    ];
                    let parts: SmallVec<[Part; 3]> = all
                        .iter()
                        .filter_map(|(role, (_, agreement), component, field)| {
                            let agreement = (*agreement)?;
                            let same =
                                field.filter(|_| agreement == Agreement::Exact).and_then(|f| u8::try_from(f).ok());
                            Some(Part { role: *role, agreement, component: *component, same })
                        })
                        .collect();
                    let names = [street.0, postcode.0, city.0];
                    let name = names.iter().filter(|name| !name.is_empty()).copied().collect::<Vec<_>>().join(", ");
                    let group = u8::from(s > 0) + 2 * u8::from(p > 0) + 4 * u8::from(c > 0);
                    levels.push(if group == 0 { nothing() } else { Level { name, group, parts } });
                }
            }
        }
        levels
    }

    pub(super) fn level(&self, view: View<'_>, a: Said<'_>, b: Said<'_>) -> u8 {
        let street = self.street.map_or(0, |field| street_level(view, field, a, b));
        let postcode = self.postcode.map_or(0, |field| alike_level(view, field, a, b));
        let city = self.city.map_or(0, |field| alike_level(view, field, a, b));
        (street * 4 + postcode) * 4 + city
    }
}

fn street_level(view: View<'_>, field: usize, left: Said<'_>, right: Said<'_>) -> u8 {
    let (a, b) = (left[field], right[field]);
    if a == NONE || b == NONE {
        return 0;
    }
    if a == b {
        return 1;
    }
    let (x, y) = view.signatures(field, left, right);
    let (same_number, alike) = (x.may_have_digits_of(y), x.letters_may_be_alike(y, 2, 0.92));
    if !(x.may_have_letters_of(y) || same_number && alike) {
        return 4;
    }
    let (a, b) = (view.bytes(field, a), view.bytes(field, b));
    let same_number = digits(a).eq(digits(b));
    if letters(a).eq(letters(b)) {
        // "12 main st" and "1 2 main st" are one number; two numbers of one street are neighbours.
        return if same_number { 2 } else { 3 };
    }
    if !same_number {
        return 4;
    }
    let held = |text: &[u8]| letters(text).copied().collect::<SmallVec<[u8; 48]>>();
    let (a, b) = (held(a), held(b));
    let alike = within_edits(&a, &b, 2) && a.len().min(b.len()) >= 5 || jaro_winkler(&a, &b, 0.92) > 0.0;
    if alike { 2 } else { 4 }
}

fn letters(text: &[u8]) -> impl Iterator<Item = &u8> {
    text.iter().filter(|byte| byte.is_ascii_lowercase())
}

fn digits(text: &[u8]) -> impl Iterator<Item = &u8> {
    text.iter().filter(|byte| byte.is_ascii_digit())
}

/// For postcodes and cities.
fn alike_level(view: View<'_>, field: usize, left: Said<'_>, right: Said<'_>) -> u8 {
    let (a, b) = (left[field], right[field]);
    if a == NONE || b == NONE {
        return 0;
    }
    if a == b {
        return 1;
    }
    let (x, y) = view.signatures(field, left, right);
    if x.length().min(y.length()) < 4 || !x.may_be_within_edits(y, 1) {
        return 3;
    }
    if within_edits(view.bytes(field, a), view.bytes(field, b), 1) { 2 } else { 3 }
}
