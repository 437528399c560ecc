//! Webhooks v3: whose they are, and what they tell.

use std::borrow::Cow;

use accordant::connector::{ConnectorError, ConnectorErrorKind, Delivery, Item, Says, Verified};
use accordant::surface::Channel;
use accordant_http::{Authentic, Encoding, Freshness, Secrets, Signature, Verifier};
use bytes::Bytes;
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::settings::Settings;
use crate::surfaces;
use crate::wire::malformed;

const SENT: &str = "x-hubspot-request-timestamp";

/// Signature v3: method, address, body and time, by the app's secret. Five minutes, to either side.
const V3: Signature = Signature {
    header: "x-hubspot-signature-v3",
    encoding: Encoding::Base64,
    message: |delivery, address| message(delivery, address),
    freshness: Some(Freshness { header: SENT, within: TimeDelta::minutes(5) }),
};

/// The same, over the address as its documentation has it: with some escapes decoded.
const V3_DECODED: Signature = Signature { message: |delivery, address| message(delivery, &decoded(address)), ..V3 };

fn message<'d>(delivery: &'d Delivery, address: &str) -> Cow<'d, [u8]> {
    let sent = delivery.headers().get(SENT).map_or(&b""[..], |sent| sent.as_bytes());
    Cow::Owned([delivery.method().as_str().as_bytes(), address.as_bytes(), delivery.body(), sent].concat())
}

/// The escapes that HubSpot says it decodes before it signs.
fn decoded(address: &str) -> String {
    let escapes = [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ];
    escapes.iter().fold(address.to_owned(), |address, (escape, character)| {
        address.replace(escape, character).replace(&escape.to_lowercase(), character)
    })
}

/// Takes webhooks in.
#[derive(Debug)]
pub(crate) struct Receiver {
    verifiers: [Verifier; 2],
}

/// What is looked at of an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    portal_id: u64,
    subscription_type: String,
    object_type_id: Option<String>,
    /// Of an association that changed. Assumed: the name of the field.
    from_object_type_id: Option<String>,
    object_id: Option<u64>,
    from_object_id: Option<u64>,
    new_object_id: Option<u64>,
    primary_object_id: Option<u64>,
    #[serde(default)]
    merged_object_ids: Vec<u64>,
}

impl Event {
    /// The object type that it is about, if that is one of ours.
    fn object<'s>(&self, settings: &'s Settings) -> Option<&'s str> {
        let kind = self.subscription_type.split_once('.')?.0;
        let type_id = self.object_type_id.as_ref().or(self.from_object_type_id.as_ref());
        let about = |object: &crate::Object| match type_id {
            Some(id) if kind == "object" => object.type_id.as_deref() == Some(id.as_str()),
            _ => object.event == kind,
        };
        settings.objects.iter().find(|(_, object)| about(object)).map(|(name, _)| name.as_str())
    }

    fn says(&self) -> Option<Says> {
        let text = |id: u64| id.to_string().into();
        let id = self.object_id.or(self.from_object_id)?;
        Some(match self.subscription_type.split_once('.')?.1 {
            "deletion" | "privacyDeletion" => Says::Deleted { id: text(id) },
            "merge" => {
                let survivor = self.new_object_id.or(self.object_id)?;
                let losers = self.primary_object_id.iter().chain(&self.merged_object_ids);
                let losers = losers.filter(|loser| **loser != survivor).map(|id| text(*id)).collect();
                Says::Merged { survivor: text(survivor), losers }
            }
            _ => Says::Hint { id: text(id) },
        })
    }
}

impl Receiver {
    /// A receiver, if there is a secret to check by.
    pub(crate) fn of(settings: &Settings) -> Option<Self> {
        let (now, former) = settings.webhook_secrets.split_first()?;
        let secrets = former.iter().take(1).fold(Secrets::new(now), Secrets::or);
        let verifier = |signature| {
            let verifier = Verifier::new(signature, secrets.clone());
            settings.public_address.iter().fold(verifier, |verifier, base| verifier.public_address(base.clone()))
        };
        Some(Self { verifiers: [verifier(V3), verifier(V3_DECODED)] })
    }

    /// Splits a batch into its events. An app hears of all portals that it is installed in, and signs for all of them:
    /// what is not about ours is not ours to hear.
    pub(crate) fn take(&self, delivery: &Delivery, now: i64, settings: &Settings) -> Result<Verified, ConnectorError> {
        let [plain, unescaped] = &self.verifiers;
        let authentic: Authentic<'_> =
            plain.verify(delivery, now).or_else(|denied| unescaped.verify(delivery, now).map_err(|_| denied))?;
        let batch: Vec<&RawValue> =
            serde_json::from_slice(authentic.body()).map_err(|_| malformed("a webhook that is no batch of events"))?;
        let (mut items, mut ours) = (Vec::with_capacity(batch.len()), batch.is_empty());
        for raw in batch {
            let event: Event = serde_json::from_str(raw.get()).map_err(|_| malformed("an event of a webhook"))?;
            if event.portal_id != settings.portal {
                continue;
            }
            ours = true;
            let Some(object) = event.object(settings) else { continue };
            let says = event.says().ok_or_else(|| malformed("an event that names no record"))?;
            let body = Bytes::copy_from_slice(raw.get().as_bytes());
            items.push(Item::new(surfaces::name(object, Channel::Webhook).into(), says, body));
        }
        if !ours {
            return Err(ConnectorError::new(ConnectorErrorKind::Denied, "the events are of another portal"));
        }
        // `eventId` is documented as not unique: there is no id that marks a repetition.
        Ok(Verified { items, delivery_id: None, reply: http::Response::new(Bytes::new()) })
    }
}
