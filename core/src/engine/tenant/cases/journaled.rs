//! What the journal tells of cases about records and matches: when each was opened, what changed about it, and when it went.
//! Whatever puts or deletes the row of a case passes through here, so that no opening is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow};
use crate::engine::hydrate::parse;
use crate::engine::persist::{ALSO_ABOUT, json};
use crate::error::Error;
use crate::id::Actor;
use crate::journal::Draft;
use crate::store::{Commit, Row, RowKey, Table};
use crate::text::Text;

/// A case was opened: its name and its row.
pub(crate) const CASE_OPENED: &str = "case_opened";
/// What is told of an open case changed: its name and its row.
pub(crate) const CASE_CHANGED: &str = "case_changed";
/// A case is open no longer: its name.
pub(crate) const CASE_GONE: &str = "case_gone";

impl Tenant {
    /// Journals which cases about records and matches a commit opens, changes and ends. A row that it would delete and that is
    /// not there is left out. The rows must be as they were found.
    pub(in crate::engine) async fn journal_cases(&self, commit: &mut Commit) -> Result<(), Error> {
        let is_case = |key: &RowKey| key.table == Table::Case && CaseKind::of_key(&key.key).is_some();
        let puts = commit.put.iter().map(|(key, _)| key);
        let touched: BTreeSet<RowKey> = puts.chain(&commit.delete).filter(|key| is_case(key)).cloned().collect();
        if touched.is_empty() {
            return Ok(());
        }
        let expected: BTreeMap<&RowKey, Option<u64>> =
            commit.expect.iter().map(|(key, revision)| (key, *revision)).collect();
        // Of a row that must not be there, nothing is to be read.
        let read: Vec<RowKey> = touched.iter().filter(|key| expected.get(key) != Some(&None)).cloned().collect();
        let rows = match read.is_empty() {
            true => Vec::new(),
            false => self.core.store.load(&self.id, &read).await.map_err(Error::store("load cases"))?,
        };
        let found: BTreeMap<RowKey, Option<Row>> = read.into_iter().zip(rows).collect();
        let unexpected: Vec<(RowKey, Option<u64>)> = found
            .iter()
            .filter(|(key, _)| !expected.contains_key(key))
            .map(|(key, row)| (key.clone(), row.as_ref().map(|row| row.revision)))
            .collect();
        let (at, by) = match commit.journal.first() {
            Some(first) => (first.at, first.actor.clone()),
            None => (self.now(), Self::engine()),
        };
        // Of several puts of one row, the last counts; and a row that is put is not deleted.
        let put: BTreeMap<RowKey, Vec<u8>> = commit.put.iter().filter(|(key, _)| is_case(key)).cloned().collect();
        for key in &touched {
            let before = found.get(key).and_then(Option::as_ref);
            let mut also: Vec<Text> = Vec::new();
            match (put.get(key), before) {
                (Some(value), Some(before)) if before.value == *value => {}
                (Some(value), before) => {
                    let row = Row { key: key.key.clone(), revision: 0, value: value.clone() };
                    let row: CaseRow = parse(Table::Case, &row)?;
                    let kind = if before.is_some() { CASE_CHANGED } else { CASE_OPENED };
                    commit.journal.push(self.told(at, &by, kind, row.subject(&key.key), json(&(&key.key, &row))));
                    also.extend(row.others());
                }
                (None, Some(before)) => {
                    let row: CaseRow = parse(Table::Case, before)?;
                    commit.journal.push(self.told(at, &by, CASE_GONE, row.subject(&key.key), json(&(&key.key,))));
                    also.extend(row.others());
                }
                (None, None) => commit.delete.retain(|deleted| deleted != key),
            }
            for (before, other) in (1_u64..).zip(also) {
                commit.journal.push(self.told(at, &by, ALSO_ABOUT, other, json(&(before,))));
            }
        }
        commit.expect.extend(unexpected);
        Ok(())
    }

    fn told(&self, at: i64, by: &Actor, kind: &'static str, subject: Text, payload: Vec<u8>) -> Draft {
        let mut salt = [0; 16];
        self.core.entropy.fill(&mut salt);
        Draft { at, actor: by.clone(), kind, subject, payload, salt }
    }
}
