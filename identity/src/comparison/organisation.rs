//! Names of companies: by letters, and by words, as words are added, dropped and shortened, the rare ones telling: that two are "media"
//! says little.

use smallvec::SmallVec;

use super::words::likeness;
use super::{Agreement, Level, Part, Said, View};
use crate::dictionary::NONE;
use crate::layout::{Layout, Role};
use crate::similarity::{jaro_winkler, within_edits};

/// A company's name, and the site that may speak of it where a record has no such name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Organisation {
    company: usize,
    site: Option<usize>,
}

/// Which values are there: whether a record has a company at all tells something too, as persons have none.
const NEITHER: u8 = 0;
const BOTH: u8 = 1;
const ONE_AND_SITE: u8 = 2;

/// The names share rare words from this likeness on: of all their words, weighed by rarity, half are shared.
const RARE: f64 = 0.5;

/// A name of at most so many letters has no more words than are known of it.
const ALL_WORDS: usize = 127;

const LEVELS: [(&str, u8, Option<Agreement>); 13] = [
    ("neither has a company", NEITHER, None),
    ("same company", BOTH, Some(Agreement::Exact)),
    ("same words", BOTH, Some(Agreement::Near)),
    ("company alike", BOTH, Some(Agreement::Near)),
    ("one name within the other", BOTH, Some(Agreement::Near)),
    ("rare words shared", BOTH, Some(Agreement::Near)),
    ("company begins alike", BOTH, Some(Agreement::Differ)),
    ("common words shared", BOTH, Some(Agreement::Differ)),
    ("other company", BOTH, Some(Agreement::Differ)),
    ("the domain spells the company", ONE_AND_SITE, Some(Agreement::Exact)),
    ("the domain begins like the company", ONE_AND_SITE, Some(Agreement::Near)),
    ("the domain does not speak of the company", ONE_AND_SITE, Some(Agreement::Differ)),
    ("only one has a company", NEITHER, None),
];

impl Organisation {
    pub(super) fn of(layout: &Layout) -> Option<Self> {
        Some(Self { company: layout.field(Role::Company)?, site: layout.site })
    }

    pub(super) fn levels(self) -> Vec<Level> {
        let of = |(place, (name, group, agreement)): (u8, (&str, u8, Option<Agreement>))| {
            let same = (place == 1).then(|| u8::try_from(self.company).ok()).flatten();
            let part = agreement.map(|agreement| Part { role: Role::Company, agreement, component: (0, place), same });
            Level { name: name.into(), group, parts: part.into_iter().collect() }
        };
        (0..).zip(LEVELS).map(of).collect()
    }

    pub(super) fn level(self, view: View<'_>, left: Said<'_>, right: Said<'_>) -> u8 {
        let (a, b) = (left[self.company], right[self.company]);
        match (a == NONE, b == NONE) {
            (true, true) => 0,
            (false, false) => level(view, self.company, left, right),
            (missing, _) => {
                let site = |row: Said<'_>| self.site.map_or(NONE, |site| row[site]);
                let (name, site, own) =
                    if missing { (b, site(left), site(right)) } else { (a, site(right), site(left)) };
                // Two records of one site: what the domain spells is told already.
                if site == NONE || site == own {
                    return 12;
                }
                spelled(view.bytes(self.company, name), self.site.map_or(&[], |field| view.bytes(field, site)))
            }
        }
    }
}

/// Whether a domain is made of a company's name.
fn spelled(company: &[u8], domain: &[u8]) -> u8 {
    let letters =
        |text: &[u8]| text.iter().filter(|byte| byte.is_ascii_alphanumeric()).copied().collect::<SmallVec<[u8; 64]>>();
    let domain = letters(domain.split(|byte| *byte == b'.').next().unwrap_or_default());
    let whole = letters(company);
    let first = first(company);
    if whole.len() >= 4 && (domain.starts_with(&whole) || whole.len() >= 8 && within_edits(&whole, &domain, 2)) {
        9
    } else if first.len() >= 3 && domain.starts_with(first) {
        10
    } else {
        11
    }
}

fn level(view: View<'_>, field: usize, left: Said<'_>, right: Said<'_>) -> u8 {
    let (a, b) = (left[field], right[field]);
    if a == b {
        return 1;
    }
    let (x, y) = view.signatures(field, left, right);
    let may_be_one = x.may_have_letters_of(y) || x.may_be_within_edits(y, 2) || x.may_be_alike(y, 0.88);
    // Most share no word and few letters.
    if !may_be_one && x.length().max(y.length()) <= ALL_WORDS && !view.share_words(field, left, right) {
        return 8;
    }
    let lexicon = view.lexicon(field);
    let (of_a, of_b) = (lexicon.words_of(a), lexicon.words_of(b));
    let (a, b) = (view.bytes(field, a), view.bytes(field, b));
    if a.len().abs_diff(b.len()) <= 2 && within_edits(a, b, if a.len() >= 10 { 2 } else { 1 }) {
        return 3;
    }
    let (words_a, words_b) = (words(a), words(b));
    let (short, long) = if words_a.len() <= words_b.len() { (&words_a, &words_b) } else { (&words_b, &words_a) };
    let within = short.iter().filter(|word| long.contains(word)).count();
    let letters = |text: &[u8]| text.iter().filter(|byte| **byte != b' ').copied().collect::<SmallVec<[u8; 64]>>();
    if (within == short.len() && within == long.len()) || x.may_have_letters_of(y) && letters(a) == letters(b) {
        return 2;
    }
    let rare = within > 0 && likeness(lexicon, of_a, of_b) >= RARE;
    if within == short.len() && rare {
        return 4;
    }
    // All but one word are the same, and that one is alike: a slip, or a word cut short.
    let (rest_a, rest_b) = (rest(&words_a, &words_b), rest(&words_b, &words_a));
    if let ([a], [b]) = (rest_a.as_slice(), rest_b.as_slice())
        && within > 0
        && (a.starts_with(b) || b.starts_with(a) || within_edits(a, b, 2) && a.len().min(b.len()) >= 5)
    {
        return 3;
    }
    if jaro_winkler(a, b, 0.95) > 0.0 {
        return 3;
    }
    if rare {
        5
    } else if first(a) == first(b) && first(a).len() >= 3 || jaro_winkler(a, b, 0.88) > 0.0 {
        6
    } else if within > 0 {
        7
    } else {
        8
    }
}

/// The first word of a name.
fn first(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == b' ').next().unwrap_or_default()
}

/// The first two words that are in one name and not in the other.
fn rest<'a>(of: &[&'a [u8]], other: &[&[u8]]) -> SmallVec<[&'a [u8]; 2]> {
    of.iter().filter(|word| !other.contains(word)).take(2).copied().collect()
}

fn words(text: &[u8]) -> SmallVec<[&[u8]; 8]> {
    text.split(|byte| *byte == b' ').filter(|word| !word.is_empty() && *word != b"and").collect()
}
