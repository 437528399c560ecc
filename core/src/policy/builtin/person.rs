//! Leaving it to a person.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Value;

/// Ends a chain: what reaches it is parked until a person decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Park;

impl<T: Value> Policy<T> for Park {
    fn name(&self) -> Cow<'static, str> {
        "park".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, _: &Candidates<'_, T>) -> Answer<T> {
        Answer::Park("the earlier policies could not tell")
    }
}

/// Every change of the attribute is decided by a person, even one that is uncontested.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Manual;

impl<T: Value> Policy<T> for Manual {
    fn name(&self) -> Cow<'static, str> {
        "manual".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, _: &Candidates<'_, T>) -> Answer<T> {
        Answer::Park("the model leaves this attribute to a person")
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{World, says};
    use crate::policy::builtin::{manual, park};
    use crate::value::Composite;

    #[test]
    fn a_person_is_asked_whatever_the_candidates() {
        let world = World::of(&[says("a", "x").owner(0)]);
        assert_eq!(world.ask::<Composite, _>(&park()), "! the earlier policies could not tell");
        assert_eq!(world.ask::<Composite, _>(&manual()), "! the model leaves this attribute to a person");
    }
}
