//! Shapes of attributes, and paths into records.

use std::fmt;

use crate::text::Text;

/// Whether an attribute is one value or several, and what tells the elements apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Shape {
    /// One value.
    #[default]
    One,
    /// An ordered list, compared and written as a whole.
    List,
    /// A set: each value is a unit of its own, present or absent.
    Set,
    /// Elements told apart by a member; each is a unit, resolved as a group.
    Keyed,
}

/// Keys from the root of a record to a leaf: `defaultAddress.zip`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(Vec<Text>);

impl Path {
    /// Parses dotted keys. The empty text is the record itself. A backslash makes the next character literal.
    #[must_use]
    pub fn new(dotted: &str) -> Self {
        let mut keys = Vec::new();
        let mut key = String::new();
        let mut characters = dotted.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => key.extend(characters.next()),
                '.' => keys.push(Text::from(std::mem::take(&mut key))),
                other => key.push(other),
            }
        }
        if !key.is_empty() || !keys.is_empty() {
            keys.push(Text::from(key));
        }
        Self(keys)
    }

    /// The path of one key at the root of a record, whatever is in its name: a column `Tel.` is read by `Tel\.`.
    #[must_use]
    pub fn key(name: &str) -> Self {
        Self(vec![name.into()])
    }

    /// The keys, outermost first.
    #[must_use]
    pub fn keys(&self) -> &[Text] {
        &self.0
    }

    /// This path, continued by another.
    #[must_use]
    pub fn join(&self, rest: &Path) -> Self {
        Self(self.0.iter().chain(&rest.0).cloned().collect())
    }

    /// The rest of this path behind `prefix`, if it starts with it.
    #[must_use]
    pub fn strip(&self, prefix: &Path) -> Option<Self> {
        self.0.strip_prefix(prefix.0.as_slice()).map(|rest| Self(rest.to_vec()))
    }
}

impl From<&str> for Path {
    fn from(dotted: &str) -> Self {
        Self::new(dotted)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(&key.replace('\\', "\\\\").replace('.', "\\."))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
