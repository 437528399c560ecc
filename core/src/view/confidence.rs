//! How much a golden value rests on: who vouches for it, and how many say so of their own. Counted, not estimated.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::entity::Entity;
use crate::golden::{GoldenCell, Status};
use crate::id::RecordRef;
use crate::model::{Unit, UnitKey};
use crate::ownership::Authority;
use crate::resolve::origin_of;
use crate::sight::Shown;

/// How much a golden value rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Confidence {
    /// What it rests on.
    pub rests_on: RestsOn,
    /// How many records say it of their own: what we wrote there is no witness.
    pub witnesses: usize,
    /// How many records say anything of their own.
    pub voices: usize,
}

/// What a golden value rests on, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RestsOn {
    /// A person decided it, and that holds.
    Decision,
    /// A system that owns it says it.
    Owner,
    /// It is computed from other golden values.
    Derivation,
    /// Two or more say it of their own, and nobody who decides says otherwise.
    Agreement,
    /// One says it of its own, and nobody who decides says otherwise.
    OneVoice,
    /// Somebody who decides says otherwise, and a policy chose.
    Policy,
    /// Nobody says it of their own any more.
    Memory,
    /// A change of it waits for a person.
    Waiting,
    /// There is no value.
    Nothing,
}

/// Counts the witnesses of a golden value.
pub(super) fn confidence(
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    golden: Option<&GoldenCell>,
    shown: &[Shown<'_>],
) -> Confidence {
    let mut witnesses: BTreeSet<&RecordRef> = BTreeSet::new();
    let mut voices: BTreeSet<&RecordRef> = BTreeSet::new();
    let (mut owner, mut contradicted) = (false, false);
    for shown in shown {
        let Some(field) = shown.field().filter(|field| field.is_value()) else { continue };
        let record = &*entity.links[shown.link].record;
        let own = *origin_of(entity, unit, key, shown).record == *record;
        let agrees = golden.is_some_and(|cell| unit.same(field, &cell.field));
        owner |= agrees && shown.authority == Authority::Owner;
        contradicted |= !agrees && own && shown.authority.decides();
        if own {
            voices.insert(record);
            if agrees {
                witnesses.insert(record);
            }
        }
    }
    let has_value = golden.is_some_and(|cell| cell.field.is_value());
    let rests_on = match golden.map(|cell| &cell.status) {
        Some(Status::Held(_) | Status::Parked { .. } | Status::Provisional(_)) => RestsOn::Waiting,
        _ if !has_value => RestsOn::Nothing,
        _ if unit.is_computed() => RestsOn::Derivation,
        _ if entity.decisions.get(key).is_some() => RestsOn::Decision,
        _ if owner => RestsOn::Owner,
        _ if contradicted => RestsOn::Policy,
        _ => match witnesses.len() {
            0 => RestsOn::Memory,
            1 => RestsOn::OneVoice,
            _ => RestsOn::Agreement,
        },
    };
    Confidence { rests_on, witnesses: witnesses.len(), voices: voices.len() }
}
