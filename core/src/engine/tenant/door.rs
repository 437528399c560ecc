//! A door: what systems push is put in a queue, and heard from there by whichever worker has its partition.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::{Delivery, Item, Says};
use crate::decode::Batch;
use crate::engine::intake::{Input, TakenIn, sort, without_cards};
use crate::engine::persist::{SEPARATOR, json, record_key};
use crate::engine::tenant::dead_letter::{item_of, text_of};
use crate::engine::{Connection, Tenant};
use crate::error::Error;
use crate::id::{ConnectionName, RecordRef, SurfaceName};
use crate::queue::{Message, Queue, Topic};
use crate::telemetry::in_span;
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
    /// If the request does not come from the system, or neither queue nor store can be reached; [`Error::Full`], as
    /// [`Tenant::receive`]: what is in the queue by then is taken in all the same. Answer with
    /// [`Error::http_status`]: the sender then repeats, and nothing is lost.
    pub async fn enqueue(
        &self,
        queue: &dyn Queue,
        connection: &str,
        delivery: Delivery,
    ) -> Result<http::Response<Bytes>, Error> {
        let (name, bound) = self.connection(connection)?;
        in_span!("receive", { tenant = self.id, connection = name }, self.put_in(queue, &name, bound, delivery))
    }

    async fn put_in(
        &self,
        queue: &dyn Queue,
        name: &ConnectionName,
        bound: &Connection,
        delivery: Delivery,
    ) -> Result<http::Response<Bytes>, Error> {
        let verified = bound.connector.verify(&delivery).map_err(|source| Error::Connector {
            connection: name.clone(),
            doing: "verify a webhook",
            source,
        })?;
        self.require_room(name, &verified.items, 0).await?;
        // A repetition by the sender has the id of the first, and is one message with it; of what has none nobody can say
        // whether it is a repetition: a hint says the same each time, and means something new.
        let delivery = match &verified.delivery_id {
            Some(id) => format!("{name}{SEPARATOR}{id}"),
            None => format!("{:016x}{:016x}", self.attempt(), self.attempt()),
        };
        let mut messages = Vec::with_capacity(verified.items.len());
        for (place, item) in verified.items.iter().enumerate() {
            // A queue keeps what it hears, too.
            let item = &*without_cards(bound, &self.core.model, item, &mut Batch::new());
            let id = format!("{}{SEPARATOR}{delivery}{SEPARATOR}{place}", self.id);
            let key = self.key_of(name, bound, item);
            let body = Bytes::from(json(&PushedItem::of(name, item)));
            messages.push(Message { tenant: self.id.clone(), key, id: id.into(), body });
        }
        if messages.iter().any(|message| message.body.len() > queue.most_bytes()) {
            self.take_items(name, &verified.items, 0).await?;
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
        let (of_connections, unreadable) = by_connection(messages, |name| self.connection(name.as_str()).is_ok());
        let mut heard = Heard { unreadable, ..Heard::default() };
        for (connection, items) in of_connections {
            heard.taken += self.take_items(&connection, &items, 0).await?;
        }
        Ok(heard)
    }
}

/// The items of messages by connection, each in the order of the messages, and the places of messages that cannot be read.
///
/// What a connection says is taken in together, so that systems which speak in turn do not make a commit of each message.
/// Nothing rests on the order between connections: each record is of one, and its messages stay in theirs.
fn by_connection(
    messages: &[&Message],
    is_known: impl Fn(&ConnectionName) -> bool,
) -> (BTreeMap<ConnectionName, Vec<Item>>, Vec<usize>) {
    let (mut known, mut unreadable) = (BTreeMap::<ConnectionName, Vec<Item>>::new(), Vec::new());
    for (place, message) in messages.iter().enumerate() {
        let pushed = serde_json::from_slice(&message.body).ok().filter(|pushed: &PushedItem| pushed.format == FORMAT);
        match pushed.filter(|pushed| is_known(&pushed.connection)) {
            Some(pushed) => {
                let item = pushed.item();
                known.entry(pushed.connection).or_default().push(item);
            }
            None => unreadable.push(place),
        }
    }
    (known, unreadable)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TenantId;

    fn message(connection: &str, body: &str) -> Message {
        let surface = SurfaceName::new("people/webhooks");
        let item = Item::new(surface, Says::Record, Bytes::from(body.to_owned()));
        let body = Bytes::from(json(&PushedItem::of(&ConnectionName::new(connection), &item)));
        Message { tenant: TenantId::new("acme"), key: "k".into(), id: "i".into(), body }
    }

    #[test]
    fn systems_that_speak_in_turn_are_heard_together_and_each_in_its_order() {
        let said: Vec<Message> =
            (0..6).map(|number| message(["crm", "shop", "gone"][number % 3], &number.to_string())).collect();
        let strange = Message { body: Bytes::from_static(b"{}"), ..said[0].clone() };
        let messages: Vec<&Message> = said.iter().chain([&strange]).collect();
        let (known, unreadable) = by_connection(&messages, |name| name.as_str() != "gone");
        let known: Vec<(&str, Vec<&[u8]>)> = known
            .iter()
            .map(|(name, items)| (name.as_str(), items.iter().map(|item| item.body.as_ref()).collect()))
            .collect();
        assert_eq!(known, [("crm", vec![b"0".as_slice(), b"3"]), ("shop", vec![b"1".as_slice(), b"4"])]);
        assert_eq!(unreadable, [2, 5, 6]);
    }
}
