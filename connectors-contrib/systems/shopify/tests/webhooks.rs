//! Webhooks: what the sandbox signs is taken, and nothing else is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::OnceLock;

use accordant::connector::{Connector as _, ConnectorErrorKind, Delivery, Says};
use accordant_sandbox::Remote as _;
use proptest::prelude::*;
use serde_json::json;
use support::Stage;

#[tokio::test]
async fn every_topic_says_what_happened_to_which_record() {
    let stage = Stage::set().await;
    for topic in ["CUSTOMERS_UPDATE", "CUSTOMERS_DELETE", "CUSTOMERS_MERGE", "ORDERS_CREATE"] {
        stage.subscribe(topic).await;
    }
    let ana = stage.customer(&json!({ "email": "ana@acme.test" }));
    let other = stage.customer(&json!({ "email": "other@acme.test" }));
    let order = stage.shop.merchant().orders("#1", "1.00", None);
    stage.shop.merchant().merges(&ana, &other).unwrap();
    let mut seen = Vec::new();
    for outgoing in stage.shop.due() {
        let verified = stage.connector.verify(&outgoing.request).unwrap();
        assert_eq!(verified.delivery_id.as_deref(), Some(format!("webhook-{}", outgoing.id()).as_str()));
        seen.extend(verified.items.into_iter().map(|item| (item.surface.to_string(), item.says)));
    }
    let hint = |id: &str| Says::Hint { id: id.into() };
    let customers = |says| ("customers.webhooks".to_owned(), says);
    assert_eq!(
        seen,
        [
            customers(hint(&ana)),
            customers(hint(&other)),
            ("orders.webhooks".to_owned(), hint(&order)),
            customers(Says::Deleted { id: other.as_str().into() }),
            customers(hint(&ana)),
            customers(Says::Merged { survivor: ana.as_str().into(), losers: vec![other.as_str().into()] }),
        ]
    );
}

/// A connector and a webhook that is its own.
fn stage() -> &'static (Stage, Delivery) {
    static STAGE: OnceLock<(Stage, Delivery)> = OnceLock::new();
    STAGE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stage = runtime.block_on(async {
            let stage = Stage::set().await;
            stage.subscribe("CUSTOMERS_UPDATE").await;
            stage
        });
        stage.customer(&json!({ "email": "ana@acme.test" }));
        let delivery = stage.shop.due().remove(0).request;
        (stage, delivery)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Mutated, unsigned, signed by another, of another shop: none is taken.
    #[test]
    fn no_forged_delivery_is_taken(
        how in 0u8..5,
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        text in "[ -~]{0,50}",
    ) {
        let (stage, original) = stage();
        prop_assert!(stage.connector.verify(original).is_ok());
        let mut forged = original.clone();
        let header = |text: &str| http::HeaderValue::from_str(text).unwrap();
        match how {
            0 => {
                let mut body = forged.body().to_vec();
                let place = place.index(body.len());
                if body[place] == byte { return Ok(()) }
                body[place] = byte;
                *forged.body_mut() = body.into();
            }
            1 => {
                let cut = place.index(forged.body().len());
                *forged.body_mut() = forged.body().slice(..cut);
            }
            2 => { forged.headers_mut().insert("x-shopify-hmac-sha256", header(&text)); }
            3 => { forged.headers_mut().remove("x-shopify-hmac-sha256"); }
            _ => { forged.headers_mut().insert("x-shopify-shop-domain", header(&text)); }
        }
        prop_assert_eq!(stage.connector.verify(&forged).unwrap_err().kind, ConnectorErrorKind::Denied);
    }
}
