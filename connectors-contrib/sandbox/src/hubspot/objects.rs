//! Records by themselves: created, read, changed, archived, restored, merged, listed.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::records::Record;
use super::refusal::Refusal;
use super::{Act, Inside};
use crate::json;
use crate::ledger::Did;

/// The largest page of a list.
const LARGEST_PAGE: usize = 100;

impl Inside {
    /// When searches see what changes now.
    fn visible(&self, now: i64) -> i64 {
        let most = self.faults.index_lag.num_milliseconds();
        now.saturating_add(self.chance.below(u64::try_from(most).unwrap_or(0)).cast_signed())
    }

    /// Whether another record holds one of these values, where only one may.
    fn unique(&self, object: &str, but: Option<u64>, values: &[(String, Option<String>)]) -> Result<(), Refusal> {
        let schema = self.properties.of(object)?;
        for (name, value) in values {
            let Some(value) = value.as_ref().filter(|_| schema.get(name).is_some_and(|property| property.unique))
            else {
                continue;
            };
            if let Some(holder) = self.records.holding(object, name, value).filter(|holder| Some(holder.id) != but) {
                return Err(Refusal::taken(name, holder.id));
            }
        }
        Ok(())
    }

    pub(super) fn create(&mut self, object: &str, values: &Value, act: Act<'_>) -> Result<u64, Refusal> {
        let values = self.properties.accept(object, values)?;
        self.unique(object, None, &values)?;
        let visible = self.visible(act.at);
        let id = self.records.insert(object, values.clone(), act.at, visible);
        self.ledger.note(act.at, object, id, Did::Made);
        self.note(object, id, BTreeMap::new(), act);
        self.tell(object, "creation", id, json!({}), act);
        self.tell_changes(object, id, &values, act);
        self.associate_by_property(object, id, &values);
        Ok(id)
    }

    /// Changes a record, and says the id of the one that it was.
    pub(super) fn update(&mut self, object: &str, id: u64, values: &Value, act: Act<'_>) -> Result<u64, Refusal> {
        let values = self.properties.accept(object, values)?;
        let record = self.records.follow(object, id).ok_or_else(|| Refusal::not_found("resource not found"))?;
        let id = record.id;
        let changed: Vec<_> =
            values.into_iter().filter(|(name, value)| record.properties.get(name) != value.as_ref()).collect();
        self.unique(object, Some(id), &changed)?;
        if changed.is_empty() {
            return Ok(id);
        }
        let before = record.properties.clone();
        let visible = self.visible(act.at);
        self.records.change(object, id, act.at, visible, |record| {
            for (name, value) in &changed {
                match value {
                    Some(value) => record.properties.insert(name.clone(), value.clone()),
                    None => record.properties.remove(name),
                };
            }
        });
        self.note(object, id, before, act);
        self.tell_changes(object, id, &changed, act);
        self.associate_by_property(object, id, &changed);
        Ok(id)
    }

    /// Notes what of a record is another than it was.
    fn note(&mut self, object: &str, id: u64, before: BTreeMap<String, String>, act: Act<'_>) {
        let Some(record) = self.records.get(object, id) else { return };
        let named = |held: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            held.iter().map(|(name, value)| (format!("properties.{name}"), value.clone())).collect()
        };
        self.ledger.compare(act.at, object, id, &named(&before), &named(&record.properties));
    }

    pub(super) fn archive(&mut self, object: &str, id: u64, act: Act<'_>) -> Result<(), Refusal> {
        let record = self.records.follow(object, id).ok_or_else(|| Refusal::not_found("resource not found"))?;
        let (id, visible) = (record.id, self.visible(act.at));
        self.records.change(object, id, act.at, visible, |record| record.archived = Some(act.at));
        self.ledger.note(act.at, object, id, Did::Gone);
        self.tell(object, "deletion", id, json!({}), act);
        Ok(())
    }

    pub(super) fn restore(&mut self, object: &str, id: u64, act: Act<'_>) -> Result<(), Refusal> {
        let archived = self.records.get(object, id).is_some_and(|record| record.archived.is_some());
        if !archived {
            return Err(Refusal::not_found("no archived record"));
        }
        let visible = self.visible(act.at);
        self.records.change(object, id, act.at, visible, |record| record.archived = None);
        self.ledger.note(act.at, object, id, Did::Back);
        self.tell(object, "restore", id, json!({}), act);
        Ok(())
    }

    /// Merges two records into one of a new id, to which both old ids lead. The primary's values count, and the other's
    /// where it has none.
    pub(super) fn merge(&mut self, object: &str, primary: u64, other: u64, act: Act<'_>) -> Result<u64, Refusal> {
        let find = |id| self.records.follow(object, id).ok_or_else(|| Refusal::not_found("resource not found"));
        let (first, second) = (find(primary)?.clone(), find(other)?.clone());
        if first.id == second.id {
            return Err(Refusal::bad("a record is not merged with itself"));
        }
        let mut values: BTreeMap<String, String> = second.properties.clone();
        values.extend(first.properties.clone());
        let absorbed = |record: &Record| record.properties.get("hs_merged_object_ids").cloned();
        let ids: Vec<String> = [absorbed(&first), Some(first.id.to_string()), absorbed(&second)]
            .into_iter()
            .flatten()
            .chain([second.id.to_string()])
            .collect();
        values.insert("hs_merged_object_ids".into(), ids.join(";"));
        let values: Vec<_> = values.into_iter().map(|(name, value)| (name, Some(value))).collect();
        let visible = self.visible(act.at);
        let id = self.records.insert(object, values, act.at, visible);
        for loser in [first.id, second.id] {
            self.records.change(object, loser, act.at, visible, |record| record.merged_into = Some(id));
            self.ledger.note(act.at, object, loser, Did::Became(id.to_string()));
            self.associations.moved(object, loser, id);
        }
        let merge = json!({
            "primaryObjectId": first.id, "mergedObjectIds": [second.id], "newObjectId": id, "numberOfPropertiesMoved": 0,
        });
        self.tell(object, "merge", first.id, merge, act);
        Ok(id)
    }

    /// Forgets a contact for good; it is told of twice, as the vendor does.
    pub(super) fn purge(&mut self, object: &str, id: u64, act: Act<'_>) -> Result<(), Refusal> {
        let id = self.records.get(object, id).ok_or_else(|| Refusal::not_found("resource not found"))?.id;
        self.ledger.note(act.at, object, id, Did::Gone);
        self.tell(object, "privacyDeletion", id, json!({}), act);
        self.tell(object, "deletion", id, json!({}), act);
        self.records.purge(object, id);
        Ok(())
    }

    /// The record that a request names, by its id or by a unique property.
    pub(super) fn named(&self, object: &str, id: &str, property: Option<&str>) -> Option<&Record> {
        match property.filter(|name| *name != "hs_object_id") {
            Some(name) => self.records.holding(object, name, id),
            None => self.records.follow(object, id.parse().ok()?),
        }
    }

    pub(super) fn shown(&self, object: &str, id: u64, asked: &[String]) -> Value {
        self.records.get(object, id).map_or(Value::Null, |record| record.json(object, &self.properties, asked))
    }

    /// What was written, and what every answer carries.
    pub(super) fn written(&self, object: &str, id: u64, values: &Value) -> Value {
        let names: Vec<String> = values.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        self.shown(object, id, &names)
    }

    /// `GET` of one record.
    pub(super) fn read(&self, object: &str, id: &str, request: &Request<Bytes>) -> Result<Response<Bytes>, Refusal> {
        let asked = Asked::of(request);
        let found = if asked.archived {
            id.parse().ok().and_then(|id| self.records.get(object, id)).filter(|record| record.archived.is_some())
        } else {
            self.named(object, id, asked.id_property.as_deref())
        };
        let record = found.ok_or_else(|| Refusal::not_found("resource not found"))?;
        Ok(json::answer(StatusCode::OK, &self.with_associations(object, record, &asked)))
    }

    /// A page of all records, or of all archived ones, in the order of their ids.
    pub(super) fn list(&self, object: &str, request: &Request<Bytes>) -> Result<Response<Bytes>, Refusal> {
        self.properties.of(object)?;
        let asked = Asked::of(request);
        if asked.limit == 0 || asked.limit > LARGEST_PAGE {
            return Err(Refusal::bad("limit must be between 1 and 100"));
        }
        let after: u64 = asked.after.as_deref().unwrap_or("0").parse().map_err(|_| Refusal::bad("after"))?;
        let of = |records: &mut dyn Iterator<Item = &Record>| -> Vec<Value> {
            let records = records.filter(|record| record.id > after).take(asked.limit + 1);
            records.map(|record| self.with_associations(object, record, &asked)).collect()
        };
        let mut page =
            if asked.archived { of(&mut self.records.archived(object)) } else { of(&mut self.records.alive(object)) };
        let more = page.len() > asked.limit;
        page.truncate(asked.limit);
        let last = page.last().map(|record| record["id"].clone());
        let mut body = json!({ "results": page });
        if let Some(last) = last.filter(|_| more) {
            body["paging"] = json!({ "next": { "after": last } });
        }
        Ok(json::answer(StatusCode::OK, &body))
    }

    fn with_associations(&self, object: &str, record: &Record, asked: &Asked) -> Value {
        let mut shown = record.json(object, &self.properties, &asked.properties);
        for to in &asked.associations {
            let ids = self.associations.of(object, record.id, to);
            let results: Vec<Value> = ids
                .map(|(id, _)| json!({ "id": id.to_string(), "type": format!("{}_to_{}", singular(object), singular(to)) }))
                .collect();
            if !results.is_empty() {
                shown["associations"][to.as_str()] = json!({ "results": results });
            }
        }
        shown
    }

    fn tell_changes(&mut self, object: &str, id: u64, values: &[(String, Option<String>)], act: Act<'_>) {
        for (name, value) in values {
            let told = json!({ "propertyName": name, "propertyValue": value.as_deref().unwrap_or_default() });
            self.tell(object, "propertyChange", id, told, act);
        }
    }

    pub(super) fn tell(&mut self, object: &str, what: &str, id: u64, more: Value, act: Act<'_>) {
        self.webhooks.tell(object, what, id, more, act, &self.faults, &self.chance);
    }
}

/// What the query of a request asks for.
#[derive(Debug)]
struct Asked {
    properties: Vec<String>,
    associations: Vec<String>,
    archived: bool,
    id_property: Option<String>,
    limit: usize,
    after: Option<String>,
}

impl Asked {
    fn of(request: &Request<Bytes>) -> Self {
        let mut asked = Self {
            properties: Vec::new(),
            associations: Vec::new(),
            archived: false,
            id_property: None,
            limit: 10,
            after: None,
        };
        for (key, value) in json::query(request) {
            let list = || value.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
            match key.as_str() {
                "properties" => asked.properties.extend(list()),
                "associations" => asked.associations.extend(list()),
                "archived" => asked.archived = value == "true",
                "idProperty" => asked.id_property = Some(value),
                "limit" => asked.limit = value.parse().unwrap_or(0),
                "after" => asked.after = Some(value),
                _ => {}
            }
        }
        asked
    }
}

/// What one record of an object type is called.
pub(super) fn singular(object: &str) -> &str {
    match object {
        "companies" => "company",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}
