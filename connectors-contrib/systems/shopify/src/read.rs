//! Reads by id, and by the key that a customer was made under.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ReadAnswer, RecordKey};
use accordant::surface::Channel;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::connector::{Shopify, unsupported};
use crate::document;
use crate::settings::Object;
use crate::surfaces;
use crate::wire::item;

#[derive(Deserialize)]
pub(crate) struct Nodes<'a> {
    #[serde(borrow)]
    pub(crate) nodes: Vec<Option<&'a RawValue>>,
}

#[derive(Deserialize)]
pub(crate) struct Found<'a> {
    #[serde(borrow)]
    pub(crate) found: Option<&'a RawValue>,
}

impl Shopify {
    /// One answer per key, in their order.
    pub(crate) async fn read(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let mut answers: Vec<ReadAnswer> = keys.iter().map(|_| ReadAnswer::Failed(unsupported())).collect();
        let mut by_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, key) in keys.iter().enumerate() {
            let Some(object) = self.settings.objects.get(key.object.as_str()) else { continue };
            if key.by_create_key {
                let answer =
                    self.read_by_key(key.object.as_str(), object, &key.id).await.unwrap_or_else(ReadAnswer::Failed);
                put(&mut answers, place, answer);
            } else if key.id.is_empty() || !key.id.bytes().all(|digit| digit.is_ascii_digit()) {
                put(&mut answers, place, ReadAnswer::Gone);
            } else {
                by_id.entry(key.object.as_str()).or_default().push(place);
            }
        }
        for (name, places) in by_id {
            let Some(object) = self.settings.objects.get(name) else { continue };
            for places in places.chunks(self.settings.page.max(1)) {
                let ids: Vec<String> = places
                    .iter()
                    .filter_map(|place| Some(format!("{}{}", object.prefix(), keys.get(*place)?.id)))
                    .collect();
                let document = document::nodes(object, &object.paths);
                let answer = self.ask(&document, &json!({ "ids": ids }), self.cost_of(ids.len())).await?;
                let found: Nodes<'_> = answer.data("nodes")?;
                for (place, node) in places.iter().zip(found.nodes) {
                    let surface = surfaces::name(name, Channel::Read).as_str().into();
                    put(
                        &mut answers,
                        *place,
                        node.map_or(ReadAnswer::Gone, |raw| ReadAnswer::Found(item(surface, raw))),
                    );
                }
            }
        }
        Ok(answers)
    }

    async fn read_by_key(&self, name: &str, object: &Object, key: &str) -> Result<ReadAnswer, ConnectorError> {
        let (Some(named), "Customer") = (&self.settings.key, object.node.as_str()) else { return Err(unsupported()) };
        let variables = json!({ "identifier": document::identifier(named, key) });
        let answer = self.ask(&document::customer_of_key(object), &variables, self.cost_of(1)).await?;
        let found: Found<'_> = answer.data("a customer by its key")?;
        let surface = surfaces::name(name, Channel::Read).as_str().into();
        Ok(found.found.map_or(ReadAnswer::Gone, |raw| ReadAnswer::Found(item(surface, raw))))
    }

    /// What so many nodes cost, at most.
    pub(crate) fn cost_of(&self, nodes: usize) -> u32 {
        u32::try_from(nodes).unwrap_or(u32::MAX).saturating_mul(5).saturating_add(2).min(self.settings.capacity)
    }
}

fn put(answers: &mut [ReadAnswer], place: usize, answer: ReadAnswer) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = answer;
    }
}
