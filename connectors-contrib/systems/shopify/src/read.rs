//! Reads by id, and by the key that a customer was made under.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ReadAnswer, RecordKey};
use accordant::surface::Channel;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::connector::{Shopify, unsupported};
use crate::settings::Object;
use crate::wire::Head;
use crate::{document, surfaces};

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
            } else if !object.may_have(&key.id) {
                put(&mut answers, place, ReadAnswer::Gone);
            } else {
                by_id.entry(key.object.as_str()).or_default().push(place);
            }
        }
        for (name, places) in by_id {
            let Some(object) = self.settings.objects.get(name) else { continue };
            for places in places.chunks(self.fits(object)) {
                let ids: Vec<String> = places
                    .iter()
                    .filter_map(|place| Some(format!("{}{}", object.prefix(), keys.get(*place)?.id)))
                    .collect();
                let document = document::nodes(object, &object.paths, self.lists());
                let cost = self.cost_of(object, ids.len());
                let answer = self.ask(&document, &json!({ "ids": ids }), cost).await?;
                let found: Nodes<'_> = answer.data("nodes")?;
                for (place, node) in places.iter().zip(found.nodes) {
                    put(&mut answers, *place, self.found(name, node).unwrap_or_else(ReadAnswer::Failed));
                }
            }
        }
        Ok(answers)
    }

    async fn read_by_key(&self, name: &str, object: &Object, key: &str) -> Result<ReadAnswer, ConnectorError> {
        let (Some(named), "Customer") = (&self.settings.key, object.node.as_str()) else { return Err(unsupported()) };
        let variables = json!({ "identifier": document::identifier(named, key) });
        let answer =
            self.ask(&document::customer_of_key(object, self.lists()), &variables, self.cost_of(object, 1)).await?;
        let found: Found<'_> = answer.data("a customer by its key")?;
        self.found(name, found.found)
    }

    /// A node as an answer. An inventory level that was taken out of use still has its id, and is none.
    fn found(&self, name: &str, node: Option<&RawValue>) -> Result<ReadAnswer, ConnectorError> {
        let Some(raw) = node else { return Ok(ReadAnswer::Gone) };
        if Head::parse(raw)?.is_active == Some(false) {
            return Ok(ReadAnswer::Gone);
        }
        let surface = surfaces::name(name, Channel::Read).as_str().into();
        self.shape(name)?.item(surface, raw).map(ReadAnswer::Found)
    }
}

fn put(answers: &mut [ReadAnswer], place: usize, answer: ReadAnswer) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = answer;
    }
}
