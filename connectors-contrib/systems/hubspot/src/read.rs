//! Reads by id, in batches; what a batch does not answer is asked for by itself.

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::{ConnectorError, ReadAnswer, RecordKey};
use accordant::surface::Channel;
use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::connector::HubSpot;
use crate::fault::unread;
use crate::settings::Object;
use crate::surfaces;
use crate::wire::{Record, Results, parse};

impl HubSpot {
    /// One answer per key, in their order.
    pub(crate) async fn read(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let mut groups: BTreeMap<(&str, bool), Vec<usize>> = BTreeMap::new();
        for (place, key) in keys.iter().enumerate() {
            groups.entry((key.object.as_str(), key.by_create_key)).or_default().push(place);
        }
        let unsupported = || ReadAnswer::Failed(crate::connector::unsupported());
        let mut answers: Vec<ReadAnswer> = keys.iter().map(|_| unsupported()).collect();
        for ((name, by_create_key), places) in groups {
            let Some(object) = self.settings.objects.get(name) else { continue };
            let property = by_create_key.then_some(self.settings.key_property.as_deref());
            if property == Some(None) {
                // Nothing was ever created under a key.
                continue;
            }
            for places in places.chunks(self.settings.batch.max(1)) {
                let ids: Vec<&str> = places.iter().filter_map(|place| Some(keys.get(*place)?.id.as_str())).collect();
                let found = self.read_batch(name, object, &ids, property.flatten()).await?;
                for (place, answer) in places.iter().zip(self.found_with_owners(name, object, found).await?) {
                    if let Some(slot) = answers.get_mut(*place) {
                        *slot = answer;
                    }
                }
            }
        }
        Ok(answers)
    }

    /// The answers, each record with those whom it belongs to.
    async fn found_with_owners(
        &self,
        name: &str,
        object: &Object,
        answers: Vec<ReadAnswer>,
    ) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let (mut items, mut others) = (Vec::new(), BTreeMap::new());
        let count = answers.len();
        for (place, answer) in answers.into_iter().enumerate() {
            match answer {
                ReadAnswer::Found(item) => items.push(item),
                other => drop(others.insert(place, other)),
            }
        }
        self.with_owners(name, object, &mut items, false).await?;
        let mut items = items.into_iter();
        let answer = |place| others.remove(&place).or_else(|| items.next().map(ReadAnswer::Found));
        Ok((0..count).filter_map(answer).collect())
    }

    /// Reads records by their ids, or by a property whose values are unique.
    async fn read_batch(
        &self,
        name: &str,
        object: &Object,
        ids: &[&str],
        property: Option<&str>,
    ) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let asked = object.properties.iter().map(String::as_str).chain(property).collect::<BTreeSet<_>>();
        let body = self.batch_read(name, ids, &asked, property).await?;
        let found: Results<'_> = parse(&body, "a batch of records")?;
        let surface = surfaces::name(name, Channel::Read);
        let mut by_id: BTreeMap<String, (&RawValue, Record<'_>)> = BTreeMap::new();
        for raw in &found.results {
            let record = Record::parse(raw)?;
            let key = match property {
                Some(property) => record.properties.get(property).and_then(Option::as_ref).map(ToString::to_string),
                None => Some(record.id.to_string()),
            };
            by_id.extend(key.map(|key| (key, (*raw, record))));
        }
        let mut answers = Vec::with_capacity(ids.len());
        for id in ids {
            answers.push(match by_id.get(*id) {
                Some((raw, record)) => ReadAnswer::Found(record.item(surface.as_str().into(), raw, &object.properties)),
                None if property.is_some() => ReadAnswer::Gone,
                // It may have been merged: only a read by itself is promised to lead on.
                None => self.read_one(name, object, id).await.unwrap_or_else(ReadAnswer::Failed),
            });
        }
        Ok(answers)
    }

    /// Reads one record. The id of a merged one leads to the record that it became a part of.
    async fn read_one(&self, name: &str, object: &Object, id: &str) -> Result<ReadAnswer, ConnectorError> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            // No id of HubSpot's, and nothing to put into an address.
            return Ok(ReadAnswer::Gone);
        }
        let names: Vec<&str> = object.properties.iter().map(String::as_str).collect();
        let query = Serializer::new(String::new()).append_pair("properties", &names.join(",")).finish();
        let answer =
            self.ask(&self.client, "GET", &format!("{}/{name}/{id}?{query}", self.settings.objects_path), None).await?;
        match answer.status() {
            StatusCode::OK => {
                let raw: &RawValue = parse(answer.body(), "a record")?;
                let item = Record::parse(raw)?.item(
                    surfaces::name(name, Channel::Read).as_str().into(),
                    raw,
                    &object.properties,
                );
                Ok(ReadAnswer::Found(item))
            }
            StatusCode::NOT_FOUND => Ok(ReadAnswer::Gone),
            _ => Err(unread(&answer, "read a record")),
        }
    }

    /// The body of a batch of records, whole or in part.
    pub(crate) async fn batch_read(
        &self,
        name: &str,
        ids: &[&str],
        properties: &BTreeSet<&str>,
        property: Option<&str>,
    ) -> Result<bytes::Bytes, ConnectorError> {
        let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        let mut body = json!({ "inputs": inputs, "properties": properties, "propertiesWithHistory": [] });
        if let Some(property) = property {
            body["idProperty"] = property.into();
        }
        let path = format!("{}/{name}/batch/read", self.settings.objects_path);
        let answer = self.ask(&self.client, "POST", &path, Some(&body)).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::MULTI_STATUS => Ok(answer.into_body()),
            _ => Err(unread(&answer, "read a batch")),
        }
    }
}
