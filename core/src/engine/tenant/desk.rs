//! The desk: looking at one case, and noting on it who has it, labels and comments.

use crate::card::{self, CardNumbers};
use crate::discrepancy::{Discrepancy, DiscrepancyState};
use crate::engine::Tenant;
use crate::engine::case::{Case, CaseKind, CaseRow, discrepancy_of_key, standing_key};
use crate::engine::desk::{CASE_NOTED, CaseNote, Desk, desk_key};
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, entity_key};
use crate::engine::tenant::attempts::Attempts;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::{Actor, EntityId, EntityType};
use crate::model::CompiledEntity;
use crate::role::Role;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::view::instant_of;

/// An open case, and what it rests on.
pub(super) struct Standing {
    pub(super) case: Case,
    /// The row that says that it is open, and its revision.
    row: (RowKey, u64),
    desk: Desk,
    /// The revision of the row of the desk.
    desk_revision: Option<u64>,
}

impl Tenant {
    /// One open case.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCase`]; [`Error::CaseClosed`].
    pub async fn case(&self, key: &str) -> Result<Case, Error> {
        Ok(self.standing_case(key).await?.case)
    }

    /// Gives a case to somebody, or to nobody. Journaled.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCase`]; [`Error::CaseClosed`].
    pub async fn assign(&self, key: &str, to: Option<&Actor>, by: &Actor) -> Result<(), Error> {
        self.note(key, CaseNote::Assigned(to.cloned()), by).await
    }

    /// Puts a label on a case. Journaled.
    ///
    /// # Errors
    ///
    /// As [`Tenant::assign`]; and [`Error::NotNoted`] for a label that is none, or one too many.
    pub async fn label(&self, key: &str, label: &str, by: &Actor) -> Result<(), Error> {
        self.note(key, CaseNote::Labelled(label.trim().into()), by).await
    }

    /// Takes a label off a case. Journaled.
    ///
    /// # Errors
    ///
    /// As [`Tenant::assign`].
    pub async fn unlabel(&self, key: &str, label: &str, by: &Actor) -> Result<(), Error> {
        self.note(key, CaseNote::Unlabelled(label.trim().into()), by).await
    }

    /// Says something about a case. Journaled, and never changed afterwards.
    ///
    /// # Errors
    ///
    /// As [`Tenant::assign`]; and [`Error::NotNoted`] for a comment that says nothing, or too much.
    pub async fn comment(&self, key: &str, text: &str, by: &Actor) -> Result<(), Error> {
        self.note(key, CaseNote::Commented(text.into()), by).await
    }

    async fn note(&self, key: &str, note: CaseNote, by: &Actor) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "note anything on cases").await?;
        if let CaseNote::Commented(text) | CaseNote::Labelled(text) = &note
            && self.core.cards == CardNumbers::Removed
            && !card::find(text.as_bytes()).is_empty()
        {
            return Err(Error::NotNoted { key: key.into(), reason: "it holds a card number, which is kept nowhere" });
        }
        let mut attempts = Attempts::default();
        loop {
            let standing = self.standing_case(key).await?;
            if let Some(reason) = standing.desk.refuses(&note) {
                return Err(Error::NotNoted { key: key.into(), reason });
            }
            let now = self.now();
            let mut desk = standing.desk.clone();
            desk.apply(note.clone(), by, now);
            if desk == standing.desk {
                // It says so already.
                return Ok(());
            }
            let mut changes = Changes::new(&self.core, now, by);
            let (row, revision) = standing.row.clone();
            changes.commit.expect.push((row, Some(revision)));
            changes.commit.expect.push((desk_key(key), standing.desk_revision));
            changes.journal(CASE_NOTED, &standing.case.subject_of_notes(), &(key, &note));
            changes.also_about(standing.case.others_of_notes());
            changes.put(desk_key(key), &desk);
            if attempts.commit(self, "note something on a case", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// An open case by name.
    pub(super) async fn standing_case(&self, key: &str) -> Result<Standing, Error> {
        let unknown = || Error::UnknownCase { key: key.into() };
        if discrepancy_of_key(key).is_none() && CaseKind::of_key(key).is_none() {
            return Err(unknown());
        }
        let row_key = standing_key(key);
        let rows = self.core.store.load(&self.id, &[row_key.clone(), desk_key(key)]).await;
        let mut rows = rows.map_err(Error::store("load a case"))?.into_iter();
        let (row, desk_row) = (rows.next().flatten(), rows.next().flatten());
        let desk = desk_row.as_ref().map(|row| parse::<Desk>(Table::Case, row)).transpose()?.unwrap_or_default();
        let desk_revision = desk_row.map(|row| row.revision);
        let closed = |how: String| Error::CaseClosed { key: key.into(), how: how.into() };
        if row_key.table == Table::Case {
            let row = row.ok_or_else(|| closed("it is not open".to_owned()))?;
            let kind = CaseKind::of_key(key).ok_or_else(unknown)?;
            let revision = row.revision;
            let case = self.case_of_row(row, kind)?.with_desk(desk.clone());
            return Ok(Standing { case, row: (row_key, revision), desk, desk_revision });
        }
        let row = row.ok_or_else(unknown)?;
        let discrepancy: Discrepancy = parse(Table::Discrepancy, &row)?;
        match discrepancy.state {
            DiscrepancyState::Waiting => {}
            DiscrepancyState::Open => return Err(closed("a plan mends it: plan, approve and apply".to_owned())),
            DiscrepancyState::Noted => return Err(closed("it is on record, and nothing is to be done".to_owned())),
            DiscrepancyState::Resolved => {
                return Err(closed(format!("it was resolved at {}", instant_of(discrepancy.last_seen))));
            }
        }
        let entity = self.stored_entities(&[discrepancy.entity]).await?.into_iter().next().flatten();
        let entity = entity.ok_or_else(unknown)?;
        let case = Case::of_discrepancy(&self.core, &entity, &discrepancy, self.now()).with_desk(desk.clone());
        let row = (row_key, row.revision);
        Ok(Standing { case, row, desk, desk_revision })
    }

    /// The case that a row holds, without what people noted on it.
    pub(super) fn case_of_row(&self, row: Row, kind: CaseKind) -> Result<Case, Error> {
        let held: CaseRow = parse(Table::Case, &row)?;
        Ok(self.case_of(row.key, kind, held))
    }

    /// The case of this name that a row holds.
    pub(super) fn case_of(&self, key: Text, kind: CaseKind, held: CaseRow) -> Case {
        let entity_type: Option<EntityType> = held.records.iter().find_map(|record| {
            let (entity, _) = self.core.place(record)?;
            Some(self.core.model.entity(entity).name.clone())
        });
        let entity_type = entity_type.or_else(|| held.violated.as_ref()?.entity_type.clone());
        let refused = held.operation.as_deref().is_some_and(|operation| {
            let of = self.core.model.entity_index(operation.entity_type.as_str());
            let of = of.map(|of| self.core.model.entity(of));
            // A create carries what its record needs.
            let index = |of: &CompiledEntity| of.unit_key(&operation.unit).and_then(|key| key.index());
            let unit =
                |of: &'_ CompiledEntity| index(of).and_then(|at| of.units.get(usize::from(at)).map(|unit| unit.pii));
            of.is_some_and(|of| unit(of).unwrap_or_else(|| of.units.iter().any(|unit| unit.pii)))
        });
        let case = Case::of_row(key, kind, held, entity_type, self.now());
        Case { pii: case.pii || refused, ..case }
    }

    /// The same cases with what people noted on them.
    pub(super) async fn with_desks(&self, cases: Vec<Case>) -> Result<Vec<Case>, Error> {
        let keys: Vec<RowKey> = cases.iter().map(|case| desk_key(&case.key)).collect();
        if keys.is_empty() {
            return Ok(cases);
        }
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load what is noted on cases"))?;
        let desk = |row: Option<Row>| row.map(|row| parse::<Desk>(Table::Case, &row)).transpose();
        cases.into_iter().zip(rows).map(|(case, row)| Ok(case.with_desk(desk(row)?.unwrap_or_default()))).collect()
    }

    /// Entities as they are stored, in the order of ids; `None`: there is no such row, or today's model has no such type.
    pub(super) async fn stored_entities(&self, ids: &[EntityId]) -> Result<Vec<Option<Entity>>, Error> {
        let keys: Vec<RowKey> = ids.iter().map(|id| entity_key(*id)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load entities"))?;
        let read = |row: Option<Row>| {
            let stored = row.map(|row| parse::<StoredEntity>(Table::Entity, &row)).transpose()?;
            Ok(stored.and_then(|stored| Entity::from_stored(stored, &self.core.model)))
        };
        rows.into_iter().map(read).collect()
    }
}
