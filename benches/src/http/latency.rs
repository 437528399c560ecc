//! From a webhook to a write: mobile numbers are edited in HubSpot at a steady rate, and written into NetSuite under a
//! standing approval, every step of it durable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use accordant::chrono::{DateTime, TimeDelta, Utc};
use accordant::plan::StandingApproval;
use accordant::{Accordant, Actor, Scope, SqliteStore, Stage as Rollout, SystemClock, SystemEntropy, Tenant};
use accordant_sandbox::{Did, Entry, deliver, hubspot};
use quickstart::model::{Company, Customer, Order};
use serde_json::json;
use three_systems::door::Door;
use tokio::time::MissedTickBehavior;

use super::{Failure, Stage, phone};

/// Edits in a second.
const RATE: u64 = 50;
/// How many customers they are about, in turn.
const CUSTOMERS: usize = 500;
/// What it is to take at most, of ninety-nine in a hundred, in milliseconds.
const TARGET_P99_MS: i64 = 200;

/// Measures for so long.
pub(super) async fn measure(lasts: Duration) -> Result<Vec<String>, Failure> {
    // The tier with the add-on for more requests: each hint has a record read.
    let account = hubspot::Settings { per_ten_seconds: 250, ..hubspot::Settings::default() };
    let stage = Arc::new(Stage::set(account, Duration::ZERO).await?);
    let door = Door::open().await?;
    let mut ids = Vec::with_capacity(CUSTOMERS);
    for number in 0..CUSTOMERS {
        ids.push(make(&stage, number)?);
    }
    let folder = tempfile::tempdir()?;
    let tenant = open(&stage, &door, SqliteStore::open(folder.path().join("http.db"))?).await?;
    subscribe(&stage, &door).await?;
    door.heard_by(Some(tenant.clone()));

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(async move {
        let sleep = |time: TimeDelta| tokio::time::sleep(time.to_std().unwrap_or_default());
        tenant.run(sleep, async { drop(stopped.await) }).await
    });
    let edits = usize::try_from(RATE * lasts.as_secs())?;
    let mut ticks = tokio::time::interval(Duration::from_millis(1_000 / RATE));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0..edits {
        ticks.tick().await;
        let values = json!({ "mobilephone": phone(10_000 + number) });
        stage.hubspot.person("ana").edits("contacts", &ids[number % CUSTOMERS], &values)?;
        // Whatever becomes of it, the next edit does not wait for it.
        let sender = Arc::clone(&stage);
        tokio::spawn(async move { deliver(sender.hubspot.as_ref(), &sender.transport).await });
    }
    // What is still on its way arrives, or is counted as missing.
    for _ in 0..100 {
        if written(&stage.netsuite.ledger()).len() >= edits {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(stop);
    let ran = running.await??;
    Ok(vec![figure(&stage, edits, lasts, ran.failed.len())])
}

/// The numbers that were written into NetSuite, and when.
fn written(ledger: &[Entry]) -> BTreeMap<String, i64> {
    let of_app = ledger.iter().filter(|entry| entry.is_by_app());
    of_app
        .filter_map(|entry| match &entry.did {
            Did::Changed { path, after: Some(number), .. } if path == "mobilephone" => Some((number.clone(), entry.at)),
            _ => None,
        })
        .collect()
}

fn figure(stage: &Stage, edits: usize, lasts: Duration, failed: usize) -> String {
    let written = written(&stage.netsuite.ledger());
    let mut delays = Vec::with_capacity(edits);
    for entry in stage.hubspot.ledger() {
        let Did::Changed { path, before: Some(_), after: Some(number) } = &entry.did else { continue };
        if path == "properties.mobilephone" && !entry.is_by_app() {
            delays.extend(written.get(number).map(|at| at - entry.at));
        }
    }
    delays.sort_unstable();
    let at = |permille: usize| delays.get((delays.len() * permille / 1_000).min(delays.len().saturating_sub(1)));
    let at = |permille: usize| at(permille).copied().unwrap_or(-1);
    format!(
        r#"{{"figure":"webhook_to_write","from":"hubspot","to":"netsuite","store":"sqlite, synchronous full","per_second":{RATE},"seconds":{},"edits":{edits},"written":{},"p50_ms":{},"p90_ms":{},"p99_ms":{},"most_ms":{},"target_p99_ms":{TARGET_P99_MS},"hubspot_refused":{},"calls_failed":{failed}}}"#,
        lasts.as_secs(),
        delays.len(),
        at(500),
        at(900),
        at(990),
        at(1_000),
        stage.hubspot.traffic()[0].refused,
    )
}

/// A customer whom all three systems have.
fn make(stage: &Stage, number: usize) -> Result<String, Failure> {
    let (email, mobile) = (format!("c{number}@customers.example"), phone(number));
    let (first, last) = (format!("First {number}"), format!("Last {number}"));
    stage.shopify.merchant().creates(&json!({ "email": email, "firstName": first, "lastName": last }))?;
    let own = [
        ("isperson", "T"),
        ("email", email.as_str()),
        ("firstname", first.as_str()),
        ("lastname", last.as_str()),
        ("mobilephone", mobile.as_str()),
    ];
    stage.netsuite.edit("customer", None, &own);
    let values = json!({ "email": email, "firstname": first, "lastname": last, "mobilephone": mobile });
    Ok(stage.hubspot.person("ana").creates("contacts", &values)?)
}

/// An engine that knows all customers, and may write mobile numbers into NetSuite by itself.
async fn open(stage: &Stage, door: &Door, store: SqliteStore) -> Result<Tenant, Failure> {
    let connectors = stage.connectors(Some(&door.base)).await?;
    let accordant = Accordant::builder()
        .store(store)
        .clock(SystemClock)
        .entropy(SystemEntropy)
        .connect(connectors.hubspot)
        .connect(connectors.shopify)
        .connect(connectors.netsuite)
        .entity::<Customer>()
        .entity::<Company>()
        .entity::<Order>()
        .build()?;
    let tenant = accordant.tenant("acme");
    for connection in ["hubspot", "shopify", "netsuite"] {
        tenant.pulse(connection).await?;
        tenant.poll(connection).await?;
    }
    while tenant.step().await?.more() {}
    let (mia, month) = (Actor::new("mia@acme.example"), DateTime::<Utc>::from_timestamp_millis(now() + 2_592_000_000));
    let owed = tenant.plan(Scope::default()).bootstrap().by(&mia).await?;
    if !owed.operations.is_empty() {
        return Err(format!("{} operations are owed before anything happened", owed.operations.len()).into());
    }
    let approval = StandingApproval::of(Customer::MOBILE).toward("netsuite").at_most(1_000_000);
    tenant.give_standing(approval.until(month.unwrap_or_default()), &mia, "numbers flow").await?;
    tenant.set_stage("netsuite", Rollout::Act, &mia, "numbers flow").await?;
    Ok(tenant)
}

fn now() -> i64 {
    accordant::Clock::now(&SystemClock)
}

/// Has HubSpot tell of mobile numbers.
async fn subscribe(stage: &Stage, door: &Door) -> Result<(), Failure> {
    let account = stage.hubspot.settings();
    let hooks = format!("{}/webhooks/v3/{}", stage.at_hubspot(), account.app);
    let target =
        json!({ "targetUrl": format!("{}/hubspot", door.base), "throttling": { "maxConcurrentRequests": 10 } });
    let asked = json!({ "eventType": "contact.propertyChange", "propertyName": "mobilephone", "active": true });
    for (method, uri, body) in
        [("PUT", format!("{hooks}/settings"), target), ("POST", format!("{hooks}/subscriptions"), asked)]
    {
        let request = accordant::http::Request::builder()
            .method(method)
            .uri(&uri)
            .header("authorization", format!("Bearer {}", account.token))
            .body(accordant::bytes::Bytes::from(body.to_string()))?;
        let answer = accordant_http::Transport::send(&stage.transport, request).await?;
        if !answer.status().is_success() {
            return Err(format!("{method} {uri}: {}", answer.status()).into());
        }
    }
    Ok(())
}
