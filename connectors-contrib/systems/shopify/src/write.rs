//! Writes: a look, then the mutations that a write needs, the guarded one first.

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::{Outcome, Write, WriteAction, WriteReceipt};
use accordant::model::Path;
use accordant::surface::Channel;
use accordant::text::Text;
use accordant_http::{CallError, not_sent};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::connector::Shopify;
use crate::fault::of_user;
use crate::inputs::{Inputs, value};
use crate::read::Nodes;
use crate::settings::Object;
use crate::wire::{Head, UserError};
use crate::{customer, document, selection, surfaces};

/// What a mutation costs by itself, in points.
pub(crate) const BARE: u32 = 10;

#[derive(Deserialize)]
struct Ended<'a> {
    #[serde(borrow)]
    did: Option<Did<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Did<'a> {
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
    #[serde(default)]
    user_errors: Vec<UserError>,
}

impl Shopify {
    /// One receipt per write, in their order.
    pub(crate) async fn write(&self, writes: &[Write]) -> Vec<WriteReceipt> {
        let mut receipts = Vec::with_capacity(writes.len());
        let looked = self.look_at(writes).await;
        for (place, write) in writes.iter().enumerate() {
            let held = looked.get(&place);
            receipts.push(self.write_one(write, held).await);
        }
        receipts
    }

    /// The records that writes are about, as they are now, by the place of the write.
    async fn look_at(&self, writes: &[Write]) -> BTreeMap<usize, Result<Value, CallError>> {
        let mut groups: BTreeMap<&str, Vec<(usize, &Write, &Text)>> = BTreeMap::new();
        for (place, write) in writes.iter().enumerate() {
            if let WriteAction::Update { id } | WriteAction::Archive { id } = &write.action {
                groups.entry(write.object.as_str()).or_default().push((place, write, id));
            }
        }
        let mut looked = BTreeMap::new();
        for (name, group) in groups {
            let Some(object) = self.settings.objects.get(name) else { continue };
            for group in group.chunks(self.fits(object)) {
                let paths = group.iter().flat_map(|(_, write, _)| write.expect.iter().chain(&write.changes));
                let paths: BTreeSet<Path> = paths.map(|(path, _)| path.clone()).collect();
                let document = document::nodes(object, &document::looked_at(object, &paths), self.lists());
                let ids: Vec<String> = group.iter().map(|(_, _, id)| format!("{}{id}", object.prefix())).collect();
                let cost = self.cost_of(object, ids.len());
                let asked = self.ask(&document, &json!({ "ids": ids }), cost).await;
                let nodes = asked.and_then(|answer| {
                    let nodes: Nodes<'_> =
                        answer.data("nodes").map_err(|error| CallError { error, may_have_happened: false })?;
                    let parse = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
                    Ok(nodes.nodes.into_iter().map(|raw| parse(raw).unwrap_or(Value::Null)).collect::<Vec<Value>>())
                });
                for (at, (place, ..)) in group.iter().enumerate() {
                    let held = nodes.as_ref().map(|nodes| nodes.get(at).cloned().unwrap_or_default());
                    looked.insert(*place, held.map_err(Clone::clone));
                }
            }
        }
        looked
    }

    async fn write_one(&self, write: &Write, held: Option<&Result<Value, CallError>>) -> WriteReceipt {
        let name = write.object.as_str();
        let Some(object) = self.settings.objects.get(name) else {
            return refused("shopify: no such object type");
        };
        if object.is_level() {
            return match held {
                Some(Ok(held)) if held["id"].is_string() => self.write_level(write, held).await,
                Some(Err(error)) => not_sent(&error.error).into(),
                // Whatever is said of a create, it is that it is none.
                None => self.write_level(write, &Value::Null).await,
                Some(Ok(_)) => Outcome::Stale.into(),
            };
        }
        let inputs = match Inputs::of(object, &write.changes) {
            Ok(inputs) => inputs,
            Err(why) => return refused(&why),
        };
        let id = match (&write.action, object.node.as_str()) {
            (WriteAction::Create { key }, "Customer") => return self.create(name, object, key, &inputs).await,
            (WriteAction::Update { id }, _) | (WriteAction::Archive { id }, "Customer") => id,
            (WriteAction::Create { .. }, _) => {
                return refused("shopify: nothing but a customer can be made under a key, so nothing else is made");
            }
            (WriteAction::Archive { .. }, _) => {
                return refused("shopify: products and orders are not deleted through this connector");
            }
            _ => return refused("shopify: an action that this connector does not know"),
        };
        let held = match held {
            Some(Ok(held)) if holds(held, write) => held,
            Some(Ok(_)) | None => return Outcome::Stale.into(),
            Some(Err(error)) => return not_sent(&error.error).into(),
        };
        let gid = format!("{}{id}", object.prefix());
        if matches!(write.action, WriteAction::Archive { .. }) {
            let ended = self.mutate(name, document::DELETE, &json!({ "input": { "id": gid } }), BARE, id).await;
            return ended.unwrap_or_else(|failed| failed);
        }
        self.update(name, object, id, &gid, held, inputs).await
    }

    /// The mutations of an update, one after the other: the one that is guarded first. If a later one fails, part of the
    /// write has happened: then it is unknown, and looked at.
    async fn update(
        &self,
        name: &str,
        object: &Object,
        id: &Text,
        gid: &str,
        held: &Value,
        inputs: Inputs,
    ) -> WriteReceipt {
        let mut steps: Vec<(String, Value, u32)> = Vec::new();
        if !inputs.metafields.is_empty() {
            let input = |(namespace, key, value): &(String, String, Value)| {
                let digest = metafield(held, namespace, key)["compareDigest"].clone();
                json!({ "ownerId": gid, "namespace": namespace, "key": key, "value": value, "compareDigest": digest })
            };
            let metafields: Vec<Value> = inputs.metafields.iter().map(input).collect();
            steps.push((document::SET_METAFIELDS.to_owned(), json!({ "metafields": metafields }), BARE));
        }
        if !inputs.address.is_empty() {
            let (document, variables) = customer::address(gid, held, inputs.address);
            steps.push((document, variables, BARE));
        }
        if !inputs.record.is_empty() {
            let mut input = inputs.record;
            input.insert("id".into(), gid.into());
            let cost = BARE + self.cost_of(object, 1);
            steps.push((document::update(object, self.lists()), json!({ "input": input }), cost));
        }
        let mut last = None;
        for (place, (document, variables, cost)) in steps.iter().enumerate() {
            match self.mutate(name, document, variables, *cost, id).await {
                Ok(receipt) => last = Some(receipt),
                Err(failed) if place == 0 => return failed,
                Err(_) => return Outcome::Unknown.into(),
            }
        }
        last.unwrap_or_else(|| refused("shopify: nothing to write"))
    }

    /// Sends one mutation that costs at most so many points. `Err`: it did not take effect, or nobody knows.
    pub(crate) async fn mutate(
        &self,
        name: &str,
        document: &str,
        variables: &Value,
        cost: u32,
        id: &Text,
    ) -> Result<WriteReceipt, WriteReceipt> {
        let answer = self.ask(document, variables, cost).await.map_err(|error| WriteReceipt::from(error.outcome()))?;
        // What cannot be read of a success may have happened.
        let ended: Ended<'_> = answer.data("a mutation").map_err(|_| WriteReceipt::from(Outcome::Unknown))?;
        let did = ended.did.ok_or_else(|| WriteReceipt::from(Outcome::Unknown))?;
        if !did.user_errors.is_empty() {
            return Err(WriteReceipt::from(of_user(&did.user_errors)));
        }
        let Some(raw) = did.record else { return Ok(WriteReceipt::from(Outcome::Applied { id: id.clone() })) };
        let head = Head::parse(raw).map_err(|_| WriteReceipt::from(Outcome::Unknown))?;
        let surface = surfaces::name(name, Channel::Read).as_str().into();
        let record = self.shape(name).and_then(|shape| shape.item(surface, raw)).ok();
        Ok(WriteReceipt {
            outcome: Outcome::Applied { id: head.number() },
            // Not all of it: then it is read.
            record: record.filter(|record| record.denied.is_empty()),
            token: head.token(),
        })
    }
}

/// A metafield of a node that was looked at.
fn metafield<'v>(held: &'v Value, namespace: &str, key: &str) -> &'v Value {
    let path = Path::new("metafields").join(&Path::from(namespace)).join(&Path::from(key));
    let paths = BTreeSet::from([path]);
    let at = selection::renames(&paths).into_iter().next().map(|(_, at)| at);
    at.and_then(|at| held.get(at.keys().first()?.as_str())).unwrap_or(&Value::Null)
}

/// The version of a record that was looked at, if it is there.
pub(crate) fn version(held: &Value) -> Option<i64> {
    let updated = held["updatedAt"].as_str()?;
    chrono::DateTime::parse_from_rfc3339(updated).ok().map(|at| at.timestamp_millis())
}

/// Whether a record is as a write expects it: the same version, or else the same values.
fn holds(held: &Value, write: &Write) -> bool {
    let Some(now) = version(held) else { return false };
    write.holds(Some(now), |path, native| {
        let leaf = match selection::metafield(path) {
            Some((namespace, key)) => &metafield(held, namespace, key)["value"],
            None => path.keys().iter().fold(held, |at, key| &at[key.as_str()]),
        };
        let plain = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        value(native).is_some_and(|expected| plain(&expected) == plain(leaf))
    })
}

pub(crate) fn refused(why: &str) -> WriteReceipt {
    WriteReceipt::from(Outcome::Refused { reason: why.into() })
}
