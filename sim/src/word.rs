//! Words: every value in the simulated world is a word that one person said once, so its way can be followed.

use std::fmt;

/// A value: nothing, or the word of a number. A system that rewrites keeps a word in capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Word(u32);

const CAPITAL: u32 = 1 << 31;

impl Word {
    /// No value.
    pub const NONE: Word = Word(0);

    /// The word of a number from 1 on.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number & !CAPITAL)
    }

    /// Whether there is a value.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }

    /// The word in capitals. Nothing stays nothing.
    #[must_use]
    pub const fn capital(self) -> Self {
        if self.0 == 0 { self } else { Self(self.0 | CAPITAL) }
    }

    /// The word as it was first said.
    #[must_use]
    pub const fn said(self) -> Self {
        Self(self.0 & !CAPITAL)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The word that a text spells; `None` for a text that nobody can have said.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::NONE);
        }
        let (capital, digits) = match text.as_bytes().first() {
            Some(b'w') => (0, &text[1..]),
            Some(b'W') => (CAPITAL, &text[1..]),
            _ => return None,
        };
        let number = digits.parse::<u32>().ok().filter(|number| *number > 0 && *number < CAPITAL)?;
        Some(Self(number | capital))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("nothing"),
            number if number & CAPITAL != 0 => write!(f, "W{}", number & !CAPITAL),
            number => write!(f, "w{number}"),
        }
    }
}
