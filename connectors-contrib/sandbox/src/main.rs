//! Starts the stand-ins on loopback, and says where they are.

use std::sync::Arc;

use accordant_http::{ReqwestTransport, Settings};
use accordant_sandbox::{HubSpot, MovableClock, Remote, Shopify, deliver, hubspot, serve, shopify};

/// How often it is looked whether webhooks are due.
const EVERY: std::time::Duration = std::time::Duration::from_millis(50);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let clock = Arc::new(MovableClock::default());
    let account = hubspot::Settings::default();
    println(&format!("hubspot   token {}   webhook secret {}", account.token, account.secret));
    let hubspot = Arc::new(HubSpot::new(account, Arc::clone(&clock)));
    let at_hubspot = serve(Arc::clone(&hubspot) as Arc<dyn Remote>, 4141).await?;
    println(&format!("          {}", at_hubspot.base));
    let shop = shopify::Settings::default();
    println(&format!("shopify   token {}   webhook secret {}", shop.token, shop.secret));
    let shopify = Arc::new(Shopify::new(shop, clock));
    let at_shopify = serve(Arc::clone(&shopify) as Arc<dyn Remote>, 4142).await?;
    println(&format!("          {}", at_shopify.base));
    let transport = ReqwestTransport::new(Settings::default())?;
    loop {
        deliver(hubspot.as_ref(), &transport).await;
        deliver(shopify.as_ref(), &transport).await;
        tokio::time::sleep(EVERY).await;
    }
}

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn println(line: &str) {
    println!("{line}");
}
