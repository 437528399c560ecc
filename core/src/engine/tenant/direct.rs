//! Direct reads: records asked for by id, and the numbers that order reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::connector::{ConnectorError, ConnectorErrorKind, Item, ReadAnswer, RecordKey, Retry};
use crate::decode::Batch;
use crate::engine::hydrate::parse;
use crate::engine::intake::{Input, TakenIn, sort};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::{Connection, Tenant, persist};
use crate::error::Error;
use crate::id::{ConnectionName, RecordRef, SurfaceName};
use crate::observation::DeathEvidence;
use crate::store::{RowKey, Table};
use crate::surface::Merges;

/// What a read of several records came to.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    /// What was taken in.
    pub(crate) taken: TakenIn,
    /// The records of which nothing was learnt, each with the reason.
    pub(crate) failed: BTreeMap<RecordRef, ConnectorError>,
}

impl std::ops::AddAssign for Answered {
    fn add_assign(&mut self, other: Self) {
        self.taken += other.taken;
        self.failed.extend(other.failed);
    }
}

impl Tenant {
    /// Reads records directly, whatever is known of them, and takes in what they say. One that cannot be read stops no
    /// other.
    pub(crate) async fn read_records(&self, name: &ConnectionName, records: &[RecordRef]) -> Result<Answered, Error> {
        let keys: Vec<RecordKey> = records
            .iter()
            .map(|record| RecordKey { object: record.object.clone(), id: record.id.clone(), by_create_key: false })
            .collect();
        let read = self.read_number().await?;
        let (_, bound) = self.connection(name.as_str())?;
        let answers = bound.connector.read_records(&keys).await.and_then(|answers| complete(answers, keys.len()));
        let mut answers =
            answers.map_err(|source| Error::Connector { connection: name.clone(), doing: "read records", source })?;
        for answer in &mut answers {
            if let ReadAnswer::Found(item) = answer {
                *item = self.believable_item(name, item).await?;
            }
        }
        let mut answered = Answered::default();
        let mut inputs = Vec::new();
        let mut batch = Batch::new();
        for (record, answer) in records.iter().zip(answers) {
            match answer {
                ReadAnswer::Found(item) => match self.found(name, bound, record, &item, read, &mut batch) {
                    Ok(found) => inputs.extend(found),
                    Err(error) => drop(answered.failed.insert(record.clone(), error)),
                },
                ReadAnswer::Gone => inputs.push(Input::Gone {
                    record: record.clone(),
                    evidence: DeathEvidence::Gone,
                    read,
                    surface: SurfaceName::new("read"),
                }),
                ReadAnswer::Failed(_) if planted!(FailureTakenForGone) => inputs.push(Input::Gone {
                    record: record.clone(),
                    evidence: DeathEvidence::Gone,
                    read,
                    surface: SurfaceName::new("read"),
                }),
                ReadAnswer::Failed(error) => drop(answered.failed.insert(record.clone(), error)),
            }
        }
        drop(batch);
        // What this read cannot settle about a record that it asked for is not settled by asking again at once.
        let reading: BTreeSet<RecordRef> = records.iter().cloned().collect();
        answered.taken = self.take_in_read(inputs, &Self::engine(), &reading).await?;
        self.connection(name.as_str())?.1.instruments.taken(&answered.taken);
        Ok(answered)
    }

    /// What the answer about one record says. An answer that only says to read the record is none.
    fn found(
        &self,
        name: &ConnectionName,
        bound: &Connection,
        record: &RecordRef,
        item: &Item,
        read: u64,
        batch: &mut Batch,
    ) -> Result<Vec<Input>, ConnectorError> {
        let mut found = sort(name, bound, &self.core.model, std::slice::from_ref(item), read, batch);
        let other = found.iter().find_map(|input| match input {
            Input::Observed { observation, .. } if observation.record.id != record.id => {
                Some((observation.record.id.clone(), observation.stamp.token))
            }
            _ => None,
        });
        if let Some((survivor, token)) = other {
            let surface = bound.surfaces.iter().find(|bound| bound.surface.name == item.surface);
            if surface.is_some_and(|bound| bound.surface.semantics.merges == Merges::NeverTold) {
                let message = format!("{record} was asked for, and a surface without merges answered with another id");
                return Err(ConnectorError::new(ConnectorErrorKind::Contract, message));
            }
            // Another id than the one asked for: the records were merged.
            found.push(Input::Merged { loser: record.clone(), survivor, token: Some(token) });
        }
        if found.iter().any(|input| !matches!(input, Input::Hint { .. })) {
            return Ok(found);
        }
        let why = found.iter().find_map(|input| match input {
            Input::Hint { why, .. } => Some(*why),
            _ => None,
        });
        let message = format!("the answer about {record} is no observation: {}", why.unwrap_or("it holds no record"));
        Err(ConnectorError::new(ConnectorErrorKind::Contract, message).retry(Retry::Backoff))
    }

    /// Issues the number of a read: later reads have greater numbers. It is a commit of its own, before the read: numbers
    /// taken in advance would say of a read that it began before others that it did not.
    pub(crate) async fn read_number(&self) -> Result<u64, Error> {
        let key = RowKey::new(Table::Meta, "reads");
        let mut attempts = Attempts::default();
        loop {
            let row = self.row(&key, "issue a read number").await?;
            let last: u64 = row.as_ref().map(|row| parse(Table::Meta, row)).transpose()?.unwrap_or(0);
            if planted!(ReadsUnordered) && last > 0 {
                return Ok(last);
            }
            let next = last.saturating_add(1);
            let commit = crate::store::Commit {
                expect: vec![(key.clone(), row.map(|row| row.revision))],
                put: vec![(key.clone(), persist::json(&next))],
                ..Default::default()
            };
            if attempts.commit(self, "issue a read number", commit).await? {
                return Ok(next);
            }
        }
    }
}

/// One answer per key: with one missing, nobody could say whose answer is whose.
fn complete(answers: Vec<ReadAnswer>, asked: usize) -> Result<Vec<ReadAnswer>, ConnectorError> {
    if answers.len() == asked {
        return Ok(answers);
    }
    let message = format!("{asked} records were asked for, and {} answers came", answers.len());
    Err(ConnectorError::new(ConnectorErrorKind::Contract, message).retry(Retry::Backoff))
}
