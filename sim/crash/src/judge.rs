//! What must hold of the files that a run left, whenever it ended.

use std::collections::{BTreeMap, BTreeSet};

use accordant::id::TenantId;
use accordant::journal::{self, Head};
use accordant::store::{Store as _, Table};
use futures::executor::block_on;
use serde_json::Value;

use crate::day::{ATTRIBUTES, Failed, Place, Process, TENANT};

/// What a run was told was done: the lines that it wrote.
#[derive(Debug, Clone, Default)]
pub struct Acknowledged {
    /// Digests of the journal, by place.
    commits: BTreeMap<u64, String>,
    /// Webhooks that were answered: record and modification time.
    received: Vec<(String, i64)>,
}

impl Acknowledged {
    /// Reads the lines; a line without its end was not told.
    #[must_use]
    pub fn read(told: &str) -> Self {
        let mut read = Self::default();
        let whole = told.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("commit"), Some(seq), Some(digest)) => {
                    if let Ok(seq) = seq.parse() {
                        read.commits.insert(seq, digest.to_owned());
                    }
                }
                (Some("received"), Some(record), Some(modified)) => {
                    if let Ok(modified) = modified.parse() {
                        read.received.push((record.to_owned(), modified));
                    }
                }
                _ => {}
            }
        }
        read
    }

    /// How many acknowledgements there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.commits.len() + self.received.len()
    }

    /// Whether nothing was acknowledged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The store does not open, or cannot be worked with.
    Unusable(String),
    /// Something acknowledged is not there.
    Lost(String),
    /// Something is there in part.
    Torn(String),
    /// A record was created twice.
    Doubled(String),
    /// The systems do not come to agree.
    Apart(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Unusable(what) => write!(f, "unusable: {what}"),
            Fault::Lost(what) => write!(f, "lost: {what}"),
            Fault::Torn(what) => write!(f, "torn: {what}"),
            Fault::Doubled(what) => write!(f, "doubled: {what}"),
            Fault::Apart(what) => write!(f, "apart: {what}"),
        }
    }
}

/// Opens what is left, as the next process would, and judges it: first as it is, then after work has gone on.
///
/// # Errors
///
/// The first fault.
pub fn judge(place: &Place, told: &Acknowledged, process: u32) -> Result<(), Fault> {
    let opened = place.open(process, false).map_err(|failed| Fault::Unusable(failed.to_string()))?;
    kept(&opened, told)?;
    whole(&opened)?;
    let rested = opened.rest().map_err(|failed| Fault::Unusable(failed.to_string()))?;
    if !rested {
        return Err(Fault::Apart("the engine finds no rest".to_owned()));
    }
    agreed(&opened)?;
    whole(&opened)
}

/// Everything acknowledged is in the journal, in its place.
fn kept(process: &Process, told: &Acknowledged) -> Result<(), Fault> {
    let tenant = TenantId::new(TENANT);
    let mut head = Head::default();
    let mut commits = told.commits.clone();
    let mut observed: BTreeSet<(String, i64)> = BTreeSet::new();
    loop {
        let page = block_on(process.store.journal(&tenant, head.seq, 500));
        let page = page.map_err(|error| Fault::Unusable(Failed::of(error).to_string()))?;
        if page.is_empty() {
            break;
        }
        for (entry, payload) in &page {
            head = journal::verify(head, entry, payload.as_ref()).map_err(|broken| Fault::Torn(broken.to_string()))?;
            if commits.remove(&entry.seq).is_some_and(|digest| digest != entry.digest.to_string()) {
                return Err(Fault::Lost(format!("journal entry {} is another one", entry.seq)));
            }
            if let ("observed", Some(payload)) = (entry.kind.as_str(), payload) {
                let stored: Value = serde_json::from_slice(&payload.bytes).unwrap_or_default();
                let token = stored.pointer("/stamp/0").and_then(Value::as_i64).unwrap_or_default();
                observed.insert((entry.subject.to_string(), token));
            }
        }
    }
    // A commit without entries leaves the head where it was, at the beginning nowhere.
    commits.remove(&0);
    if let Some((seq, _)) = commits.first_key_value() {
        return Err(Fault::Lost(format!("journal entry {seq}, and the journal ends at {}", head.seq)));
    }
    match told.received.iter().find(|received| !observed.contains(*received)) {
        Some((record, modified)) => Err(Fault::Lost(format!("{record} as of {modified}"))),
        None => Ok(()),
    }
}

/// What is stored is what the journal adds up to.
fn whole(process: &Process) -> Result<(), Fault> {
    let verified = block_on(process.tenant.verify()).map_err(|error| Fault::Torn(Failed::from(error).to_string()))?;
    match verified.differences.first() {
        Some(difference) => Err(Fault::Torn(format!("{difference:?}"))),
        None => Ok(()),
    }
}

/// Everybody is in both systems once, with the same values, and nothing is under way.
fn agreed(process: &Process) -> Result<(), Fault> {
    let mut keys = BTreeSet::new();
    for change in process.shop.changes() {
        if change.key.is_some_and(|key| !keys.insert(key)) {
            return Err(Fault::Doubled(format!("the create of {}", change.id)));
        }
    }
    let said = |record: &serde_json::Map<String, Value>, name: &str| record.get(name).cloned().unwrap_or_default();
    let (people, clients) = (process.crm.living(), process.shop.living());
    if people.len() != clients.len() {
        return Err(Fault::Apart(format!("{} people and {} clients", people.len(), clients.len())));
    }
    for (id, person) in &people {
        let same = clients.values().filter(|client| said(client, "email") == said(person, "email"));
        let same: Vec<_> = same.collect();
        let [client] = same[..] else {
            return Err(Fault::Doubled(format!("{} clients for person {id}", same.len())));
        };
        if let Some(name) = ATTRIBUTES.iter().find(|name| said(client, name) != said(person, name)) {
            return Err(Fault::Apart(format!("{name} of person {id}")));
        }
    }
    for table in [Table::Outbox, Table::Case, Table::Approval] {
        let rows = block_on(process.store.scan(&TenantId::new(TENANT), table, "", None, 100));
        let rows = rows.map_err(|error| Fault::Unusable(Failed::of(error).to_string()))?;
        // Counts of deletes stand beside the approvals.
        let left = rows.iter().filter(|row| !row.key.starts_with("deletes")).count();
        if left > 0 {
            return Err(Fault::Apart(format!("{left} rows are left in {}", table.name())));
        }
    }
    Ok(())
}
