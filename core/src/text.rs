//! `Text`: the short immutable string that ids and canonical values are made of.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Deref;
use std::str::FromStr;

use lean_string::LeanStr;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An immutable string of two words, kept inline up to 16 bytes; a longer one is shared with its copies.
///
/// Names, native ids and canonical values are mostly that short, and what is said of one value is said in many places: in the
/// cell of a representation, in bases, in golden.
#[derive(Clone, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(LeanStr);

impl Text {
    /// Copies `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(LeanStr::from(text))
    }

    /// Text that is part of the program: long or short, it is not copied.
    #[must_use]
    pub const fn fixed(text: &'static str) -> Self {
        Self(LeanStr::from_static_str(text))
    }

    /// The parts, one behind the other. Keys are composed all the time, and formatting them is most of what that costs.
    #[must_use]
    pub fn of_parts(parts: &[&str]) -> Self {
        let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| text.push_str(part));
        Self::from(text)
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Reads a value from its text, which is not kept: a number of which a store holds many costs no allocation.
pub(crate) fn read_from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    struct Reads<T>(PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Reads<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Reads(PhantomData))
}

/// By content. Copies of one long text share it, and are equal without a look at it.
impl PartialEq for Text {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let (text, other) = (self.as_str(), other.as_str());
        std::ptr::eq(text, other) || text == other
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.0.as_str()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.0.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(LeanStr::from(text))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, read_from_text};

    #[test]
    fn parts_make_one_text_short_or_long() {
        assert_eq!(Text::of_parts(&[]), Text::default());
        assert_eq!(Text::of_parts(&["a", "", "b"]).as_str(), "ab");
        let long = Text::of_parts(&["hubspot", "\u{1f}", "contacts", "\u{1f}", "10000000017"]);
        assert_eq!(long.as_str(), "hubspot\u{1f}contacts\u{1f}10000000017");
    }

    #[test]
    fn a_value_is_read_from_text_with_escapes_and_without_and_from_nothing_else() {
        let read = |json: &str| {
            let mut deserializer = serde_json::Deserializer::from_str(json);
            read_from_text::<u16, _>(&mut deserializer)
        };
        assert_eq!(read("\"17\"").expect("it is a number"), 17);
        assert_eq!(read("\"1\\u0037\"").expect("it is a number"), 17);
        assert!(read("\"x\"").is_err() && read("17").is_err());
    }
}
