//! Which keys a scan is about, as a range that a database can look up.

/// A range of keys, in the order of their bytes.
///
/// A range and no pattern, in which some characters of a prefix would have a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it begins.
    pub from: String,
    /// Whether the key at `from` itself is left out.
    pub behind: bool,
    /// The first key that is not in it any more; `None` if it goes on to the end.
    pub until: Option<String>,
}

impl KeyRange {
    /// The keys that start with `prefix` and stand behind `after`.
    #[must_use]
    pub fn of(prefix: &str, after: Option<&str>) -> Self {
        let (from, behind) = match after {
            Some(after) if after >= prefix => (after, true),
            _ => (prefix, false),
        };
        Self { from: from.to_owned(), behind, until: end_of_prefix(prefix) }
    }
}

/// The first text behind all that starts with `prefix`; `None` if there is no such text.
///
/// UTF-8 bytes sort like the characters they encode.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut rest = prefix.chars();
    while let Some(last) = rest.next_back() {
        // The range skips the surrogates, as UTF-8 does.
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Some(rest.as_str().chars().chain([next]).collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{KeyRange, end_of_prefix};

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_that_does_not_start_with_it() {
        assert_eq!(end_of_prefix(""), None);
        assert_eq!(end_of_prefix("\u{10FFFF}"), None);
        assert_eq!(end_of_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(end_of_prefix("a\u{10FFFF}\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(end_of_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(end_of_prefix("a\u{7f}").as_deref(), Some("a\u{80}"));
    }

    #[test]
    fn a_range_begins_behind_after_and_not_before_the_prefix() {
        let from = |prefix, after| {
            let range = KeyRange::of(prefix, after);
            (range.from, range.behind)
        };
        assert_eq!(from("m", None), ("m".to_owned(), false));
        assert_eq!(from("m", Some("a")), ("m".to_owned(), false));
        assert_eq!(from("m", Some("m")), ("m".to_owned(), true));
        assert_eq!(from("m", Some("n")), ("n".to_owned(), true));
    }
}
