//! Totals that are to agree, compared when a pass has added them up.

use crate::check::Aggregate;
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, Violated, case_key};
use crate::engine::persist::{Changes, PART};
use crate::engine::tenant::check::examine::violations::put_case;
use crate::engine::tenant::check::pass::{Passed, Totalled, totalled_key};
use crate::error::Error;
use crate::id::EntityType;
use crate::store::RowKey;
use crate::text::Text;

impl Tenant {
    /// Compares the totals that a pass added up with those that they are to agree with.
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
                let tally = if total.entity_type == *of {
                    passed.tallies.get(&name).cloned()
                } else {
                    let (_, other) = self.pass_row(&total.entity_type).await?;
                    other.and_then(|row| row.last).and_then(|mut last| last.tallies.remove(&name))
                };
                tallies.extend(tally);
            }
            // The other type was not gone through yet.
            let [ours, theirs] = tallies.as_slice() else { continue };
            let why = aggregate.differ(ours, theirs);
            let (revision, last) = self.totalled_row(aggregate).await?;
            changes.commit.expect.push((totalled_key(aggregate), revision));
            let differ = why.is_some();
            let totalled = Totalled { at: changes.as_of(), left: ours.clone(), right: theirs.clone(), differ };
            changes.put(totalled_key(aggregate), &totalled);
            let one_type = left.entity_type == right.entity_type;
            let key = total_case(aggregate);
            let rows = self.core.store.load(&self.id, std::slice::from_ref(&key)).await;
            let standing = rows.map_err(Error::store("load what a total came to"))?.into_iter().next().flatten();
            match why {
                Some(why) if one_type || standing.is_some() || last.is_some_and(|last| last.differ) => {
                    let personal = [left, right].into_iter().any(|total| self.is_personal(total));
                    let violated =
                        Violated { entity_type: one_type.then(|| left.entity_type.clone()), unit: None, pii: personal };
                    let why = format!("\"{}\": {why}", aggregate.name);
                    let case = CaseRow::new(Vec::new(), [], why, changes.as_of()).violated(violated);
                    put_case(changes, &key, &case, standing)?;
                }
                Some(_) => {}
                None if standing.is_some() => changes.delete(key),
                None => {}
            }
        }
        Ok(())
    }

    fn is_personal(&self, total: &crate::check::Total) -> bool {
        let model = self.core.model.entity_index(total.entity_type.as_str()).map(|of| self.core.model.entity(of));
        let attributes = model.into_iter().flat_map(|model| &model.attributes);
        let mut summed = attributes.filter(|one| total.sum.as_ref() == Some(&one.id));
        summed.any(|attribute| attribute.pii)
    }
}

/// The case of totals that do not agree.
fn total_case(aggregate: &Aggregate) -> RowKey {
    case_key(CaseKind::Violation, Text::of_parts(&[PART, &aggregate.name]))
}
