//! Object types that no scan reads: a pulse of their connection verifies nothing of them, and finds nothing of what was missed.

use std::sync::Arc;

use accordant::check::{Budget, Priority};
use accordant::chrono::TimeDelta;
use accordant::connector::Connector as _;
use accordant::engine::{Checks, Schedule};
use accordant::surface::{Channel, Surface};
use accordant::testing::{FakeSystem, Habits};
use accordant::{Accordant, Canonical, Email, ManualClock, MemoryStore, Tenant};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::json;

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "contact", system(crm, object = "contacts"))]
struct Contact {
    #[canonical(identity, at(crm = "email"))]
    email: Email,
}

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "company", system(crm, object = "companies"))]
struct Company {
    #[canonical(identity, at(crm = "domain"))]
    domain: String,
}

/// A CRM that scans its contacts, and has no scan of companies.
#[derive(Clone)]
struct Half {
    fake: FakeSystem,
    surfaces: Vec<Surface>,
}

#[async_trait]
impl Habits for Half {
    fn fake(&self) -> &FakeSystem {
        &self.fake
    }
    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }
}

struct World {
    clock: Arc<ManualClock>,
    crm: FakeSystem,
    tenant: Tenant,
}

const HORIZON: TimeDelta = TimeDelta::hours(4);

/// One contact and one company, both heard of, and verified every day.
fn world() -> World {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let crm = FakeSystem::new("crm", &[Contact::model(), Company::model()], &clock);
    crm.edit("contacts", "1", &json!({ "email": "ana@acme.test" }));
    crm.edit("companies", "1", &json!({ "domain": "acme.test" }));
    let mut surfaces = crm.forgets(Channel::Webhook, HORIZON).surfaces().to_vec();
    surfaces.retain(|surface| surface.channel != Channel::Scan || surface.object.as_str() == "contacts");
    let budget = Budget::new(100, TimeDelta::hours(1)).unwrap();
    let builder = Accordant::builder().clock(Arc::clone(&clock)).store(MemoryStore::new());
    let builder = builder.schedule(Schedule { scan: None, ..Schedule::default() });
    let builder = builder.checks(Checks::new().budget("crm", budget)).connect(Half { fake: crm.clone(), surfaces });
    let tenant = builder.entity::<Contact>().entity::<Company>().build().unwrap().tenant("acme");
    block_on(tenant.poll("crm")).unwrap();
    assert_eq!(block_on(tenant.check()).unwrap().verified, 0, "both were just told of");
    World { clock, crm, tenant }
}

#[test]
fn what_no_scan_reads_is_verified_though_its_connection_was_pulsed() {
    let World { clock, crm, tenant } = world();
    crm.edit("companies", "1", &json!({ "domain": "acme.example" }));
    for _ in 0..23 {
        clock.advance(TimeDelta::hours(1));
        block_on(tenant.pulse("crm")).unwrap();
    }
    let ages = block_on(tenant.verification_age()).unwrap()[&Priority::Normal];
    assert_eq!((ages.records, ages.never, ages.oldest), (2, 1, TimeDelta::hours(23)), "the company is as old as it is");
    clock.advance(TimeDelta::hours(1));
    let checked = block_on(tenant.check()).unwrap();
    assert_eq!((checked.verified, checked.missed), (1, 1), "the company, and not the contact that a pulse met");
}

#[test]
fn what_no_scan_finds_again_is_journaled_and_makes_no_pulse_due() {
    let World { clock, tenant, .. } = world();
    assert_eq!(block_on(tenant.listen()).unwrap(), []);
    clock.advance(HORIZON + TimeDelta::hours(1));
    block_on(tenant.pulse("crm")).unwrap();
    // The contacts were all read since; of the companies, what was missed may be lost.
    clock.advance(TimeDelta::minutes(1));
    let found = block_on(tenant.listen()).unwrap();
    let surfaces: Vec<&str> = found.iter().map(|(_, outage)| outage.surface.as_str()).collect();
    assert_eq!(surfaces, ["companies/webhooks"]);
    let pulse = block_on(tenant.pulses()).unwrap().remove(0);
    assert_eq!((pulse.outage, pulse.due), (None, None), "no scan would find it");
}
