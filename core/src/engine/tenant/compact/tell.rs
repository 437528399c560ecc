//! Telling the state: every row that replay accounts for, as it stands, in entries about whom it is about. Erasure finds them
//! there, like any other entry.

use std::collections::BTreeMap;

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow};
use crate::engine::desk::{self, CASE_NOTED, Desk};
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, record_of_key};
use crate::engine::suppression::{digest_of_key, suppressed_prefix};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::counts::{Count, count_rows};
use crate::engine::tenant::dead_letter::StoredDeadLetter;
use crate::engine::tenant::erase::{DESK_RESTATED, Restated};
use crate::engine::tenant::model::model_key;
use crate::engine::tenant::replay::read;
use crate::engine::tenant::roles::{actor_of_key, granted_prefix};
use crate::engine::tenant::rollout::{connection_of_key, state_prefix};
use crate::engine::tenant::standing::standing_prefix;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::Actor;
use crate::journal::{Entry, Head, Payload};
use crate::model::change::StoredModel;
use crate::plan::GivenStanding;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;

/// The journal's kind for a part of the state, told as it stands.
pub(crate) const STATE_TOLD: &str = "state_told";

/// How many rows one commit tells.
const AT_ONCE: usize = 100;

/// Whom the notes on a case are about: on one that is closed, its row says so no longer.
type Subjects = BTreeMap<Text, Text>;

impl Tenant {
    /// Tells the whole state. Gives the journal's end before the first entry that does, and the last one.
    pub(super) async fn tell_state(&self, by: &Actor) -> Result<(Head, Head), Error> {
        self.require_model().await?;
        let subjects = self.subjects_of_notes().await?;
        let start = self.journal_end().await?;
        self.tell_model(by).await?;
        for (table, prefix) in [
            (Table::Meta, state_prefix()),
            (Table::Meta, standing_prefix()),
            (Table::Meta, granted_prefix()),
            (Table::Meta, suppressed_prefix()),
            (Table::Entity, ""),
            (Table::Representation, ""),
            (Table::Case, ""),
            (Table::DeadLetter, ""),
        ]
        .into_iter()
        .chain(count_rows())
        {
            self.tell_table(by, table, prefix, &subjects).await?;
        }
        Ok((start, self.journal_end().await?))
    }

    async fn tell_model(&self, by: &Actor) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let rows = self.core.store.load(&self.id, &[model_key()]).await.map_err(Error::store("load the model"))?;
            let Some(row) = rows.into_iter().next().flatten() else { return Ok(()) };
            let model: StoredModel = parse(Table::Meta, &row)?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((model_key(), Some(row.revision)));
            changes.journal(STATE_TOLD, "model", &Restated::Model(Box::new(model)));
            if attempts.commit(self, "tell the model", changes.commit).await? {
                return Ok(());
            }
        }
    }

    async fn tell_table(&self, by: &Actor, table: Table, prefix: &str, subjects: &Subjects) -> Result<(), Error> {
        let (mut after, mut attempts) = (None::<Text>, Attempts::default());
        loop {
            let rows = self.core.store.scan(&self.id, table, prefix, after.as_deref(), AT_ONCE).await;
            let rows = rows.map_err(Error::store("read the state to tell it"))?;
            let Some(last) = rows.last().map(|row| row.key.clone()) else { return Ok(()) };
            let mut changes = Changes::new(&self.core, self.now(), by);
            for row in &rows {
                let Some((subject, restated)) = told(table, row, subjects)? else { continue };
                // It must still stand so when this is committed; otherwise the page is read anew.
                changes.commit.expect.push((RowKey::new(table, row.key.clone()), Some(row.revision)));
                changes.journal(STATE_TOLD, &subject, &restated);
            }
            if changes.commit.journal.is_empty() || attempts.commit(self, "tell the state", changes.commit).await? {
                (after, attempts) = (Some(last), Attempts::default());
            }
        }
    }

    /// Whom the journal's entries about notes are about, by case.
    async fn subjects_of_notes(&self) -> Result<Subjects, Error> {
        let mut subjects = Subjects::new();
        let mut note = |entry: &Entry, payload: Option<&Payload>| -> Result<(), Error> {
            let Some(payload) = payload else { return Ok(()) };
            let case: Option<Text> = match entry.kind.as_str() {
                CASE_NOTED | DESK_RESTATED => {
                    let (case, _): (Text, serde::de::IgnoredAny) = read(entry, payload)?;
                    Some(case)
                }
                STATE_TOLD => match read(entry, payload)? {
                    Restated::Desk(case, _) => Some(case),
                    _ => None,
                },
                _ => None,
            };
            subjects.extend(case.map(|case| (case, entry.subject.clone())));
            Ok(())
        };
        self.each_entry(&mut note).await?;
        Ok(subjects)
    }
}

/// What is told of a row, and whom it is about; `None` if replay accounts for nothing of it.
fn told(table: Table, row: &Row, subjects: &Subjects) -> Result<Option<(Text, Restated)>, Error> {
    Ok(match table {
        Table::Entity => {
            let stored: StoredEntity = parse(table, row)?;
            Some((stored.id.text(), Restated::Entity(Box::new(stored))))
        }
        Table::Representation => match record_of_key(&row.key) {
            Some(record) => {
                let subject = record.to_string().into();
                Some((subject, Restated::Record(record, Box::new(parse(table, row)?))))
            }
            None => None,
        },
        Table::Case => match row.key.strip_prefix(desk::PREFIX) {
            Some(case) => {
                let desk: Desk = parse(table, row)?;
                let subject = subjects.get(case).cloned().unwrap_or_else(|| case.into());
                Some((subject, Restated::Desk(case.into(), desk)))
            }
            None if CaseKind::of_key(&row.key).is_some() => {
                let case: CaseRow = parse(table, row)?;
                Some((case.subject(&row.key), Restated::Case(row.key.clone(), Box::new(case))))
            }
            None => None,
        },
        Table::DeadLetter => {
            let letter: StoredDeadLetter = parse(table, row)?;
            Some((letter.subject().into(), Restated::Letter(row.key.clone(), letter.state)))
        }
        _ => told_of_tenant(table, row)?.map(|restated| ("tenant".into(), restated)),
    })
}

/// What is told of a row that is about nobody in particular.
fn told_of_tenant(table: Table, row: &Row) -> Result<Option<Restated>, Error> {
    if count_rows().iter().any(|(of, prefix)| *of == table && row.key.starts_with(prefix)) {
        let count: Count = parse(table, row)?;
        return Ok(count.is_accounted_for().then(|| Restated::Count(row.key.clone(), count)));
    }
    if let Some(connection) = row.key.starts_with(state_prefix()).then(|| connection_of_key(&row.key)).flatten() {
        return Ok(Some(Restated::Connection(connection, parse(table, row)?)));
    }
    if row.key.starts_with(standing_prefix()) {
        let standing: GivenStanding = parse(table, row)?;
        return Ok(Some(Restated::Standing(Box::new(standing))));
    }
    if let Some(actor) = actor_of_key(&row.key) {
        return Ok(Some(Restated::Granted(actor, parse(table, row)?)));
    }
    Ok(digest_of_key(&row.key).map(|digest| Restated::Suppressed(vec![digest])))
}
