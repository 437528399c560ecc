//! References: that every one leads to an entity that is there.

use chrono::{DateTime, Utc};

use crate::check::{Dimension, EntityCheck, Examined, Reaches, Reference, Violation};
use crate::fingerprint::Fingerprint;
use crate::golden::GoldenLife;
use crate::text::Text;

/// That every golden reference of an entity leads to an entity of its type that exists.
///
/// What a system names and nothing is linked to is a discrepancy from the moment on that it is read; this finds what became of
/// the target since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct References;

impl EntityCheck for References {
    fn name(&self) -> Text {
        "references".into()
    }

    fn dimension(&self) -> Dimension {
        Dimension::Reference
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn examine(&self, entities: &[Examined<'_>], _: DateTime<Utc>) -> Vec<Violation> {
        let wrong = |examined: &Examined<'_>| {
            let of = |reference: &Reference| Some(examined.violates(&reference.unit, wrong_with(reference)?));
            examined.references.iter().filter_map(of).collect::<Vec<_>>()
        };
        entities.iter().flat_map(wrong).collect()
    }
}

fn wrong_with(reference: &Reference) -> Option<String> {
    let expected = &reference.entity_type;
    match &reference.reaches {
        Reaches::Nothing => Some(format!("leads to no {expected}")),
        Reaches::Entity(found, _) if found != expected => Some(format!("leads to a {found}, which is no {expected}")),
        Reaches::Entity(_, GoldenLife::Retired) => Some(format!("leads to a {expected} that was retired")),
        Reaches::Entity(_, GoldenLife::Live) => None,
    }
}
