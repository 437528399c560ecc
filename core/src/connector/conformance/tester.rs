//! Who measures: listens on surfaces, writes, and keeps the passport.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::bench::{Bench, Cannot, Values};
use super::passport::{Entry, Measured, Passport, Promise};
use crate::connector::{
    Connector, ConnectorError, Cursor, Item, Outcome, Page, ReadAnswer, RecordKey, Retry, Says, Write, WriteAction,
    WriteReceipt,
};
use crate::decode::{Batch, DecodeTable, DecodedRecord};
use crate::engine::Walk;
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::{ObjectType, SurfaceName, SystemName};
use crate::model::{At, EntityModel, Model, Path, SystemObject, TypedAttribute};
use crate::surface::{Channel, Surface};
use crate::text::Text;
use crate::value::{FieldRef, Native};

/// How many records fill several pages and batches of a bench.
pub(super) const CROWD: usize = 12;
/// How often a call is made again that the system asks to be made later.
const TRIES: u32 = 6;
/// How many pages a walk may have before it is held to be endless.
const MOST_PAGES: usize = 10_000;

/// Why a measurement ended early.
#[derive(Debug, Clone)]
pub(super) enum End {
    Broken(String),
    Skipped(String),
}

/// What a measurement came to: what was seen, or how it ended.
pub(super) type Told<T = String> = Result<T, End>;

impl From<Cannot> for End {
    fn from(Cannot(why): Cannot) -> Self {
        Self::Skipped(why.into_owned())
    }
}

pub(super) fn broken<T>(told: impl Into<String>) -> Told<T> {
    Err(End::Broken(told.into()))
}

pub(super) fn skipped<T>(why: impl Into<String>) -> Told<T> {
    Err(End::Skipped(why.into()))
}

/// What one item told.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// The record; of a merge, the survivor.
    pub(super) id: Text,
    pub(super) losers: Vec<Text>,
    pub(super) kind: Kind,
    pub(super) token: Option<i64>,
    /// By path of the bench's values; `None`: not carried, or not to be believed.
    pub(super) values: Vec<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Live,
    Archived,
    Deleted,
    Merged,
    Hint,
}

impl Heard {
    pub(super) fn is_live(&self, id: &str) -> bool {
        self.id.as_str() == id && self.kind == Kind::Live
    }

    /// The value that edits and writes change, if it is carried.
    pub(super) fn last(&self) -> Option<&str> {
        self.values.last()?.as_deref()
    }
}

/// The records of a walk, and where it ended.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) heard: Vec<Heard>,
    pub(super) end: Option<Cursor>,
    pub(super) pages: usize,
}

/// Who measures.
pub(super) struct Tester<'b> {
    pub(super) bench: &'b dyn Bench,
    surfaces: Vec<Surface>,
    tables: BTreeMap<SurfaceName, DecodeTable>,
    positions: BTreeMap<SurfaceName, Cursor>,
    /// What was pushed and nobody has asked for yet.
    mail: Vec<Item>,
    numbers: u32,
    /// Surfaces that turned out to tell of deletions and of nothing else.
    pub(super) of_deletions: BTreeSet<SurfaceName>,
    passport: Passport,
}

impl<'b> Tester<'b> {
    pub(super) fn new(bench: &'b dyn Bench) -> Self {
        let passport = Passport { system: bench.connector().system().to_owned(), entries: Vec::new() };
        Self {
            bench,
            surfaces: bench.connector().surfaces().to_vec(),
            tables: BTreeMap::new(),
            positions: BTreeMap::new(),
            mail: Vec::new(),
            numbers: 0,
            of_deletions: BTreeSet::new(),
            passport,
        }
    }

    pub(super) fn finish(self) -> Passport {
        self.passport
    }

    /// Puts a line into the passport.
    pub(super) fn note(&mut self, place: &str, promise: Promise, declared: impl Into<String>, told: Told) {
        let measured = match told {
            Ok(seen) => Measured::Kept(seen),
            Err(End::Broken(told)) => Measured::Broken(told),
            Err(End::Skipped(why)) => Measured::Skipped(why),
        };
        let entry = Entry { place: place.to_owned(), promise, declared: declared.into(), measured };
        self.passport.entries.push(entry);
    }

    /// The object types that surfaces tell of, in their order.
    pub(super) fn objects(&self) -> Vec<ObjectType> {
        let mut objects: Vec<ObjectType> = Vec::new();
        for surface in &self.surfaces {
            if !objects.contains(&surface.object) {
                objects.push(surface.object.clone());
            }
        }
        objects
    }

    /// The surfaces of an object type.
    pub(super) fn surfaces_of(&self, object: &ObjectType) -> Vec<Surface> {
        self.surfaces.iter().filter(|surface| surface.object == *object).cloned().collect()
    }

    /// Compiles decoders of the bench's values, for every surface of an object type.
    pub(super) fn prepare(&mut self, object: &ObjectType) -> Told<()> {
        let values = self.bench.values(object, 0)?;
        if values.is_empty() {
            return skipped("the bench has no values for it");
        }
        let system = self.passport.system.clone();
        let mut model = EntityModel::new("record");
        model.object(SystemObject::new(&system, object.as_str()));
        for (place, (path, _)) in values.iter().enumerate() {
            let at = At::path(&system, &path.to_string());
            model.attribute(TypedAttribute::<String>::new(&format!("value{place}")).at(at));
        }
        let model = match Model::compile(vec![model]) {
            Ok(model) => model,
            Err(mistakes) => return skipped(format!("no decoder can be made of the bench's paths: {mistakes}")),
        };
        let Some((entity, place)) = model.object(&SystemName::new(&system), object) else {
            return skipped("no decoder can be made of the bench's paths");
        };
        let entity = model.entity(entity);
        for surface in self.surfaces.iter().filter(|surface| surface.object == *object) {
            if let Some(object) = entity.objects.get(usize::from(place)) {
                self.tables.insert(surface.name.clone(), DecodeTable::of(entity, object, &surface.shape));
            }
        }
        Ok(())
    }

    /// Values that no record had before.
    pub(super) fn fresh(&mut self, object: &ObjectType) -> Told<Values> {
        self.numbers += 1;
        Ok(self.bench.values(object, self.numbers)?)
    }

    /// Another last value, alone.
    pub(super) fn fresh_last(&mut self, object: &ObjectType) -> Told<Values> {
        Ok(self.fresh(object)?.pop().into_iter().collect())
    }

    /// Somebody makes a record of fresh values.
    pub(super) async fn make(&mut self, object: &ObjectType) -> Told<(Text, Values)> {
        let values = self.fresh(object)?;
        let id = self.bench.make(object, &values).await?;
        Ok((id, values))
    }

    /// Somebody makes several.
    pub(super) async fn make_crowd(&mut self, object: &ObjectType) -> Told<Vec<(Text, Values)>> {
        let mut crowd = Vec::with_capacity(CROWD);
        for _ in 0..CROWD {
            crowd.push(self.make(object).await?);
        }
        Ok(crowd)
    }

    /// Lets as much time pass as tells two states apart, if the bench can.
    pub(super) async fn step(&self) -> bool {
        self.bench.pass(TimeDelta::seconds(2)).await.is_ok()
    }

    /// Waits as an error asks to, if it does and the bench can.
    async fn waits(&self, error: &ConnectorError) -> bool {
        let wait = match error.retry {
            Retry::Never => return false,
            Retry::Backoff => TimeDelta::minutes(1),
            Retry::After(delay) => delay.max(TimeDelta::seconds(1)),
        };
        self.bench.pass(wait).await.is_ok()
    }

    /// A page, asked for again while the system asks to.
    pub(super) async fn page(&self, connector: &dyn Connector, surface: &Surface, after: Option<Cursor>) -> Told<Page> {
        let mut tries = 0;
        loop {
            match connector.read_page(&surface.name, after.clone()).await {
                Ok(page) => return Ok(page),
                Err(error) => {
                    tries += 1;
                    if tries == TRIES || !self.waits(&error).await {
                        return broken(format!("a page cannot be read: {error}"));
                    }
                }
            }
        }
    }

    /// Pages to their end.
    pub(super) async fn walk(
        &self,
        connector: &dyn Connector,
        surface: &Surface,
        mut after: Option<Cursor>,
    ) -> Told<Walked> {
        let (mut walk, mut walked) = (Walk::new(), Walked { heard: Vec::new(), end: after.clone(), pages: 0 });
        loop {
            let page = self.page(connector, surface, after.clone()).await?;
            walked.pages += 1;
            self.decode_all(surface, &page.items, &mut walked.heard)?;
            let more = walk.goes_on(after.as_ref(), &page).or_else(|error| broken(error.to_string()))?;
            after = page.next.or(after);
            walked.end.clone_from(&after);
            if !more {
                return Ok(walked);
            }
            if walked.pages == MOST_PAGES {
                return broken("the pages do not end");
            }
        }
    }

    /// What a surface tells now: of these records, where it has to be asked for each.
    pub(super) async fn hear(&mut self, surface: &Surface, ids: &[Text]) -> Told<Vec<Heard>> {
        match surface.channel {
            Channel::Poll | Channel::Stream => {
                let after = self.positions.get(&surface.name).cloned();
                let walked = self.walk(self.bench.connector(), surface, after).await?;
                self.moved(surface, walked.end);
                Ok(walked.heard)
            }
            Channel::Scan => Ok(self.walk(self.bench.connector(), surface, None).await?.heard),
            Channel::Read => {
                let answers = self.read(&surface.object, ids, false).await?;
                let mut heard = Vec::new();
                for answer in answers {
                    match answer {
                        ReadAnswer::Found(item) => heard.push(self.decode(surface, &item)?),
                        ReadAnswer::Gone => {}
                        ReadAnswer::Failed(error) => return broken(format!("a record cannot be read: {error}")),
                    }
                }
                Ok(heard)
            }
            Channel::Webhook => {
                for delivery in self.bench.deliveries().await? {
                    match self.bench.connector().verify(&delivery) {
                        Ok(verified) => self.mail.extend(verified.items),
                        Err(error) => return broken(format!("what the system pushed is not taken: {error}")),
                    }
                }
                let mail: Vec<Item> = self.mail.extract_if(.., |item| item.surface == surface.name).collect();
                let mut heard = Vec::new();
                self.decode_all(surface, &mail, &mut heard)?;
                Ok(heard)
            }
        }
    }

    /// What a surface tells within its declared lag, until `wanted` is content.
    pub(super) async fn hear_until(
        &mut self,
        surface: &Surface,
        ids: &[Text],
        wanted: impl Fn(&[Heard]) -> bool + Send,
    ) -> Told<Vec<Heard>> {
        let mut heard = self.hear(surface, ids).await?;
        if wanted(&heard) || self.bench.pass(surface.semantics.lag + TimeDelta::seconds(1)).await.is_err() {
            return Ok(heard);
        }
        let later = self.hear(surface, ids).await?;
        if matches!(surface.channel, Channel::Scan | Channel::Read) {
            heard.clear();
        }
        heard.extend(later);
        Ok(heard)
    }

    /// Where a poll stands.
    pub(super) fn position(&self, surface: &Surface) -> Option<Cursor> {
        self.positions.get(&surface.name).cloned()
    }

    pub(super) fn moved(&mut self, surface: &Surface, to: Option<Cursor>) {
        if let Some(to) = to {
            self.positions.insert(surface.name.clone(), to);
        }
    }

    /// Reads records by id or by create key: an answer for each.
    pub(super) async fn read(&self, object: &ObjectType, ids: &[Text], by_create_key: bool) -> Told<Vec<ReadAnswer>> {
        let keys: Vec<RecordKey> =
            ids.iter().map(|id| RecordKey { object: object.clone(), id: id.clone(), by_create_key }).collect();
        let mut tries = 0;
        loop {
            match self.bench.connector().read_records(&keys).await {
                Ok(answers) if answers.len() == keys.len() => return Ok(answers),
                Ok(answers) => return broken(format!("{} answers to {} keys", answers.len(), keys.len())),
                Err(error) => {
                    tries += 1;
                    if tries == TRIES || !self.waits(&error).await {
                        return broken(format!("records cannot be read: {error}"));
                    }
                }
            }
        }
    }

    /// Reads one record; `None`: it is gone.
    pub(super) async fn look(&self, object: &ObjectType, id: &Text, by_create_key: bool) -> Told<Option<Heard>> {
        match self.read(object, std::slice::from_ref(id), by_create_key).await?.pop() {
            Some(ReadAnswer::Found(item)) => self.answer_of(object, &item).map(Some),
            Some(ReadAnswer::Failed(error)) => broken(format!("a record cannot be read: {error}")),
            Some(ReadAnswer::Gone) | None => Ok(None),
        }
    }

    /// What an item told that was no page's: by the surface that it names.
    pub(super) fn answer_of(&self, object: &ObjectType, item: &Item) -> Told<Heard> {
        let named = self.surfaces.iter().find(|surface| surface.name == item.surface && surface.object == *object);
        match named {
            Some(surface) => self.decode(surface, item),
            None => broken(format!("an answer is of `{}`, which is no surface of {object}", item.surface)),
        }
    }

    /// Writes, and sends again what the system put off.
    pub(super) async fn write(&self, writes: Vec<Write>) -> Told<Vec<WriteReceipt>> {
        let mut receipts: Vec<Option<WriteReceipt>> = writes.iter().map(|_| None).collect();
        let mut due: Vec<(usize, Write)> = writes.into_iter().enumerate().collect();
        for tries in 1..=TRIES {
            let sent: Vec<Write> = due.iter().map(|(_, write)| write.clone()).collect();
            let count = sent.len();
            let told = match self.bench.connector().write_batch(sent).await {
                Ok(told) if told.len() == count => told,
                Ok(told) => return broken(format!("{} receipts for {count} writes", told.len())),
                Err(error) if tries < TRIES && self.waits(&error).await => continue,
                Err(error) => return broken(format!("writes cannot be sent: {error}")),
            };
            let mut later = Vec::new();
            let mut wait = TimeDelta::seconds(1);
            for ((place, write), receipt) in due.into_iter().zip(told) {
                if let Outcome::Deferred { after } = receipt.outcome
                    && tries < TRIES
                {
                    wait = wait.max(after.unwrap_or(TimeDelta::minutes(1)));
                    later.push((place, write));
                } else if let Some(slot) = receipts.get_mut(place) {
                    *slot = Some(receipt);
                }
            }
            if later.is_empty() {
                return Ok(receipts.into_iter().flatten().collect());
            }
            if self.bench.pass(wait).await.is_err() {
                return skipped("the system puts writes off, and the bench cannot let time pass");
            }
            due = later;
        }
        broken("writes are put off again and again")
    }

    /// Writes one.
    pub(super) async fn write_one(&self, write: Write) -> Told<WriteReceipt> {
        match self.write(vec![write]).await?.pop() {
            Some(receipt) => Ok(receipt),
            None => broken("no receipt for a write"),
        }
    }

    pub(super) fn decode_all(&self, surface: &Surface, items: &[Item], heard: &mut Vec<Heard>) -> Told<()> {
        for item in items {
            heard.push(self.decode(surface, item)?);
        }
        Ok(())
    }

    fn decode(&self, surface: &Surface, item: &Item) -> Told<Heard> {
        let (named, losers, kind) = match &item.says {
            Says::Record => (None, Vec::new(), Kind::Live),
            Says::Deleted { id } => (Some(id.clone()), Vec::new(), Kind::Deleted),
            Says::Hint { id } => (Some(id.clone()), Vec::new(), Kind::Hint),
            Says::Merged { survivor, losers } => (Some(survivor.clone()), losers.clone(), Kind::Merged),
        };
        let Some(table) = self.tables.get(&surface.name) else {
            return skipped("the bench has no values for it");
        };
        let mut batch = Batch::new();
        let reach = table.reach(item.covers.as_deref(), &item.denied);
        let decoded = table.decode_within(&item.body, false, &reach, &mut batch);
        let record = batch.records().next();
        let (id, token, archived, values) = match (&decoded, record, named) {
            (Ok(()), Some(record), named) => {
                let values = values_of(&record, reach.len());
                (named.unwrap_or_else(|| record.id().into()), record.token(), record.archived(), values)
            }
            // The body of what is no record need not hold one.
            (_, _, Some(named)) => (named, None, false, Vec::new()),
            (Err(error), ..) => return broken(format!("an item is no record: {error}")),
            (Ok(()), None, None) => return broken("an item is no record"),
        };
        let kind = if kind == Kind::Live && archived { Kind::Archived } else { kind };
        Ok(Heard { id, losers, kind, token, values })
    }
}

/// The values that a record carries, in the order of the bench's paths.
fn values_of(record: &DecodedRecord<'_>, count: usize) -> Vec<Option<String>> {
    let mut values = vec![None; count];
    for (slot, _, field) in record.cells() {
        if let Some(value) = values.get_mut(usize::from(slot)) {
            *value = match field {
                FieldRef::Value(text) => Some(text.to_owned()),
                _ => Some(String::new()),
            };
        }
    }
    values
}

/// Texts as they are written.
fn natives(values: &[(Path, Text)]) -> Vec<(Path, Native)> {
    values.iter().map(|(path, text)| (path.clone(), Native::Text(text.clone()))).collect()
}

/// A key, or the name of an intent: the same for the same values.
fn digest(of: &Values, what: &str) -> Digest {
    let mut fingerprint = Fingerprint::new();
    fingerprint.text(what);
    for (path, text) in of {
        fingerprint.text(&path.to_string()).text(text);
    }
    fingerprint.finish()
}

/// A create of these values.
pub(super) fn create(object: &ObjectType, values: &Values) -> Write {
    let digest = digest(values, "create");
    let key: String = digest.to_string().chars().filter(char::is_ascii_alphanumeric).take(24).collect();
    Write {
        object: object.clone(),
        action: WriteAction::Create { key: format!("kit-{key}").into() },
        changes: natives(values),
        expect: Vec::new(),
        expect_token: None,
        idempotency_key: digest,
    }
}

/// The key that a create is made under.
pub(super) fn key_of(write: &Write) -> Text {
    match &write.action {
        WriteAction::Create { key } => key.clone(),
        WriteAction::Update { id } | WriteAction::Archive { id } => id.clone(),
    }
}

/// An update of these values, of a record that is expected to hold others.
pub(super) fn update(object: &ObjectType, id: &Text, set: &Values, expect: &Values, token: Option<i64>) -> Write {
    Write {
        object: object.clone(),
        action: WriteAction::Update { id: id.clone() },
        changes: natives(set),
        expect: natives(expect),
        expect_token: token,
        idempotency_key: digest(set, id),
    }
}
