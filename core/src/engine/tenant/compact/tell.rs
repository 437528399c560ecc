//! Telling the state: every row that replay accounts for, as it stands, in entries about whom it is about. Erasure finds them
//! there, like any other entry.

use std::collections::BTreeMap;

use crate::checkpoint::{Compaction, compaction_key};
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, noted_on, standing_key};
use crate::engine::desk::{self, CASE_NOTED};
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, record_of_key};
use crate::engine::suppression::{digest_of_key, suppressed_prefix};
use crate::engine::tenant::compact::once::OnceHeld;
use crate::engine::tenant::counts::{Count, count_rows};
use crate::engine::tenant::dead_letter::StoredDeadLetter;
use crate::engine::tenant::erase::{DESK_RESTATED, Restated};
use crate::engine::tenant::model::{MODEL, model_key};
use crate::engine::tenant::replay::read;
use crate::engine::tenant::roles::{actor_of_key, granted_prefix};
use crate::engine::tenant::rollout::{connection_of_key, state_prefix};
use crate::engine::tenant::standing::standing_prefix;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::Actor;
use crate::plan::GivenStanding;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;

/// The journal's kind for a part of the state, told as it stands.
pub(crate) const STATE_TOLD: &str = "state_told";

/// How many rows one commit tells.
const AT_ONCE: usize = 100;

/// How many entries are read at once.
const PAGE: usize = 512;

/// What the journal tells that rows say no longer.
#[derive(Debug, Default)]
pub(super) struct Former {
    /// Whom the notes are about on cases that are closed.
    subjects: Subjects,
    /// The records that entities had once, and where they left: whoever erases them later needs to know.
    once: OnceHeld,
    /// Up to which place the journal was read for it.
    read: u64,
}

/// Whom notes are about, by case.
type Subjects = BTreeMap<Text, Text>;

/// What is told, in this order: tables, and what the keys of the rows begin with. The model comes first, which all else is read by.
fn parts() -> Vec<(Table, &'static str)> {
    let of_tables = [
        (Table::Meta, MODEL),
        (Table::Meta, state_prefix()),
        (Table::Meta, standing_prefix()),
        (Table::Meta, granted_prefix()),
        (Table::Meta, suppressed_prefix()),
        (Table::Entity, ""),
        (Table::Representation, ""),
        (Table::Case, ""),
        (Table::DeadLetter, ""),
    ];
    of_tables.into_iter().chain(count_rows()).collect()
}

/// The parts and their order, as one name.
pub(super) fn parts_by_name() -> Text {
    let names = parts().into_iter().map(|(table, prefix)| format!("{} {prefix}\n", table.name()));
    names.collect::<String>().into()
}

/// A checkpoint being made, as its row holds it.
pub(super) struct Telling {
    /// The revision of the row.
    pub(super) revision: u64,
    pub(super) compaction: Compaction,
}

impl Tenant {
    /// Tells what is left to tell of the state. Every commit says how far it has come: nobody tells a row twice, and whoever is cut
    /// off loses one page. `Err` of a row: somebody else was faster by it.
    pub(super) async fn tell_on(
        &self,
        by: &Actor,
        telling: Telling,
        former: &mut Former,
    ) -> Result<Result<Telling, Text>, Error> {
        let Telling { mut revision, mut compaction } = telling;
        let parts = parts();
        while let Some(making) = &mut compaction.making {
            let Some((table, prefix)) = parts.get(making.parts).copied() else { break };
            let rows = self.core.store.scan(&self.id, table, prefix, making.after.as_deref(), AT_ONCE).await;
            let rows = rows.map_err(Error::store("read the state to tell it"))?;
            let Some(last) = rows.last() else {
                (making.parts, making.after) = (making.parts + 1, None);
                continue;
            };
            making.after = Some(last.key.clone());
            let subjects = self.subjects_of_notes(table, &rows, former).await?;
            if table == Table::Entity {
                self.read_what_was(former).await?;
            }
            let mut changes = Changes::new(&self.core, self.now(), by);
            for row in &rows {
                let Some((subject, restated)) = told(table, row, &subjects)? else { continue };
                // It must still stand so when this is committed; otherwise the page is read anew.
                changes.commit.expect.push((RowKey::new(table, row.key.clone()), Some(row.revision)));
                changes.journal(STATE_TOLD, &subject, &restated);
                let once = if table == Table::Entity { former.once.told_of(&row.key) } else { None };
                once.iter().for_each(|once| changes.journal(STATE_TOLD, &subject, once));
            }
            if changes.commit.journal.is_empty() {
                continue;
            }
            changes.commit.expect.push((compaction_key(), Some(revision)));
            changes.put(compaction_key(), &compaction);
            if let Some(lost) = self.commit_or_lost("tell the state", changes.commit).await? {
                return Ok(Err(lost));
            }
            revision += 1;
        }
        Ok(Ok(Telling { revision, compaction }))
    }

    /// Whom the notes are about that stand in these rows, by case: as the case says, or where it is closed, the journal. What was
    /// noted after that was read is found too: the journal is read on for each page.
    async fn subjects_of_notes(&self, table: Table, rows: &[Row], former: &mut Former) -> Result<Subjects, Error> {
        let mut subjects = Subjects::new();
        let is_case = |row: &&Row| table == Table::Case && row.key.starts_with(desk::PREFIX);
        let cases: Vec<&str> =
            rows.iter().filter(is_case).filter_map(|row| row.key.strip_prefix(desk::PREFIX)).collect();
        if cases.is_empty() {
            return Ok(subjects);
        }
        let keys: Vec<RowKey> = cases.iter().map(|case| standing_key(case)).collect();
        let standing = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load cases"))?;
        for (case, row) in cases.iter().zip(&standing) {
            if let Some(row) = row {
                subjects.insert((*case).into(), noted_on(case, row)?);
            }
        }
        if subjects.len() < cases.len() {
            self.read_what_was(former).await?;
            let closed = cases.iter().filter_map(|case| former.subjects.get_key_value(*case));
            for (case, subject) in closed {
                subjects.entry(case.clone()).or_insert_with(|| subject.clone());
            }
        }
        Ok(subjects)
    }

    /// Reads on in the journal, to its end by now.
    async fn read_what_was(&self, former: &mut Former) -> Result<(), Error> {
        loop {
            let page = self.core.store.journal(&self.id, former.read, PAGE).await;
            let page = page.map_err(Error::store("read the journal"))?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            former.read = last.seq;
            for (entry, payload) in &page {
                let Some(payload) = payload else { continue };
                former.once.follow(entry, payload)?;
                let case: Option<Text> = match entry.kind.as_str() {
                    CASE_NOTED | DESK_RESTATED => {
                        // Of one of which nothing is left, whom it was about is forgotten too.
                        let (case, note): (Text, Option<serde::de::IgnoredAny>) = read(entry, payload)?;
                        note.map(|_| case)
                    }
                    STATE_TOLD => match read(entry, payload)? {
                        Restated::Desk(case, _) => Some(case),
                        _ => None,
                    },
                    _ => None,
                };
                former.subjects.extend(case.map(|case| (case, entry.subject.clone())));
            }
        }
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
            // Where nobody knows whom it is about, the journal holds nothing of it to be kept either.
            Some(case) => match subjects.get(case) {
                Some(subject) => Some((subject.clone(), Restated::Desk(case.into(), parse(table, row)?))),
                None => None,
            },
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
        Table::Meta if row.key == model_key().key => {
            Some(("model".into(), Restated::Model(Box::new(parse(table, row)?))))
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
