//! Settling: brings one entity's golden record, bases and discrepancies up to what its systems now say.
//!
//! A pure function from an entity, its representations and the ground rules to facts. Everything it decides is a fact;
//! nothing else changes the entity.

mod chosen;
pub(crate) mod existence;
mod findings;
mod guard;
mod heir;
mod lapse;
pub(crate) mod presence;
mod proposal;
mod read_back;
mod ruling;
mod summed;
mod unit;

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::discrepancy::{Discrepancy, DiscrepancyState, Finding};
use crate::entity::Entity;
use crate::fact::Fact;
use crate::fingerprint::Digest;
use crate::golden::GoldenLife;
use crate::model::{EXISTS, UnitIndex, UnitKey};
use crate::representation::Representation;
use crate::rule::Guard;
use crate::sight::{Ground, keys, visible};
use crate::text::Text;

pub use proposal::{NotApproved, Ruled, approve, basis_of, propose, rule_or_propose};
pub use ruling::{Choice, NotRuled, Ruling, rule_on};
pub(crate) use unit::settled;

/// The rules of an entity type, per unit.
pub type RuleSet = BTreeMap<UnitIndex, Vec<Guard>>;

/// Which units to settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// All of them: a link or a decision changed, or a record came or went.
    Everything,
    /// These, ascending.
    Units(Vec<UnitIndex>),
}

impl Touched {
    fn covers(&self, unit: UnitIndex) -> bool {
        match self {
            Touched::Everything => true,
            Touched::Units(units) => units.contains(&unit),
        }
    }
}

/// Collects facts, applying each as it comes, so that later steps see what earlier ones did.
#[derive(Debug)]
pub struct Recorder<'a> {
    /// The entity, as the facts so far leave it.
    pub entity: &'a mut Entity,
    /// The facts so far.
    pub facts: &'a mut Vec<Fact>,
}

impl Recorder<'_> {
    /// Applies and keeps a fact.
    pub fn record(&mut self, fact: Fact) {
        fact.apply(self.entity);
        self.facts.push(fact);
    }
}

/// Settles an entity. `representations` stand in the order of its links.
pub fn settle(
    ground: &Ground<'_>,
    entity: &mut Entity,
    representations: &[Option<&Representation>],
    touched: &Touched,
    facts: &mut Vec<Fact>,
) {
    // No fact of settling links or unlinks a record.
    let visible = visible(ground.model, entity, representations);
    let heirs = heir::heirs(entity, representations, &visible);
    let mut recorder = Recorder { entity, facts };
    let mut findings = Vec::new();
    let mut moved = false;
    let mut settle_one = |index: UnitIndex| {
        let Some(unit) = ground.model.units.get(usize::from(index)).filter(|unit| unit.derived.is_none()) else {
            return;
        };
        for key in keys(ground.model, recorder.entity, representations, index) {
            heir::inherit(ground, &mut recorder, &heirs, unit, &key);
            let settle = if unit.summed { summed::settle_summed } else { unit::settle_unit };
            moved |= settle(ground, &mut recorder, &visible, unit, &key, &mut findings);
        }
    };
    match touched {
        Touched::Everything => (0..).take(ground.model.units.len()).for_each(&mut settle_one),
        Touched::Units(units) => units.iter().copied().for_each(&mut settle_one),
    }
    for index in &ground.model.derived_order {
        let Some(unit) = ground.model.units.get(usize::from(*index)) else { continue };
        if moved || touched.covers(*index) {
            let key = UnitKey::Whole(*index);
            heir::inherit(ground, &mut recorder, &heirs, unit, &key);
            unit::settle_derived(ground, &mut recorder, &visible, unit, *index, &mut findings);
        }
    }
    let derived = |unit: UnitIndex| ground.model.derived_order.contains(&unit);
    let seen = |unit: UnitIndex| touched.covers(unit) || (moved && derived(unit));
    existence::settle_existence(ground, &mut recorder, representations, &mut findings);
    file(ground, &mut recorder, findings, &seen);
}

/// Opens, refreshes and resolves discrepancies, so that what stands open is what was found.
fn file(ground: &Ground<'_>, recorder: &mut Recorder<'_>, findings: Vec<Finding>, seen: &dyn Fn(UnitIndex) -> bool) {
    if findings.is_empty() && recorder.entity.discrepancies.is_empty() {
        return;
    }
    let mut found: SmallVec<[(Digest, Finding); 4]> = SmallVec::new();
    let retired = recorder.entity.life == GoldenLife::Retired;
    let waits = |unit: &Text| retired && unit.as_str() != EXISTS;
    for mut finding in findings {
        // Nothing is written of what is no more: its values wait until its presence is decided.
        finding.waits |= waits(&finding.unit);
        // One discrepancy per identity: the graver kind stands.
        let id = finding.identity(ground.tenant, recorder.entity);
        match found.binary_search_by(|(known, _)| known.cmp(&id)) {
            Err(place) => found.insert(place, (id, finding)),
            Ok(place) => {
                if finding.kind < found[place].1.kind {
                    found[place].1 = finding;
                }
            }
        }
    }
    let is_found = |id: &Digest| found.binary_search_by(|(known, _)| known.cmp(id)).is_ok();
    let stale: SmallVec<[Arc<Discrepancy>; 4]> = recorder
        .entity
        .discrepancies
        .values()
        .filter(|standing| standing.state != DiscrepancyState::Resolved && !is_found(&standing.id))
        .filter(|standing| match ground.model.unit_key(&standing.unit) {
            Some(UnitKey::Exists) | None => true,
            Some(UnitKey::Whole(unit) | UnitKey::Element(unit, _)) => seen(unit),
        })
        .cloned()
        .collect();
    let left = recorder
        .entity
        .discrepancies
        .values()
        .filter(|standing| standing.state == DiscrepancyState::Open && waits(&standing.unit))
        .filter(|standing| !is_found(&standing.id) && stale.iter().all(|stale| stale.id != standing.id));
    let left: SmallVec<[Arc<Discrepancy>; 4]> = left.cloned().collect();
    let ended = stale.into_iter().map(|standing| (standing, DiscrepancyState::Resolved));
    for (standing, state) in ended.chain(left.into_iter().map(|standing| (standing, DiscrepancyState::Waiting))) {
        let mut discrepancy = Discrepancy::clone(&standing);
        discrepancy.state = state;
        discrepancy.last_seen = ground.as_of;
        recorder.record(Fact::Disputed { discrepancy: Arc::new(discrepancy) });
    }
    for (id, finding) in found {
        let state = finding.state();
        let standing = recorder.entity.discrepancies.get(&id);
        if standing.is_some_and(|standing| {
            standing.state == state
                && standing.kind == finding.kind
                && standing.reason == finding.reason
                && standing.said == finding.said
        }) {
            continue;
        }
        let reopened =
            standing.map_or(0, |standing| standing.reopened + u32::from(standing.state == DiscrepancyState::Resolved));
        let first_seen = standing.map_or(ground.as_of, |standing| standing.first_seen);
        recorder.record(Fact::Disputed {
            discrepancy: Arc::new(Discrepancy {
                id,
                entity: recorder.entity.id,
                entity_type: ground.model.name.clone(),
                unit: finding.unit,
                link: finding.link,
                family: finding.family,
                kind: finding.kind,
                state,
                reason: finding.reason,
                first_seen,
                last_seen: ground.as_of,
                reopened,
                said: finding.said,
            }),
        });
    }
}
