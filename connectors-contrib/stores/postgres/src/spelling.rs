//! How keys, names and values are spelt in columns of text.
//!
//! PostgreSQL's text holds every character but U+0000, and its indexes hold no long text.

use std::borrow::Cow;

use accordant::text::Text;
use sha2::{Digest as _, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// How many characters of a key stand in the index. At four bytes each they fit into one of its pages three times over,
/// as they must.
const INDEXED: usize = 475;

/// Text without U+0000, in the same order, and with the same prefixes: U+0000 becomes U+0001 U+0001, U+0001 becomes
/// U+0001 U+0002.
pub(crate) fn spell(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    let mut spelt = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        match character {
            '\0' => spelt.push_str("\u{1}\u{1}"),
            '\u{1}' => spelt.push_str("\u{1}\u{2}"),
            other => spelt.push(other),
        }
    }
    Cow::Owned(spelt)
}

/// What was spelt.
pub(crate) fn read(spelt: &str) -> Text {
    if !spelt.contains('\u{1}') {
        return Text::new(spelt);
    }
    let (mut text, mut characters) = (String::with_capacity(spelt.len()), spelt.chars());
    while let Some(character) = characters.next() {
        text.push(match character {
            // The second of a pair says which character is meant.
            '\u{1}' => characters.next().map_or('\u{1}', |second| if second == '\u{1}' { '\0' } else { '\u{1}' }),
            other => other,
        });
    }
    Text::from(text)
}

/// A key in its columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) rest: String,
    pub(crate) tail: Vec<u8>,
}

impl Key {
    pub(crate) fn of(key: &str) -> Self {
        let mut key = spell(key).into_owned();
        // A cut behind so many characters, and not bytes, falls at the same place in all keys that are alike so far:
        // so the pair of both parts has the order of the whole.
        let cut = if key.len() <= INDEXED { None } else { key.char_indices().nth(INDEXED) };
        let rest = cut.map_or_else(String::new, |(cut, _)| key.split_off(cut));
        let tail = if rest.is_empty() { Vec::new() } else { Sha256::digest(&rest).to_vec() };
        Self { key, rest, tail }
    }

    pub(crate) fn read(key: &str, rest: &str) -> Text {
        if rest.is_empty() { read(key) } else { read(&format!("{key}{rest}")) }
    }
}

/// Keys as arrays, a column each.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) keys: Vec<String>,
    pub(crate) rests: Vec<String>,
    pub(crate) tails: Vec<Vec<u8>>,
}

impl Keys {
    pub(crate) fn push(&mut self, key: &str) {
        let Key { key, rest, tail } = Key::of(key);
        self.keys.push(key);
        self.rests.push(rest);
        self.tails.push(tail);
    }
}

/// Content for the columns `value` and `bytes`: the first if it is text that PostgreSQL can hold, else the second.
pub(crate) fn content(content: &[u8]) -> (Option<&str>, Option<&[u8]>) {
    match std::str::from_utf8(content) {
        Ok(text) if !text.contains('\0') => (Some(text), None),
        _ => (None, Some(content)),
    }
}

/// The content of the columns at `value` and behind it; `None` if it was erased.
pub(crate) fn content_of(row: &Row, value: usize) -> Result<Option<Vec<u8>>, tokio_postgres::Error> {
    match row.try_get::<_, Option<&str>>(value)? {
        Some(text) => Ok(Some(text.as_bytes().to_vec())),
        None => row.try_get(value + 1),
    }
}

/// PostgreSQL's integers are signed. Revisions and places count up from 1 and never come near the sign.
pub(crate) const fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

/// A count or place as a bound; beyond what PostgreSQL can count, there is nothing.
pub(crate) fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Arguments of a statement.
pub(crate) type Arguments<'a> = [&'a (dyn ToSql + Sync)];

#[cfg(test)]
mod tests {
    use super::{INDEXED, Key, read, spell};

    /// Texts in ascending order, around everything that is spelt otherwise.
    fn ordered() -> Vec<String> {
        let mut texts: Vec<String> = [
            "",
            "\0",
            "\0\0",
            "\0\u{1}",
            "\0a",
            "\u{1}",
            "\u{1}\0",
            "\u{1}\u{1}",
            "\u{2}",
            "a",
            "a\0",
            "a\0b",
            "a\u{1}",
        ]
        .map(str::to_owned)
        .to_vec();
        let long = "é".repeat(INDEXED - 1);
        let ends = ["", "a", "aa", "é", "éa", "é\u{10ffff}", "日", "日a", "🧑", "🧑🧑"];
        texts.extend(ends.map(|end| format!("{long}{end}")));
        texts.sort_unstable();
        texts
    }

    #[test]
    fn what_is_spelt_is_read_and_keeps_its_order() {
        for text in ordered() {
            assert_eq!(read(&spell(&text)).as_str(), text);
            assert!(!spell(&text).contains('\0'));
        }
        assert!(ordered().is_sorted_by_key(|text| spell(text).into_owned()));
    }

    #[test]
    fn a_key_in_parts_keeps_its_order_and_its_whole() {
        for text in ordered() {
            let key = Key::of(&text);
            assert_eq!(Key::read(&key.key, &key.rest).as_str(), text);
            assert!(key.key.len() <= 4 * INDEXED);
            assert_eq!(key.rest.is_empty(), key.tail.is_empty());
        }
        let parts = |text: &String| {
            let key = Key::of(text);
            (key.key, key.rest)
        };
        assert!(ordered().is_sorted_by_key(parts));
    }
}
