//! Webhooks: whose they are, and which records they are about.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ConnectorErrorKind, Delivery, Item, Says, Verified};
use accordant::model::Path;
use accordant::surface::Channel;
use accordant_http::{Encoding, SecretString, Secrets, Signature, Verifier};
use bytes::Bytes;
use http::header::HeaderName;
use serde::Deserialize;

use crate::answer;
use crate::mistake::Mistakes;
use crate::surfaces;

/// Webhooks that are signed by HMAC-SHA256 over their body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// The header that carries the signature.
    pub header: String,
    /// How it is written there.
    #[serde(default)]
    pub encoding: SignatureEncoding,
    /// What stands before it: `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// The header that carries an id by which the sender marks repetitions.
    #[serde(default)]
    pub delivery_id: Option<String>,
    /// How long the sender goes on trying: after an outage of ours that was longer, everything is read anew. An hour unless
    /// said otherwise.
    #[serde(default = "an_hour")]
    pub kept_hours: u32,
    /// Where in the body the events are: a list, or one. Empty: the body is.
    #[serde(default)]
    pub events: String,
    /// Where in an event the id of its record is.
    pub id: String,
    /// Where in an event it says what kind of record that is. `None`: there is one kind, and `objects` has one entry.
    #[serde(default)]
    pub object: Option<String>,
    /// What stands there, and which object type it means. Events of other kinds are not taken.
    pub objects: BTreeMap<String, String>,
}

const fn an_hour() -> u32 {
    1
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignatureEncoding {
    /// Hexadecimal.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

impl Webhooks {
    pub(crate) fn tells_of(&self, object: &str) -> bool {
        self.objects.values().any(|told| told == object)
    }
}

/// Takes webhooks in.
#[derive(Debug)]
pub(crate) struct Receiver {
    verifier: Verifier,
    webhooks: Webhooks,
}

impl Receiver {
    pub(crate) fn new(
        webhooks: &Webhooks,
        secret: &SecretString,
        former: Option<&SecretString>,
    ) -> Result<Self, Mistakes> {
        let header: HeaderName =
            webhooks.header.parse().map_err(|_| Mistakes::one("webhooks.header", "no name of a header"))?;
        let encoding = match webhooks.encoding {
            SignatureEncoding::Hex => Encoding::Hex,
            SignatureEncoding::Base64 => Encoding::Base64,
        };
        let secrets = former.into_iter().fold(Secrets::new(secret), Secrets::or);
        let verifier = Verifier::new(Signature::of_body("", encoding), secrets).in_header(header, &webhooks.prefix);
        Ok(Self { verifier, webhooks: webhooks.clone() })
    }

    /// Splits a webhook into hints. Nothing that it carries is believed: it is not known when it was sent.
    pub(crate) fn take(&self, delivery: &Delivery, now: i64) -> Result<Verified, ConnectorError> {
        let authentic = self.verifier.verify(delivery, now)?;
        let body = answer::whole(authentic.body()).ok_or_else(|| malformed("no JSON"))?;
        let events = answer::list(body, &Path::new(&self.webhooks.events)).ok_or_else(|| malformed("no events"))?;
        let mut items = Vec::with_capacity(events.len());
        for event in events {
            let said = |path: &str| answer::at(event, &Path::new(path)).and_then(answer::text);
            let object = match &self.webhooks.object {
                Some(path) => {
                    let kind = said(path).ok_or_else(|| malformed("an event that does not say its kind"))?;
                    self.webhooks.objects.get(kind.as_str())
                }
                None => self.webhooks.objects.values().next(),
            };
            let Some(object) = object else { continue };
            let id = said(&self.webhooks.id).ok_or_else(|| malformed("an event that names no record"))?;
            let surface = surfaces::name(object, Channel::Webhook);
            let body = Bytes::copy_from_slice(event.get().as_bytes());
            items.push(Item::new(surface.as_str().into(), Says::Hint { id }, body));
        }
        let delivery_id = self.webhooks.delivery_id.as_deref().and_then(|name| authentic.header(name));
        // A header is not signed. An id that somebody else took first would have this delivery ignored: so it counts only
        // together with what it marks.
        let delivery_id = delivery_id.map(|id| {
            let signature = authentic.header(&self.webhooks.header).unwrap_or_default();
            format!("{id}/{signature}").into()
        });
        Ok(Verified { items, delivery_id, reply: http::Response::new(Bytes::new()) })
    }
}

fn malformed(what: &str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Malformed, format!("a webhook in another shape than described: {what}"))
}
