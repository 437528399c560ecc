//! The union of a collection, element by element.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::policy::builtin::voices::{SILENT, Voices};
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Value;

/// An element is there if an origin supports it, and leaves with its last support.
///
/// Candidates are the element's field in each system; Null means that the system lacks it. A system supports what it
/// said itself. What we copied there supports nothing, unless its origin cannot be seen: a hidden system withdraws
/// nothing. Supporters of a keyed element that differ in its content are inconclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Union;

impl<T: Value> Policy<T> for Union {
    fn name(&self) -> Cow<'static, str> {
        "union".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let voices = Voices::deciding(candidates.raw());
        let seen = |system| voices.iter().any(|candidate| candidate.system == system);
        let holders = voices.keep(|candidate| candidate.field.is_value());
        let supporters = holders.keep(|candidate| candidate.is_original() || !seen(candidate.origin_system));
        if !supporters.is_empty() {
            return supporters.decide("systems differ in the content of the element");
        }
        let lacking = voices.keep(|candidate| !candidate.field.is_value());
        if lacking.is_empty() { holders.decide("copies of the element differ") } else { lacking.decide(SILENT) }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{clears, says, table};
    use crate::policy::builtin::union;
    use crate::value::Composite;

    #[test]
    fn an_element_stays_while_an_origin_supports_it() {
        table::<Composite, _>(
            &union(),
            &[
                ("one has it", &[says("a", "vip"), clears("b")], "vip"),
                ("both have it", &[says("a", "vip"), says("b", "vip")], "vip"),
                ("nobody has it", &[clears("a"), clears("b")], "(none)"),
                ("its last support left", &[clears("a"), says("b", "vip").copy_of("a", 9)], "(none)"),
                ("one support left of two", &[clears("a"), says("b", "vip"), says("c", "vip").copy_of("a", 9)], "vip"),
                ("its origin is hidden", &[says("b", "vip").copy_of("a", 9), clears("c")], "vip"),
                (
                    "keyed content differs",
                    &[says("a", r#"["1","x"]"#), says("b", r#"["1","y"]"#)],
                    "? systems differ in the content of the element",
                ),
                ("observers add nothing", &[clears("a").owner(0), says("b", "vip").observer()], "(none)"),
            ],
        );
    }
}
