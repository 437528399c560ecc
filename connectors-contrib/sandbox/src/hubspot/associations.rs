//! Associations: which records belong to which, and how.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Value, json};

use super::objects::singular;
use super::refusal::Refusal;
use super::{Act, Inside};
use crate::json::text;

/// A category and a number within it.
type Kind = (String, u64);
/// One end: object type and id.
type End = (String, u64);

/// Who belongs to whom, from both ends.
#[derive(Debug, Default)]
pub(super) struct Associations(BTreeMap<End, BTreeMap<End, BTreeSet<Kind>>>);

/// The kind of an association that nobody named: numbers of the vendor where it is known, any other elsewhere.
fn default_kind(from: &str, to: &str) -> Kind {
    let number = match (from, to) {
        ("contacts", "companies") => 1,
        ("companies", "contacts") => 2,
        ("deals", "contacts") => 3,
        ("contacts", "deals") => 4,
        ("deals", "companies") => 5,
        ("companies", "deals") => 6,
        ("deals", "line_items") => 19,
        ("line_items", "deals") => 20,
        _ => 449,
    };
    ("HUBSPOT_DEFINED".into(), number)
}

/// The kind of an association to a company that is not the primary one. One company is.
fn secondary_kind(from: &str, to: &str) -> Option<Kind> {
    let number = match (from, to) {
        ("contacts", "companies") => 279,
        ("deals", "companies") => 341,
        _ => return None,
    };
    Some(("HUBSPOT_DEFINED".into(), number))
}

impl Associations {
    /// What belongs to a record, of one object type, in the order of ids.
    pub(super) fn of(&self, object: &str, id: u64, to: &str) -> impl Iterator<Item = (u64, &BTreeSet<Kind>)> {
        let all = self.0.get(&(object.to_owned(), id)).into_iter().flatten();
        all.filter(move |((other, _), _)| other == to).map(|((_, id), kinds)| (*id, kinds))
    }

    /// The kind of an association that nobody named, from this record on: the first company is the primary one.
    fn kind_for(&self, from: &End, to: &End) -> Kind {
        let primary = default_kind(&from.0, &to.0);
        let is_taken = self.of(&from.0, from.1, &to.0).any(|(id, kinds)| id != to.1 && kinds.contains(&primary));
        secondary_kind(&from.0, &to.0).filter(|_| is_taken).unwrap_or(primary)
    }

    fn put(&mut self, from: &End, to: &End, kinds: impl IntoIterator<Item = Kind>) {
        let kinds: Vec<Kind> = kinds.into_iter().collect();
        let primary = default_kind(&from.0, &to.0);
        if let Some(secondary) = secondary_kind(&from.0, &to.0).filter(|_| kinds.contains(&primary)) {
            // Another one that is primary takes the place of the former.
            let others = self.0.entry(from.clone()).or_default().iter_mut();
            for (_, held) in others.filter(|(other, _)| other.0 == to.0 && *other != to) {
                if held.remove(&primary) {
                    held.insert(secondary.clone());
                }
            }
        }
        self.0.entry(from.clone()).or_default().entry(to.clone()).or_default().extend(kinds);
        self.0.entry(to.clone()).or_default().entry(from.clone()).or_default().insert(default_kind(&to.0, &from.0));
    }

    fn take(&mut self, from: &End, to: &End) {
        for (one, other) in [(from, to), (to, from)] {
            if let Some(of) = self.0.get_mut(one) {
                of.remove(other);
            }
        }
    }

    /// A record became a part of another: so did what belonged to it.
    pub(super) fn moved(&mut self, object: &str, from: u64, to: u64) {
        let (from, to) = ((object.to_owned(), from), (object.to_owned(), to));
        for (other, kinds) in self.0.get(&from).cloned().unwrap_or_default() {
            self.take(&from, &other);
            self.put(&to, &other, kinds);
        }
    }
}

impl Inside {
    /// Associates two records that there are.
    pub(super) fn associate(&mut self, from: &End, to: &End, kinds: Vec<Kind>, act: Act<'_>) -> Result<(), Refusal> {
        for (object, id) in [from, to] {
            self.records.follow(object, *id).ok_or_else(|| Refusal::not_found(format!("{object} {id} not found")))?;
        }
        let kinds = if kinds.is_empty() { vec![self.associations.kind_for(from, to)] } else { kinds };
        let primary = kinds.contains(&default_kind(&from.0, &to.0));
        self.associations.put(from, to, kinds);
        let told = json!({
            "fromObjectId": from.1, "toObjectId": to.1, "associationRemoved": false, "isPrimaryAssociation": primary,
            "associationType":
                format!("{}_TO_{}", singular(&from.0).to_uppercase(), singular(&to.0).to_uppercase()),
        });
        self.tell(&from.0, "associationChange", from.1, told, act);
        Ok(())
    }

    pub(super) fn dissociate(&mut self, from: &End, to: &End, act: Act<'_>) {
        self.associations.take(from, to);
        let told = json!({ "fromObjectId": from.1, "toObjectId": to.1, "associationRemoved": true });
        self.tell(&from.0, "associationChange", from.1, told, act);
    }

    /// A contact that names a company belongs to it.
    pub(super) fn associate_by_property(&mut self, object: &str, id: u64, values: &[(String, Option<String>)]) {
        let Some((_, company)) = values.iter().find(|(name, _)| object == "contacts" && name == "associatedcompanyid")
        else {
            return;
        };
        let from = (object.to_owned(), id);
        let former: Vec<u64> = self.associations.of(object, id, "companies").map(|(id, _)| id).collect();
        for other in former {
            self.associations.take(&from, &("companies".into(), other));
        }
        if let Some(company) = company.as_ref().and_then(|id| id.parse().ok()) {
            self.associations.put(&from, &("companies".into(), company), [default_kind("contacts", "companies")]);
        }
    }

    /// What belongs to a record, as association v4 says it.
    pub(super) fn associated(&self, object: &str, id: u64, to: &str) -> Vec<Value> {
        let kinds = |kinds: &BTreeSet<Kind>| -> Vec<Value> {
            kinds.iter().map(|(category, number)| json!({ "category": category, "typeId": number })).collect()
        };
        let all = self.associations.of(object, id, to);
        all.map(|(id, of)| json!({ "toObjectId": id.to_string(), "associationTypes": kinds(of) })).collect()
    }

    /// A batch about the associations of two object types.
    pub(super) fn association_batch(
        &mut self,
        from: &str,
        to: &str,
        what: &str,
        body: &Value,
        act: Act<'_>,
    ) -> Result<(StatusCode, Option<Value>), Refusal> {
        self.properties.of(from)?;
        self.properties.of(to)?;
        let inputs = body["inputs"].as_array().ok_or_else(|| Refusal::bad("inputs is required"))?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            match what {
                "read" => {
                    let id = number(&input["id"])?;
                    let found = self.associated(from, id, to);
                    if found.is_empty() {
                        errors.push(
                            Refusal::not_found("No associations found").about("fromObjectId", &id.to_string()).item(),
                        );
                    } else {
                        results.push(json!({ "from": { "id": id.to_string() }, "to": found }));
                    }
                }
                "create" | "associate/default" => {
                    let (one, other) = (number(&input["from"]["id"])?, number(&input["to"]["id"])?);
                    let ends = ((from.to_owned(), one), (to.to_owned(), other));
                    let kinds = kinds(&input["types"]);
                    match self.associate(&ends.0, &ends.1, kinds, act) {
                        Ok(()) if what == "create" => results.push(pair(from, one, to, other)),
                        Ok(()) => {
                            let (category, number) = default_kind(from, to);
                            results.push(json!({
                                "from": { "id": one.to_string() }, "to": { "id": other.to_string() },
                                "associationSpec": { "associationCategory": category, "associationTypeId": number },
                            }));
                        }
                        Err(refusal) => errors.push(refusal.about("fromObjectId", &one.to_string()).item()),
                    }
                }
                "archive" => {
                    let one = (from.to_owned(), number(&input["from"]["id"])?);
                    for other in input["to"].as_array().into_iter().flatten() {
                        self.dissociate(&one, &(to.to_owned(), number(&other["id"])?), act);
                    }
                }
                _ => return Err(Refusal::not_found("no such batch")),
            }
        }
        if what == "archive" {
            return Ok((StatusCode::NO_CONTENT, None));
        }
        let created = if what == "create" { StatusCode::CREATED } else { StatusCode::OK };
        // The contract has no 207 for default associations: their 200 has room for errors.
        let whole = errors.is_empty() || what == "associate/default";
        let status = if whole { created } else { StatusCode::MULTI_STATUS };
        Ok((status, Some(super::batch::complete(results, errors, act.at))))
    }
}

/// Two records that belong together, as association v4 answers.
pub(super) fn pair(from: &str, one: u64, to: &str, other: u64) -> Value {
    json!({
        "fromObjectTypeId": type_id(from), "fromObjectId": one.to_string(), "toObjectTypeId": type_id(to),
        "toObjectId": other.to_string(), "labels": [],
    })
}

/// The number of an object type.
pub(super) fn type_id(object: &str) -> &'static str {
    match object {
        "contacts" => "0-1",
        "companies" => "0-2",
        "deals" => "0-3",
        "tickets" => "0-5",
        "products" => "0-7",
        "line_items" => "0-8",
        _ => "2-1",
    }
}

/// The kinds that a request names.
pub(super) fn kinds(list: &Value) -> Vec<Kind> {
    let kind =
        |kind: &Value| Some((kind["associationCategory"].as_str()?.to_owned(), kind["associationTypeId"].as_u64()?));
    list.as_array().into_iter().flatten().filter_map(kind).collect()
}

fn number(id: &Value) -> Result<u64, Refusal> {
    text(id).and_then(|id| id.parse().ok()).ok_or_else(|| Refusal::bad("an id is missing, or no number"))
}
