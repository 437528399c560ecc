//! Reading systems: webhooks that come in, polls and scans that go out, and the records that hints point at.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::{ConnectorError, ConnectorErrorKind, Cursor, Delivery, ReadAnswer, RecordKey};
use crate::decode::Batch;
use crate::engine::hydrate::parse;
use crate::engine::intake::{Input, TakenIn, sort};
use crate::engine::persist::{Changes, record_key, record_of_key};
use crate::engine::tenant::MOST_ATTEMPTS;
use crate::engine::tenant::take_in::WorkRow;
use crate::engine::{Tenant, persist};
use crate::error::Error;
use crate::id::{ConnectionName, ObjectType, RecordRef, SurfaceName};
use crate::observation::DeathEvidence;
use crate::representation::Representation;
use crate::representation::stored::StoredRepresentation;
use crate::store::{RowKey, Table};
use crate::surface::{Channel, Surface};
use crate::text::Text;

/// The position of a poll or stream, and what is left of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    after: Option<Cursor>,
    /// The number of the scan under way.
    #[serde(default)]
    scan: u32,
}

/// How many hinted records one read asks for.
const READ_AT_ONCE: usize = 100;

impl Tenant {
    /// Takes in a webhook: verified, durable, and only then answered.
    ///
    /// A repeated delivery is answered like the first and changes nothing.
    ///
    /// # Errors
    ///
    /// If the request does not come from the system, or the store fails. Answer with [`Error::http_status`]: the sender
    /// then repeats, and nothing is lost.
    pub async fn receive(&self, connection: &str, delivery: Delivery) -> Result<http::Response<Bytes>, Error> {
        let (name, bound) = self.connection(connection)?;
        let verified = bound.connector.verify(&delivery).map_err(|source| Error::Connector {
            connection: name.clone(),
            doing: "verify a webhook",
            source,
        })?;
        let key = verified.delivery_id.map(|id| RowKey::new(Table::Dedup, format!("{name}\u{1f}{id}")));
        if let Some(key) = &key {
            let known = self.core.store.load(&self.id, std::slice::from_ref(key)).await;
            if known.map_err(Error::store("look for a repeated delivery"))?.iter().any(Option::is_some) {
                return Ok(verified.reply);
            }
        }
        self.take_items(&name, &verified.items, 0).await?;
        if let Some(key) = key {
            // After the items: a crash in between costs a repetition, which changes nothing.
            let commit = crate::store::Commit { put: vec![(key, persist::json(&self.now()))], ..Default::default() };
            self.commit("remember a delivery", commit).await?;
        }
        Ok(verified.reply)
    }

    /// Reads what changed since the last poll, on every poll and stream surface of a connection. The cursor moves only
    /// after a page is durable.
    ///
    /// # Errors
    ///
    /// If a page cannot be read or stored; what was taken in before it stays, and the next poll goes on there.
    pub async fn poll(&self, connection: &str) -> Result<TakenIn, Error> {
        let (name, bound) = self.connection(connection)?;
        let surfaces: Vec<Surface> = bound
            .surfaces
            .iter()
            .map(|bound| bound.surface.clone())
            .filter(|surface| matches!(surface.channel, Channel::Poll | Channel::Stream))
            .collect();
        let mut taken = TakenIn::default();
        for surface in surfaces {
            loop {
                let (row, position) = self.position(&name, &surface.name).await?;
                let page = self.page(&name, &surface.name, position.after.clone()).await?;
                taken += self.take_items(&name, &page.items, 0).await?;
                let after = page.next.or(position.after);
                self.move_to(row, &Position { after, scan: 0 }).await?;
                if !page.more {
                    break;
                }
            }
        }
        Ok(taken)
    }

    /// Reads every record on every scan surface of a connection. A record that two complete scans in a row did not meet
    /// is read directly, and only then held to be gone.
    ///
    /// # Errors
    ///
    /// If a page cannot be read or stored; an interrupted scan goes on at its last page, and counts as complete only when
    /// its last page is durable.
    pub async fn scan(&self, connection: &str) -> Result<TakenIn, Error> {
        let (name, bound) = self.connection(connection)?;
        let surfaces: Vec<Surface> = bound
            .surfaces
            .iter()
            .map(|bound| bound.surface.clone())
            .filter(|surface| surface.channel == Channel::Scan)
            .collect();
        let mut taken = TakenIn::default();
        for surface in surfaces {
            let (row, mut position) = self.position(&name, &surface.name).await?;
            if position.scan == 0 {
                position = Position { after: None, scan: self.read_number().await? };
                self.move_to(row, &position).await?;
            }
            loop {
                let (row, position) = self.position(&name, &surface.name).await?;
                let page = self.page(&name, &surface.name, position.after.clone()).await?;
                taken += self.take_items(&name, &page.items, position.scan).await?;
                if page.more {
                    self.move_to(row, &Position { after: page.next, scan: position.scan }).await?;
                    continue;
                }
                taken += self.note_absences(&name, &surface.object, position.scan).await?;
                self.move_to(row, &Position::default()).await?;
                break;
            }
        }
        Ok(taken)
    }

    /// Reads the records that hints and ties point at, up to a bound. Says whether more are waiting.
    ///
    /// # Errors
    ///
    /// If a connection cannot be read; the records stay on the list.
    pub async fn read_hinted(&self) -> Result<bool, Error> {
        let mut more = false;
        let names: Vec<ConnectionName> = self.core.connections.keys().cloned().collect();
        for name in names {
            let prefix = format!("{name}\u{1f}");
            let rows = self
                .core
                .store
                .scan(&self.id, Table::Work, &prefix, None, READ_AT_ONCE)
                .await
                .map_err(Error::store("list records to read"))?;
            if rows.is_empty() {
                continue;
            }
            more |= rows.len() == READ_AT_ONCE;
            let records: Vec<RecordRef> = rows.iter().filter_map(|row| record_of_key(&row.key)).collect();
            self.read_records(&name, &records).await?;
            for row in rows {
                let key = RowKey::new(Table::Work, row.key);
                // A hint that came while the record was being read keeps it on the list.
                let commit = crate::store::Commit {
                    expect: vec![(key.clone(), Some(row.revision))],
                    delete: vec![key],
                    ..Default::default()
                };
                more |= !self.commit("take a record off the list", commit).await?;
            }
        }
        Ok(more)
    }

    /// Reads records directly, whatever is known of them, and takes in what they say.
    pub(crate) async fn read_records(&self, name: &ConnectionName, records: &[RecordRef]) -> Result<TakenIn, Error> {
        let keys: Vec<RecordKey> = records
            .iter()
            .map(|record| RecordKey { object: record.object.clone(), id: record.id.clone(), by_create_key: false })
            .collect();
        let read = self.read_number().await?;
        let (_, bound) = self.connection(name.as_str())?;
        let answers = bound.connector.read_records(&keys).await.map_err(|source| Error::Connector {
            connection: name.clone(),
            doing: "read records",
            source,
        })?;
        let inputs = {
            let mut batch = Batch::new();
            let mut inputs = Vec::new();
            for (record, answer) in records.iter().zip(answers) {
                match answer {
                    ReadAnswer::Found(item) => {
                        let found = sort(name, bound, &self.core.model, std::slice::from_ref(&item), read, &mut batch);
                        let survivor = found.iter().find_map(|input| match input {
                            Input::Observed { observation, .. } if observation.record.id != record.id => {
                                Some((observation.record.id.clone(), observation.stamp.token))
                            }
                            _ => None,
                        });
                        inputs.extend(found);
                        if let Some((survivor, token)) = survivor {
                            // Another id than the one asked for: the records were merged.
                            inputs.push(Input::Merged { loser: record.clone(), survivor, token: Some(token) });
                        }
                    }
                    ReadAnswer::Gone => inputs.push(Input::Gone {
                        record: record.clone(),
                        evidence: DeathEvidence::Gone,
                        read,
                        surface: SurfaceName::new("read"),
                    }),
                    ReadAnswer::Failed(source) => {
                        return Err(Error::Connector { connection: name.clone(), doing: "read a record", source });
                    }
                }
            }
            inputs
        };
        self.take_in(inputs, &Self::engine()).await
    }

    /// Issues the number of a direct read: later reads have greater numbers.
    pub(crate) async fn read_number(&self) -> Result<u32, Error> {
        let key = RowKey::new(Table::Meta, "reads");
        for _ in 0..MOST_ATTEMPTS {
            let rows = self.core.store.load(&self.id, std::slice::from_ref(&key)).await;
            let row = rows.map_err(Error::store("issue a read number"))?.into_iter().next().flatten();
            let last: u32 = row.as_ref().map(|row| parse(Table::Meta, row)).transpose()?.unwrap_or(0);
            let commit = crate::store::Commit {
                expect: vec![(key.clone(), row.map(|row| row.revision))],
                put: vec![(key.clone(), persist::json(&(last + 1)))],
                ..Default::default()
            };
            if self.commit("issue a read number", commit).await? {
                return Ok(last + 1);
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key: key.key })
    }

    /// Notes that a complete scan did not meet records that are linked, or were ever seen, in this object type.
    async fn note_absences(&self, name: &ConnectionName, object: &ObjectType, scan: u32) -> Result<TakenIn, Error> {
        let prefix = format!("{name}\u{1f}{object}\u{1f}");
        let mut after: Option<Text> = None;
        let mut taken = TakenIn::default();
        loop {
            let rows = self
                .core
                .store
                .scan(&self.id, Table::Representation, &prefix, after.as_deref(), 500)
                .await
                .map_err(Error::store("compare a scan with what is known"))?;
            let Some(last) = rows.last() else { return Ok(taken) };
            after = Some(last.key.clone());
            let mut absent = Vec::new();
            for row in rows {
                let Some(record) = record_of_key(&row.key) else { continue };
                let Some((entity, of)) = self.core.place(&record) else { continue };
                let stored: StoredRepresentation = parse(Table::Representation, &row)?;
                let representation = Representation::from_stored(stored, self.core.slot_names(entity, of));
                if representation.speaks() && representation.existence().met_by() < scan {
                    absent.push(Input::Absent { record, scan: u64::from(scan) });
                }
            }
            taken += self.take_in(absent, &Self::engine()).await?;
        }
    }

    async fn page(
        &self,
        name: &ConnectionName,
        surface: &SurfaceName,
        after: Option<Cursor>,
    ) -> Result<crate::connector::Page, Error> {
        let (_, bound) = self.connection(name.as_str())?;
        let page = bound.connector.read_page(surface, after).await;
        page.map_err(|source: ConnectorError| match source.kind {
            ConnectorErrorKind::Unsupported => {
                Error::UnknownSurface { connection: name.clone(), surface: surface.clone() }
            }
            _ => Error::Connector { connection: name.clone(), doing: "read a page", source },
        })
    }

    async fn position(
        &self,
        name: &ConnectionName,
        surface: &SurfaceName,
    ) -> Result<((RowKey, Option<u64>), Position), Error> {
        let key = RowKey::new(Table::Cursor, format!("{name}\u{1f}{surface}"));
        let rows = self.core.store.load(&self.id, std::slice::from_ref(&key)).await;
        let row = rows.map_err(Error::store("load a cursor"))?.into_iter().next().flatten();
        let position = row.as_ref().map(|row| parse(Table::Cursor, row)).transpose()?.unwrap_or_default();
        Ok(((key, row.map(|row| row.revision)), position))
    }

    /// Moves a cursor. If another worker moved it meanwhile, its position stands: both took in what they read.
    async fn move_to(&self, (key, revision): (RowKey, Option<u64>), position: &Position) -> Result<(), Error> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.commit.expect.push((key.clone(), revision));
        changes.put(key, position);
        self.commit("move a cursor", changes.commit).await?;
        Ok(())
    }
}

/// Puts a record on the list of those to read, in a commit that gives reason to: what must be read survives a crash.
pub(super) fn hint(changes: &mut Changes<'_>, record: &RecordRef) {
    changes.put(RowKey::new(Table::Work, record_key(record)), &WorkRow { hints: 0 });
}
