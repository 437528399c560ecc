//! The judge: what is true, what was lost, made twice or written without a reason. It goes by what the accounts have on record
//! and by the script's own table of who may say what; of the engine it reads only the journal, for its reasons.

use std::collections::{BTreeMap, BTreeSet};

use accordant::TenantId;
use accordant::fingerprint::Digest;
use accordant::id::RecordRef;
use accordant::plan::{Intent, Operation, Target};
use accordant::store::Store as _;
use accordant_sandbox::{Accounts, Did, Entry};
use serde_json::Value;

use crate::Failure;
use crate::attribute::{Attribute, Priority, SYSTEMS, email_path};
use crate::world::World;

/// What a judge has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Customers whom a system has, or had.
    pub customers: usize,
    /// Edits that people made.
    pub edits: usize,
    /// Values that were written through the interface.
    pub writes: usize,
    /// Records that were made through the interface.
    pub creates: usize,
    /// Edits that were lost, in words.
    pub lost: Vec<String>,
    /// Customers that a system has twice, or never, in words.
    pub doubled: Vec<String>,
    /// Writes for which no reason or no approval is on record, in words.
    pub unexplained: Vec<String>,
    /// How long it took until edits were seen, in milliseconds, by priority; and how they were.
    pub seen: BTreeMap<Priority, Vec<(i64, How)>>,
    /// Edits that stood until the end, or until they were written over, and were never seen, in words.
    pub unseen: Vec<String>,
}

/// How an edit was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// A webhook had the record read.
    Webhook,
    /// A poll found it.
    Poll,
    /// A scan found it.
    Scan,
}

/// Values that are not as they should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Those.
    pub wrong: usize,
    /// All.
    pub all: usize,
}

impl Share {
    /// Whether at most so many of a hundred are wrong.
    #[must_use]
    pub const fn is_at_most(self, percent: usize) -> bool {
        self.wrong * 100 <= self.all * percent
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hundredths = (self.wrong * 10_000).checked_div(self.all).unwrap_or_default();
        write!(f, "{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// An edit that a person made, of something that drifts.
#[derive(Debug, Clone)]
struct Edit {
    at: i64,
    system: &'static str,
    /// The record, as it was called then.
    id: String,
    email: String,
    attribute: Attribute,
    value: String,
}

impl Edit {
    /// Whether it stands where another stood.
    fn replaces(&self, other: &Self) -> bool {
        (self.system, &self.email, self.attribute) == (other.system, &other.email, other.attribute)
    }
}

/// What people said, and so what is true.
#[derive(Debug)]
pub struct Truth {
    edits: Vec<Edit>,
    /// In the morning, all systems agreed.
    morning: BTreeMap<(String, Attribute), String>,
    /// Whose record it is, by system and id.
    owners: BTreeMap<(&'static str, String), String>,
    /// What a record became a part of, by system and id.
    became: BTreeMap<(&'static str, String), String>,
    ledgers: [(&'static str, Vec<Entry>); 3],
    began: i64,
}

/// What customers of the morning are called.
fn is_customer(email: &str) -> bool {
    email.ends_with("@customers.example")
}

/// The attribute that a path of a system is.
fn attribute_at(system: &str, path: &str) -> Option<Attribute> {
    Attribute::ALL.into_iter().find(|attribute| attribute.path(system) == Some(path))
}

impl Truth {
    /// What is true by what people did in the accounts since `began`, and by nothing else.
    #[must_use]
    pub fn of(accounts: &Accounts, began: i64) -> Self {
        let ledgers = accounts.ledgers();
        let (mut owners, mut became) = (BTreeMap::new(), BTreeMap::new());
        for (system, entries) in &ledgers {
            for entry in entries {
                match &entry.did {
                    Did::Changed { path, after: Some(email), .. } if path == email_path(system) => {
                        owners.insert((*system, entry.id.clone()), email.clone());
                    }
                    Did::Became(into) => {
                        let owner =
                            owners.get(&(*system, entry.id.clone())).filter(|email| is_customer(email)).cloned();
                        became.insert((*system, entry.id.clone()), into.clone());
                        owners.extend(owner.map(|owner| ((*system, into.clone()), owner)));
                    }
                    _ => {}
                }
            }
        }
        let mut truth = Self { edits: Vec::new(), morning: BTreeMap::new(), owners, became, ledgers, began };
        for (system, entries) in &truth.ledgers {
            for entry in entries.iter().filter(|entry| !entry.is_by_app()) {
                let Did::Changed { path, after: Some(value), .. } = &entry.did else { continue };
                let Some(attribute) = attribute_at(system, path) else { continue };
                let Some(email) = truth.owners.get(&(*system, entry.id.clone())).filter(|email| is_customer(email))
                else {
                    continue;
                };
                // All spell it as HubSpot does from here on.
                let value = attribute.spelled(value, "hubspot");
                if entry.at < began {
                    truth.morning.insert((email.clone(), attribute), value);
                } else {
                    let (email, id) = (email.clone(), entry.id.clone());
                    truth.edits.push(Edit { at: entry.at, system, id, email, attribute, value });
                }
            }
        }
        truth.edits.sort_by_key(|edit| edit.at);
        truth
    }

    /// The customers of the morning.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        let first = self.morning.keys().filter(|(_, attribute)| *attribute == Attribute::ALL[0]);
        first.map(|(email, _)| email.as_str())
    }

    /// The system that said last what is true of an attribute since the morning.
    #[must_use]
    pub fn said_by(&self, email: &str, attribute: Attribute) -> Option<&'static str> {
        self.last(email, attribute).map(|edit| edit.system)
    }

    fn last(&self, email: &str, attribute: Attribute) -> Option<&Edit> {
        let about = |edit: &&Edit| edit.email == email && edit.attribute == attribute;
        self.edits.iter().rev().filter(about).find(|edit| attribute.decides(edit.system))
    }

    /// What is true, by customer and attribute.
    fn values(&self) -> BTreeMap<(&str, Attribute), &str> {
        let mut values: BTreeMap<(&str, Attribute), &str> = self
            .morning
            .iter()
            .map(|((email, attribute), value)| ((email.as_str(), *attribute), value.as_str()))
            .collect();
        for edit in self.edits.iter().filter(|edit| edit.attribute.decides(edit.system)) {
            // Customers who came later are counted as records, and not by their values.
            if let Some(value) = values.get_mut(&(edit.email.as_str(), edit.attribute)) {
                *value = &edit.value;
            }
        }
        values
    }

    /// The share of values that would be wrong if nobody had written but people.
    #[must_use]
    pub fn untouched(&self) -> Share {
        let mut held: BTreeMap<(&str, Attribute, &str), &str> = BTreeMap::new();
        for edit in &self.edits {
            held.insert((&edit.email, edit.attribute, edit.system), &edit.value);
        }
        let mut share = Share::default();
        for ((email, attribute), value) in self.values() {
            let morning = self.morning.get(&(email.to_owned(), attribute)).map_or("", String::as_str);
            for system in attribute.places() {
                share.all += 1;
                share.wrong += usize::from(*held.get(&(email, attribute, system)).unwrap_or(&morning) != value);
            }
        }
        share
    }

    /// The share of values that are wrong in the accounts as they stand; the first of them, in words.
    #[must_use]
    pub fn wrong(&self, world: &World) -> (Share, Vec<String>) {
        let (mut share, mut told) = (Share::default(), Vec::new());
        let records = world.records();
        for ((email, attribute), value) in self.values() {
            for system in attribute.places() {
                share.all += 1;
                let path = attribute.path(system).unwrap_or_default();
                let record = records.get(&(system, email.to_owned())).and_then(|of| of.first());
                let held = record.and_then(|record| record.get(path)).map(|held| attribute.spelled(held, "hubspot"));
                if held.as_deref() != Some(value) {
                    share.wrong += 1;
                    told.push(format!(
                        "{} of {email} in {system} is {held:?} and should be {value:?}",
                        attribute.unit()
                    ));
                }
            }
        }
        (share, told)
    }

    /// What a record is called now.
    fn now_called<'i>(&'i self, system: &'static str, id: &'i str) -> &'i str {
        let mut id = id;
        while let Some(into) = self.became.get(&(system, id.to_owned())) {
            id = into;
        }
        id
    }

    /// Judges a run.
    ///
    /// # Errors
    ///
    /// If the engine's journal cannot be read.
    pub async fn judge(&self, world: &World) -> Result<Verdict, Failure> {
        let mut verdict = Verdict { edits: self.edits.len(), ..Verdict::default() };
        self.judge_edits(world, &mut verdict);
        self.judge_records(world, &mut verdict);
        let journal = Journal::read(world, self).await?;
        self.judge_reasons(&journal, &mut verdict);
        self.judge_delay(&journal, &mut verdict);
        Ok(verdict)
    }

    /// An edit is lost if what it said is true and does not stand, or if it was written over by what is older.
    fn judge_edits(&self, world: &World, verdict: &mut Verdict) {
        verdict.lost.extend(self.wrong(world).1);
        for (system, entries) in &self.ledgers {
            let mut by_person: BTreeMap<(&str, Attribute), &Entry> = BTreeMap::new();
            for entry in entries.iter().filter(|entry| entry.at >= self.began) {
                let Did::Changed { path, after, .. } = &entry.did else { continue };
                let Some(attribute) = attribute_at(system, path) else { continue };
                let Some(email) = self.owners.get(&(*system, entry.id.clone())) else { continue };
                if !entry.is_by_app() {
                    by_person.insert((email, attribute), entry);
                    continue;
                }
                let Some(over) = by_person.remove(&(email.as_str(), attribute)) else { continue };
                let value = after.as_deref().map(|value| attribute.spelled(value, "hubspot"));
                let later = |edit: &&Edit| {
                    edit.email == *email
                        && edit.attribute == attribute
                        && Some(&edit.value) == value.as_ref()
                        && edit.at >= over.at
                        && attribute.decides(edit.system)
                };
                if attribute.decides(system) && !self.edits.iter().any(|edit| later(&edit)) {
                    verdict
                        .lost
                        .push(format!("{} of {email} in {system} was written over by what is older", attribute.unit()));
                }
            }
        }
    }

    /// Every customer is once in every system, and nobody was made who was there.
    fn judge_records(&self, world: &World, verdict: &mut Verdict) {
        let records = world.records();
        let everybody: BTreeSet<&String> = self.owners.values().filter(|email| is_customer(email)).collect();
        verdict.customers = everybody.len();
        for email in &everybody {
            for system in SYSTEMS {
                let count = records.get(&(system, (*email).clone())).map_or(0, Vec::len);
                if count != 1 {
                    verdict.doubled.push(format!("{system} has {email} {count} times"));
                }
            }
        }
        for (system, entries) in &self.ledgers {
            let mut made: BTreeMap<&str, usize> = BTreeMap::new();
            for entry in entries.iter().filter(|entry| entry.did == Did::Made && entry.is_by_app()) {
                verdict.creates += 1;
                let email = self.owners.get(&(*system, entry.id.clone())).map_or("nobody", String::as_str);
                *made.entry(email).or_default() += 1;
                if self.morning.contains_key(&(email.to_owned(), Attribute::ALL[0])) {
                    verdict.doubled.push(format!("{email} was made in {system}, where they were"));
                }
            }
            let twice = made.into_iter().filter(|(email, count)| *count > 1 || !is_customer(email));
            verdict.doubled.extend(twice.map(|(email, count)| format!("{email} was made {count} times in {system}")));
        }
    }

    /// Every value that was written has an operation that meant it, says why, and was approved.
    fn judge_reasons(&self, journal: &Journal, verdict: &mut Verdict) {
        let (mut set, mut created) = (Spent::of(&journal.set), Spent::of(&journal.created));
        for (system, entries) in &self.ledgers {
            let mut made: BTreeMap<&str, i64> = BTreeMap::new();
            for entry in entries.iter().filter(|entry| entry.is_by_app()) {
                let email = self.owners.get(&(*system, entry.id.clone())).map_or("", String::as_str);
                let id = self.now_called(system, &entry.id);
                let explained = match &entry.did {
                    Did::Made => {
                        made.insert(&entry.id, entry.at);
                        created.explains((system.to_string(), email.to_owned()), entry.at)
                    }
                    // What a create brought with it.
                    Did::Changed { .. } if made.get(entry.id.as_str()) == Some(&entry.at) => true,
                    Did::Changed { path, .. } => {
                        verdict.writes += 1;
                        let unit = match attribute_at(system, path) {
                            Some(attribute) => attribute.unit(),
                            None if path.starts_with("defaultAddress") => "address",
                            None => path.as_str(),
                        };
                        let key = (system.to_string(), id.to_owned(), unit.to_owned());
                        set.explains(key, entry.at)
                    }
                    Did::Gone | Did::Back | Did::Became(_) => false,
                };
                if !explained {
                    let meant = |about: &str| journal.unapproved.get(&(system.to_string(), about.to_owned()));
                    let meant = meant(id).or_else(|| meant(email)).map_or_else(String::new, |at| {
                        format!(", at {} (meant without an approval at {at:?})", entry.at)
                    });
                    verdict.unexplained.push(format!("{system} {} of {email}: {:?}{meant}", entry.id, entry.did));
                }
            }
        }
    }

    /// How long it took until an edit was seen.
    fn judge_delay(&self, journal: &Journal, verdict: &mut Verdict) {
        for (place, edit) in self.edits.iter().enumerate() {
            let id = self.now_called(edit.system, &edit.id).to_owned();
            let spelled = format!("\"{}\"", edit.attribute.spelled(&edit.value, edit.system));
            let observed = journal.observed.get(&(edit.system.to_owned(), id)).map(Vec::as_slice).unwrap_or_default();
            let seen = observed.iter().find(|(at, _, body)| *at >= edit.at && body.contains(&spelled));
            match seen {
                Some((at, how, _)) => {
                    verdict.seen.entry(edit.attribute.priority()).or_default().push((at - edit.at, *how));
                }
                // Somebody edited it again before anybody looked: what it was in between is gone where it was.
                None if self.edits[place + 1..].iter().any(|later| later.replaces(edit)) => {}
                None => verdict.unseen.push(format!("{} of {} in {}", edit.attribute.unit(), edit.email, edit.system)),
            }
        }
    }
}

/// What the engine's journal says, as far as a judge asks.
#[derive(Debug, Default)]
struct Journal {
    /// When a unit of a record was to be written with an approval: by system, id and unit.
    set: BTreeMap<(String, String, String), Vec<i64>>,
    /// When a record was to be made with an approval: by system and e-mail.
    created: BTreeMap<(String, String), Vec<i64>>,
    /// When something was to be written or made without an approval or a reason: by system, and id or e-mail.
    unapproved: BTreeMap<(String, String), Vec<i64>>,
    /// When a record was seen, how, and as what: by system and id.
    observed: BTreeMap<(String, String), Vec<Sight>>,
}

/// What of the journal has explained something already: each intent explains one write.
struct Spent<'j, K> {
    /// When something was meant, ascending.
    meant: &'j BTreeMap<K, Vec<i64>>,
    /// How many of those are spent, and on the write of which instant the last was.
    spent: BTreeMap<K, (usize, i64)>,
}

impl<'j, K: Ord> Spent<'j, K> {
    fn of(meant: &'j BTreeMap<K, Vec<i64>>) -> Self {
        Self { meant, spent: BTreeMap::new() }
    }

    /// Whether a write was meant before it happened. Several values that are written at one instant are one write.
    fn explains(&mut self, key: K, at: i64) -> bool {
        let meant = self.meant.get(&key).map_or(0, |meant| meant.iter().filter(|meant| **meant <= at).count());
        let (spent, last) = self.spent.get(&key).copied().unwrap_or((0, i64::MIN));
        if last == at {
            return true;
        }
        let explained = spent < meant;
        self.spent.insert(key, if explained { (spent + 1, at) } else { (spent, last) });
        explained
    }
}

/// When a record was seen, how, and as what.
type Sight = (i64, How, String);

impl Journal {
    async fn read(world: &World, truth: &Truth) -> Result<Self, Failure> {
        let (mut journal, mut approved, mut after) = (Self::default(), BTreeSet::new(), 0);
        let tenant = TenantId::new("acme");
        loop {
            let page = world.store.journal(&tenant, after, 1_000).await?;
            let Some((last, _)) = page.last() else { return Ok(journal) };
            after = last.seq;
            for (entry, payload) in &page {
                let Some(payload) = payload else { continue };
                match entry.kind.as_str() {
                    "approved" => {
                        let (_, keys): (Value, Vec<Digest>) = serde_json::from_slice(&payload.bytes)?;
                        approved.extend(keys);
                    }
                    "intended" => {
                        let operations: Vec<Operation> = serde_json::from_slice(&payload.bytes)?;
                        for operation in operations {
                            let explained = approved.contains(&operation.key) && !operation.reason.is_empty();
                            journal.intended(truth, entry.at, &operation, explained);
                        }
                    }
                    "observed" => journal.observed(truth, entry.at, &serde_json::from_slice(&payload.bytes)?),
                    _ => {}
                }
            }
        }
    }

    fn intended(&mut self, truth: &Truth, at: i64, operation: &Operation, explained: bool) {
        let connection = operation.target.connection().to_string();
        let meant = match (&operation.target, &operation.intent) {
            (Target::Record(record), Intent::Set(_)) => {
                let id = truth.called(&connection, &record.id);
                if explained {
                    self.set.entry((connection, id, operation.unit.to_string())).or_default()
                } else {
                    self.unapproved.entry((connection, id)).or_default()
                }
            }
            (_, Intent::Create(fields)) => {
                let email = fields.iter().find(|(unit, _)| unit.as_str() == "email");
                let email = email.and_then(|(_, field)| field.as_value()).unwrap_or_default().to_owned();
                let created = if explained { &mut self.created } else { &mut self.unapproved };
                created.entry((connection, email)).or_default()
            }
            _ => return,
        };
        meant.push(at);
    }

    fn observed(&mut self, truth: &Truth, at: i64, told: &Value) {
        let Ok(record) = serde_json::from_value::<RecordRef>(told["record"].clone()) else { return };
        let how = match told["surface"].as_str().and_then(|surface| surface.rsplit('.').next()) {
            Some("search" | "suiteql" | "deleted") => How::Poll,
            Some("scan" | "bulk") => How::Scan,
            _ => How::Webhook,
        };
        let connection = record.connection.to_string();
        let id = truth.called(&connection, &record.id);
        let body = told["body"].as_str().unwrap_or_default().to_owned();
        self.observed.entry((connection, id)).or_default().push((at, how, body));
    }
}

impl Truth {
    fn called(&self, connection: &str, id: &str) -> String {
        let system = SYSTEMS.into_iter().find(|system| *system == connection).unwrap_or_default();
        self.now_called(system, id).to_owned()
    }
}
