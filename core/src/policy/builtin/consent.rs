//! The most restrictive consent.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::policy::builtin::order::Minimum;
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Consent;

/// The most restrictive of what systems say of a consent, whoever moved last: one denial is enough, and is owed to all.
///
/// Nobody's yes outweighs another's no, also not a later one. Where a person consents again, that is said where they said no, or
/// somebody decides it. A record that is met for the first time takes part at once. Who has no value says nothing.
/// Inconclusive if a value no longer reads as a consent: nothing is written then. It has no owners beside it, and stands alone in its
/// chain: a word that is not heard would be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct MostRestrictive;

impl Policy<Consent> for MostRestrictive {
    fn name(&self) -> Cow<'static, str> {
        "most_restrictive".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn hears_newcomers(&self) -> bool {
        true
    }

    fn resolve(&self, candidates: &Candidates<'_, Consent>) -> Answer<Consent> {
        Minimum.resolve(candidates)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::policy::builtin::fixture::{World, clears, says, table};
    use crate::policy::builtin::most_restrictive;
    use crate::value::Consent;

    #[test]
    fn one_denial_is_enough() {
        table::<Consent, _>(
            &most_restrictive(),
            &[
                ("one says no", &[says("a", "granted"), says("b", "denied"), says("c", "granted")], "denied"),
                ("a later yes", &[says("a", "granted").at(9).moved(), says("b", "denied").at(1)], "denied"),
                ("nobody was asked there", &[says("a", "granted"), says("b", "unknown")], "unknown"),
                ("not confirmed", &[says("a", "pending"), says("b", "granted")], "pending"),
                ("who has no value says nothing", &[says("a", "granted"), clears("b")], "granted"),
                ("all say yes", &[says("a", "granted").moved(), says("b", "granted")], "granted"),
                ("only clears", &[clears("a"), clears("b")], "(none)"),
                (
                    "unreadable",
                    &[says("a", "granted"), says("b", "maybe")],
                    "? a value no longer reads as a value of its type",
                ),
            ],
        );
    }

    proptest! {
        /// What comes out was said, allows no more than anybody does, and asking again with it changes nothing; who joins
        /// only ever restricts.
        #[test]
        fn it_allows_no_more_than_anybody(
            said in prop::collection::vec((0usize..4, any::<bool>(), -5i64..5), 1..6), joins in 0usize..4,
        ) {
            let voice = |(index, (consent, moved, at)): (usize, &(usize, bool, i64))| {
                let voice = says(["a", "b", "c", "d", "e"][index], Consent::ALL[*consent].word()).at(*at);
                if *moved { voice.moved() } else { voice }
            };
            let voices: Vec<_> = said.iter().enumerate().map(voice).collect();
            let asked = |voices: &[_]| -> Consent {
                World::of(voices).ask::<Consent, _>(&most_restrictive()).parse().expect("a consent")
            };
            let found = asked(&voices);
            let everybody = said.iter().map(|(consent, ..)| Consent::ALL[*consent]);
            prop_assert_eq!(Some(found), everybody.reduce(Consent::and));
            let mut again = voices.clone();
            again.push(says("z", found.word()));
            prop_assert_eq!(asked(&again), found);
            let mut joined = voices;
            joined.push(says("z", Consent::ALL[joins].word()));
            prop_assert_eq!(asked(&joined), found.and(Consent::ALL[joins]));
        }
    }
}
