//! What was done to an account, by whom, in the account's own words: a record that whoever judges a run can go by, since
//! nobody who is judged wrote it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// Whoever comes through the interface.
pub const APP: &str = "app";

/// Something that was done to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Who: a person's name, or [`APP`].
    pub by: String,
    /// The object type, as the account calls it.
    pub object: String,
    /// The record's id.
    pub id: String,
    /// What.
    pub did: Did,
}

impl Entry {
    /// Whether it came through the interface.
    #[must_use]
    pub fn is_by_app(&self) -> bool {
        self.by == APP
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// The record is new. Its values come behind it, as changes.
    Made,
    /// A value is another.
    Changed {
        /// Where: a path in the shape that the account answers with.
        path: String,
        /// What it was; `None`: nothing.
        before: Option<String>,
        /// What it is; `None`: nothing.
        after: Option<String>,
    },
    /// It was archived, or deleted for good.
    Gone,
    /// It was taken back from the archive.
    Back,
    /// It became a part of the record of this id.
    Became(String),
}

/// The record of one account.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    /// Who is acting now; `None`: the interface.
    acting: Option<String>,
}

impl Ledger {
    /// Who acts from now on; `None`: whoever comes through the interface.
    pub(crate) fn acts(&mut self, who: Option<&str>) {
        self.acting = who.map(str::to_owned);
    }

    pub(crate) fn note(&mut self, at: i64, object: &str, id: u64, did: Did) {
        let by = self.acting.clone().unwrap_or_else(|| APP.to_owned());
        self.entries.push(Entry { at, by, object: object.to_owned(), id: id.to_string(), did });
    }

    /// Notes what of a record's values became another.
    pub(crate) fn compare(
        &mut self,
        at: i64,
        object: &str,
        id: u64,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) {
        let gone =
            before.iter().filter(|(path, _)| !after.contains_key(*path)).map(|(path, held)| (path, Some(held), None));
        let came = after.iter().map(|(path, holds)| (path, before.get(path), Some(holds)));
        let changed: Vec<Did> = gone
            .chain(came)
            .filter(|(_, before, after)| before != after)
            .map(|(path, before, after)| Did::Changed {
                path: path.clone(),
                before: before.cloned(),
                after: after.cloned(),
            })
            .collect();
        for did in changed {
            self.note(at, object, id, did);
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.clone()
    }
}

/// The leaves of a record by path, without what says when it changed and what it is.
pub(crate) fn leaves(value: &Value, unless: &[&str]) -> BTreeMap<String, String> {
    fn walk(value: &Value, at: &str, unless: &[&str], leaves: &mut BTreeMap<String, String>) {
        match value {
            Value::Null => {}
            Value::Object(members) => {
                for (name, member) in members.iter().filter(|(name, _)| !unless.contains(&name.as_str())) {
                    let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                    walk(member, &at, unless, leaves);
                }
            }
            Value::String(text) => drop(leaves.insert(at.to_owned(), text.clone())),
            other => drop(leaves.insert(at.to_owned(), other.to_string())),
        }
    }
    let mut found = BTreeMap::new();
    walk(value, "", unless, &mut found);
    found
}
