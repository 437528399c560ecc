//! A door: what systems push is put in a queue, and heard from there by whichever worker has its partition.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::{Delivery, Item, Says};
use crate::decode::Batch;
use crate::engine::intake::{Input, TakenIn, sort};
use crate::engine::persist::{SEPARATOR, json, record_key};
use crate::engine::tenant::dead_letter::{item_of, text_of};
use crate::engine::{Connection, Tenant};
use crate::error::Error;
use crate::id::{ConnectionName, RecordRef, SurfaceName};
use crate::queue::{Message, Queue, Topic};
use crate::text::Text;

/// The version of the form below.
const FORMAT: u16 = 1;

/// An item as a message carries it: whole, so that whoever hears it needs nothing else.
#[derive(Debug, Serialize, Deserialize)]
struct PushedItem {
    format: u16,
    connection: ConnectionName,
    surface: SurfaceName,
    says: Says,
    body: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hex: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    denied: Vec<String>,
}

/// What became of messages.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) taken: TakenIn,
    /// The places of those that none of this version can read, or whose connection is not configured.
    pub(crate) unreadable: Vec<usize>,
}

impl Tenant {
    /// As [`Tenant::receive`], for a door of many: verified, durable in the queue, and only then answered. What it says is taken
    /// in by the worker that has its partition.
    ///
    /// What is too large for the queue is taken in here and now: a queue is a way to the store, not the only one.
    ///
    /// # Errors
    ///
    /// If the request does not come from the system, or neither queue nor store can be reached. Answer with
    /// [`Error::http_status`]: the sender then repeats, and nothing is lost.
    pub async fn enqueue(
        &self,
        queue: &dyn Queue,
        connection: &str,
        delivery: Delivery,
    ) -> Result<http::Response<Bytes>, Error> {
        let (name, bound) = self.connection(connection)?;
        let verified = bound.connector.verify(&delivery).map_err(|source| Error::Connector {
            connection: name.clone(),
            doing: "verify a webhook",
            source,
        })?;
        // A repetition by the sender has the id of the first, and is one message with it; of what has none nobody can say
        // whether it is a repetition: a hint says the same each time, and means something new.
        let delivery = match &verified.delivery_id {
            Some(id) => format!("{name}{SEPARATOR}{id}"),
            None => format!("{:016x}{:016x}", self.attempt(), self.attempt()),
        };
        let mut messages = Vec::with_capacity(verified.items.len());
        for (place, item) in verified.items.iter().enumerate() {
            let id = format!("{}{SEPARATOR}{delivery}{SEPARATOR}{place}", self.id);
            let key = self.key_of(&name, bound, item);
            let body = Bytes::from(json(&PushedItem::of(&name, item)));
            messages.push(Message { tenant: self.id.clone(), key, id: id.into(), body });
        }
        if messages.iter().any(|message| message.body.len() > queue.most_bytes()) {
            self.take_items(&name, &verified.items, 0).await?;
            return Ok(verified.reply);
        }
        queue.publish(Topic::Inputs, messages).await.map_err(Error::queue("publish what a system said"))?;
        Ok(verified.reply)
    }

    /// The record that an item is about: what it is keyed by. Of several, the first; of none that can be told, the connection.
    fn key_of(&self, name: &ConnectionName, connection: &Connection, item: &Item) -> Text {
        let inputs = sort(name, connection, &self.core.model, std::slice::from_ref(item), 0, &mut Batch::new());
        let record = inputs.iter().find_map(|input| match input {
            Input::Observed { observation, .. } | Input::Entered { observation, .. } => Some(&observation.record),
            Input::Gone { record, .. } | Input::Absent { record, .. } | Input::Hint { record, .. } => Some(record),
            Input::Merged { loser, .. } => Some(loser),
            Input::Dead(letter) => letter.record.as_ref(),
        });
        record.map_or_else(|| name.as_str().into(), |record: &RecordRef| record_key(record))
    }

    /// Takes in what messages say: once it returns, it is durable. Taken in again, they say nothing new.
    pub(crate) async fn take_messages(&self, messages: &[&Message]) -> Result<Heard, Error> {
        let mut heard = Heard::default();
        // What follows one another of one connection is taken in together; the order of all stays.
        let mut together: Option<(ConnectionName, Vec<Item>)> = None;
        for (place, message) in messages.iter().enumerate() {
            let pushed =
                serde_json::from_slice(&message.body).ok().filter(|pushed: &PushedItem| pushed.format == FORMAT);
            let Some(pushed) = pushed.filter(|pushed| self.connection(pushed.connection.as_str()).is_ok()) else {
                heard.unreadable.push(place);
                continue;
            };
            let item = pushed.item();
            match &mut together {
                Some((connection, items)) if *connection == pushed.connection => items.push(item),
                _ => {
                    if let Some((connection, items)) = together.replace((pushed.connection, vec![item])) {
                        heard.taken += self.take_items(&connection, &items, 0).await?;
                    }
                }
            }
        }
        if let Some((connection, items)) = together {
            heard.taken += self.take_items(&connection, &items, 0).await?;
        }
        Ok(heard)
    }
}

impl PushedItem {
    fn of(connection: &ConnectionName, item: &Item) -> Self {
        let (body, hex) = text_of(&item.body);
        Self {
            format: FORMAT,
            connection: connection.clone(),
            surface: item.surface.clone(),
            says: item.says.clone(),
            body,
            hex,
            covers: item.covers.as_deref().map(|paths| paths.iter().map(ToString::to_string).collect()),
            denied: item.denied.iter().map(ToString::to_string).collect(),
        }
    }

    fn item(&self) -> Item {
        item_of(&self.surface, &self.says, (&self.body, self.hex), self.covers.as_deref(), &self.denied)
    }
}
