//! Keys: whom a record is about, as systems of the built-in world spell it: `k0`, `k1` and so on.

use std::fmt;

/// The key of a subject, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(pub usize);

impl Key {
    /// The key that a text spells; `None`: it spells none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix('k')?.parse().ok().map(Self)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_spelled_and_nothing_else_is_one() {
        assert_eq!(Key::parse(&Key(12).to_string()), Some(Key(12)));
        assert_eq!(["w1", "k", "kx", "xk1", ""].map(Key::parse), [None; 5]);
    }
}
