//! The script of the day: what people do in the systems, and what reaches us of it, in the order of the clock.

use std::collections::BTreeMap;
use std::io;

use accordant::model::Path;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dialect::Webhook;
use super::remote::{Author, Remote};

/// Stands where a real system's signature would: the connectors of `connectors-contrib/` check those.
pub const SECRET_HEADER: &str = "x-world-secret";
/// What the header says.
pub const SECRET: &str = "quickstart";

/// One step of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the script.
    pub number: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub happens: Happens,
}

/// What happens in a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happens {
    /// Somebody edits a record.
    Edit {
        /// The system.
        system: String,
        /// The object type.
        object: String,
        /// The record's number.
        id: u64,
        /// Who.
        by: String,
        /// The leaves, by path.
        set: BTreeMap<String, Value>,
    },
    /// Somebody makes a new record.
    Create {
        /// The system.
        system: String,
        /// The object type.
        object: String,
        /// Who.
        by: String,
        /// The leaves, by path.
        set: BTreeMap<String, Value>,
    },
    /// Somebody deletes a record.
    Delete {
        /// The system.
        system: String,
        /// The object type.
        object: String,
        /// The record's number.
        id: u64,
        /// Who.
        by: String,
    },
    /// Somebody merges two records.
    Merge {
        /// The system.
        system: String,
        /// The object type.
        object: String,
        /// The record whose values live on.
        primary: u64,
        /// The other.
        other: u64,
        /// Who.
        by: String,
    },
    /// A webhook arrives: perhaps late, perhaps again.
    Deliver(Delivery),
    /// It is time to ask a system what changed.
    Poll {
        /// The connection.
        connection: String,
    },
}

/// A webhook request, as it arrives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// A name of its own: a repetition has another.
    pub name: String,
    /// The connection that it is for.
    pub connection: String,
    /// The topic, where the system names it in a header.
    pub topic: String,
    /// The sender's id of the request: a repetition has the same.
    pub webhook_id: String,
    /// The body, in the native shape.
    pub body: Value,
}

/// Something that reaches us.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// The time to read everything that a connection has.
    Scan {
        /// A name of its own.
        name: String,
        /// The connection.
        connection: String,
    },
    /// A webhook.
    Delivery(Delivery),
    /// The time to poll a connection.
    Poll {
        /// A name of its own.
        name: String,
        /// The connection.
        connection: String,
    },
}

impl Moment {
    /// The name under which it is answered.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Moment::Delivery(delivery) => delivery.name.clone(),
            Moment::Scan { name, .. } | Moment::Poll { name, .. } => name.clone(),
        }
    }
}

impl Delivery {
    /// The requests that carry these webhooks: HubSpot sends up to a hundred events in one, Shopify one body each.
    pub fn of(remote: &Remote, name: &str, webhooks: Vec<Webhook>) -> impl Iterator<Item = Self> {
        let system = remote.dialect().system();
        let bodies: Vec<(&'static str, Value)> = if system == "hubspot" {
            let events: Vec<Value> = webhooks.into_iter().map(|webhook| webhook.body).collect();
            events.chunks(super::BATCH).map(|batch| ("events", Value::Array(batch.to_vec()))).collect()
        } else {
            webhooks.into_iter().map(|webhook| (webhook.topic, webhook.body)).collect()
        };
        let name = name.to_owned();
        bodies.into_iter().enumerate().map(move |(part, (topic, body))| {
            let name = format!("{name}.{part}");
            Self { webhook_id: name.clone(), name, connection: system.into(), topic: topic.into(), body }
        })
    }

    /// The request, with the headers that the system sends.
    ///
    /// # Errors
    ///
    /// If a header cannot be one.
    pub fn request(&self) -> Result<http::Request<Bytes>, http::Error> {
        let request = http::Request::post(format!("https://hooks.acme.example/{}", self.connection))
            .header("content-type", "application/json")
            .header(SECRET_HEADER, SECRET);
        let request = match self.connection.as_str() {
            "shopify" => request
                .header("x-shopify-topic", &self.topic)
                .header("x-shopify-shop-domain", "acme.myshopify.com")
                .header("x-shopify-api-version", "2026-10")
                .header("x-shopify-webhook-id", &self.webhook_id),
            _ => request.header("user-agent", "HubSpot Connect 2.0 (http://dev.hubspot.com/)"),
        };
        request.body(Bytes::from(self.body.to_string()))
    }
}

impl Step {
    /// What reaches us in this step, if anything does.
    #[must_use]
    pub fn moment(&self) -> Option<Moment> {
        match &self.happens {
            Happens::Deliver(delivery) => Some(Moment::Delivery(delivery.clone())),
            Happens::Poll { connection } => {
                Some(Moment::Poll { name: format!("poll-{}", self.number), connection: connection.clone() })
            }
            _ => None,
        }
    }

    /// The system in which this step changes something, if it does.
    #[must_use]
    pub fn system(&self) -> Option<&str> {
        match &self.happens {
            Happens::Edit { system, .. }
            | Happens::Create { system, .. }
            | Happens::Delete { system, .. }
            | Happens::Merge { system, .. } => Some(system),
            Happens::Deliver(_) | Happens::Poll { .. } => None,
        }
    }

    /// Does in a system what the step says.
    ///
    /// # Errors
    ///
    /// If the script names a record that is not there, or the log cannot be written.
    pub fn take(&self, remote: &Remote) -> io::Result<()> {
        let author = |name: &String| Author::Person { name: name.clone(), step: self.number };
        let leaves = |set: &BTreeMap<String, Value>| -> Vec<(Path, Value)> {
            set.iter().map(|(path, value)| (Path::new(path), value.clone())).collect()
        };
        let done = match &self.happens {
            Happens::Edit { object, id, by, set, .. } => remote.edit(object, *id, &leaves(set), &author(by))?.is_some(),
            Happens::Create { object, by, set, .. } => {
                remote.create(object, None, &leaves(set), &author(by)).map(|_| true)?
            }
            Happens::Delete { object, id, by, .. } => remote.delete(object, *id, &author(by))?,
            Happens::Merge { object, primary, other, by, .. } => {
                remote.merge(object, *primary, *other, &author(by))?.is_some()
            }
            Happens::Deliver(_) | Happens::Poll { .. } => true,
        };
        if done { Ok(()) } else { Err(io::Error::other(format!("step {}: no such record", self.number))) }
    }
}
