//! Webhooks: whose they are, and what they tell.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Delivery, Item, Says, Verified};
use accordant::surface::Channel;
use accordant::text::Text;
use accordant_http::{Encoding, Secrets, Signature, Verifier};
use bytes::Bytes;
use serde::Deserialize;

use crate::settings::{Object, Settings};
use crate::surfaces;
use crate::wire::malformed;

/// Over the body alone.
const BODY: Signature = Signature::of_body("x-shopify-hmac-sha256", Encoding::Base64);

/// Takes webhooks in.
#[derive(Debug)]
pub(crate) struct Receiver {
    verifier: Verifier,
}

#[derive(Deserialize)]
struct Named {
    id: u64,
}

/// An inventory level's webhook: its id is an address. Assumed: one that is taken out of use may come without.
#[derive(Deserialize)]
struct NamedLevel {
    #[serde(rename = "admin_graphql_api_id")]
    id: Option<String>,
}

/// A merge's webhook. Assumed: the names of its fields.
#[derive(Deserialize)]
struct Merged {
    #[serde(rename = "admin_graphql_api_customer_kept_id")]
    kept: String,
    #[serde(rename = "admin_graphql_api_customer_deleted_id")]
    deleted: String,
}

impl Receiver {
    /// A receiver, if there is a secret to check by.
    pub(crate) fn of(settings: &Settings) -> Option<Self> {
        let (now, former) = settings.webhook_secrets.split_first()?;
        let secrets = former.iter().take(1).fold(Secrets::new(now), Secrets::or);
        Some(Self { verifier: Verifier::new(BODY, secrets) })
    }

    /// What a webhook tells of. Its topic and its shop are in headers, which nobody signs: they only decide which record is
    /// read.
    pub(crate) fn take(&self, delivery: &Delivery, now: i64, settings: &Settings) -> Result<Verified, ConnectorError> {
        let authentic = self.verifier.verify(delivery, now)?;
        // Newer deliveries have headers without the `x-`.
        let header = |name: &str| {
            authentic.header(&format!("x-shopify-{name}")).or_else(|| authentic.header(&format!("shopify-{name}")))
        };
        if header("shop-domain") != Some(settings.domain.as_str()) {
            return Err(ConnectorError::new(ConnectorErrorKind::Denied, "the webhook is of another shop"));
        }
        let topic = header("topic").ok_or_else(|| malformed("a webhook without a topic"))?;
        let (kind, what) = topic.split_once('/').ok_or_else(|| malformed("a webhook's topic"))?;
        let object = settings.objects.iter().find(|(_, object)| object.topic == kind).map(|(name, _)| name.as_str());
        let number = |gid: &str| Text::from(gid.rsplit('/').next().unwrap_or_default());
        let id = || -> Result<Text, ConnectorError> {
            let named: Named =
                serde_json::from_slice(authentic.body()).map_err(|_| malformed("a webhook without an id"))?;
            Ok(named.id.to_string().into())
        };
        let items = match object {
            // Nothing of it is mapped.
            None => Vec::new(),
            // One record to read, if the webhook names it; the next scan finds what it does not name.
            Some(object) if settings.objects.get(object).is_some_and(Object::is_level) => {
                let named: NamedLevel =
                    serde_json::from_slice(authentic.body()).map_err(|_| malformed("an inventory level's webhook"))?;
                let hint = |gid: String| {
                    let surface = surfaces::name(object, Channel::Webhook).into();
                    Item::new(surface, Says::Hint { id: number(&gid) }, authentic.body().clone())
                };
                named.id.map(hint).into_iter().collect()
            }
            Some(object) => {
                let says = match what {
                    "delete" => Says::Deleted { id: id()? },
                    "merge" => {
                        let merged: Merged =
                            serde_json::from_slice(authentic.body()).map_err(|_| malformed("a merge's webhook"))?;
                        Says::Merged { survivor: number(&merged.kept), losers: vec![number(&merged.deleted)] }
                    }
                    _ => Says::Hint { id: id()? },
                };
                vec![Item::new(surfaces::name(object, Channel::Webhook).into(), says, authentic.body().clone())]
            }
        };
        let delivery_id = header("webhook-id").map(Text::from);
        Ok(Verified { items, delivery_id, reply: http::Response::new(Bytes::new()) })
    }
}
