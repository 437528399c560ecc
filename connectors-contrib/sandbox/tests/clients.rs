//! The vendors' own clients against the sandbox, and for NetSuite, which has none, one by others. `ACCORDANT_NODE_MODULES` names a folder in which npm installed them
//! (`scripts/vendor-clients` does); without it the test says that it was skipped, and why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use accordant::SystemClock;
use accordant_sandbox::{HubSpot, NetSuite, Remote, Shopify, hubspot, netsuite, serve, shopify};

/// Runs a client's script against an address; does nothing, and says so, where no client is installed.
async fn drives(script: &str, remote: Arc<dyn Remote>) {
    let Some(modules) = std::env::var_os("ACCORDANT_NODE_MODULES") else {
        eprintln!("skipped: ACCORDANT_NODE_MODULES names no folder; scripts/vendor-clients makes one");
        return;
    };
    let served = serve(remote, 0).await.unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let mut client = std::process::Command::new("node");
    client.arg(script).arg(&served.base).env("NODE_PATH", modules);
    let ended = tokio::task::spawn_blocking(move || client.output()).await.unwrap().unwrap();
    let said = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && said.0.trim() == "all done", "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hubspots_own_client_finds_nothing_to_complain_of() {
    drives("hubspot.cjs", Arc::new(HubSpot::new(hubspot::Settings::default(), SystemClock))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shopifys_own_client_finds_nothing_to_complain_of() {
    drives("shopify.cjs", Arc::new(Shopify::new(shopify::Settings::default(), SystemClock))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_signs_each_request_finds_nothing_to_complain_of_in_netsuites() {
    let settings = netsuite::Settings {
        client: "client-1".into(),
        certificate: "certificate-1".into(),
        public_key: Vec::new(),
        zone: chrono_tz::UTC,
        seed: 3,
    };
    let keys = netsuite::TokenBased {
        realm: "123456_SB1".into(),
        consumer_key: "consumer-1".into(),
        consumer_secret: "consumer-secret-1".into(),
        token: "token-1".into(),
        token_secret: "token-secret-1".into(),
    };
    drives("netsuite.cjs", Arc::new(NetSuite::new(settings, SystemClock).token_based(keys))).await;
}
