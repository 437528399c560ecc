//! Verifying the desk: what people noted on cases, and the index that lists them.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::case::CaseRow;
use crate::engine::case_index::{PREFIX, case_of_key, filed_by, keys_of};
use crate::engine::desk::{self, Desk};
use crate::engine::due_index;
use crate::engine::hydrate::parse;
use crate::engine::persist::LinkRow;
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::replay::Replayed;
use crate::engine::tenant::verify::{Compared, Difference};
use crate::error::Error;
use crate::id::EntityId;
use crate::store::Table;
use crate::text::Text;
use crate::triage;

const NOTED: &str = "what is noted";
const OPENED: &str = "the case";
const FILED: &str = "its place in the list";

impl Tenant {
    pub(super) async fn verify_desk(&self, replayed: &Replayed, found: &mut Vec<Difference>) -> Result<(), Error> {
        let mut expected: BTreeMap<&Text, &Desk> = replayed.desks.iter().collect();
        let mut open: BTreeMap<&Text, &CaseRow> = replayed.cases.iter().collect();
        let mut pages = Pages::new(self, Table::Case, "verify what is stored");
        while let Some(row) = pages.next().await? {
            // Of a case that was opened by an earlier version, the journal does not tell.
            if let Some(told) = open.remove(&row.key) {
                let stored: CaseRow = parse(Table::Case, &row)?;
                if *told != stored {
                    found.push(Difference::Case { key: row.key, part: OPENED, compared: Compared::Differs });
                }
                continue;
            }
            let Some(key) = row.key.strip_prefix(desk::PREFIX).map(Text::new) else { continue };
            let stored: Desk = parse(Table::Case, &row)?;
            let compared = match expected.remove(&key) {
                Some(noted) if *noted == stored => continue,
                Some(_) => Compared::Differs,
                None => Compared::Unaccounted,
            };
            found.push(Difference::Case { key, part: NOTED, compared });
        }
        let compared = Compared::Missing;
        found.extend(open.into_keys().map(|key| Difference::Case { key: key.clone(), part: OPENED, compared }));
        found.extend(expected.into_keys().map(|key| Difference::Case { key: key.clone(), part: NOTED, compared }));
        // What ends by its date is named by that.
        let name = |key: &str| case_of_key(key).unwrap_or_else(|| key.replace('\u{1f}', "/").into());
        let misfiled = self.misfiled(replayed).await?.into_iter();
        let differ = |(key, _, compared): (Text, _, _)| Difference::Case { key: name(&key), part: FILED, compared };
        found.extend(misfiled.map(differ));
        Ok(())
    }

    /// Whether cases are filed as today's triage weighs them. Before they are first listed, they may not be.
    async fn is_filed(&self) -> Result<bool, Error> {
        let row = self.row(&filed_by(), "see how cases are filed").await?;
        let filed: Option<String> = row.as_ref().map(|row| parse(Table::Meta, row)).transpose()?;
        let today = triage::fingerprint(self.core.triage.iter().flatten()).to_string();
        Ok(filed.as_deref() == Some(&today))
    }

    /// The rows by which cases and dates are found that are not as entities have them: their keys, and the entity that stands under each;
    /// none: nobody does.
    pub(in crate::engine::tenant) async fn misfiled(
        &self,
        replayed: &Replayed,
    ) -> Result<Vec<(Text, Option<EntityId>, Compared)>, Error> {
        let mut expected: BTreeMap<Text, EntityId> = BTreeMap::new();
        let filed_cases = self.is_filed().await?;
        for entity in replayed.entities.values() {
            let cases = if filed_cases { keys_of(&self.core, entity) } else { BTreeSet::new() };
            let keys = cases.into_iter().chain(due_index::keys_of(entity));
            expected.extend(keys.map(|key| (key, entity.id)));
        }
        let mut misfiled = Vec::new();
        let mut pages = Pages::new(self, Table::Index, "verify what is stored");
        while let Some(row) = pages.next().await? {
            let is_filed = row.key.starts_with(due_index::PREFIX) || (filed_cases && row.key.starts_with(PREFIX));
            if !is_filed {
                continue;
            }
            let stored: LinkRow = parse(Table::Index, &row)?;
            match expected.remove(&row.key) {
                Some(entity) if entity == stored.entity => {}
                Some(entity) => misfiled.push((row.key, Some(entity), Compared::Differs)),
                None => misfiled.push((row.key, None, Compared::Unaccounted)),
            }
        }
        misfiled.extend(expected.into_iter().map(|(key, entity)| (key, Some(entity), Compared::Missing)));
        Ok(misfiled)
    }
}
