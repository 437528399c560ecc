//! `Consent`: whether a person lets something be done, from the most restrictive to the least.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::value::text_form::text_form;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Ordered, Value};

/// What a person said when asked, in the order of how little it allows.
///
/// **Canonical form:** `denied`, `unknown`, `pending`, `granted`. Also read, in any case and with `_`, `-` or blanks between
/// words: `true` and `false` as granted and denied, and the words that systems use (`subscribed`, `unsubscribed`,
/// `not_subscribed`, `opted_in`, `opted_out`, `withdrawn`). A field that says the contrary, as `opted_out: true`, needs a
/// vocabulary of its own. Nothing else is read: what nobody knows is no consent.
///
/// Compared, the smaller is the more restrictive: [`most_restrictive`](crate::policy::builtin::most_restrictive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consent {
    /// They said no, or took back a yes.
    Denied,
    /// They were not asked, or nobody knows what they said.
    Unknown,
    /// They were asked and have not confirmed.
    Pending,
    /// They said yes.
    Granted,
}

const NOT_CONSENT: Malformed = Malformed::new("neither granted, pending, unknown nor denied");

/// Words of systems, in small letters with `_` between them.
const WORDS: &[(&str, Consent)] = &[
    ("denied", Consent::Denied),
    ("false", Consent::Denied),
    ("no", Consent::Denied),
    ("opted_out", Consent::Denied),
    ("opt_out", Consent::Denied),
    ("refused", Consent::Denied),
    ("revoked", Consent::Denied),
    ("unsubscribed", Consent::Denied),
    ("withdrawn", Consent::Denied),
    ("not_subscribed", Consent::Unknown),
    ("unknown", Consent::Unknown),
    ("pending", Consent::Pending),
    ("unconfirmed", Consent::Pending),
    ("granted", Consent::Granted),
    ("opt_in", Consent::Granted),
    ("opted_in", Consent::Granted),
    ("subscribed", Consent::Granted),
    ("true", Consent::Granted),
    ("yes", Consent::Granted),
];

impl Consent {
    /// Every state, the most restrictive first.
    pub const ALL: [Consent; 4] = [Consent::Denied, Consent::Unknown, Consent::Pending, Consent::Granted];

    /// The canonical word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Consent::Denied => "denied",
            Consent::Unknown => "unknown",
            Consent::Pending => "pending",
            Consent::Granted => "granted",
        }
    }

    /// Whether what was asked for may be done: only what was granted.
    #[must_use]
    pub const fn allows(self) -> bool {
        matches!(self, Consent::Granted)
    }

    /// The more restrictive of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

impl FromStr for Consent {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let letters = |text: &str| -> String {
            let letter = |c: char| if matches!(c, ' ' | '-') { '_' } else { c.to_ascii_lowercase() };
            text.trim().chars().map(letter).collect()
        };
        // The longest word has fourteen letters: nothing longer is written out in small ones.
        let word = if text.len() > 64 { String::new() } else { letters(text) };
        WORDS.iter().find(|(known, _)| *known == word).map(|(_, consent)| *consent).ok_or(NOT_CONSENT)
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

text_form!(Consent, "Consent", {
    "type": "string",
    "enum": ["denied", "unknown", "pending", "granted"],
    "description": "Whether a person lets something be done, the most restrictive first",
});

impl Value for Consent {
    const KIND: Kind = Kind { name: "consent", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        match leaf {
            Leaf::Text(text) => text.parse(),
            Leaf::Bool(true) => Ok(Consent::Granted),
            Leaf::Bool(false) => Ok(Consent::Denied),
            Leaf::Number(_) | Leaf::Null => Err(NOT_CONSENT),
        }
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(self.word());
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|consent| consent.word() == text).ok_or(NOT_CONSENT)
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.word().into())
    }

    fn samples() -> &'static [&'static str] {
        &["denied", "unknown", "pending", "granted"]
    }
}

impl OneLeaf for Consent {}

impl Ordered for Consent {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    #[test]
    fn reads_words_of_systems_and_no_others() {
        for (word, consent) in WORDS {
            let read = canonical::<Consent>(Leaf::Text(&word.to_uppercase().replace('_', " ")), &Hints::default());
            assert_eq!(read.as_deref(), Ok(consent.word()), "{word}");
        }
        for (said, expected) in [(true, Consent::Granted), (false, Consent::Denied)] {
            assert_eq!(Consent::parse(Leaf::Bool(said), &Hints::default()), Ok(expected));
        }
        for text in ["", "maybe", "1", "grant ed", "yes!", &"yes ".repeat(100)] {
            assert!(text.parse::<Consent>().is_err(), "{text}");
        }
        for leaf in [Leaf::Number("1"), Leaf::Null] {
            assert!(Consent::parse(leaf, &Hints::default()).is_err());
        }
        for text in ["Denied", "true", "opted_in"] {
            assert!(Consent::from_canonical(text).is_err(), "{text} is not canonical");
        }
    }

    #[test]
    fn only_what_was_granted_is_allowed() {
        let allowing: Vec<Consent> = Consent::ALL.into_iter().filter(|consent| consent.allows()).collect();
        assert_eq!(allowing, [Consent::Granted]);
    }

    /// All of them: there are four.
    #[test]
    fn the_more_restrictive_of_two_is_a_lattice() {
        for a in Consent::ALL {
            assert_eq!(a.and(a), a);
            assert_eq!(a.and(Consent::Denied), Consent::Denied);
            assert_eq!(a.and(Consent::Granted), a);
            for b in Consent::ALL {
                assert_eq!(a.and(b), b.and(a));
                assert!(a.and(b) <= a && a.and(b) <= b);
                assert!(!a.and(b).allows() || a.allows() && b.allows());
                for c in Consent::ALL {
                    assert_eq!(a.and(b).and(c), a.and(b.and(c)));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "[a-z_ -]{0,20}|.{0,200}") {
            holds::<Consent>(&text, &Hints::default());
        }
    }
}
