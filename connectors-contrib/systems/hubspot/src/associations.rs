//! Associations: to which record of another type a record belongs, as a value of the record: `associations.companies`.
//!
//! A record may belong to several, and a reference holds one: the one that HubSpot calls primary, or else the only one.
//! Where there are several and none is primary, which one is meant is for people: nothing is believed, and nothing written.
//! When an association changes, its records do not promise to say so: their version says nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::{ConnectorError, Item, Outcome};
use accordant::model::Path;
use accordant::text::Text;
use accordant::value::Native;
use accordant_http::CallError;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::connector::HubSpot;
use crate::fault::{put_off, reason, unread};
use crate::settings::Object;
use crate::wire::{ItemError, Paging, malformed, parse};

/// The number of the association that makes a company the primary one of a contact, a deal, a ticket.
const PRIMARY: [(&str, &str, u64); 3] =
    [("contacts", "companies", 1), ("deals", "companies", 5), ("tickets", "companies", 26)];

/// To whom a record belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// To nobody.
    Nobody,
    /// To the record of this id.
    One(Text),
    /// To several, none of them before the others; or nobody may know.
    Untold,
}

/// To whom a record belongs, and whether to others beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owners {
    /// The one that a reference holds.
    pub(crate) one: Owner,
    /// Whether there are others.
    pub(crate) several: bool,
}

impl Owners {
    /// Of a record that belongs to nobody.
    pub(crate) const NOBODY: Self = Self { one: Owner::Nobody, several: false };
    /// Of a record of which nothing was told.
    pub(crate) const UNTOLD: Self = Self { one: Owner::Untold, several: true };
}

/// An association to write: the other type, and the other record.
pub(crate) type Wanted = (String, Option<Text>);

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    results: Vec<Of>,
    #[serde(default)]
    errors: Vec<ItemError>,
}

/// What became of a batch that writes.
#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    errors: Vec<ItemError>,
}

#[derive(Deserialize)]
struct Of {
    from: Named,
    #[serde(default)]
    to: Vec<Other>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(deserialize_with = "number")]
    id: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Other {
    #[serde(deserialize_with = "number")]
    to_object_id: Text,
    #[serde(default)]
    association_types: Vec<Kind>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    category: String,
    type_id: u64,
}

/// An id, which is a number in some versions and text in others.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Text(String),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Number(id) => id.to_string().into(),
        Id::Text(id) => id.into(),
    })
}

/// The number of the association that makes a record of another type the primary one, where the vendor has such.
fn primary(from: &str, to: &str) -> Option<u64> {
    PRIMARY.iter().find(|(one, other, _)| (*one, *other) == (from, to)).map(|(.., number)| *number)
}

impl Of {
    fn owners(&self, from: &str, to: &str) -> Owners {
        let more = self.paging.as_ref().is_some_and(|paging| paging.next.is_some());
        Owners { one: self.one(from, to, more), several: more || self.to.len() > 1 }
    }

    /// The one that a reference holds.
    fn one(&self, from: &str, to: &str, more: bool) -> Owner {
        let number = primary(from, to);
        let is_primary = |other: &&Other| {
            other
                .association_types
                .iter()
                .any(|kind| kind.category == "HUBSPOT_DEFINED" && Some(kind.type_id) == number)
        };
        let mut primary = self.to.iter().filter(is_primary);
        match (primary.next(), primary.next(), self.to.as_slice()) {
            (Some(one), None, _) => Owner::One(one.to_object_id.clone()),
            _ if more => Owner::Untold,
            (_, _, []) => Owner::Nobody,
            (_, _, [one]) => Owner::One(one.to_object_id.clone()),
            _ => Owner::Untold,
        }
    }
}

/// Why nothing is written of a record that belongs to several.
pub(crate) fn untold(to: &str) -> Outcome {
    let told = format!("hubspot: the record belongs to several {to}, and none of them is primary");
    Outcome::Refused { reason: told.into() }
}

/// The other type of an association's path: `companies` of `associations.companies`.
pub(crate) fn association(path: &Path) -> Option<String> {
    match path.keys() {
        [first, to] if first.as_str() == "associations" && is_type(to) => Some(to.to_string()),
        _ => None,
    }
}

/// The documented path of an association.
pub(crate) fn association_path(to: &str) -> Path {
    Path::new("associations").join(&Path::from(to))
}

/// Whether a name can be that of an object type, and stand in an address.
fn is_type(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'-'))
}

/// The record that a write names, or nobody.
pub(crate) fn wanted(path: &Path, native: &Native) -> Result<Option<Text>, String> {
    match native {
        Native::Null => Ok(None),
        Native::Text(id) | Native::Number(id) if id.bytes().all(|digit| digit.is_ascii_digit()) => {
            Ok(Some(id.clone()).filter(|id| !id.is_empty()))
        }
        _ => Err(format!("{path}: an association takes the id of one record")),
    }
}

impl HubSpot {
    /// Puts into each record to whom it belongs. The records are of one type; archived ones belong to nobody any more, and
    /// of them nothing is said.
    pub(crate) async fn with_owners(
        &self,
        from: &str,
        object: &Object,
        items: &mut [Item],
        archived: bool,
    ) -> Result<(), ConnectorError> {
        if object.associations.is_empty() {
            return Ok(());
        }
        let mut owners: BTreeMap<&str, BTreeMap<Text, Owners>> = BTreeMap::new();
        if !archived {
            let ids = items.iter().map(|item| id(&item.body)).collect::<Result<Vec<Text>, _>>()?;
            for to in &object.associations {
                owners.insert(to, self.owners(from, to, &ids).await?);
            }
        }
        for item in items {
            let id = id(&item.body)?;
            let mut fields: BTreeMap<String, Box<RawValue>> = parse(&item.body, "a record")?;
            let (mut held, mut denied) = (serde_json::Map::new(), item.denied.to_vec());
            for to in &object.associations {
                let owner = owners.get(to.as_str()).and_then(|owners| owners.get(&id));
                match owner.map_or(&Owner::Untold, |owners| &owners.one) {
                    Owner::Nobody => drop(held.insert(to.clone(), Value::Null)),
                    Owner::One(other) => drop(held.insert(to.clone(), other.as_str().into())),
                    Owner::Untold => denied.push(association_path(to)),
                }
            }
            let held = serde_json::value::to_raw_value(&held).map_err(|_| malformed("associations"))?;
            fields.insert("associations".into(), held);
            item.body = serde_json::to_vec(&fields).map(Bytes::from).map_err(|_| malformed("a record"))?;
            item.denied = denied.into();
        }
        Ok(())
    }

    /// To whom records belong, of one other type.
    pub(crate) async fn owners(
        &self,
        from: &str,
        to: &str,
        ids: &[Text],
    ) -> Result<BTreeMap<Text, Owners>, ConnectorError> {
        let mut owners = BTreeMap::new();
        let ids: Vec<&Text> = ids.iter().collect::<BTreeSet<_>>().into_iter().collect();
        for ids in ids.chunks(self.settings.batch.max(1)) {
            let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id.as_str() })).collect();
            let path = format!("{}/{from}/{to}/batch/read", self.settings.associations_path);
            let answer = self.ask(&self.client, "POST", &path, Some(&json!({ "inputs": inputs }))).await?;
            if !matches!(answer.status(), StatusCode::OK | StatusCode::MULTI_STATUS) {
                return Err(unread(&answer, "read associations"));
            }
            let found: Found = parse(answer.body(), "a batch of associations")?;
            for of in &found.results {
                owners.insert(of.from.id.clone(), of.owners(from, to));
            }
            // Whoever belongs to nobody is an error of the batch.
            for error in found.errors.iter().filter(|error| error.category == "OBJECT_NOT_FOUND") {
                for id in error.context.values().flatten() {
                    owners.entry(id.as_str().into()).or_insert(Owners::NOBODY);
                }
            }
        }
        Ok(owners)
    }

    /// Makes a record belong to another: first to the new one, then no longer to the former. `Ok` means that both happened.
    /// Others that it belongs to stay: so the new one is made the primary one where the vendor has such, and of several the
    /// primary one alone is not taken away.
    ///
    /// # Errors
    ///
    /// What became of it instead: whatever follows a first step that happened leaves the write unknown.
    pub(crate) async fn give(&self, from: &str, id: &Text, wanted: &Wanted, held: &Owners) -> Result<(), Outcome> {
        let (to, wanted) = wanted;
        let former = match &held.one {
            Owner::Nobody => None,
            Owner::One(other) => Some(other),
            Owner::Untold => return Err(untold(to)),
        };
        if former == wanted.as_ref() {
            return Ok(());
        }
        let of = |id: &Text| json!({ "id": id.as_str() });
        match wanted {
            Some(other) => {
                let mut input = json!({ "from": of(id), "to": of(other) });
                let what = match primary(from, to) {
                    Some(number) => {
                        input["types"] =
                            json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number }]);
                        "create"
                    }
                    None => "associate/default",
                };
                self.associate(from, to, what, &json!({ "inputs": [input] })).await?;
            }
            None if held.several => {
                let told =
                    format!("hubspot: the record belongs to several {to}, and would go on to belong to one of them");
                return Err(Outcome::Refused { reason: told.into() });
            }
            None => {}
        }
        if let Some(other) = former {
            let body = json!({ "inputs": [{ "from": of(id), "to": [of(other)] }] });
            let taken = self.associate(from, to, "archive", &body).await;
            taken.map_err(|outcome| if wanted.is_some() { Outcome::Unknown } else { outcome })?;
        }
        Ok(())
    }

    async fn associate(&self, from: &str, to: &str, what: &str, body: &Value) -> Result<(), Outcome> {
        let path = format!("{}/{from}/{to}/batch/{what}", self.settings.associations_path);
        let answer =
            self.ask(&self.client, "POST", &path, Some(body)).await.map_err(|error: CallError| error.outcome())?;
        if let Some(outcome) = put_off(&answer, self.clock.now()) {
            return Err(outcome);
        }
        match answer.status() {
            StatusCode::NO_CONTENT => Ok(()),
            // By the contract a 200 has room for errors, too.
            StatusCode::OK | StatusCode::CREATED | StatusCode::MULTI_STATUS => {
                let found: Ended = parse(answer.body(), "the results of a batch").map_err(|_| Outcome::Unknown)?;
                // The other record is gone: what is planned next knows of it.
                match found.errors.first() {
                    Some(error) if error.category == "OBJECT_NOT_FOUND" => Err(Outcome::Stale),
                    Some(error) => Err(Outcome::Refused { reason: reason(error) }),
                    None => Ok(()),
                }
            }
            _ => {
                let error: ItemError = parse(answer.body(), "an error").unwrap_or_default();
                Err(Outcome::Refused { reason: reason(&error) })
            }
        }
    }
}

fn id(body: &Bytes) -> Result<Text, ConnectorError> {
    parse::<Named>(body, "a record without an id").map(|named| named.id)
}
