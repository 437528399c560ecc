//! What is said of persons who were erased: it is counted, and not kept.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, case_of};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::intake::{Input, TakenIn};
use crate::engine::persist::Changes;
use crate::engine::suppression::{
    LIFTED, SUPPRESSED, Suppressed, Suppression, digest_of_key, erased_key, suppressed_key, suppressed_prefix,
};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::replay::shapes;
use crate::engine::tenant::work::hint;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityId, RecordRef};
use crate::observation::Observation;
use crate::representation::Representation;
use crate::role::Role;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::working_set::identity_values;

/// By what an input would be known as an erased person's.
#[derive(Default)]
struct Marks {
    record: Option<Digest>,
    others: BTreeSet<Digest>,
}

impl Tenant {
    /// The inputs that say nothing of a person who was erased. The records of the others must have been loaded.
    pub(super) async fn unsuppressed<'i>(
        &self,
        inputs: &'i [Input],
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        taken: &mut TakenIn,
    ) -> Result<Cow<'i, [Input]>, Error> {
        let (revision, suppression) = self.suppression().await?;
        if suppression.secret.is_empty() || planted!(ErasedComesBack) {
            return Ok(Cow::Borrowed(inputs));
        }
        let marks: Vec<Marks> = inputs.iter().map(|input| self.marks(&suppression, loader, input)).collect();
        let digests: BTreeSet<Digest> =
            marks.iter().flat_map(|marks| marks.record.iter().chain(&marks.others)).copied().collect();
        let digests: Vec<Digest> = digests.into_iter().collect();
        let keys: Vec<RowKey> = digests.iter().map(|digest| suppressed_key(*digest)).collect();
        let mut known: BTreeMap<Digest, Suppressed> = BTreeMap::new();
        for (digest, row) in digests.into_iter().zip(loader.rows(&keys).await?) {
            if let Some(row) = row {
                known.insert(digest, parse(Table::Meta, &row)?);
            }
        }
        if known.is_empty() {
            return Ok(Cow::Borrowed(inputs));
        }
        let expected = keys.iter().filter_map(|key| Some((key.clone(), *loader.loaded.revisions.get(key)?)));
        changes.commit.expect.extend(expected);
        // A letter about a part of a record comes before what the record says: whose both are, only that tells.
        for marks in &marks {
            let found = marks.others.iter().find_map(|digest| known.get(digest)).cloned();
            if let (Some(record), Some(found)) = (marks.record, found) {
                known.entry(record).or_insert(Suppressed { heard: None, ..found });
            }
        }
        let mut late: BTreeMap<RecordRef, EntityId> = BTreeMap::new();
        let mut kept = Vec::with_capacity(inputs.len());
        for (input, marks) in inputs.iter().zip(marks) {
            let found = marks.record.iter().chain(&marks.others).find_map(|digest| known.get(digest));
            let Some(found) = found.cloned() else {
                kept.push(input.clone());
                continue;
            };
            taken.suppressed += 1;
            if let Input::Observed { observation, .. } = input
                && self.said_without_a_name(loader, &observation.record)
            {
                late.insert(observation.record.clone(), found.of);
            }
            let Some(record) = marks.record else { continue };
            if known.get(&record).is_none_or(|row| row.heard.is_none()) {
                // Heard of for the first time; from now on it is known by itself, whatever else it says.
                let heard = Suppressed { heard: Some(changes.as_of()), ..found };
                let (connection, surface) = place_of(input);
                changes.journal(SUPPRESSED, &connection, &(surface, record));
                changes.put(suppressed_key(record), &heard);
                known.insert(record, heard);
            }
        }
        if !late.is_empty() {
            self.begin_afterwards(loader, changes, (revision, &*suppression), &late);
        }
        Ok(Cow::Owned(kept))
    }

    fn marks(&self, suppression: &Suppression, loader: &Loader<'_>, input: &Input) -> Marks {
        let of = |record: &RecordRef| Marks { record: Some(suppression.of_record(record)), ..Marks::default() };
        match input {
            Input::Observed { observation, .. } | Input::Entered { observation, .. } => {
                let mut marks = of(&observation.record);
                // A record that belongs to somebody is that one's, whatever it says.
                if loader.loaded.set.entity_of(&observation.record).is_none() {
                    marks.others = self.identities_told(suppression, observation);
                }
                marks
            }
            Input::Gone { record, .. } | Input::Absent { record, .. } | Input::Hint { record, .. } => of(record),
            Input::Merged { loser, .. } => of(loser),
            Input::Dead(letter) => match &letter.record {
                Some(record) => of(record),
                None => Marks { record: None, others: suppression.of_words(&letter.item.body) },
            },
        }
    }

    fn identities_told(&self, suppression: &Suppression, observation: &Observation) -> BTreeSet<Digest> {
        let Some((entity, object)) = self.core.place(&observation.record) else { return BTreeSet::new() };
        let model = self.core.model.entity(entity);
        let mut told = Representation::new();
        told.fold(observation, &shapes(model, object));
        identity_values(model, object, &told).iter().map(|key| suppression.of_identity(key)).collect()
    }

    /// Lifts what keeps a person away who was erased: from now on systems may say again who they are, and they are somebody
    /// new. Their records that the journal still names are read by the next steps: one that stayed as it was would not be told of,
    /// and made anew where it is. Says how many hashes were forgotten; a second time, none.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if no entity of this id was erased; or a store that failed.
    pub async fn lift_suppression(&self, id: EntityId, by: &Actor, reason: &str) -> Result<usize, Error> {
        self.require_role(by, Role::Admin, "lift suppressions").await?;
        self.refuse_cards("reason", [reason])?;
        // What is left to do of an erasure may need the hashes.
        self.finish_erasures().await?;
        let mut attempts = Attempts::default();
        loop {
            let Some(erased) = self.erased(id).await? else {
                return Err(Error::UnknownEntity { expected: "erased entity".into(), id });
            };
            let mut changes = Changes::new(&self.core, self.now(), by);
            let mut lifted: BTreeSet<Digest> = BTreeSet::new();
            for row in self.all_rows(Table::Meta, suppressed_prefix(), "list what is suppressed").await? {
                let suppressed: Suppressed = parse(Table::Meta, &row)?;
                if suppressed.of != erased.of {
                    continue;
                }
                lifted.extend(digest_of_key(&row.key));
                let key = RowKey::new(Table::Meta, row.key);
                changes.commit.expect.push((key.clone(), Some(row.revision)));
                changes.delete(key);
            }
            if lifted.is_empty() {
                return Ok(0);
            }
            let theirs = self.records_erased(erased.of).await?;
            // What was merged into one of them is heard of again.
            let merged = theirs.iter().map(|record| case_of(CaseKind::MergedInSystem, record));
            changes.commit.delete.extend(merged);
            let readable = |record: &&RecordRef| self.core.connections.contains_key(&record.connection);
            theirs.iter().filter(readable).for_each(|record| hint(&mut changes, record));
            changes.journal(LIFTED, &erased_key(erased.of).key.replace('\u{1f}', "/"), &(&lifted, reason));
            if attempts.commit(self, "lift a suppression", changes.commit).await? {
                return Ok(lifted.len());
            }
        }
    }
}

/// The connection and, where one said it, the surface of an input.
fn place_of(input: &Input) -> (Text, Option<Text>) {
    match input {
        Input::Observed { observation, surface, .. } => {
            (observation.record.connection.as_str().into(), Some(surface.as_str().into()))
        }
        Input::Entered { observation, .. } => (observation.record.connection.as_str().into(), None),
        Input::Gone { record, surface, .. } => (record.connection.as_str().into(), Some(surface.as_str().into())),
        Input::Absent { record, .. } | Input::Hint { record, .. } => (record.connection.as_str().into(), None),
        Input::Merged { loser, .. } => (loser.connection.as_str().into(), None),
        Input::Dead(letter) => (letter.connection.as_str().into(), Some(letter.item.surface.as_str().into())),
    }
}
