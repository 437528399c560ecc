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

use crate::associations::{Owner, Wanted, association, wanted};
use crate::connector::HubSpot;
use crate::fault::{is_taken, reason, unwritten};
use crate::settings::{Object, property};
use crate::surfaces;
use crate::wire::{ItemError, Record, Results, parse};

/// To whom records belong: by the other type, and the record.
type Held = BTreeMap<(String, Text), Owner>;

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
        let mut receipts: Vec<Option<WriteReceipt>> = writes.iter().map(|_| None).collect();
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
        Ok(receipts.into_iter().map(|receipt| receipt.unwrap_or_else(|| only(Outcome::Unknown))).collect())
    }

    /// Looks at the records, and leaves out the writes that are stale: those of records that changed since, unless they
    /// still hold what is expected.
    async fn as_expected<'s, 'a>(
        &self,
        name: &str,
        batch: Batch,
        sent: &'s [Sent<'a>],
        receipts: &mut [Option<WriteReceipt>],
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
        let (body, owners) = match looked.await {
            Ok(looked) => looked,
            Err(error) => {
                // Nothing was sent.
                sent.iter().for_each(|sent| put(receipts, sent.place, only(not_sent(&error))));
                return (Vec::new(), Held::new());
            }
        };
        let found: Vec<Record<'_>> = parse::<Results<'_>>(&body, "a batch of records")
            .map(|found| found.results.iter().filter_map(|raw| Record::parse(raw).ok()).collect())
            .unwrap_or_default();
        let by_id: BTreeMap<&str, &Record<'_>> = found.iter().map(|record| (record.id.as_ref(), record)).collect();
        let mut due = Vec::with_capacity(sent.len());
        for sent in sent {
            let held = id_of(sent.write).and_then(|id| by_id.get(id));
            if held.is_some_and(|held| holds(held, sent.write, &owners)) {
                due.push(sent);
            } else {
                put(receipts, sent.place, only(Outcome::Stale));
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
    async fn give_all(&self, name: &str, sent: &Sent<'_>, held: &Held, receipts: &mut [Option<WriteReceipt>]) {
        let receipt = receipts.get(sent.place).and_then(Option::as_ref);
        let token = receipt.and_then(|receipt| receipt.token);
        let (id, mut before) = match (receipt.map(|receipt| &receipt.outcome), id_of(sent.write)) {
            (Some(Outcome::Applied { id }), _) => (id.clone(), true),
            (None, Some(id)) if sent.properties.is_empty() => (Text::from(id), false),
            _ => return,
        };
        let creates = matches!(sent.write.action, WriteAction::Create { .. });
        for wanted in &sent.owners {
            // Who was made a moment ago belongs to nobody yet.
            let nobody = if creates { Owner::Nobody } else { Owner::Untold };
            let owner = held.get(&(wanted.0.clone(), id.clone())).unwrap_or(&nobody);
            if let Err(outcome) = self.give(name, &id, wanted, owner).await {
                put(receipts, sent.place, only(if before { Outcome::Unknown } else { outcome }));
                return;
            }
            before = true;
        }
        put(receipts, sent.place, WriteReceipt { token, ..only(Outcome::Applied { id }) });
    }

    /// Sends a batch, and where it is refused as a whole, its items one by one.
    async fn send(
        &self,
        name: &str,
        object: &Object,
        batch: Batch,
        due: &[&Sent<'_>],
        receipts: &mut [Option<WriteReceipt>],
    ) {
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
            Err(error) => due.iter().for_each(|sent| put(receipts, sent.place, only(error.outcome()))),
        }
    }

    async fn told(
        &self,
        name: &str,
        object: &Object,
        batch: Batch,
        one: &Sent<'_>,
        receipts: &mut [Option<WriteReceipt>],
    ) -> Result<Option<ItemError>, CallError> {
        let told = self.send_once(name, object, batch, &[one], receipts).await;
        if let Err(error) = &told {
            put(receipts, one.place, only(error.outcome()));
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
        receipts: &mut [Option<WriteReceipt>],
    ) -> Result<Option<ItemError>, CallError> {
        let inputs: Vec<Value> = due.iter().map(|sent| self.input(batch, sent)).collect();
        let what = match batch {
            Batch::Create => "create",
            Batch::Update => "update",
            Batch::Archive => "archive",
        };
        let path = format!("{}/{name}/batch/{what}", self.settings.objects_path);
        let answer = self.ask(&self.client, "POST", &path, Some(&json!({ "inputs": inputs }))).await?;
        match answer.status() {
            StatusCode::NO_CONTENT => {
                for sent in due {
                    let id = id_of(sent.write).map(Text::from).unwrap_or_default();
                    put(receipts, sent.place, only(Outcome::Applied { id }));
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
        receipts: &mut [Option<WriteReceipt>],
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
    async fn refusal(&self, name: &str, batch: Batch, sent: &Sent<'_>, error: &ItemError) -> WriteReceipt {
        let key = self.settings.key_property.as_deref();
        let (Batch::Create, WriteAction::Create { key: value }, Some(property)) = (batch, &sent.write.action, key)
        else {
            return only(unwritten(error));
        };
        if !is_taken(error, property) {
            return only(Outcome::Refused { reason: reason(error) });
        }
        let asked = BTreeSet::from([property]);
        let body = self.batch_read(name, &[value.as_str()], &asked, Some(property)).await;
        let found = body.ok().and_then(|body| {
            let found: Results<'_> = parse(&body, "a batch of records").ok()?;
            let record = Record::parse(found.results.first()?).ok()?;
            Some(Outcome::Applied { id: record.id() })
        });
        only(found.unwrap_or(Outcome::Unknown))
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
        let value = text(native).ok_or_else(|| format!("{path}: a property takes text, and no collection by key"))?;
        properties.insert(name, Value::String(value));
    }
    Ok((properties, owners))
}

fn text(native: &Native) -> Option<String> {
    match native {
        Native::Null => Some(String::new()),
        Native::Bool(value) => Some(value.to_string()),
        Native::Text(text) | Native::Number(text) => Some(text.to_string()),
        Native::List(elements) => {
            let elements: Option<Vec<String>> = elements.iter().map(text).collect();
            elements.map(|elements| elements.join(";"))
        }
        Native::Elements(_) => None,
    }
}

/// Whether a record is as a write expects it: the same version, or else the same values. Of whom it belongs to, its version
/// says nothing.
fn holds(record: &Record<'_>, write: &Write, owners: &Held) -> bool {
    let same_version = write.expect_token.is_some() && record.token() == write.expect_token;
    if write.rests_on_version() {
        return same_version;
    }
    write.expect.iter().all(|(path, native)| {
        if let Some(to) = association(path) {
            let expected = match wanted(path, native) {
                Ok(Some(id)) => Owner::One(id),
                Ok(None) => Owner::Nobody,
                Err(_) => return false,
            };
            return owners.get(&(to, record.id())) == Some(&expected);
        }
        if same_version {
            return true;
        }
        let Some(name) = property(path) else { return false };
        let held = record.properties.get(name.as_str()).and_then(Option::as_ref).map_or("", |held| held.as_ref());
        text(native).is_some_and(|expected| expected == held)
    })
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

fn only(outcome: Outcome) -> WriteReceipt {
    WriteReceipt { outcome, record: None, token: None }
}

fn refused(why: &str) -> WriteReceipt {
    only(Outcome::Refused { reason: why.into() })
}

fn put(receipts: &mut [Option<WriteReceipt>], place: usize, receipt: WriteReceipt) {
    if let Some(slot) = receipts.get_mut(place) {
        *slot = Some(receipt);
    }
}
