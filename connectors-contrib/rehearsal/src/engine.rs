//! A connector in an engine: the quickstart's model, unchanged, on its stand-in and on systems in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use accordant::connector::Connector;
use accordant::error::Error;
use accordant::model::{Canonical as _, EntityModel};
use accordant::testing::FakeSystem;
use accordant::{Accordant, Actor, ManualClock, Scope, SeededEntropy, Tenant};
use accordant_sandbox::Remote;
use chrono::TimeDelta;
use quickstart::model::{Company, Customer, Order};

const SYSTEMS: [&str; 3] = ["hubspot", "netsuite", "shopify"];

/// The quickstart's entities.
#[must_use]
pub fn models() -> [EntityModel; 3] {
    [Customer::model(), Company::model(), Order::model()]
}

/// An engine on a connector and systems in memory.
#[derive(Debug)]
pub struct Rehearsal {
    /// The engine's handle.
    pub tenant: Tenant,
    system: String,
    beside: BTreeMap<&'static str, FakeSystem>,
    clock: Arc<ManualClock>,
}

impl Rehearsal {
    /// One of the three systems is `connector`'s; the other two are in memory. Under the quickstart's model.
    #[must_use]
    pub fn of(connector: impl Connector + 'static, clock: &Arc<ManualClock>) -> Self {
        Self::with(connector, &models(), clock)
    }

    /// The same under another model: beside those of the three that it maps.
    #[must_use]
    pub fn with(connector: impl Connector + 'static, models: &[EntityModel], clock: &Arc<ManualClock>) -> Self {
        let system = connector.system().to_owned();
        let mapped = |name: &str| models.iter().any(|model| model.objects.iter().any(|of| of.system.as_str() == name));
        let others = SYSTEMS.into_iter().filter(|name| *name != system && mapped(name));
        let beside: BTreeMap<_, _> = others.map(|name| (name, FakeSystem::new(name, models, clock))).collect();
        let mut builder = Accordant::builder().clock(clock.clone()).entropy(SeededEntropy::new(7)).connect(connector);
        for fake in beside.values() {
            builder = builder.connect(fake.clone());
        }
        let accordant = models.iter().cloned().fold(builder, accordant::Builder::entity_model).build().unwrap();
        Self { tenant: accordant.tenant("acme"), system, beside, clock: clock.clone() }
    }

    /// One of the systems in memory.
    #[must_use]
    pub fn beside(&self, name: &str) -> &FakeSystem {
        &self.beside[name]
    }

    /// Hears everything that there is to hear, by webhooks of `remote` and polls, and by scans if asked to. What still failed
    /// in the last round: nothing, where there are no faults.
    pub async fn hear(&self, remote: &dyn Remote, scan: bool) -> Vec<Error> {
        let mut failed = Vec::new();
        for _ in 0..3 {
            // What fails is tried again in the next round.
            failed.clear();
            for outgoing in remote.due() {
                let taken = self.tenant.receive(&self.system, outgoing.request.clone()).await.is_ok();
                remote.answered(outgoing, taken);
            }
            for connection in self.beside.keys().copied().chain([self.system.as_str()]) {
                failed.extend(self.tenant.poll(connection).await.err());
                if scan {
                    failed.extend(self.tenant.scan(connection).await.err());
                }
            }
            self.rest().await;
        }
        failed
    }

    async fn rest(&self) {
        for _ in 0..1_000 {
            if !self.tenant.step().await.unwrap().more() {
                return;
            }
        }
        panic!("no rest");
    }

    /// Plans, approves and applies until nothing is owed.
    pub async fn settle(&self, remote: &dyn Remote, bootstrap: bool) {
        let (mia, noah) = (Actor::new("mia"), Actor::new("noah"));
        for _ in 0..60 {
            let request = self.tenant.plan(Scope::default()).by(&mia);
            let plan = if bootstrap { request.bootstrap().await } else { request.await }.unwrap();
            if plan.operations.is_empty() {
                return;
            }
            self.tenant.approve(plan.hash, &noah).await.unwrap();
            self.tenant.apply(plan.hash).await.unwrap();
            self.clock.advance(TimeDelta::minutes(70));
            drop(self.hear(remote, false).await);
        }
        panic!("the world does not come to rest");
    }
}
