//! Starts the stand-ins on loopback, and says where they are.

use std::sync::Arc;

use accordant_http::{ReqwestTransport, Settings};
use accordant_sandbox::{HubSpot, MovableClock, NetSuite, Remote, Shopify, deliver, hubspot, netsuite, serve, shopify};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

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
    let shopify = Arc::new(Shopify::new(shop, Arc::clone(&clock)));
    let at_shopify = serve(Arc::clone(&shopify) as Arc<dyn Remote>, 4142).await?;
    println(&format!("          {}", at_shopify.base));
    let (private, public_key) = key_pair()?;
    let books = netsuite::Settings {
        client: "sandbox-client".into(),
        certificate: "sandbox-certificate".into(),
        public_key,
        zone: chrono_tz::UTC,
        seed: 3,
    };
    println(&format!("netsuite  client {}   certificate {}   key:\n{private}", books.client, books.certificate));
    let at_netsuite = serve(Arc::new(NetSuite::new(books, clock)), 4143).await?;
    println(&format!("          {}", at_netsuite.base));
    let transport = ReqwestTransport::new(Settings::default())?;
    loop {
        deliver(hubspot.as_ref(), &transport).await;
        deliver(shopify.as_ref(), &transport).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// A key for this run: the private one in PEM, the public one as NetSuite would know it.
fn key_pair() -> Result<(String, Vec<u8>), Box<dyn std::error::Error + Send + Sync>> {
    let (random, failed) = (SystemRandom::new(), |_| "no key can be made");
    let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failed)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref(), &random)
        .map_err(|_| "no key can be made")?;
    let text = STANDARD.encode(private.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----");
    Ok((pem, pair.public_key().as_ref().to_vec()))
}

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn println(line: &str) {
    println!("{line}");
}
