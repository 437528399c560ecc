//! Token-based authentication against the sandbox, which checks signatures by its own reckoning.

#![cfg(feature = "tba")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::SystemEntropy;
use accordant::connector::{Connector as _, ConnectorErrorKind, Outcome};
use accordant_http::oauth1::Keys;
use accordant_http::{ReqwestTransport, Transport};
use accordant_netsuite::{NetSuite, token_based};
use accordant_rehearsal::Asleep;
use accordant_sandbox::netsuite::TokenBased;

use support::{Stage, create, ids};

fn known() -> TokenBased {
    TokenBased {
        realm: "123456_SB1".into(),
        consumer_key: "consumer".into(),
        consumer_secret: "consumer-secret & more".into(),
        token: "token".into(),
        token_secret: "token-secret = /".into(),
    }
}

/// A connector that signs as this account, with this secret of the token.
fn connector(stage: &Stage, account: &str, token_secret: &str) -> NetSuite {
    let TokenBased { consumer_key, consumer_secret, token, .. } = known();
    let keys = Keys {
        consumer_key,
        consumer_secret: consumer_secret.into(),
        token,
        token_secret: token_secret.to_owned().into(),
    };
    let clock = stage.clock.clone();
    let credentials = token_based(account, keys, clock.clone(), Arc::new(SystemEntropy));
    let transport: Arc<dyn Transport> = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
    let gate = NetSuite::gate(&stage.settings, clock.clone(), Arc::new(Asleep(clock.clone())));
    NetSuite::new(stage.settings.clone(), transport, credentials, clock, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_by_the_keys_of_a_token_is_answered() {
    let stage = Stage::token_based(known()).await;
    let id = stage.customer(None, &[("email", "ana@acme.test")]);
    // As the address has it, and as the vendor writes it.
    for account in ["123456-sb1", "123456_SB1"] {
        let connector = connector(&stage, account, "token-secret = /");
        let (items, _) = accordant_rehearsal::walk(&connector, "customer.scan", None).await;
        assert!(ids(&items).contains(&id), "{account}");
        let made =
            connector.write_batch(vec![create(1, &format!("key-{account}"), &[("email", "bo@acme.test")])]).await;
        assert!(matches!(made.unwrap()[0].outcome, Outcome::Applied { .. }), "{account}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_otherwise_is_not() {
    let stage = Stage::token_based(known()).await;
    for (account, secret) in [("123456-sb1", "another"), ("654321", "token-secret = /")] {
        let connector = connector(&stage, account, secret);
        let error = connector.read_page(&"customer.scan".into(), None).await.unwrap_err();
        assert_eq!(error.kind, ConnectorErrorKind::Denied, "{error}");
    }
}
