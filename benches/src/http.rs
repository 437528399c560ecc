//! Connectors over HTTP before the sandbox: from a webhook at one system to the write at another, and how fast each
//! connector reads and writes within its system's limits, as the system counts them.

mod latency;
mod throughput;

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use accordant::SystemClock;
use accordant::model::Canonical as _;
use accordant_http::oauth::{Algorithm, Assertion};
use accordant_http::{ReqwestTransport, Sleep, TokioSleep, Transport};
use accordant_sandbox::{KeyPair, Remote, Served, hubspot, netsuite, serve, serve_after, shopify};
use chrono_tz::America::Phoenix;
use quickstart::model::{Company, Customer, Order};

/// What both halves of the benchmark may fail with.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// `http [SECONDS]`: so long for each figure.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let seconds: u64 = match *arguments {
        [] => 16,
        [seconds] => seconds.parse()?,
        _ => return Err("accordant-bench http [SECONDS]".into()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let lasts = Duration::from_secs(seconds.max(1));
    let figures = runtime.block_on(async {
        let latency = latency::measure(lasts).await?;
        let throughput = throughput::measure(lasts).await?;
        Ok::<_, Failure>([latency, throughput].concat())
    });
    for figure in figures.map_err(|error| -> Box<dyn Error> { error })? {
        writeln!(out, "{figure}")?;
    }
    Ok(())
}

/// Three accounts on loopback, by the system's clock, and connectors to them.
pub(crate) struct Stage {
    pub(crate) hubspot: Arc<accordant_sandbox::HubSpot>,
    pub(crate) shopify: Arc<accordant_sandbox::Shopify>,
    pub(crate) netsuite: Arc<accordant_sandbox::NetSuite>,
    pub(crate) transport: ReqwestTransport,
    served: [Served; 3],
    key: KeyPair,
}

/// A connector to each account.
pub(crate) struct Connectors {
    pub(crate) hubspot: accordant_hubspot::HubSpot,
    pub(crate) shopify: accordant_shopify::Shopify,
    pub(crate) netsuite: accordant_netsuite::NetSuite,
}

impl Stage {
    /// Three empty accounts. NetSuite's answers are so long on their way: what it counts is there at once.
    pub(crate) async fn set(account: hubspot::Settings, way: Duration) -> Result<Self, Failure> {
        let key = KeyPair::generate()?;
        let books = netsuite::Settings {
            client: "bench".into(),
            certificate: "certificate-1".into(),
            public_key: key.public.clone(),
            zone: Phoenix,
            seed: 3,
        };
        let shop =
            shopify::Settings { bulk_runs: accordant::chrono::TimeDelta::seconds(1), ..shopify::Settings::default() };
        let hubspot = Arc::new(accordant_sandbox::HubSpot::new(account, SystemClock));
        let shopify = Arc::new(accordant_sandbox::Shopify::new(shop, SystemClock));
        let netsuite = Arc::new(accordant_sandbox::NetSuite::new(books, SystemClock));
        hubspot.define("contacts", "customer_status", &["lead", "customer", "former_customer"]);
        hubspot.define("contacts", "balance", &[]);
        let served = [
            serve(Arc::clone(&hubspot) as Arc<dyn Remote>, 0).await?,
            serve(Arc::clone(&shopify) as Arc<dyn Remote>, 0).await?,
            serve_after(Arc::clone(&netsuite) as Arc<dyn Remote>, 0, way).await?,
        ];
        let transport = ReqwestTransport::new(accordant_http::Settings::default())?;
        Ok(Self { hubspot, shopify, netsuite, transport, served, key })
    }

    /// The base of HubSpot's address.
    pub(crate) fn at_hubspot(&self) -> &str {
        &self.served[0].base
    }

    /// Connectors under the quickstart's model, to accounts that are ready for them. `door`: where webhooks come in.
    pub(crate) async fn connectors(&self, door: Option<&str>) -> Result<Connectors, Failure> {
        let models = [Customer::model(), Company::model(), Order::model()];
        let [at_hubspot, at_shopify, at_netsuite] = &self.served;
        let transport = || Arc::new(self.transport.clone()) as Arc<dyn Transport>;
        let clock = || Arc::new(SystemClock) as Arc<dyn accordant::Clock>;
        let sleep = || Arc::new(TokioSleep) as Arc<dyn Sleep>;
        let account = self.hubspot.settings();
        let mut settings = accordant_hubspot::Settings::new(account.portal).maps(&models);
        settings.base = at_hubspot.base.parse()?;
        settings.per_ten_seconds = u32::try_from(account.per_ten_seconds)?;
        settings.webhook_secrets = vec![account.secret.as_str().into()];
        settings.public_address = door.map(str::parse).transpose()?;
        let token = accordant_hubspot::private_app(&account.token.as_str().into())?;
        let hubspot = accordant_hubspot::HubSpot::new(settings, transport(), token, clock(), sleep());
        if let Some(mismatch) = hubspot.prepare().await?.first() {
            return Err(mismatch.to_string().into());
        }
        let shop = self.shopify.settings();
        let mut settings = accordant_shopify::Settings::new(&shop.domain).maps(&models);
        settings.base.clone_from(&at_shopify.base);
        settings.bulk_wait = accordant::chrono::TimeDelta::milliseconds(200);
        let token = accordant_shopify::access_token(&shop.token.as_str().into())?;
        let shopify = accordant_shopify::Shopify::new(settings, transport(), token, clock(), sleep());
        let settings = accordant_netsuite::Settings::new(&at_netsuite.base, Phoenix).maps(&models);
        let private = self.key.private.as_str().into();
        let assertion = Assertion::new(&private, Algorithm::Es256, "certificate-1", "bench")?;
        let signs = accordant_netsuite::machine_to_machine(&settings, assertion, transport(), clock())?;
        let gate = accordant_netsuite::NetSuite::gate(&settings, clock(), sleep());
        let netsuite = accordant_netsuite::NetSuite::new(settings, transport(), signs, clock(), gate);
        Ok(Connectors { hubspot, shopify, netsuite })
    }
}

/// A phone number of the North American plan, whichever it is.
pub(crate) fn phone(number: usize) -> String {
    let areas = ["415", "503", "206", "303", "512", "312", "608", "617", "212", "404"];
    format!("+1{}{}{:04}", areas[number % 10], 220 + number / 10 % 70, number / 700 % 10_000)
}
