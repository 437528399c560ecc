//! Patterns, as a table that takes a byte at a time.

use std::collections::HashMap;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::{primitives::StateID, start, syntax};
use regex_automata::{Anchored, MatchKind};

/// The largest table: beyond it, a pattern is refused.
const LARGEST: usize = 4 << 20;

/// No text that begins so is of the pattern. State 0 of every table.
const DEAD: u16 = 0;

/// A regular expression that a whole text must be of. No text takes longer than its length: there is no going back, and what
/// the pattern needs is known before the first text is seen.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    /// Of each state and byte, the state behind it.
    next: Box<[u16]>,
    /// Whether a text may end in the state.
    ends: Box<[bool]>,
    start: u16,
}

impl Pattern {
    /// Compiles it, in the syntax of the `regex` crate. It is matched against the whole text, as if it stood between `\A` and
    /// `\z`. Nothing where it is no pattern, looks at word boundaries of Unicode, or needs more than 4 MiB.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    // Whatever a search would prefer: a text is of the pattern if any way through it ends where the text does.
                    .match_kind(MatchKind::All)
                    .minimize(false)
                    .dfa_size_limit(Some(LARGEST))
                    .determinize_size_limit(Some(4 * LARGEST)),
            )
            .syntax(syntax::Config::new().utf8(false))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(LARGEST)))
            .build(text)
            .ok()?;
        let first = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
        // From then on it is walked without classes of bytes and special states: one look at a table a byte.
        let mut numbers: HashMap<StateID, u16> = HashMap::new();
        let mut states = vec![None];
        let mut number = |state: StateID, states: &mut Vec<Option<StateID>>| -> Option<u16> {
            if dfa.is_dead_state(state) {
                return Some(DEAD);
            }
            if let Some(number) = numbers.get(&state) {
                return Some(*number);
            }
            let number = u16::try_from(states.len()).ok().filter(|_| states.len() * 512 <= LARGEST)?;
            states.push(Some(state));
            numbers.insert(state, number);
            Some(number)
        };
        let start = number(first, &mut states)?;
        let (mut next, mut ends, mut place) = (vec![DEAD; 256], vec![false], 1);
        while let Some(state) = states.get(place).copied().flatten() {
            if dfa.is_quit_state(state) {
                return None;
            }
            for byte in 0..=u8::MAX {
                next.push(number(dfa.next_state(state, byte), &mut states)?);
            }
            ends.push(dfa.is_match_state(dfa.next_eoi_state(state)));
            place += 1;
        }
        Some(Self { text: text.to_owned(), next: next.into(), ends: ends.into(), start })
    }

    /// The expression.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether each of four texts is. Four are walked beside each other as far as the shortest goes: a step waits for the one before
    /// it, and not for those of another text.
    pub(crate) fn matches_four(&self, texts: [&[u8]; 4]) -> [bool; 4] {
        let together = texts.iter().map(|text| text.len()).min().unwrap_or_default();
        let [a, b, c, d] = texts.map(|text| &text[..together]);
        let step = |state: u16, byte: u8| self.next[usize::from(state) << 8 | usize::from(byte)];
        let mut states = [self.start; 4];
        // The dead state leads to itself.
        for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
            states = [step(states[0], *a), step(states[1], *b), step(states[2], *c), step(states[3], *d)];
        }
        let rest = |of: usize| texts[of][together..].iter().fold(states[of], |state, byte| step(state, *byte));
        [0, 1, 2, 3].map(|of| self.ends[usize::from(rest(of))])
    }

    /// Whether the whole text is of the pattern.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let mut state = self.start;
        for byte in text {
            state = self.next[usize::from(state) << 8 | usize::from(*byte)];
            if state == DEAD {
                return false;
            }
        }
        self.ends[usize::from(state)]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::Pattern;

    #[test]
    fn a_whole_text_is_of_the_pattern_or_not() {
        let cases: [(&str, &[&str], &[&str]); 8] = [
            ("a|ab", &["a", "ab"], &["", "b", "aba", "xa", "a\n"]),
            ("[a-z]+@[a-z]+", &["x@y", "abc@d"], &["x@", "@y", "x@y ", "X@y"]),
            (r"\d{3}-\d{2}", &["123-45", "٣٣٣-٤٥"], &["123-456", "12-45"]),
            (r"(?-u:\d){2}", &["12"], &["٣٣", "1", "123"]),
            ("", &[""], &["a"]),
            ("ä?.", &["ä", "x", "äx"], &["äxx", ""]),
            (
                "(?x) a # then
                b",
                &["ab"],
                &["a", "a b"],
            ),
            ("(?i)ord", &["ORD", "oRd"], &["or"]),
        ];
        for (text, of, not) in cases {
            let pattern = Pattern::new(text).unwrap();
            assert_eq!(pattern.as_str(), text);
            for four in of.iter().chain(not).collect::<Vec<_>>().windows(4) {
                let four: [&[u8]; 4] = std::array::from_fn(|place| four[place].as_bytes());
                assert_eq!(pattern.matches_four(four), four.map(|text| pattern.matches(text)), "{text}");
            }
            for good in of {
                assert!(pattern.matches(good.as_bytes()), "{text} {good:?}");
            }
            for bad in not {
                assert!(!pattern.matches(bad.as_bytes()), "{text} {bad:?}");
            }
        }
        assert!(!Pattern::new(".").unwrap().matches(&[0xff]), "no text");
    }

    #[test]
    fn what_is_no_pattern_or_a_large_one_is_refused() {
        for bad in ["(", "a{2", "[z-a]", r"\b\w", r"\w{400}", "(?:(?:a{1000}){1000}){1000}", "(?P<x", "a)(b"] {
            assert!(Pattern::new(bad).is_none(), "{bad}");
        }
    }
}
