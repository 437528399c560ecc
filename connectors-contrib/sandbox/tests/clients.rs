//! The vendors' own clients against the sandbox. `ACCORDANT_NODE_MODULES` names a folder in which npm installed them
//! (`scripts/vendor-clients` does); without it the test says that it was skipped, and why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use accordant::SystemClock;
use accordant_sandbox::{HubSpot, Remote, Shopify, hubspot, serve, shopify};

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
