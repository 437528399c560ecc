//! Totals: what passes added up, compared with what it is to agree with.

use std::collections::BTreeSet;

use crate::check::{Aggregate, Total};
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, Violated, case_key};
use crate::engine::persist::{Changes, PART};
use crate::engine::tenant::check::pass::{Passed, TOTALS, Totalled, pass_key, totalled_key};
use crate::engine::tenant::check::violations::put_case;
use crate::error::Error;
use crate::id::EntityType;
use crate::model::Unit;
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The case of totals that do not agree.
fn total_case(name: &str) -> RowKey {
    case_key(CaseKind::Violation, Text::of_parts(&[PART, name]))
}

impl Tenant {
    /// Compares the totals that a pass added up with those that they are to agree with. Those of two types are compared when both passes
    /// that began together are over.
    pub(super) async fn note_totals(
        &self,
        of: &EntityType,
        passed: &Passed,
        changes: &mut Changes<'_>,
    ) -> Result<(), Error> {
        for aggregate in &self.core.checks.aggregates {
            let Aggregate { left, right, .. } = aggregate;
            if left.entity_type != *of && right.entity_type != *of {
                continue;
            }
            let mut tallies = Vec::new();
            for total in [left, right] {
                let name: Text = total.to_string().into();
                if total.entity_type == *of {
                    tallies.extend(passed.tallies.get(&name).cloned());
                    continue;
                }
                let (revision, other) = self.pass_row(&total.entity_type).await?;
                // Whichever of the two is over last compares them.
                changes.commit.expect.push((pass_key(&total.entity_type), revision));
                let last = other.and_then(|row| row.last).filter(|last| last.began == passed.began);
                tallies.extend(last.and_then(|mut last| last.tallies.remove(&name)));
            }
            let [ours, theirs] = tallies.as_slice() else { continue };
            let why = aggregate.differ(ours, theirs);
            let (revision, last) = self.totalled_row(aggregate).await?;
            changes.commit.expect.push((totalled_key(&aggregate.name), revision));
            let (differ, by) = (why.is_some(), Some(aggregate.definition()));
            // What another aggregate of this name came to says nothing of this one. Rows of before it was noted are of this one.
            let differed = last.is_some_and(|last| (last.by.is_none() || last.by == by) && last.differ);
            let totalled = Totalled { at: passed.began, by, left: ours.clone(), right: theirs.clone(), differ };
            changes.put(totalled_key(&aggregate.name), &totalled);
            let key = total_case(&aggregate.name);
            let standing = self.row(&key, "load what a total came to").await?;
            match why {
                Some(why) if left.entity_type == right.entity_type || differed => {
                    let why = format!("\"{}\": {why}", aggregate.name);
                    let case = CaseRow::new(Vec::new(), [], why, changes.as_of()).violated(self.told_of(aggregate));
                    put_case(changes, &key, &case, standing)?;
                }
                _ => {
                    if let Some(standing) = standing {
                        changes.commit.expect.push((key.clone(), Some(standing.revision)));
                        changes.delete(key);
                    }
                }
            }
        }
        Ok(())
    }

    /// Of totals that are declared no longer, nothing stands.
    pub(super) async fn forget_totals(&self, changes: &mut Changes<'_>) -> Result<(), Error> {
        let declared: BTreeSet<&str> = self.core.checks.aggregates.iter().map(|aggregate| &*aggregate.name).collect();
        let cases = total_case("").key;
        for (table, prefix) in [(Table::Case, cases.as_str()), (Table::Meta, TOTALS)] {
            for row in self.all_rows(table, prefix, "look for totals").await? {
                if row.key.strip_prefix(prefix).is_none_or(|name| declared.contains(name)) {
                    continue;
                }
                let key = RowKey::new(table, row.key);
                changes.commit.expect.push((key.clone(), Some(row.revision)));
                changes.delete(key);
            }
        }
        Ok(())
    }

    /// What the words about totals tell of: the unit that is added up, where it is one.
    fn told_of(&self, aggregate: &Aggregate) -> Violated {
        let totals = [&aggregate.left, &aggregate.right];
        let summed: Vec<(&EntityType, &Unit)> = totals.iter().filter_map(|total| self.unit_of(total)).collect();
        let pii = summed.iter().any(|(_, unit)| unit.pii);
        let told: BTreeSet<(&EntityType, &str)> = summed.iter().map(|(of, unit)| (*of, &*unit.id)).collect();
        let types: BTreeSet<&EntityType> = totals.iter().map(|total| &total.entity_type).collect();
        match (told.first(), told.len(), types.len()) {
            (Some((of, unit)), 1, _) => Violated { entity_type: Some((*of).clone()), unit: Some((*unit).into()), pii },
            (_, _, 1) => Violated { entity_type: types.first().map(|of| (*of).clone()), unit: None, pii },
            _ => Violated { entity_type: None, unit: None, pii },
        }
    }

    fn unit_of<'t>(&'t self, total: &'t Total) -> Option<(&'t EntityType, &'t Unit)> {
        let of = &total.entity_type;
        let model = self.core.model.entity(self.core.model.entity_index(of.as_str())?);
        let (unit, _) = model.unit_of(total.sum.as_ref()?.as_str())?;
        model.units.get(usize::from(unit)).map(|unit| (of, unit))
    }
}
