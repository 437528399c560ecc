//! Cases: listing what waits for a person, and closing what nothing else closes.

mod journaled;
mod open;
mod refile;

pub(crate) use journaled::{CASE_CHANGED, CASE_GONE, CASE_OPENED};
pub(super) use open::is_desk;
pub use open::{Assigned, CaseCursor, CaseFilter, CasePage};

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::case::{Case, CaseKind, CaseRow};
use crate::engine::hydrate::parse;
use crate::engine::persist::Changes;
use crate::engine::tenant::creates::Creates;
use crate::engine::tenant::pages::Pages;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityId};
use crate::plan::{PlanDraft, PlanKind, Scope};
use crate::role::Role;
use crate::store::{Commit, Row, RowKey, Table};
use crate::text::Text;

impl Tenant {
    /// Up to `limit` cases about records and matches behind the key `after`, in the order of keys: those of one kind stand
    /// together. Fewer than `limit`: there are no more. [`Tenant::open_cases`] lists them with the discrepancies that wait
    /// for a person, the gravest first.
    ///
    /// A case goes by itself when what it asks for is done; [`CaseKind`] says when.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn cases(&self, after: Option<&str>, limit: usize) -> Result<Vec<Case>, Error> {
        let mut cases = Vec::new();
        let mut rows = Pages::new(self, Table::Case, "list cases").after(after.map(Text::from));
        while cases.len() < limit
            && let Some(row) = rows.next().await?
        {
            let Some(kind) = CaseKind::of_key(&row.key) else { continue };
            cases.push(self.case_of_row(row, kind)?);
        }
        self.with_desks(cases).await
    }

    /// Closes a case that a person has dealt with in another way. Journaled. Says whether it stood open; if what it is
    /// about happens anew, it is opened again.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn close_case(&self, key: &str, by: &Actor, reason: &str) -> Result<bool, Error> {
        self.require_role(by, Role::Operator, "close cases").await?;
        self.refuse_cards("reason", [reason])?;
        let row = RowKey::new(Table::Case, key);
        let standing = self.row(&row, "load a case").await?;
        let Some(standing) = standing.filter(|_| CaseKind::of_key(key).is_some()) else { return Ok(false) };
        let mut changes = Changes::new(&self.core, self.now(), by);
        changes.commit.expect.push((row.clone(), Some(standing.revision)));
        changes.delete(row);
        let case: CaseRow = parse(Table::Case, &standing)?;
        // Found wrong and closed is not found right.
        if let (Some(of), [entity]) =
            (case.violated.as_ref().and_then(|one| one.entity_type.as_ref()), &case.entities[..])
        {
            changes.outdate(of, *entity);
        }
        changes.journal("case_closed", &case.subject(key), &(key, by, reason));
        self.commit("close a case", changes.commit).await
    }

    /// Closes the cases of refused writes of these entities, or of all, that are no longer owed: what was refused has been
    /// put right elsewhere.
    pub(crate) async fn close_refusals(&self, entities: Option<&[EntityId]>) -> Result<(), Error> {
        let mut pages = Pages::of(self, Table::Case, CaseKind::Refused.prefix(), "list refused writes");
        let mut creates: Option<Creates> = None;
        while let Some(rows) = pages.page().await? {
            let mut by_entity: BTreeMap<EntityId, Vec<(Digest, Row)>> = BTreeMap::new();
            for row in rows {
                let case: CaseRow = parse(Table::Case, &row)?;
                let Some(operation) = case.operation else { continue };
                if entities.is_some_and(|entities| !entities.contains(&operation.entity)) {
                    continue;
                }
                by_entity.entry(operation.entity).or_default().push((operation.key, row));
            }
            for (entity, refused) in by_entity {
                if creates.is_none() {
                    creates = Some(self.creates().await?);
                }
                let Some(creates) = &creates else { continue };
                let owed = self.owed(entity, creates).await?;
                for (_, row) in refused.into_iter().filter(|(key, _)| !owed.contains(key)) {
                    let key = RowKey::new(Table::Case, row.key);
                    let expect = vec![(key.clone(), Some(row.revision))];
                    let commit = Commit { expect, delete: vec![key], ..Commit::default() };
                    // A race that is lost to another refusal leaves the case open, as it should.
                    self.commit("close a refused write", commit).await?;
                }
            }
        }
        Ok(())
    }

    /// The keys of the operations that any plan of an entity has today.
    async fn owed(&self, entity: EntityId, creates: &Creates) -> Result<BTreeSet<Digest>, Error> {
        let mut owed = BTreeSet::new();
        for kind in [PlanKind::Regular, PlanKind::Bootstrap] {
            let mut draft = PlanDraft::new(kind, Scope::from(entity));
            self.plan_into(&[entity], creates, &mut draft).await?;
            owed.extend(draft.operations().iter().map(|operation| operation.key));
        }
        Ok(owed)
    }
}
