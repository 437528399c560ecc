//! Titles, names of authors and descriptions: by words, the rare ones telling.
//!
//! Two titles are as alike as the rare words that they share, weighed against all their words. A code, letters with digits as
//! models of products have, is the rarest word there is: shared it tells much, and two codes that differ tell as much.

use smallvec::SmallVec;

use super::{Agreement, Level, Part, Said, View, nothing};
use crate::dictionary::NONE;
use crate::layout::{Layout, Role};
use crate::lexicon::Lexicon;

/// A title, with the description that may repeat its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words {
    title: usize,
    description: Option<usize>,
}

/// Names of persons: authors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Persons {
    names: usize,
}

const STEPS: [f64; 9] = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
const CODES: [(&str, Agreement); 3] =
    [("the same code", Agreement::Exact), ("no two codes", Agreement::Near), ("other codes", Agreement::Differ)];

impl Words {
    pub(super) fn of(layout: &Layout) -> Option<Self> {
        Some(Self { title: layout.field(Role::Title)?, description: layout.field(Role::Description) })
    }

    pub(super) fn levels(self) -> Vec<Level> {
        let mut levels = vec![nothing()];
        for (code, (codes, agreement)) in (0_u8..).zip(CODES) {
            for step in 0..=STEPS.len() as u8 {
                let likeness = STEPS.get(usize::from(step)).copied().unwrap_or_default();
                let title = match step {
                    0..=2 => Agreement::Exact,
                    3..=5 => Agreement::Near,
                    _ => Agreement::Differ,
                };
                let place = 1 + code * (STEPS.len() as u8 + 1) + step;
                let part = |role, agreement| Part { role, agreement, component: (0, place), same: None };
                let mut parts = SmallVec::from_iter([part(Role::Title, title)]);
                if agreement != Agreement::Near {
                    parts.push(part(Role::Identifier, agreement));
                }
                levels.push(Level { name: format!("titles alike by {likeness:.1} or more, {codes}"), group: 1, parts });
            }
        }
        levels
    }

    pub(super) fn level(self, view: View<'_>, a: Said<'_>, b: Said<'_>) -> u8 {
        let (left, right) = (a[self.title], b[self.title]);
        if left == NONE || right == NONE {
            return 0;
        }
        let lexicon = view.lexicon(self.title);
        let codes = |row: Said<'_>, title: u32| {
            let described = self.description.map(|field| (view.lexicon(field), row[field]));
            (codes(lexicon, title), described)
        };
        let code = compare_codes(lexicon, codes(a, left), codes(b, right));
        let likeness =
            if left == right { 1.0 } else { likeness(lexicon, lexicon.words_of(left), lexicon.words_of(right)) };
        let step = STEPS.iter().position(|step| likeness >= *step).unwrap_or(STEPS.len());
        1 + code * (STEPS.len() as u8 + 1) + step as u8
    }
}

impl Persons {
    pub(super) fn of(layout: &Layout) -> Option<Self> {
        Some(Self { names: layout.field(Role::Names)? })
    }

    pub(super) fn levels(self) -> Vec<Level> {
        let of = |(place, (name, agreement)): (u8, (&str, Agreement))| {
            let part = Part { role: Role::Names, agreement, component: (0, place), same: None };
            Level { name: name.into(), group: 1, parts: SmallVec::from_iter([part]) }
        };
        let names = [
            ("the same names", Agreement::Exact),
            ("most names", Agreement::Near),
            ("some names", Agreement::Near),
            ("few names", Agreement::Differ),
            ("other names", Agreement::Differ),
        ];
        std::iter::once(nothing()).chain((1..).zip(names).map(of)).collect()
    }

    pub(super) fn level(self, view: View<'_>, a: Said<'_>, b: Said<'_>) -> u8 {
        let (left, right) = (a[self.names], b[self.names]);
        if left == NONE || right == NONE {
            return 0;
        }
        let lexicon = view.lexicon(self.names);
        let likeness =
            if left == right { 1.0 } else { likeness(lexicon, lexicon.words_of(left), lexicon.words_of(right)) };
        [0.95, 0.7, 0.4, 0.1].iter().position(|step| likeness >= *step).map_or(5, |step| 1 + step as u8)
    }
}

/// How rare a word is.
fn rarity(lexicon: &Lexicon, word: u32) -> f64 {
    let values = lexicon.values() as f64;
    (1.0 + values / f64::from(lexicon.values_with(word).max(1))).ln()
}

/// The cosine of two values, their words weighed by rarity.
pub(super) fn likeness(lexicon: &Lexicon, a: &[u32], b: &[u32]) -> f64 {
    let square = |word: &u32| rarity(lexicon, *word).powi(2);
    let (mut shared, mut only_a, mut only_b) = (0.0, 0.0, 0.0);
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (Some(x), Some(y)) if x == y => {
                shared += square(x);
                left.next();
                right.next();
            }
            (Some(x), Some(y)) if x < y => {
                only_a += square(x);
                left.next();
            }
            (_, Some(y)) => {
                only_b += square(y);
                right.next();
            }
            (Some(x), None) => {
                only_a += square(x);
                left.next();
            }
            (None, None) => break,
        }
    }
    shared / ((shared + only_a) * (shared + only_b)).sqrt().max(f64::MIN_POSITIVE)
}

/// Words with digits and letters, or long numbers: a model, a part.
fn codes(lexicon: &Lexicon, value: u32) -> SmallVec<[u32; 4]> {
    let is_code = |word: &&u32| {
        let bytes = lexicon.words().bytes(**word);
        let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        bytes.len() >= 4
            && digits >= 2
            && (digits < bytes.len() || bytes.len() >= 5)
            && lexicon.values_with(**word) <= 8
    };
    lexicon.words_of(value).iter().filter(is_code).copied().collect()
}

type Coded<'a> = (SmallVec<[u32; 4]>, Option<(&'a Lexicon, u32)>);

fn compare_codes(lexicon: &Lexicon, a: Coded<'_>, b: Coded<'_>) -> u8 {
    let text = |word: &u32| lexicon.words().bytes(*word);
    let alike = |x: &u32, y: &u32| {
        x == y || {
            let (x, y) = (text(x), text(y));
            // A colour or a country is hung on behind.
            let (short, long) = if x.len() <= y.len() { (x, y) } else { (y, x) };
            long.starts_with(short) && short.len() >= 4 && long.len() - short.len() <= 3
        }
    };
    let told = |codes: &[u32], described: Option<(&Lexicon, u32)>| {
        described.is_some_and(|(described, value)| {
            let words = described.words_of(value);
            codes.iter().any(|code| words.iter().any(|word| described.words().bytes(*word) == text(code)))
        })
    };
    if a.0.iter().any(|x| b.0.iter().any(|y| alike(x, y))) || told(&a.0, b.1) || told(&b.0, a.1) {
        0
    } else if a.0.is_empty() || b.0.is_empty() {
        1
    } else {
        2
    }
}
