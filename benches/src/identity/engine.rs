//! One record against many, through the engine: taken in by one commit, asked about and linked by those that follow, on a store that
//! is durable before it answers.

mod systems;

use std::error::Error;
use std::io::Write;

use accordant::engine::Next;
use accordant::matching::Matching;
use accordant::{Accordant, Actor, Canonical, SeededEntropy, SqliteStore, Tenant};
use accordant_bench::usage::{Clocks, peak_memory};
use accordant_identity::engine::FellegiSunter;
use accordant_identity::testing::{self, Generated};
use futures::executor::block_on;

use crate::standing;
use systems::{SYSTEMS, delivery, pushing};

/// So many records come one at a time, or as many as there are already.
const NEW: usize = 2_000;
/// So many come at once before.
const AT_ONCE: usize = 500;

/// A customer of three systems, without a key. No system has to have everybody, so that nothing is to be created.
#[derive(Canonical)]
#[expect(dead_code, reason = "the engine knows the model, and no customer is made here")]
#[canonical(entity = "customer")]
#[expect(clippy::duplicated_attributes, reason = "each `system(..)` has an object of its own")]
#[canonical(system(crm, object = "records"))]
#[canonical(system(shop, object = "records"))]
#[canonical(system(erp, object = "records"))]
struct Customer {
    #[canonical(resolve(latest), at(crm = "company", shop = "company", erp = "company"))]
    company: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "first_name", shop = "first_name", erp = "first_name"))]
    first_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "last_name", shop = "last_name", erp = "last_name"))]
    last_name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "email", shop = "email", erp = "email"))]
    email: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "phone", shop = "phone", erp = "phone"))]
    phone: Option<String>,
    #[canonical(resolve(latest), at(crm = "domain", shop = "domain", erp = "domain"))]
    domain: Option<String>,
    #[canonical(resolve(latest), at(crm = "street", shop = "street", erp = "street"))]
    street: Option<String>,
    #[canonical(resolve(latest), at(crm = "city", shop = "city", erp = "city"))]
    city: Option<String>,
    #[canonical(resolve(latest), at(crm = "postcode", shop = "postcode", erp = "postcode"))]
    postcode: Option<String>,
    #[canonical(resolve(latest), at(crm = "country", shop = "country", erp = "country"))]
    country: Option<String>,
}

pub(super) fn run(records: usize, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("identity.db"))?;
    let mut builder = Accordant::builder().store(store).clock(standing::clock()).entropy(SeededEntropy::new(42));
    for system in SYSTEMS {
        builder = builder.connect(pushing(system));
    }
    let matching = Matching::of::<Customer>(FellegiSunter::new().of_accounts());
    let tenant = builder.entity::<Customer>().match_by(matching).build()?.tenant("bench");
    let all = testing::customers(records + NEW.min(records), 7);
    let (held, new) = all.split_at(records);

    let clocks = Clocks::now();
    for system in SYSTEMS {
        let of: Vec<&Generated> = held.iter().filter(|record| record.values[0] == system).collect();
        for some in of.chunks(AT_ONCE) {
            block_on(tenant.receive(system, delivery(some)?))?;
        }
    }
    let taken_in = clocks.taken();
    let clocks = Clocks::now();
    block_on(tenant.train_matcher("customer", &Actor::new("bench")))?;
    let trained = clocks.taken();
    let clocks = Clocks::now();
    let linked_before = asked(&tenant)?;
    let settled = clocks.taken();

    let (mut heard, mut matched, mut cpu, mut wall) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut linked = 0;
    for record in new {
        let delivery = delivery(&[record])?;
        let clocks = Clocks::now();
        block_on(tenant.receive(&record.values[0], delivery))?;
        let first = clocks.taken();
        linked += asked(&tenant)?;
        let both = clocks.taken();
        heard.push(first.cpu.0);
        matched.push(both.cpu.0 - first.cpu.0);
        cpu.push(both.cpu.0);
        wall.push(both.wall.0);
    }
    let at = |times: &mut Vec<u128>, hundredths: usize| {
        times.sort_unstable();
        times.get(times.len().saturating_sub(1) * hundredths / 100).map_or(0, |nanos| nanos / 1_000)
    };
    writeln!(
        out,
        r#"{{"identity":"incremental, through the engine","store":"sqlite, synchronous full","records":{records},"taken_in_cpu_seconds":{},"trained_cpu_seconds":{},"settled_cpu_seconds":{},"linked_before":{linked_before},"new":{},"linked":{linked},"receive_cpu_p50_micros":{},"match_cpu_p50_micros":{},"cpu_p50_micros":{},"cpu_p99_micros":{},"wall_p50_micros":{},"wall_p99_micros":{},"peak_rss_bytes":{}}}"#,
        taken_in.cpu,
        trained.cpu,
        settled.cpu,
        new.len(),
        at(&mut heard, 50),
        at(&mut matched, 50),
        at(&mut cpu, 50),
        at(&mut cpu, 99),
        at(&mut wall, 50),
        at(&mut wall, 99),
        peak_memory(),
    )?;
    Ok(())
}

/// Asks about all that is queued, and says how often two entities were made one.
fn asked(tenant: &Tenant) -> Result<usize, accordant::Error> {
    let mut linked = 0;
    loop {
        let matched = block_on(tenant.match_records())?;
        linked += matched.linked;
        if matched.next != Next::Now {
            return Ok(linked);
        }
    }
}
