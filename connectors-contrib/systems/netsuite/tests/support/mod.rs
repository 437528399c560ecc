//! The connector before an account of the sandbox, on loopback.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::{Cursor, Item, Write, WriteAction};
use accordant_http::oauth::{Algorithm, Assertion};
use accordant_http::{ReqwestTransport, Transport};
use accordant_netsuite::{NetSuite, Settings, machine_to_machine};
use accordant_rehearsal::{Asleep, json, models};
use accordant_sandbox::{Faults, Served, netsuite, serve};
use chrono_tz::America::Phoenix;
use ring::signature::KeyPair as _;
use rustls_pki_types::pem::PemObject as _;

const KEY: &str = include_str!("../p256.pem");

pub(crate) struct Stage {
    pub(crate) account: Arc<accordant_sandbox::NetSuite>,
    pub(crate) connector: NetSuite,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: Settings,
    served: Served,
}

fn public_key() -> Vec<u8> {
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let random = ring::rand::SystemRandom::new();
    let pair = ring::signature::EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der(), &random).unwrap();
    pair.public_key().as_ref().to_vec()
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::with(|settings| settings).await
    }

    pub(crate) async fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        Self::before(change, |account| account).await
    }

    /// An account that takes signed requests, too.
    pub(crate) async fn token_based(keys: netsuite::TokenBased) -> Self {
        Self::before(|settings| settings, |account| account.token_based(keys)).await
    }

    async fn before(
        change: impl FnOnce(Settings) -> Settings,
        opened: impl FnOnce(accordant_sandbox::NetSuite) -> accordant_sandbox::NetSuite,
    ) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let account = netsuite::Settings {
            client: "client-1".into(),
            certificate: "certificate-1".into(),
            public_key: public_key(),
            zone: Phoenix,
            seed: 3,
        };
        let account = Arc::new(opened(accordant_sandbox::NetSuite::new(account, clock.clone())));
        let served = serve(account.clone(), 0).await.unwrap();
        let settings = Settings::new(&served.base, Phoenix).maps(&models());
        let settings = change(settings);
        let connector = connector(&settings, &clock, "certificate-1");
        Self { account, connector, clock, settings, served }
    }

    pub(crate) fn customer(&self, id: Option<&str>, values: &[(&str, &str)]) -> String {
        let own = [("isperson", "T")];
        self.account.edit("customer", id, &[values, own.as_slice()].concat())
    }

    pub(crate) fn faults(&self, name: &str) {
        self.account.faults(Faults::default().with(name).unwrap());
    }

    /// Reads pages until there are no more; the items, and where to go on.
    pub(crate) async fn walk(&self, surface: &str, after: Option<Cursor>) -> (Vec<Item>, Option<Cursor>) {
        accordant_rehearsal::walk(&self.connector, surface, after).await
    }
}

pub(crate) fn connector(settings: &Settings, clock: &Arc<ManualClock>, certificate: &str) -> NetSuite {
    connector_over(Arc::new(ReqwestTransport::new(Default::default()).unwrap()), settings, clock, certificate)
}

pub(crate) fn connector_over(
    transport: Arc<dyn Transport>,
    settings: &Settings,
    clock: &Arc<ManualClock>,
    certificate: &str,
) -> NetSuite {
    let assertion = Assertion::new(&KEY.into(), Algorithm::Es256, certificate, "client-1").unwrap();
    let credentials = machine_to_machine(settings, assertion, transport.clone(), clock.clone()).unwrap();
    let gate = NetSuite::gate(settings, clock.clone(), Arc::new(Asleep(clock.clone())));
    NetSuite::new(settings.clone(), transport, credentials, clock.clone(), gate)
}

pub(crate) fn ids(items: &[Item]) -> Vec<String> {
    items.iter().map(|item| json(item)["id"].as_str().unwrap().to_owned()).collect()
}

/// A write of texts to columns.
pub(crate) fn write(number: u8, action: WriteAction, changes: &[(&str, &str)]) -> Write {
    accordant_rehearsal::write("customer", number, action, changes.iter().copied())
}

pub(crate) fn update(number: u8, id: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Update { id: id.into() }, changes)
}

pub(crate) fn create(number: u8, key: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Create { key: key.into() }, changes)
}
