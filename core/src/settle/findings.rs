//! Findings about one unit: what classification and resolution leave standing.

use std::collections::BTreeSet;

use crate::classify::{Classification, Drift, Hidden, LinkState, Verdict};
use crate::decision::{InputChange, Lapse, LapseCause};
use crate::discrepancy::{DiscrepancyKind, DiscrepancyState, Family, Finding};
use crate::entity::Entity;
use crate::golden::{Held, Status};
use crate::model::{Unit, UnitKey};
use crate::ownership::Strength;
use crate::sight::{Ground, Shown};
use crate::spelling::can_spell;
use crate::text::Text;
use crate::value::{Field, Malformed};
use crate::view::{quoted, words};
use crate::write_access::{Asked, WriteAccess, asked, write_access};

/// Adds what stands about one unit. `first` is what happened, `after` what golden's move left.
#[expect(clippy::too_many_arguments, reason = "the two classifications and their surroundings belong together")]
pub(super) fn of_unit(
    ground: &Ground<'_>,
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    first: &Classification,
    after: &Classification,
    findings: &mut Vec<Finding>,
) {
    let golden = entity.golden.get(key);
    let stands = |state: &LinkState| {
        matches!(state, LinkState::Moved | LinkState::NoBase | LinkState::Hidden(Hidden::Unresolved))
    };
    if golden.is_none_or(|cell| cell.status == Status::Settled)
        && after.verdict == Verdict::InAgreement
        && !after.states.iter().any(stands)
        && entity.decisions.get(key).is_none()
        && golden.is_none_or(|cell| cell.resolution.warnings.is_empty())
    {
        // As most units are: nothing stands about it.
        return;
    }
    let name = ground.model.unit_name(key);
    let before = findings.len();
    if let Some(finding) = agreement(ground, entity, unit, key, shown, first, after, &name) {
        findings.push(finding);
    }
    if let Some(cell) = golden.filter(|cell| !cell.resolution.warnings.is_empty()) {
        let told: Vec<String> =
            cell.resolution.warnings.iter().map(|(rule, reason)| format!("\"{rule}\": {reason}")).collect();
        let (family, kind, reason) = (Family::Rule, DiscrepancyKind::Warned, told.join("; ").into());
        findings.push(Finding { unit: name.clone(), link: None, family, kind, waits: false, reason, said: Vec::new() });
    }
    for (place, shown) in shown.iter().enumerate() {
        let record = || Some(Text::from(entity.links[shown.link].record.to_string()));
        let finding = |family, kind, waits, reason: &'static str| Finding {
            unit: name.clone(),
            link: record(),
            family,
            kind,
            waits,
            reason: Text::fixed(reason),
            said: Vec::new(),
        };
        if shown.sight == Err(Hidden::Unresolved) {
            let reason = "it names a record that is not linked";
            findings.push(finding(Family::Reference, DiscrepancyKind::UnresolvedReference, false, reason));
        }
        if after.no_base_conflicts.contains(&place) {
            let reason = "it was never in agreement with the others, and contradicts them";
            findings.push(finding(Family::Base, DiscrepancyKind::HardConflictNoBase, true, reason));
        } else if after.states[place] == LinkState::NoBase
            && let (Some(field), Some(golden)) = (shown.field(), golden)
            && golden.field.is_value()
            && !unit.same(field, &golden.field)
        {
            let access = write_access(ground.model, entity, shown, key);
            // A frozen unit is written nowhere: what it lacks waits with it.
            let frozen = golden.status != Status::Settled || entity.oscillates(key);
            // An owner is asked for what a person decided, if that is anything else, and filled with nothing.
            let asks = || asked(ground.model, entity, unit, key, shown) == Asked::Owed;
            if field.is_value() {
                let reason = "an observer contradicts the owner since first contact";
                let replaced = matches!(access, WriteAccess::Yes(strength) if strength > Strength::Weak);
                findings.push(finding(
                    Family::Base,
                    DiscrepancyKind::SoftDriftUnauthorized,
                    frozen || !replaced,
                    reason,
                ));
            } else if matches!(access, WriteAccess::Yes(_)) {
                let reason = "the system has no value yet; a bootstrap plan fills it";
                findings.push(finding(Family::Base, DiscrepancyKind::Unfilled, frozen, reason));
            } else if access == WriteAccess::ByDecision && asks() {
                let reason = "a person decided; a plan asks the owner, which has no value yet, to follow";
                let oscillates = entity.oscillates(key);
                findings.push(finding(Family::Base, DiscrepancyKind::Unfilled, oscillates, reason));
            }
        }
    }
    if let Some(found) = findings.get_mut(before..).filter(|found| found.iter().any(|finding| finding.waits)) {
        let said = in_dispute(entity, key, shown);
        found.iter_mut().filter(|finding| finding.waits).for_each(|finding| finding.said.clone_from(&said));
    }
}

/// The values that a person decides between, each once: what golden holds, what a rule holds, and what any system shows.
fn in_dispute(entity: &Entity, key: &UnitKey, shown: &[Shown<'_>]) -> Vec<Field> {
    let golden = entity.golden.get(key);
    let held = golden.and_then(|cell| match &cell.status {
        Status::Held(held) => Some(&held.proposed),
        Status::Settled | Status::Parked { .. } | Status::Provisional(_) => None,
    });
    let all = golden.map(|cell| &cell.field).into_iter().chain(held).chain(shown.iter().filter_map(Shown::field));
    let said: BTreeSet<&Field> = all.filter(|field| field.is_value()).collect();
    said.into_iter().cloned().collect()
}

/// The finding about the unit as a whole.
#[expect(clippy::too_many_arguments, reason = "the two classifications and their surroundings belong together")]
fn agreement(
    ground: &Ground<'_>,
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    first: &Classification,
    after: &Classification,
    name: &Text,
) -> Option<Finding> {
    let status = entity.golden.get(key).map(|cell| &cell.status);
    let (kind, waits, reason) = match status {
        Some(Status::Held(held)) => {
            let Held { rule, reason, .. } = &**held;
            // A first value, or a computed one, is held without any system that moved.
            let kind = drift_kind(after.verdict).unwrap_or(DiscrepancyKind::SoftDriftAuthoritative);
            (kind, true, Text::from(format!("held by \"{rule}\": {reason}")))
        }
        Some(Status::Parked { reason }) => {
            (drift_kind(after.verdict).unwrap_or(DiscrepancyKind::HardConflict), true, reason.clone())
        }
        Some(Status::Settled | Status::Provisional(_)) | None => match after.verdict {
            // Golden did not follow, though all may agree: a clear is held.
            Verdict::HardConflict | Verdict::SoftDrift(_) | Verdict::Converged => {
                let (waits, reason) = why_it_stands(ground, entity, unit, key, shown, after);
                (drift_kind(after.verdict)?, waits, reason)
            }
            Verdict::Pending => {
                let owed = |place: &usize| is_owed(entity, unit, key, shown, after, *place);
                let mut stuck = true;
                let mut unspelled = None;
                for shown in (0..shown.len()).filter(owed).map(|place| &shown[place]) {
                    let why = self::unspelled(ground, entity, key, shown);
                    stuck &= why.is_some() || !is_written(ground, entity, key, shown);
                    unspelled = unspelled.or(why);
                }
                let kind = drift_kind(first.verdict)
                    .or_else(|| standing_kind(ground, entity, name))
                    .unwrap_or(DiscrepancyKind::Pending);
                let policy = entity.golden.get(key).map_or("", |cell| &cell.resolution.policy);
                let reason = if let Some((record, why)) = unspelled {
                    format!("golden cannot be spelled at {record}: {why}").into()
                } else if stuck {
                    Text::fixed("golden is not written where it is owed: by its mapping, that is for people")
                } else {
                    format!("settled by {policy}; a write is owed").into()
                };
                (kind, stuck, reason)
            }
            _ if shown.iter().any(|shown| asked(ground.model, entity, unit, key, shown) == Asked::Declined) => {
                let reason = "the owner was sent what a person decided, and keeps something else instead";
                (DiscrepancyKind::HardConflict, true, Text::fixed(reason))
            }
            Verdict::Rewritten => {
                (DiscrepancyKind::Rewritten, false, Text::fixed("the system keeps its own form of what was written"))
            }
            Verdict::Diverged => {
                let apart = entity.links.iter().filter(|link| link.divergences.contains_key(key));
                let apart: Vec<String> = apart.map(|link| link.record.to_string()).collect();
                (DiscrepancyKind::Diverged, false, format!("{} differs by decision", apart.join(", ")).into())
            }
            Verdict::Cosmetic => {
                (DiscrepancyKind::Cosmetic, false, Text::fixed("equivalent, but not equal to the letter"))
            }
            Verdict::Frozen | Verdict::InAgreement => return None,
        },
    };
    let reason = match entity.lapses.get(key) {
        Some(lapse) => reopened(lapse, unit, &reason).unwrap_or(reason),
        None => reason,
    };
    Some(Finding { unit: name.clone(), link: None, family: Family::Agreement, kind, waits, reason, said: Vec::new() })
}

/// What reopened a unit that a person had decided, in front of why it stands.
fn reopened(lapse: &Lapse, unit: &Unit, reason: &Text) -> Option<Text> {
    let news = match &lapse.cause {
        LapseCause::InputsChanged(news) => news,
        LapseCause::PolicyChanged => {
            let what = "the unit is owned, compared or resolved otherwise since it was decided";
            return Some(format!("reopened: {what}: {reason}").into());
        }
        LapseCause::Over => return None,
    };
    let compound = unit.members.len() > 1;
    let said = |field: &Field| quoted(&words(field, compound));
    let news: Vec<String> = news
        .iter()
        .map(|InputChange { record, from, to }| {
            let from = from.as_ref().map_or_else(|| "nothing".to_owned(), said);
            let to = if to.is_value() { said(to) } else { "nothing".to_owned() };
            format!("input {record} changed from {from} to {to}")
        })
        .collect();
    Some(
        format!("reopened: {}, where {} had chosen {}: {reason}", news.join(", "), lapse.by, said(&lapse.chosen))
            .into(),
    )
}

/// Why a drift stands although golden has settled, and whether only a person can mend it.
fn why_it_stands(
    ground: &Ground<'_>,
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    after: &Classification,
) -> (bool, Text) {
    let moved = (0..shown.len()).filter(|place| after.states[*place] == LinkState::Moved);
    let mut reason = "";
    let mut waits = false;
    for place in moved {
        let access = write_access(ground.model, entity, &shown[place], key);
        if shown[place].authority.decides() {
            waits = true;
            let cleared = shown[place].field().is_some_and(|field| !field.is_value());
            reason = if cleared { "it was cleared, and clearing is held" } else { "no policy could tell" };
        } else if shown.iter().any(|shown| asked(ground.model, entity, unit, key, shown) == Asked::Owed) {
            reason = if waits { reason } else { "a person decided; a plan asks the owner to follow" };
        } else if entity.golden.get(key).is_none() {
            waits = true;
            reason = "an observer moved, and golden has never had a value to enforce";
        } else if access == WriteAccess::Yes(Strength::Strong) {
            reason = if waits { reason } else { "an observer moved; its mapping is strong, so a plan writes it back" };
        } else {
            waits = true;
            reason = "an observer moved, and nothing enforces golden there";
        }
    }
    (waits, Text::fixed(reason))
}

/// The record in whose system golden has no spelling, and why, if it may be written there.
fn unspelled(ground: &Ground<'_>, entity: &Entity, key: &UnitKey, shown: &Shown<'_>) -> Option<(String, Malformed)> {
    let link = entity.links.get(shown.link)?;
    if write_access(ground.model, entity, shown, key) == WriteAccess::No {
        return None;
    }
    let why = can_spell(ground.model, link.object, key, &entity.golden.get(key)?.field).err()?;
    Some((link.record.to_string(), why))
}

/// Whether a plan writes what is owed to a link, if it can be spelled. A weak mapping fills what never had a value, and
/// nothing else.
fn is_written(ground: &Ground<'_>, entity: &Entity, key: &UnitKey, shown: &Shown<'_>) -> bool {
    match write_access(ground.model, entity, shown, key) {
        WriteAccess::No => false,
        WriteAccess::Yes(Strength::Weak) => {
            let agreed = entity.links[shown.link].bases.get(key).map(|base| &base.agreed);
            let had = [shown.field(), agreed].into_iter().flatten().any(Field::is_value);
            !had && entity.golden.get(key).is_some_and(|cell| cell.field.is_value())
        }
        WriteAccess::Yes(Strength::Normal | Strength::Strong) | WriteAccess::ByDecision => true,
    }
}

/// Whether a write of golden is owed to a link: it stands behind golden. One that keeps its own form of it does not.
fn is_owed(
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    after: &Classification,
    place: usize,
) -> bool {
    let link = &entity.links[shown[place].link];
    let (Some(golden), Some(seen)) = (entity.golden.get(key).map(|cell| &cell.field), shown[place].field()) else {
        return false;
    };
    let adopted = after.adopts.iter().find(|(adopting, _)| *adopting == place).map(|(_, agreed)| agreed);
    let behind = match (adopted, link.bases.get(key)) {
        (Some(agreed), _) => !unit.same(agreed, golden),
        (None, Some(base)) => base.is_behind(golden, |agreed, golden| unit.same(agreed, golden)),
        // An element that is not there: its absence was accepted before it was golden.
        (None, None) => true,
    };
    let apart = link.divergences.contains_key(key);
    after.states[place] == LinkState::Same && !apart && behind && !unit.same(seen, golden)
}

fn drift_kind(verdict: Verdict) -> Option<DiscrepancyKind> {
    match verdict {
        Verdict::HardConflict => Some(DiscrepancyKind::HardConflict),
        Verdict::SoftDrift(Drift::Authoritative) | Verdict::Converged => Some(DiscrepancyKind::SoftDriftAuthoritative),
        Verdict::SoftDrift(Drift::Contested) => Some(DiscrepancyKind::SoftDriftContested),
        Verdict::SoftDrift(Drift::Unauthorized) => Some(DiscrepancyKind::SoftDriftUnauthorized),
        _ => None,
    }
}

/// A drift that was settled keeps its kind until the systems agree: the verdict stays recorded.
fn standing_kind(ground: &Ground<'_>, entity: &Entity, name: &Text) -> Option<DiscrepancyKind> {
    let probe = Finding {
        unit: name.clone(),
        link: None,
        family: Family::Agreement,
        kind: DiscrepancyKind::Pending,
        waits: false,
        reason: Text::default(),
        said: Vec::new(),
    };
    let standing = entity.discrepancies.get(&probe.identity(ground.tenant, entity))?;
    (standing.state != DiscrepancyState::Resolved && !standing.kind.is_noted()).then_some(standing.kind)
}

/// Two systems fight over a unit through us: it is frozen.
pub(super) fn oscillating(
    ground: &Ground<'_>,
    entity: &Entity,
    key: &UnitKey,
    shown: &[Shown<'_>],
    findings: &mut Vec<Finding>,
) {
    let writers: Vec<String> = entity
        .links
        .iter()
        .filter(|link| link.reactions.contains_key(key))
        .map(|link| link.record.to_string())
        .collect();
    findings.push(Finding {
        unit: ground.model.unit_name(key),
        link: None,
        family: Family::Agreement,
        kind: DiscrepancyKind::HardConflict,
        waits: true,
        reason: format!("oscillation: {} keeps restoring what was overwritten", writers.join(", ")).into(),
        said: in_dispute(entity, key, shown),
    });
}
