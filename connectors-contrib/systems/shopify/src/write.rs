//! Writes: a look, then the mutations that a write needs, the guarded one first.

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::{Outcome, Write, WriteAction, WriteReceipt};
use accordant::model::Path;
use accordant::surface::Channel;
use accordant::text::Text;
use accordant::value::Native;
use accordant_http::{CallError, not_sent};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::connector::Shopify;
use crate::document;
use crate::fault::of_user;
use crate::read::{Found, Nodes};
use crate::settings::Object;
use crate::surfaces;
use crate::wire::{Head, UserError, item};

/// What a customer's own mutations take, by documented path.
const FIELDS: [(&str, &str); 8] = [
    ("defaultEmailAddress.emailAddress", "email"),
    ("defaultPhoneNumber.phoneNumber", "phone"),
    ("firstName", "firstName"),
    ("lastName", "lastName"),
    ("note", "note"),
    ("locale", "locale"),
    ("taxExempt", "taxExempt"),
    ("tags", "tags"),
];

/// What the mutations of an address take, by the key below `defaultAddress`.
const ADDRESS: [(&str, &str); 10] = [
    ("address1", "address1"),
    ("address2", "address2"),
    ("city", "city"),
    ("company", "company"),
    ("countryCodeV2", "countryCode"),
    ("firstName", "firstName"),
    ("lastName", "lastName"),
    ("phone", "phone"),
    ("provinceCode", "provinceCode"),
    ("zip", "zip"),
];

/// The input type and its field by which a documented path of a customer is written; `None`: it is not.
pub(crate) fn input_of(path: &Path) -> Option<(&'static str, &'static str)> {
    let dotted = path.to_string();
    let named = |table: &[(&str, &'static str)], path: &str| {
        table.iter().find(|(known, _)| *known == path).map(|(_, field)| *field)
    };
    let address = dotted.strip_prefix("defaultAddress.").and_then(|key| named(&ADDRESS, key));
    named(&FIELDS, &dotted)
        .map(|field| ("CustomerInput", field))
        .or(address.map(|field| ("MailingAddressInput", field)))
}

/// A write, as its mutations take it.
#[derive(Default)]
struct Inputs {
    customer: Map<String, Value>,
    address: Map<String, Value>,
    /// Namespace, key, value.
    metafields: Vec<(String, String, Value)>,
}

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
            for group in group.chunks(self.settings.page.max(1)) {
                let paths = group.iter().flat_map(|(_, write, _)| write.expect.iter().chain(&write.changes));
                let mut paths: BTreeSet<Path> = paths.map(|(path, _)| path.clone()).collect();
                if object.node == "Customer" {
                    paths.insert(Path::new("defaultAddress.id"));
                }
                let ids: Vec<String> = group.iter().map(|(_, _, id)| format!("{}{id}", object.prefix())).collect();
                let asked =
                    self.ask(&document::nodes(object, &paths), &json!({ "ids": ids }), self.cost_of(ids.len())).await;
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
        let Some(object) = self.settings.objects.get(name).filter(|object| object.node == "Customer") else {
            return refused("shopify: this connector writes customers only");
        };
        let inputs = match inputs(&write.changes) {
            Ok(inputs) => inputs,
            Err(why) => return refused(&why),
        };
        let id = match &write.action {
            WriteAction::Create { key } => return self.create(name, object, key, &inputs).await,
            WriteAction::Update { id } | WriteAction::Archive { id } => id,
            _ => return refused("shopify: an action that this connector does not know"),
        };
        let held = match held {
            Some(Ok(held)) if holds(held, write) => held,
            Some(Ok(_)) | None => return only(Outcome::Stale),
            Some(Err(error)) => return only(not_sent(&error.error)),
        };
        let gid = format!("{}{id}", object.prefix());
        if matches!(write.action, WriteAction::Archive { .. }) {
            let ended = self.mutate(name, document::DELETE, &json!({ "input": { "id": gid } }), id).await;
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
        let mut steps: Vec<(String, Value)> = Vec::new();
        if !inputs.metafields.is_empty() {
            let input = |(namespace, key, value): &(String, String, Value)| {
                let digest = metafield(held, namespace, key)["compareDigest"].clone();
                json!({ "ownerId": gid, "namespace": namespace, "key": key, "value": value, "compareDigest": digest })
            };
            let metafields: Vec<Value> = inputs.metafields.iter().map(input).collect();
            steps.push((document::SET_METAFIELDS.to_owned(), json!({ "metafields": metafields })));
        }
        if !inputs.address.is_empty() {
            let mut variables = json!({ "customerId": gid, "address": inputs.address });
            let document = match held["defaultAddress"]["id"].as_str() {
                Some(address) => {
                    variables["addressId"] = address.into();
                    document::UPDATE_ADDRESS
                }
                None => document::CREATE_ADDRESS,
            };
            steps.push((document.to_owned(), variables));
        }
        if !inputs.customer.is_empty() {
            let mut input = inputs.customer;
            input.insert("id".into(), gid.into());
            steps.push((document::update(object), json!({ "input": input })));
        }
        let mut last = None;
        for (place, (document, variables)) in steps.iter().enumerate() {
            match self.mutate(name, document, variables, id).await {
                Ok(receipt) => last = Some(receipt),
                Err(failed) if place == 0 => return failed,
                Err(_) => return only(Outcome::Unknown),
            }
        }
        last.unwrap_or_else(|| refused("shopify: nothing to write"))
    }

    /// Makes a customer under a key, unless there is one.
    async fn create(&self, name: &str, object: &Object, key: &Text, inputs: &Inputs) -> WriteReceipt {
        if !inputs.metafields.is_empty() {
            return refused("shopify: metafields are written to a record that is there");
        }
        let mut input = inputs.customer.clone();
        input.retain(|_, value| !value.is_null() && value != "");
        let mut address = inputs.address.clone();
        address.retain(|_, value| !value.is_null() && value != "");
        if !address.is_empty() {
            // A new customer has no other addresses that the list could drop.
            input.insert("addresses".into(), json!([address]));
        }
        let mut variables = json!({ "input": input });
        if let Some(named) = &self.settings.key {
            let identifier = document::identifier(named, key);
            let found = self
                .ask(&document::customer_of_key(object), &json!({ "identifier": identifier }), self.cost_of(1))
                .await;
            let found = found.and_then(|answer| {
                let found: Found<'_> = answer
                    .data("a customer by its key")
                    .map_err(|error| CallError { error, may_have_happened: false })?;
                Ok(found.found.and_then(|raw| Head::parse(raw).ok().map(|head| head.number())))
            });
            match found {
                // It has happened before; what people made of it since stays.
                Ok(Some(id)) => return only(Outcome::Applied { id }),
                Ok(None) => variables["identifier"] = identifier,
                Err(error) => return only(not_sent(&error.error)),
            }
        }
        let ended = self.mutate(name, &document::create(object), &variables, &Text::default()).await;
        ended.unwrap_or_else(|failed| failed)
    }

    /// Sends one mutation. `Err`: it did not take effect, or nobody knows.
    async fn mutate(
        &self,
        name: &str,
        document: &str,
        variables: &Value,
        id: &Text,
    ) -> Result<WriteReceipt, WriteReceipt> {
        let answer = self.ask(document, variables, 10).await.map_err(|error| only(error.outcome()))?;
        // What cannot be read of a success may have happened.
        let ended: Ended<'_> = answer.data("a mutation").map_err(|_| only(Outcome::Unknown))?;
        let did = ended.did.ok_or_else(|| only(Outcome::Unknown))?;
        if !did.user_errors.is_empty() {
            return Err(only(of_user(&did.user_errors)));
        }
        let Some(raw) = did.record else { return Ok(only(Outcome::Applied { id: id.clone() })) };
        let head = Head::parse(raw).map_err(|_| only(Outcome::Unknown))?;
        let surface = surfaces::name(name, Channel::Read).as_str().into();
        Ok(WriteReceipt {
            outcome: Outcome::Applied { id: head.number() },
            record: Some(item(surface, raw)),
            token: head.token(),
        })
    }
}

/// The inputs that a write's changes make.
fn inputs(changes: &[(Path, Native)]) -> Result<Inputs, String> {
    let mut inputs = Inputs::default();
    for (path, native) in changes {
        let value = value(native).ok_or_else(|| format!("{path}: shopify takes no collection by key there"))?;
        let dotted = path.to_string();
        if let Some((namespace, key)) = document::metafield(path) {
            if value.is_null() {
                return Err(format!("{path}: a metafield is not cleared through this connector"));
            }
            inputs.metafields.push((namespace.to_owned(), key.to_owned(), value));
        } else if let Some((_, field)) = FIELDS.iter().find(|(path, _)| *path == dotted) {
            inputs.customer.insert((*field).to_owned(), value);
        } else if let Some((_, field)) =
            ADDRESS.iter().find(|(key, _)| dotted.strip_prefix("defaultAddress.") == Some(*key))
        {
            inputs.address.insert((*field).to_owned(), value);
        } else {
            return Err(format!("{path} is nothing that shopify takes of a customer"));
        }
    }
    Ok(inputs)
}

fn value(native: &Native) -> Option<Value> {
    Some(match native {
        Native::Null => Value::Null,
        Native::Bool(value) => Value::Bool(*value),
        Native::Text(text) | Native::Number(text) => Value::String(text.to_string()),
        Native::List(elements) => Value::Array(elements.iter().map(value).collect::<Option<_>>()?),
        Native::Elements(_) => return None,
    })
}

/// A metafield of a node that was looked at.
fn metafield<'v>(held: &'v Value, namespace: &str, key: &str) -> &'v Value {
    let path = Path::new("metafields").join(&Path::from(namespace)).join(&Path::from(key));
    let paths = BTreeSet::from([path]);
    let at = document::renames(&paths).into_iter().next().map(|(_, at)| at);
    at.and_then(|at| held.get(at.keys().first()?.as_str())).unwrap_or(&Value::Null)
}

/// Whether a record is as a write expects it: the same version, or else the same values.
fn holds(held: &Value, write: &Write) -> bool {
    let Some(updated) = held["updatedAt"].as_str() else { return false };
    let token = chrono::DateTime::parse_from_rfc3339(updated).ok().map(|at| at.timestamp_millis());
    if write.expect_token.is_some() && token == write.expect_token {
        return true;
    }
    !write.rests_on_version()
        && write.expect.iter().all(|(path, native)| {
            let leaf = match document::metafield(path) {
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

fn only(outcome: Outcome) -> WriteReceipt {
    WriteReceipt { outcome, record: None, token: None }
}

fn refused(why: &str) -> WriteReceipt {
    only(Outcome::Refused { reason: why.into() })
}
