//! Writes: a look, then batches; each item has an end of its own.

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::{ConnectorError, Outcome, Write, WriteAction, WriteReceipt};
use accordant::model::Path;
use accordant::surface::Channel;
use accordant::text::Text;
use accordant::value::Native;
use accordant_http::{CallError, not_sent};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::associations::{Owner, Owners, Wanted, association, untold, wanted};
use crate::connector::HubSpot;
use crate::fault::{is_taken, put_off, reason, unwritten};
use crate::settings::{Object, property};
use crate::surfaces;
use crate::wire::{ItemError, Record, Results, parse};

/// To whom records belong: by the other type, and the record.
type Held = BTreeMap<(String, Text), Owners>;

/// What became of a write.
struct End {
    receipt: WriteReceipt,
    /// Whether the record was made by an earlier attempt: people may have changed it since.
    found: bool,
}

impl From<WriteReceipt> for End {
    fn from(receipt: WriteReceipt) -> Self {
        Self { receipt, found: false }
    }
}

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        WriteReceipt::from(outcome).into()
    }
}

/// What a batch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Batch {
    Create,
    Update,
    Archive,
}

/// A write, as it is sent.
struct Sent<'a> {
    place: usize,
    write: &'a Write,
    properties: Map<String, Value>,
    /// To whom the record is to belong.
    owners: Vec<Wanted>,
}

impl HubSpot {
    /// One receipt per write, in their order.
    pub(crate) async fn write(&self, writes: &[Write]) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let mut receipts: Vec<Option<End>> = writes.iter().map(|_| None).collect();
        let mut groups: BTreeMap<(&str, Batch), Vec<Sent<'_>>> = BTreeMap::new();
        for (place, write) in writes.iter().enumerate() {
            let batch = match &write.action {
                WriteAction::Create { .. } => Batch::Create,
                WriteAction::Update { .. } => Batch::Update,
                WriteAction::Archive { .. } => Batch::Archive,
                _ => {
                    put(&mut receipts, place, refused("hubspot: an action that this connector does not know"));
                    continue;
                }
            };
            match spelled(&write.changes) {
                Ok((properties, owners)) => {
                    let sent = Sent { place, write, properties, owners };
                    groups.entry((write.object.as_str(), batch)).or_default().push(sent);
                }
                Err(why) => put(&mut receipts, place, refused(&why)),
            }
        }
        for ((name, batch), sent) in groups {
            let Some(object) = self.settings.objects.get(name) else {
                sent.iter().for_each(|sent| put(&mut receipts, sent.place, refused("hubspot: no such object type")));
                continue;
            };
            let mut sent = sent;
            for chunk in sent.chunks_mut(self.settings.batch.max(1)) {
                let (due, held) = self.as_expected(name, batch, chunk, &mut receipts).await;
                // Whatever only changes owner has no properties to send.
                let with_properties =
                    |sent: &&Sent<'_>| batch != Batch::Update || !sent.properties.is_empty() || sent.owners.is_empty();
                let properties: Vec<&Sent<'_>> = due.iter().copied().filter(with_properties).collect();
                self.send(name, object, batch, &properties, &mut receipts).await;
                for sent in due.iter().filter(|sent| !sent.owners.is_empty()) {
                    self.give_all(name, sent, &held, &mut receipts).await;
                }
            }
        }
        // A write that nothing was heard of may have happened.
        Ok(receipts.into_iter().map(|end| end.map_or_else(|| Outcome::Unknown.into(), |end| end.receipt)).collect())
    }

    /// Looks at the records, and leaves out the writes that are stale: those of records that changed since, unless they
    /// still hold what is expected.
    async fn as_expected<'s, 'a>(
        &self,
        name: &str,
        batch: Batch,
        sent: &'s [Sent<'a>],
        receipts: &mut [Option<End>],
    ) -> (Vec<&'s Sent<'a>>, Held) {
        if batch == Batch::Create {
            return (sent.iter().collect(), Held::new());
        }
        let ids: Vec<&str> = sent.iter().filter_map(|sent| id_of(sent.write)).collect();
        let expected = sent.iter().flat_map(|sent| &sent.write.expect).filter_map(|(path, _)| property(path));
        let names: BTreeSet<String> = expected.collect();
        let asked = names.iter().map(String::as_str).collect();
        let looked = async {
            Ok::<_, ConnectorError>((self.batch_read(name, &ids, &asked, None).await?, self.held(name, sent).await?))
        };
        // Nothing was sent.
        let unsent = |error: &ConnectorError, receipts: &mut [Option<End>]| {
            sent.iter().for_each(|sent| put(receipts, sent.place, not_sent(error)));
            (Vec::new(), Held::new())
        };
        let (body, owners) = match looked.await {
            Ok(looked) => looked,
            Err(error) => return unsent(&error, receipts),
        };
        let found = parse::<Results<'_>>(&body, "a batch of records")
            .and_then(|found| found.results.into_iter().map(Record::parse).collect::<Result<Vec<_>, _>>());
        let found = match found {
            Ok(found) => found,
            Err(error) => return unsent(&error, receipts),
        };
        let by_id: BTreeMap<&str, &Record<'_>> = found.iter().map(|record| (record.id.as_ref(), record)).collect();
        let mut due = Vec::with_capacity(sent.len());
        for sent in sent {
            let held = id_of(sent.write).and_then(|id| by_id.get(id));
            let ambiguous = held.and_then(|held| {
                let of =
                    |(to, _): &&Wanted| owners.get(&(to.clone(), held.id())).is_some_and(|o| o.one == Owner::Untold);
                sent.owners.iter().find(of)
            });
            match (ambiguous, held) {
                // What it belongs to is for people to say, before anything is compared with it.
                (Some((to, _)), _) => put(receipts, sent.place, untold(to)),
                (None, Some(held)) if holds(held, sent.write, &owners) => due.push(sent),
                (None, _) => put(receipts, sent.place, Outcome::Stale),
            }
        }
        (due, owners)
    }

    /// To whom the records of writes belong, of every type that a write expects or changes.
    async fn held(&self, name: &str, sent: &[Sent<'_>]) -> Result<Held, ConnectorError> {
        let mut ids: BTreeMap<String, Vec<Text>> = BTreeMap::new();
        for write in sent.iter().map(|sent| sent.write) {
            let paths = write.expect.iter().chain(&write.changes).filter_map(|(path, _)| association(path));
            for to in paths.collect::<BTreeSet<String>>() {
                ids.entry(to).or_default().extend(id_of(write).map(Text::from));
            }
        }
        let mut held = Held::new();
        for (to, ids) in ids {
            let owners = self.owners(name, &to, &ids).await?;
            held.extend(owners.into_iter().map(|(id, owner)| ((to.clone(), id), owner)));
        }
        Ok(held)
    }

    /// Gives a record to those whom it is to belong to, after its properties. What happened before leaves the write unknown if
    /// this does not happen.
    async fn give_all(&self, name: &str, sent: &Sent<'_>, held: &Held, receipts: &mut [Option<End>]) {
        let end = receipts.get(sent.place).and_then(Option::as_ref);
        let found = end.is_some_and(|end| end.found);
        let receipt = end.map(|end| &end.receipt);
        let token = receipt.and_then(|receipt| receipt.token);
        let (id, mut before) = match (receipt.map(|receipt| &receipt.outcome), id_of(sent.write)) {
            (Some(Outcome::Applied { id }), _) => (id.clone(), true),
            (None, Some(id)) if sent.properties.is_empty() => (Text::from(id), false),
            _ => return,
        };
        let creates = matches!(sent.write.action, WriteAction::Create { .. });
        for wanted in &sent.owners {
            let owners = match held.get(&(wanted.0.clone(), id.clone())) {
                Some(owners) => owners.clone(),
                None if found => {
                    let Ok(mut owners) = self.owners(name, &wanted.0, std::slice::from_ref(&id)).await else {
                        return put(receipts, sent.place, Outcome::Unknown);
                    };
                    match owners.remove(&id) {
                        Some(owners) if owners.one == Owner::Nobody => owners,
                        // It was given to somebody since, or by that attempt: there it stays.
                        _ => continue,
                    }
                }
                // Who was made a moment ago belongs to nobody yet.
                None if creates => Owners::NOBODY,
                None => Owners::UNTOLD,
            };
            if let Err(outcome) = self.give(name, &id, wanted, &owners).await {
                return put(receipts, sent.place, if before { Outcome::Unknown } else { outcome });
            }
            before = true;
        }
        put(receipts, sent.place, WriteReceipt { token, ..Outcome::Applied { id }.into() });
    }

    /// Sends a batch, and where it is refused as a whole, its items one by one.
    async fn send(&self, name: &str, object: &Object, batch: Batch, due: &[&Sent<'_>], receipts: &mut [Option<End>]) {
        if due.is_empty() {
            return;
        }
        match self.send_once(name, object, batch, due, receipts).await {
            Ok(None) => {}
            Ok(Some(error)) => match due {
                [one] => put(receipts, one.place, self.refusal(name, batch, one, &error).await),
                // None of it was taken, and one of them is why.
                many => {
                    for one in many {
                        if let Ok(Some(error)) = self.told(name, object, batch, one, receipts).await {
                            put(receipts, one.place, self.refusal(name, batch, one, &error).await);
                        }
                    }
                }
            },
            Err(error) => due.iter().for_each(|sent| put(receipts, sent.place, error.outcome())),
        }
    }

    async fn told(
        &self,
        name: &str,
        object: &Object,
        batch: Batch,
        one: &Sent<'_>,
        receipts: &mut [Option<End>],
    ) -> Result<Option<ItemError>, CallError> {
        let told = self.send_once(name, object, batch, &[one], receipts).await;
        if let Err(error) = &told {
            put(receipts, one.place, error.outcome());
        }
        told
    }

    /// Sends a batch once. Gives back why, if all of it was refused.
    async fn send_once(
        &self,
        name: &str,
        object: &Object,
        batch: Batch,
        due: &[&Sent<'_>],
        receipts: &mut [Option<End>],
    ) -> Result<Option<ItemError>, CallError> {
        let inputs: Vec<Value> = due.iter().map(|sent| self.input(batch, sent)).collect();
        let what = match batch {
            Batch::Create => "create",
            Batch::Update => "update",
            Batch::Archive => "archive",
        };
        let path = format!("{}/{name}/batch/{what}", self.settings.objects_path);
        let answer = self.ask(&self.client, "POST", &path, Some(&json!({ "inputs": inputs }))).await?;
        if let Some(outcome) = put_off(&answer, self.clock.now()) {
            due.iter().for_each(|sent| put(receipts, sent.place, outcome.clone()));
            return Ok(None);
        }
        match answer.status() {
            StatusCode::NO_CONTENT => {
                for sent in due {
                    let id = id_of(sent.write).map(Text::from).unwrap_or_default();
                    put(receipts, sent.place, Outcome::Applied { id });
                }
                Ok(None)
            }
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED | StatusCode::MULTI_STATUS => {
                // What cannot be read of a success has happened all the same: it stays unknown, and is looked at.
                if let Ok(told) = parse::<Results<'_>>(answer.body(), "the results of a batch") {
                    self.settle(name, object, batch, due, &told, receipts).await;
                }
                Ok(None)
            }
            _ => Ok(Some(parse(answer.body(), "an error").unwrap_or_default())),
        }
    }

    /// Each item by its own name.
    async fn settle(
        &self,
        name: &str,
        object: &Object,
        batch: Batch,
        due: &[&Sent<'_>],
        told: &Results<'_>,
        receipts: &mut [Option<End>],
    ) {
        for raw in &told.results {
            let Ok(record) = Record::parse(raw) else { continue };
            let named = |sent: &&&Sent<'_>| match &record.object_write_trace_id {
                Some(trace) => trace.as_ref() == trace_of(sent.write),
                None => id_of(sent.write) == Some(record.id.as_ref()),
            };
            if let Some(sent) = due.iter().find(named) {
                // The answer carries what was written; it is the record only if that is all that is mapped.
                let surface = surfaces::name(name, Channel::Read).as_str().into();
                let whole = record.is_whole(&object.properties) && object.associations.is_empty();
                put(
                    receipts,
                    sent.place,
                    WriteReceipt {
                        outcome: Outcome::Applied { id: record.id() },
                        record: whole.then(|| record.item(surface, raw, &object.properties)),
                        token: record.token(),
                    },
                );
            }
        }
        for error in &told.errors {
            let about =
                |key: &str, name: &str| error.context.get(key).is_some_and(|names| names.iter().any(|one| one == name));
            let named = |sent: &&&Sent<'_>| {
                about("objectWriteTraceId", &trace_of(sent.write))
                    || id_of(sent.write).is_some_and(|id| about("ids", id) || about("id", id))
            };
            // An error may be about several items.
            for sent in due.iter().filter(named) {
                let receipt = self.refusal(name, batch, sent, error).await;
                put(receipts, sent.place, receipt);
            }
        }
    }

    /// What a refusal of one item means. A create whose key is taken has happened before.
    async fn refusal(&self, name: &str, batch: Batch, sent: &Sent<'_>, error: &ItemError) -> End {
        let key = self.settings.key_property.as_deref();
        let (Batch::Create, WriteAction::Create { key: value }, Some(property)) = (batch, &sent.write.action, key)
        else {
            return unwritten(error).into();
        };
        if !is_taken(error, property) {
            return Outcome::Refused { reason: reason(error) }.into();
        }
        let asked = BTreeSet::from([property]);
        let body = self.batch_read(name, &[value.as_str()], &asked, Some(property)).await;
        let found = body.ok().and_then(|body| {
            let found: Results<'_> = parse(&body, "a batch of records").ok()?;
            let record = Record::parse(found.results.first()?).ok()?;
            Some(Outcome::Applied { id: record.id() })
        });
        End { receipt: found.unwrap_or(Outcome::Unknown).into(), found: true }
    }

    fn input(&self, batch: Batch, sent: &Sent<'_>) -> Value {
        match (&sent.write.action, batch) {
            (_, Batch::Archive) => json!({ "id": id_of(sent.write) }),
            (WriteAction::Create { key }, _) => {
                let mut properties = sent.properties.clone();
                // What a new record does not have need not be cleared.
                properties.retain(|_, value| value != "");
                if let Some(property) = &self.settings.key_property {
                    properties.insert(property.clone(), key.as_str().into());
                }
                json!({ "objectWriteTraceId": trace_of(sent.write), "properties": properties })
            }
            _ => json!({
                "id": id_of(sent.write), "objectWriteTraceId": trace_of(sent.write), "properties": sent.properties,
            }),
        }
    }
}

/// The values as HubSpot takes them: text, and nothing is the empty text.
fn spelled(changes: &[(Path, Native)]) -> Result<(Map<String, Value>, Vec<Wanted>), String> {
    let (mut properties, mut owners) = (Map::new(), Vec::new());
    for (path, native) in changes {
        if let Some(to) = association(path) {
            owners.push((to, wanted(path, native)?));
            continue;
        }
        let name = property(path).ok_or_else(|| format!("{path} is no property of hubspot's"))?;
        let value = text(native).ok_or_else(|| {
            format!("{path}: a property takes text or a list of options without `;`, and no collection by key")
        })?;
        properties.insert(name, Value::String(value));
    }
    Ok((properties, owners))
}

fn text(native: &Native) -> Option<String> {
    match native {
        Native::Null => Some(String::new()),
        Native::Bool(value) => Some(value.to_string()),
        Native::Text(text) | Native::Number(text) => Some(text.to_string()),
        // An element with what stands between elements would be read as two.
        Native::List(elements) => {
            let elements = elements.iter().map(|element| text(element).filter(|element| !element.contains(';')));
            elements.collect::<Option<Vec<String>>>().map(|elements| elements.join(";"))
        }
        Native::Elements(_) => None,
    }
}

/// Whether a record is as a write expects it: the same version, or else the same values. Of whom it belongs to, its version
/// says nothing.
fn holds(record: &Record<'_>, write: &Write, owners: &Held) -> bool {
    let belongs = write.expect.iter().all(|(path, native)| {
        let Some(to) = association(path) else { return true };
        let expected = match wanted(path, native) {
            Ok(Some(id)) => Owner::One(id),
            Ok(None) => Owner::Nobody,
            Err(_) => return false,
        };
        owners.get(&(to, record.id())).is_some_and(|owners| owners.one == expected)
    });
    let same = |path: &Path, native: &Native| {
        if association(path).is_some() {
            return true;
        }
        let Some(name) = property(path) else { return false };
        let held = record.properties.get(name.as_str()).and_then(Option::as_ref).map_or("", |held| held.as_ref());
        text(native).is_some_and(|expected| expected == held)
    };
    belongs && write.holds(record.token(), same)
}

fn id_of(write: &Write) -> Option<&str> {
    match &write.action {
        WriteAction::Update { id } | WriteAction::Archive { id } => Some(id.as_str()),
        _ => None,
    }
}

fn trace_of(write: &Write) -> String {
    write.idempotency_key.to_string()
}

fn refused(why: &str) -> Outcome {
    Outcome::Refused { reason: why.into() }
}

fn put(receipts: &mut [Option<End>], place: usize, end: impl Into<End>) {
    if let Some(slot) = receipts.get_mut(place) {
        *slot = Some(end.into());
    }
}
