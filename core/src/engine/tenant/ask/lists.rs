//! Lists: discrepancies, dead letters, and records that belong to no entity.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::discrepancy::{Discrepancy, DiscrepancyKind, DiscrepancyState};
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow};
use crate::engine::hydrate::parse;
use crate::engine::tenant::dead_letter::{LetterState, StoredDeadLetter};
use crate::engine::tenant::pages::Pages;
use crate::error::Error;
use crate::id::{EntityId, EntityType, RecordRef, SystemName};
use crate::store::Table;
use crate::text::Text;

/// Which discrepancies to list. The default: all that are not resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscrepancyFilter {
    /// Of entities of this type only.
    pub entity_type: Option<EntityType>,
    /// About this unit only, or the elements of this collection.
    pub unit: Option<Text>,
    /// Of these kinds only; empty: of all kinds.
    pub kinds: Vec<DiscrepancyKind>,
    /// In these states only; empty: in all but resolved.
    pub states: Vec<DiscrepancyState>,
    /// About this system or connection only: about its records, or about a unit as a whole that it holds.
    pub system: Option<SystemName>,
}

/// A record that matches no entity, or several; or that two entities claim after a merge inside its system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnlinkedRecord {
    /// The record.
    pub record: RecordRef,
    /// Why it is not linked.
    pub why: Text,
    /// The entities that it may belong to.
    pub candidates: Vec<EntityId>,
    /// Since when it is listed, in milliseconds since the epoch.
    pub since: i64,
}

impl Tenant {
    /// Discrepancies, by kind, entity, unit and record: the gravest kinds first.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn discrepancies(&self, filter: DiscrepancyFilter) -> Result<Vec<Discrepancy>, Error> {
        let mut found: Vec<Discrepancy> = self
            .list::<Discrepancy>(Table::Discrepancy, "", "list discrepancies")
            .await?
            .into_iter()
            .map(|(_, discrepancy)| discrepancy)
            .filter(|discrepancy| self.matches(&filter, discrepancy))
            .collect();
        found.sort_by(|a, b| (a.kind, a.entity, &a.unit, &a.link).cmp(&(b.kind, b.entity, &b.unit, &b.link)));
        Ok(found)
    }

    /// Inputs that could not be processed and wait, whole, with their keys: all of them.
    /// [`Tenant::dead_letters_of`] gives them page by page, [`Tenant::dead_letter_groups`] by cause.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn dead_letters(&self) -> Result<Vec<(Text, StoredDeadLetter)>, Error> {
        let mut letters: Vec<(Text, StoredDeadLetter)> = self.list(Table::DeadLetter, "", "list dead letters").await?;
        letters.retain(|(_, letter)| letter.state == LetterState::Waiting);
        Ok(letters)
    }

    /// Records that belong to no entity: they match none and make none, or they match several. And records that survived a
    /// merge inside their system while the loser belongs to another entity, until a person merges the entities or says
    /// where the record belongs.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn unlinked(&self) -> Result<Vec<UnlinkedRecord>, Error> {
        let mut listed = Vec::new();
        for kind in [CaseKind::Unlinked, CaseKind::MergedInSystem] {
            for (_, row) in self.list::<CaseRow>(Table::Case, kind.prefix(), "list unlinked records").await? {
                let Some(record) = row.records.into_iter().next() else { continue };
                listed.push(UnlinkedRecord { record, why: row.reason, candidates: row.entities, since: row.since });
            }
        }
        Ok(listed)
    }

    /// Every row of a table, in the order of keys.
    async fn list<T: DeserializeOwned + Send>(
        &self,
        table: Table,
        prefix: &'static str,
        doing: &'static str,
    ) -> Result<Vec<(Text, T)>, Error> {
        let mut all = Vec::new();
        let mut rows = Pages::of(self, table, prefix, doing);
        while let Some(row) = rows.next().await? {
            let value = parse(table, &row)?;
            all.push((row.key, value));
        }
        Ok(all)
    }

    fn matches(&self, filter: &DiscrepancyFilter, discrepancy: &Discrepancy) -> bool {
        let state = if filter.states.is_empty() {
            discrepancy.state != DiscrepancyState::Resolved
        } else {
            filter.states.contains(&discrepancy.state)
        };
        let unit = filter.unit.as_ref().is_none_or(|unit| {
            let rest = discrepancy.unit.strip_prefix(unit.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        });
        state
            && unit
            && (filter.kinds.is_empty() || filter.kinds.contains(&discrepancy.kind))
            && filter.entity_type.as_ref().is_none_or(|wanted| discrepancy.entity_type == *wanted)
            && filter.system.as_ref().is_none_or(|system| self.concerns(system, discrepancy))
    }

    /// Whether a record is of a system or connection.
    pub(in crate::engine::tenant) fn is_of(&self, system: &SystemName, record: &RecordRef) -> bool {
        let bound = self.core.connections.get(&record.connection);
        record.connection.as_str() == system.as_str() || bound.is_some_and(|bound| bound.system == *system)
    }

    /// Whether a discrepancy concerns a system or connection.
    pub(in crate::engine::tenant) fn concerns(&self, system: &SystemName, discrepancy: &Discrepancy) -> bool {
        if let Some(link) = &discrepancy.link {
            // A record begins with its connection; a missing one with its system.
            let place = link.split('/').next().unwrap_or_default();
            let of_system = self.core.connections.get(place).is_some_and(|connection| connection.system == *system);
            return place == system.as_str() || of_system;
        }
        let model = self.core.model.entity_index(discrepancy.entity_type.as_str()).map(|at| self.core.model.entity(at));
        let unit = model.and_then(|model| Some((model, model.unit_key(&discrepancy.unit)?.index()?)));
        let Some((model, unit)) = unit else { return false };
        let bound = self.core.connections.get(system.as_str()).map_or(system, |connection| &connection.system);
        model.objects.iter().any(|object| {
            let slots = object.unit_slots.get(usize::from(unit)).is_some_and(|slots| !slots.is_empty());
            let writes = object.writes.get(usize::from(unit)).is_some_and(Option::is_some);
            object.declared.system == *bound && (slots || writes)
        })
    }
}
