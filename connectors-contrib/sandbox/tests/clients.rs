//! The vendors' own clients against the sandbox. `ACCORDANT_NODE_MODULES` names a folder in which npm installed them
//! (`scripts/vendor-clients` does); without it the test says that it was skipped, and why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use accordant::SystemClock;
use accordant_sandbox::{HubSpot, hubspot, serve};

#[tokio::test(flavor = "multi_thread")]
async fn hubspots_own_client_finds_nothing_to_complain_of() {
    let Some(modules) = std::env::var_os("ACCORDANT_NODE_MODULES") else {
        eprintln!("skipped: ACCORDANT_NODE_MODULES names no folder; scripts/vendor-clients makes one");
        return;
    };
    let account = Arc::new(HubSpot::new(hubspot::Settings::default(), SystemClock));
    let served = serve(account, 0).await.unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/hubspot.cjs");
    let mut client = std::process::Command::new("node");
    client.arg(script).arg(&served.base).env("NODE_PATH", modules);
    let ended = tokio::task::spawn_blocking(move || client.output()).await.unwrap().unwrap();
    let said = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && said.0.trim() == "all done", "{said:?}");
}
