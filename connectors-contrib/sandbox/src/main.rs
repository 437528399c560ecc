//! Starts the stand-ins on loopback, and says where they are.

use std::sync::Arc;

use accordant_http::{ReqwestTransport, Settings};
use accordant_sandbox::{
    Accounts, Control, HubSpot, KeyPair, MovableClock, NetSuite, Remote, Shopify, deliver, hubspot, netsuite, serve,
    shopify,
};

/// How often it is looked whether webhooks are due.
const EVERY: std::time::Duration = std::time::Duration::from_millis(50);

/// More records than a search of HubSpot's can be paged through.
const ROWS: usize = 10_100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let clock = Arc::new(MovableClock::default());
    let hubspot = Arc::new(HubSpot::new(hubspot::Settings::default(), Arc::clone(&clock)));
    let shopify = Arc::new(Shopify::new(shopify::Settings::default(), Arc::clone(&clock)));
    let key = KeyPair::generate()?;
    let books = netsuite::Settings {
        client: "sandbox-client".into(),
        certificate: "sandbox-certificate".into(),
        public_key: key.public,
        zone: chrono_tz::UTC,
        seed: 3,
    };
    let told = format!("client {}   certificate {}   key:\n{}", books.client, books.certificate, key.private);
    let netsuite = Arc::new(NetSuite::new(books, Arc::clone(&clock)));
    let accounts = Accounts::new(Arc::clone(&hubspot), Arc::clone(&shopify), Arc::clone(&netsuite), 4, ROWS);
    let control = Control::new(Arc::new(accounts), clock);
    let (account, shop) = (hubspot.settings(), shopify.settings());
    let remotes: [(&str, Arc<dyn Remote>, u16, String); 4] = [
        (
            "control",
            Arc::new(control),
            4140,
            "GET / says what it does: faults, the clock, what was done by whom".into(),
        ),
        (
            "hubspot",
            Arc::clone(&hubspot) as Arc<dyn Remote>,
            4141,
            format!("token {}   webhook secret {}", account.token, account.secret),
        ),
        (
            "shopify",
            Arc::clone(&shopify) as Arc<dyn Remote>,
            4142,
            format!("token {}   webhook secret {}", shop.token, shop.secret),
        ),
        ("netsuite", netsuite, 4143, told),
    ];
    let mut served = Vec::with_capacity(remotes.len());
    for (name, remote, port, told) in remotes {
        let at = serve(remote, port).await?;
        println(&format!("{name:<9} {}   {told}", at.base));
        served.push(at);
    }
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
