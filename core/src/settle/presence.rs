//! Presence by decision: an entity that a person retires, or restores where its records are gone for good. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::decision::{Decision, InputChange, LapseCause};
use crate::entity::{Entity, HUB_OBJECT};
use crate::fact::Fact;
use crate::golden::GoldenLife;
use crate::id::{Actor, ConnectionName, RecordRef};
use crate::model::{OnLoss, UnitKey};
use crate::representation::{Life, Representation};
use crate::settle::Recorder;
use crate::settle::lapse::{end_by_date, forget_lapse, lapse};
use crate::settle::ruling::{Choice, NotRuled, Ruling, divergence};
use crate::sight::{Ground, speaks_first};
use crate::value::Field;

/// The places of an entity's links that count for presence: the hub's own record and merged ones do not.
pub(crate) fn places(entity: &Entity, representations: &[Option<&Representation>]) -> SmallVec<[usize; 8]> {
    let merged = |place: usize| known(representations, place).is_some_and(|known| known.redirected_to().is_some());
    (0..entity.links.len()).filter(|place| entity.links[*place].object != HUB_OBJECT && !merged(*place)).collect()
}

/// Whether a link's record is there.
pub(crate) fn life(representations: &[Option<&Representation>], place: usize) -> Life {
    known(representations, place).map_or(Life::Unknown, |known| known.existence().life())
}

fn known<'a>(representations: &[Option<&'a Representation>], place: usize) -> Option<&'a Representation> {
    representations.get(place).copied().flatten()
}

fn is_gone(representations: &[Option<&Representation>], place: usize) -> bool {
    matches!(life(representations, place), Life::Dead(_))
}

/// What a standing decision says of presence.
pub(crate) fn decided(entity: &Entity) -> Option<GoldenLife> {
    let decision = entity.decisions.get(&UnitKey::Exists)?;
    Some(if decision.chosen == word(GoldenLife::Retired) { GoldenLife::Retired } else { GoldenLife::Live })
}

/// The links in whose place a record is to be created anew: a person restored the entity, or the model says that what is lost
/// there is restored; and of its records in that connection and object type none is left.
pub(crate) fn to_restore(entity: &Entity, representations: &[Option<&Representation>]) -> Vec<usize> {
    let by_person = decided(entity) == Some(GoldenLife::Live);
    if !by_person && entity.links.iter().all(|link| !link.to_restore) {
        return Vec::new();
    }
    let places = places(entity, representations);
    let at = |place: usize| (&entity.links[place].record.connection, entity.links[place].object);
    let held: BTreeSet<_> = places.iter().filter(|place| !is_gone(representations, **place)).map(|p| at(*p)).collect();
    let mut seen = BTreeSet::new();
    let wanted = |place: &usize| by_person || entity.links[*place].to_restore;
    places.into_iter().filter(wanted).filter(|place| !held.contains(&at(*place)) && seen.insert(at(*place))).collect()
}

/// Why a record that is gone is created again.
pub(crate) fn why_restored(entity: &Entity) -> &'static str {
    if decided(entity) == Some(GoldenLife::Live) {
        "it is gone, and a person decided to restore it"
    } else {
        "it is gone, and what is lost there is restored, as is declared"
    }
}

/// Ends what was to be made anew where it is there again, or no longer asked for. Where the model says otherwise by now, the loss
/// is looked at anew.
pub(super) fn tend_restores(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    representations: &[Option<&Representation>],
) {
    for place in 0..recorder.entity.links.len() {
        let link = &recorder.entity.links[place];
        if !link.to_restore {
            continue;
        }
        let object = ground.model.objects.get(usize::from(link.object));
        let declared = object.is_some_and(|object| object.on_loss == OnLoss::Restore);
        let at = |place: usize| (&recorder.entity.links[place].record.connection, recorder.entity.links[place].object);
        let held = places(recorder.entity, representations)
            .into_iter()
            .any(|other| at(other) == at(place) && !is_gone(representations, other));
        let over = held || recorder.entity.life == GoldenLife::Retired;
        if declared && !over {
            continue;
        }
        let record = Arc::clone(&link.record);
        recorder.record(Fact::ToRestore { record: Arc::clone(&record), holds: false });
        if !over {
            recorder.record(Fact::Existed { record, existed: true });
        }
    }
}

/// How many records of an entity are gone in the connection and object type of one of them.
pub(super) fn lost_there(entity: &Entity, representations: &[Option<&Representation>], place: usize) -> usize {
    let at = |place: usize| (&entity.links[place].record.connection, entity.links[place].object);
    let there = places(entity, representations).into_iter().filter(|other| at(*other) == at(place));
    there.filter(|other| is_gone(representations, *other)).count()
}

/// The word that stands for a state of presence in decisions.
fn word(life: GoldenLife) -> Field {
    Field::value(match life {
        GoldenLife::Live => "live",
        GoldenLife::Retired => "retired",
    })
}

/// What a link says of presence; `None`: it was never sighted.
fn says(representations: &[Option<&Representation>], place: usize) -> Option<Field> {
    match life(representations, place) {
        Life::Unknown => None,
        Life::Live | Life::Resurrected => Some(word(GoldenLife::Live)),
        Life::Dead(_) => Some(word(GoldenLife::Retired)),
    }
}

/// Carries out a ruling on whether the entity exists.
pub(super) fn rule_on_presence(
    ground: &Ground<'_>,
    entity: &mut Entity,
    representations: &[Option<&Representation>],
    ruling: &Ruling,
    approved_by: Option<&Actor>,
    facts: &mut Vec<Fact>,
) -> Result<(), NotRuled> {
    let mut recorder = Recorder { entity, facts };
    let places = places(recorder.entity, representations);
    let gone = places.iter().any(|place| is_gone(representations, *place));
    let chosen = match &ruling.choice {
        Choice::LetDiffer(connection) => {
            return let_stand(ground, &mut recorder, representations, connection, ruling, approved_by);
        }
        Choice::Keep if gone => {
            accept_deaths(&mut recorder, representations);
            for place in places {
                if recorder.entity.links[place].to_restore {
                    let record = Arc::clone(&recorder.entity.links[place].record);
                    recorder.record(Fact::ToRestore { record, holds: false });
                }
            }
            return Ok(());
        }
        Choice::Retire => GoldenLife::Retired,
        Choice::Restore if gone || recorder.entity.life == GoldenLife::Retired => GoldenLife::Live,
        Choice::Keep | Choice::Restore => return Err(NotRuled::NothingGone),
        Choice::Accept | Choice::Take(_) | Choice::Value(_) => return Err(NotRuled::Presence),
    };
    let decision = Decision {
        chosen: word(chosen),
        by: ruling.by.clone(),
        at: ground.as_of,
        reason: ruling.reason.clone(),
        lifetime: ruling.lifetime,
        inputs: inputs(recorder.entity, representations, &places),
        fingerprint: 0,
        approved_by: approved_by.cloned(),
        meanwhile: Vec::new(),
    };
    forget_lapse(&mut recorder, &UnitKey::Exists);
    recorder.record(Fact::Decided { unit: UnitKey::Exists, decision: Some(Arc::new(decision)) });
    accept_deaths(&mut recorder, representations);
    if chosen == GoldenLife::Live && gone {
        raise_generation(&mut recorder);
    }
    lives(&mut recorder, chosen);
    Ok(())
}

/// What every link says of presence, sorted.
pub(super) fn inputs(
    entity: &Entity,
    representations: &[Option<&Representation>],
    places: &[usize],
) -> Vec<(RecordRef, Field)> {
    let said = |place: &usize| Some(((*entity.links[*place].record).clone(), says(representations, *place)?));
    let mut inputs: Vec<_> = places.iter().filter_map(said).collect();
    inputs.sort();
    inputs
}

/// Lets records stand beside the one that counts, or beyond the end of their entity.
fn let_stand(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    representations: &[Option<&Representation>],
    connection: &ConnectionName,
    ruling: &Ruling,
    approved_by: Option<&Actor>,
) -> Result<(), NotRuled> {
    let golden = word(recorder.entity.life);
    let retired = recorder.entity.life == GoldenLife::Retired;
    let mut found = false;
    for place in places(recorder.entity, representations) {
        let record = Arc::clone(&recorder.entity.links[place].record);
        let surplus = retired || !speaks_first(recorder.entity, representations, place);
        if record.connection != *connection || !surplus || is_gone(representations, place) {
            continue;
        }
        found = true;
        let leave = divergence(ground, word(GoldenLife::Live), golden.clone(), ruling, approved_by);
        let divergence = Some(Box::new(leave));
        recorder.record(Fact::Diverged { record, unit: UnitKey::Exists, divergence });
    }
    if found { Ok(()) } else { Err(NotRuled::NothingThere) }
}

/// Brings presence to what a person decided, while that holds. Says whether it does.
pub(super) fn follow(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    representations: &[Option<&Representation>],
) -> bool {
    lapse_leave(ground, recorder, representations);
    end_by_date(ground, recorder, &UnitKey::Exists);
    let Some(decision) = recorder.entity.decisions.shared(&UnitKey::Exists) else { return false };
    let places = places(recorder.entity, representations);
    let pinned = !decision.lifetime.hears_news();
    let exact = |value: &Field, reference: &Field| value == reference;
    let news = places.iter().filter_map(|place| {
        let record = &recorder.entity.links[*place].record;
        let to = says(representations, *place).filter(|said| decision.is_news(record, said, &exact))?;
        let from = decision.inputs.iter().find(|(known, _)| *known == **record).map(|(_, said)| said.clone());
        Some(InputChange { record: (**record).clone(), from, to })
    });
    let news: Vec<InputChange> = news.collect();
    if !news.is_empty() && !pinned {
        lapse(ground, recorder, &UnitKey::Exists, &decision, LapseCause::InputsChanged(news));
        return false;
    }
    let chosen = decided(recorder.entity).unwrap_or_default();
    // Under a pin, what is deleted again is created again: under a key of its own, so that it needs its own approval.
    if accept_deaths(recorder, representations) && chosen == GoldenLife::Live {
        raise_generation(recorder);
    }
    lives(recorder, chosen);
    let done = match chosen {
        GoldenLife::Live => to_restore(recorder.entity, representations).is_empty(),
        GoldenLife::Retired => places.iter().all(|place| is_gone(representations, *place)),
    };
    if done && !pinned {
        recorder.record(Fact::Decided { unit: UnitKey::Exists, decision: None });
    }
    true
}

/// Leave to stand ends with what it was given for: the record is gone or counts, or the entity lives again.
fn lapse_leave(ground: &Ground<'_>, recorder: &mut Recorder<'_>, representations: &[Option<&Representation>]) {
    if recorder.entity.links.iter().all(|link| link.divergences.is_empty()) {
        return;
    }
    let golden = word(recorder.entity.life);
    for place in 0..recorder.entity.links.len() {
        let link = &recorder.entity.links[place];
        let Some(leave) = link.divergences.get(&UnitKey::Exists) else { continue };
        let counts = recorder.entity.life == GoldenLife::Live && speaks_first(recorder.entity, representations, place);
        if leave.lifetime.is_over(ground.as_of) || leave.golden != golden || counts || is_gone(representations, place) {
            let record = Arc::clone(&link.record);
            recorder.record(Fact::Diverged { record, unit: UnitKey::Exists, divergence: None });
        }
    }
}

/// Accepts that records are gone. Says whether any was still counted on.
pub(super) fn accept_deaths(recorder: &mut Recorder<'_>, representations: &[Option<&Representation>]) -> bool {
    let gone: Vec<Arc<RecordRef>> = places(recorder.entity, representations)
        .into_iter()
        .filter(|place| is_gone(representations, *place) && recorder.entity.links[*place].existed)
        .map(|place| Arc::clone(&recorder.entity.links[place].record))
        .collect();
    let any = !gone.is_empty();
    for record in gone {
        recorder.record(Fact::Existed { record, existed: false });
    }
    any
}

pub(super) fn lives(recorder: &mut Recorder<'_>, life: GoldenLife) {
    if recorder.entity.life != life {
        recorder.record(Fact::Lived { life });
    }
}

pub(super) fn raise_generation(recorder: &mut Recorder<'_>) {
    let generation = recorder.entity.generation.saturating_add(1);
    recorder.record(Fact::Generation { generation });
}
