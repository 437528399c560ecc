//! Deciding many cases at once: first as a preview, then as one act.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discrepancy::DiscrepancyState;
use crate::engine::Tenant;
use crate::engine::case::discrepancy_of_key;
use crate::engine::hydrate::Loader;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::cases::CaseFilter;
use crate::engine::tenant::merge::unmerged_case;
use crate::error::Error;
use crate::fact::EntityFact;
use crate::fingerprint::{Digest, Fingerprint};
use crate::golden::GoldenLife;
use crate::id::EntityId;
use crate::model::UnitKey;
use crate::role::Role;
use crate::settle::{Ruled, Ruling, basis_of, rule_or_propose};
use crate::text::Text;
use crate::value::Field;
use crate::working_set::EntityIndex;

/// How many cases are decided by one act, at most: it is one commit.
pub const MOST_AT_ONCE: usize = 500;

/// What a decision on many cases would do. It is made of what stands now, changes nothing, and can be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkPreview {
    /// The decision, the same for all.
    pub ruling: Ruling,
    /// What it would do, case by case, the gravest first.
    pub effects: Vec<BulkEffect>,
    /// Whether there are more cases than one act decides.
    pub more: bool,
}

/// What a decision would do in one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkEffect {
    /// The case.
    pub case: Text,
    /// The entity.
    pub entity: EntityId,
    /// The unit.
    pub unit: Text,
    /// What golden holds; of presence, `live` or `retired`.
    pub before: Field,
    /// What golden would hold. The same, where an owner is asked, or a second person.
    pub after: Field,
    /// Whether it would only be proposed, because four eyes are asked for.
    pub proposed: bool,
    /// Why it would be refused, if it would.
    pub refused: Option<String>,
    /// The hash of what is on the table: if that moves, the case is left out.
    pub basis: Digest,
}

/// What a decision on many cases came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct BulkDecided {
    /// How many are decided.
    pub decided: usize,
    /// How many are proposed, and wait for a second person.
    pub proposed: usize,
    /// The cases that are closed, or are not what the preview showed any more. Nothing was done about them.
    #[schemars(with = "Vec<String>")]
    pub moved: Vec<Text>,
    /// The cases in which the decision was refused, and why.
    #[schemars(with = "Vec<(String, String)>")]
    pub refused: Vec<(Text, String)>,
}

impl BulkPreview {
    /// What identifies it: the decision, the cases, and what is on the table in each.
    #[must_use]
    pub fn hash(&self) -> Digest {
        let mut fingerprint = Fingerprint::new();
        // A ruling is data of plain enums and texts: it always has a JSON form.
        let ruling = serde_json::to_string(&self.ruling).unwrap_or_default();
        fingerprint.text(&ruling).number(i64::from(self.more));
        for effect in &self.effects {
            fingerprint.text(&effect.case).bytes(&effect.basis.0);
        }
        fingerprint.finish()
    }
}

impl Tenant {
    /// Shows what a decision would do in every open case about a unit that a filter lists, up to [`MOST_AT_ONCE`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who may decide nothing; or a store that failed.
    pub async fn preview_decisions(&self, filter: &CaseFilter, ruling: Ruling) -> Result<BulkPreview, Error> {
        self.require_role(&ruling.by, Role::Operator, "preview decisions").await?;
        let mut effects = Vec::new();
        let mut after = None;
        loop {
            let page = self.open_cases(filter, after.as_ref(), MOST_AT_ONCE).await?;
            for case in page.cases {
                let (Some(entity), Some(unit)) = (case.entities.first(), &case.unit) else { continue };
                if effects.len() == MOST_AT_ONCE {
                    return Ok(BulkPreview { ruling, effects, more: true });
                }
                effects.extend(self.effect(case.key.clone(), *entity, unit, &ruling).await?);
            }
            after = page.next;
            if after.is_none() {
                return Ok(BulkPreview { ruling, effects, more: false });
            }
        }
    }

    /// Decides what a preview showed, in one commit: all of it happens, or nothing. A case in which anything on the table
    /// moved since is left out, and named. Journaled case by case, and as a whole.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`]; [`Error::Value`] for a ruling that holds a card number; or a store that failed. Nothing is decided then.
    pub async fn decide_all(&self, preview: &BulkPreview) -> Result<BulkDecided, Error> {
        for effect in &preview.effects {
            let of = self.entity_type_of(effect.entity).await?;
            let of = of.and_then(|of| self.core.model.entity_index(of.as_str()));
            if let Some(of) = of {
                self.require_to_decide(&preview.ruling.by, self.core.model.entity(of), &effect.unit).await?;
            }
            self.refuse_cards_of(&effect.unit, &preview.ruling)?;
        }
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            let mut places: BTreeMap<EntityId, EntityIndex> = BTreeMap::new();
            for effect in &preview.effects {
                if !places.contains_key(&effect.entity)
                    && let Some(index) = loader.standing(effect.entity).await?
                {
                    places.insert(effect.entity, index);
                }
            }
            loader.references().await?;
            let ruling = &preview.ruling;
            let mut changes = Changes::new(&self.core, as_of, &ruling.by);
            let mut facts: Vec<EntityFact> = Vec::new();
            let mut done = BulkDecided::default();
            let mut journaled = Vec::new();
            for effect in &preview.effects {
                let Some(index) = places.get(&effect.entity) else {
                    done.moved.push(effect.case.clone());
                    continue;
                };
                let entity = &loader.loaded.set.entity(*index).entity;
                let model = self.core.model.entity(entity.entity);
                let waits = discrepancy_of_key(&effect.case).and_then(|id| entity.discrepancies.get(&id));
                let waits = waits.is_some_and(|standing| standing.state == DiscrepancyState::Waiting);
                let Some(key) = model.unit_key(&effect.unit).filter(|_| waits && entity.id == effect.entity) else {
                    done.moved.push(effect.case.clone());
                    continue;
                };
                let asked = self.asks_four_eyes(entity.entity, model, &key);
                let mut ruled = None;
                self.with_frame(|frame| {
                    let set = &mut loader.loaded.set;
                    set.decide(frame, *index, as_of, &mut facts, |ground, entity, representations, facts| {
                        if basis_of(ground, entity, representations, &key) == effect.basis {
                            let carried_out =
                                rule_or_propose(ground, entity, representations, &key, ruling, asked, facts);
                            ruled = Some(carried_out);
                        }
                    });
                });
                match ruled {
                    None => done.moved.push(effect.case.clone()),
                    Some(Err(why)) => done.refused.push((effect.case.clone(), why.to_string())),
                    Some(Ok(ruled)) => {
                        if ruled == Ruled::Proposed {
                            done.proposed += 1;
                        } else {
                            done.decided += 1;
                            changes.delete(unmerged_case(effect.entity, &effect.unit));
                        }
                        journaled.push((ruled.kind(), effect));
                    }
                }
            }
            if journaled.is_empty() {
                return Ok(done);
            }
            self.with_frame(|frame| {
                loader.loaded.set.settle(frame, as_of, &mut facts);
                changes.add_set(frame, &loader.loaded, &facts)
            })?;
            for (kind, effect) in journaled {
                changes.journal(kind, &effect.entity.to_string(), &(&effect.unit, &ruling.by, &ruling.reason));
            }
            let hash = preview.hash();
            changes.journal("bulk_decided", &hash.to_string(), &(hash, done.decided, done.proposed, &ruling.reason));
            if attempts.commit(self, "decide many cases", changes.commit).await? {
                return Ok(done);
            }
        }
    }

    /// What a decision would do to one unit; `None`: the entity went meanwhile.
    async fn effect(
        &self,
        case: Text,
        id: EntityId,
        unit: &Text,
        ruling: &Ruling,
    ) -> Result<Option<BulkEffect>, Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let Some(index) = loader.standing(id).await? else { return Ok(None) };
        loader.references().await?;
        let set = &loader.loaded.set;
        let entity = &set.entity(index).entity;
        let model = self.core.model.entity(entity.entity);
        let Some(key) = model.unit_key(unit) else { return Ok(None) };
        let asked = self.asks_four_eyes(entity.entity, model, &key);
        let as_of = self.now();
        Ok(Some(self.with_frame(|frame| {
            set.with_ground(frame, index, as_of, |ground, entity, representations| {
                let golden = |entity: &crate::entity::Entity| match key {
                    // Presence has no golden cell: it is the life of the entity.
                    UnitKey::Exists => Field::value(match entity.life {
                        GoldenLife::Live => "live",
                        GoldenLife::Retired => "retired",
                    }),
                    _ => entity.golden.get(&key).map(|cell| cell.field.clone()).unwrap_or_default(),
                };
                let mut trial = entity.clone();
                let facts = &mut Vec::new();
                let ruled = rule_or_propose(ground, &mut trial, representations, &key, ruling, asked, facts);
                BulkEffect {
                    case,
                    entity: entity.id,
                    unit: unit.clone(),
                    before: golden(entity),
                    after: golden(&trial),
                    proposed: ruled == Ok(Ruled::Proposed),
                    refused: ruled.err().map(|why| why.to_string()),
                    basis: basis_of(ground, entity, representations, &key),
                }
            })
        })))
    }
}
