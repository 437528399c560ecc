//! Extent: the longest text, the most complete group.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::policy::builtin::voices::Voices;
use crate::policy::{Answer, Candidates, Policy};
use crate::text::Text;
use crate::value::{Composite, Value};

/// The value of most characters (Unicode scalar values of the canonical text). A tie is inconclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Longest;

impl<T: Value> Policy<T> for Longest {
    fn name(&self) -> Cow<'static, str> {
        "longest".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let voices = Voices::deciding(candidates.raw()).with_value();
        let length = |text: &str| text.chars().count();
        voices
            .greatest(|candidate| candidate.field.as_value().map_or(0, length))
            .decide("several values are the longest")
    }
}

/// The group of which most members have a value. A tie is inconclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct MostComplete;

impl Policy<Composite> for MostComplete {
    fn name(&self) -> Cow<'static, str> {
        "most_complete".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, Composite>) -> Answer<Composite> {
        let voices = Voices::deciding(candidates.raw()).with_value();
        voices
            .greatest(|candidate| candidate.field.as_value().map_or(0, members_with_a_value))
            .decide("several groups are the most complete")
    }
}

/// How many members of a joined text ([`crate::value::join`]) are neither null nor empty.
fn members_with_a_value(joined: &str) -> usize {
    let members: Vec<Option<Text>> = serde_json::from_str(joined).unwrap_or_default();
    members.iter().flatten().filter(|member| !member.is_empty()).count()
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{clears, says, table};
    use crate::policy::builtin::{longest, most_complete};
    use crate::value::Composite;

    #[test]
    fn the_longest_value_wins() {
        table::<Composite, _>(
            &longest(),
            &[
                ("longer", &[says("a", "Acme"), says("b", "Acme Inc")], "Acme Inc"),
                ("characters, not bytes", &[says("a", "üü"), says("b", "abc")], "abc"),
                ("a tie", &[says("a", "abc"), says("b", "xyz")], "? several values are the longest"),
                ("two that agree", &[says("a", "abc"), says("b", "abc"), says("c", "d")], "abc"),
                ("a clear is no value", &[clears("a"), says("b", "x")], "x"),
                ("only clears", &[clears("a"), clears("b")], "(none)"),
            ],
        );
    }

    #[test]
    fn the_most_complete_group_wins() {
        table::<Composite, _>(
            &most_complete(),
            &[
                (
                    "two of two",
                    &[says("a", r#"["Main St",null]"#), says("b", r#"["Elm","90210"]"#)],
                    r#"["Elm","90210"]"#,
                ),
                (
                    "empty is not filled",
                    &[says("a", r#"["Main St",""]"#), says("b", r#"["Elm","1"]"#)],
                    r#"["Elm","1"]"#,
                ),
                (
                    "a tie",
                    &[says("a", r#"["Main St",null]"#), says("b", r#"[null,"90210"]"#)],
                    "? several groups are the most complete",
                ),
                ("text that is no group has no members", &[says("a", "junk"), says("b", r#"["x"]"#)], r#"["x"]"#),
            ],
        );
    }
}
