//! What must hold once everything works again: nothing lost, nothing doubled, the chain unbroken, the world quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use accordant::engine::feed::JournalEvent;
use accordant::id::TenantId;
use accordant::journal::{self, Head};
use accordant::queue::{Consumer, Topic};
use accordant::store::{Row, RowKey, Store, Table};
use accordant::{Scope, Tenant};
use serde_json::{Map, Value};

use crate::Failed;
use crate::people::{Told, decide};
use crate::place::TENANT;
use crate::systems::{Change, Systems};

/// How long the world may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long nothing may happen for it to be at rest.
const REST: Duration = Duration::from_secs(4);

/// How many findings are told in full.
const TOLD: usize = 12;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) lost: Vec<String>,
    pub(crate) doubled: Vec<String>,
    /// What else must not be.
    pub(crate) wrong: Vec<String>,
    pub(crate) entries: u64,
    pub(crate) published: usize,
    pub(crate) writes: usize,
    /// How long it took to come to rest; none: it did not.
    pub(crate) quiet: Option<Duration>,
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.wrong.is_empty() && self.quiet.is_some()
    }

    pub(crate) fn tell(&self) {
        for (kind, found) in [("lost", &self.lost), ("doubled", &self.doubled), ("wrong", &self.wrong)] {
            for what in found.iter().take(TOLD) {
                eprintln!("{kind}: {what}");
            }
        }
    }
}

/// Waits until nothing is under way and nothing is owed.
pub(crate) async fn quiet(tenant: &Tenant, store: &dyn Store) -> Result<Result<Duration, String>, Failed> {
    let begun = Instant::now();
    let ana = accordant::Actor::new("ana");
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let mut why = String::new();
        for table in [Table::Outbox, Table::Work] {
            let count = left(store, table).await?.len();
            if count > 0 {
                why = format!("{count} rows are left in {}", table.name());
            }
        }
        if let Some(case) = decide(tenant).await?.first() {
            why = format!("a case is open: {}", case.reason);
        }
        let plan = tenant.plan(Scope::default()).await?;
        if !plan.operations.is_empty() {
            drop(tenant.approve(plan.hash, &ana).await);
            why =
                format!("{} operations are owed, the first of them {}", plan.operations.len(), plan.operations[0].unit);
        }
        let end = head(store).await?;
        if end != last || !why.is_empty() {
            (last, since) = (end, Instant::now());
        }
        if since.elapsed() > REST {
            return Ok(Ok(begun.elapsed()));
        }
        if begun.elapsed() > PATIENCE {
            return Ok(Err(format!("{why}; the journal ends at {end}")));
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

/// What is left in a table of what is under way. Counts of deletes stand beside the approvals.
async fn left(store: &dyn Store, table: Table) -> Result<Vec<Row>, Failed> {
    let (mut left, mut after) = (Vec::new(), None);
    loop {
        let page = store.scan(&TenantId::new(TENANT), table, "", after.as_deref(), 500).await?;
        let Some(last) = page.last() else { return Ok(left) };
        after = Some(last.key.to_string());
        left.extend(page.into_iter().filter(|row| !row.key.starts_with("deletes")));
    }
}

/// The entities of which a record is in some system.
async fn present(store: &dyn Store, systems: &Systems) -> Result<BTreeSet<String>, Failed> {
    let living: BTreeMap<_, _> = ["crm", "shop"].map(|system| (system, systems.living(system))).into();
    let (mut present, mut after) = (BTreeSet::new(), None);
    loop {
        let page = store.scan(&TenantId::new(TENANT), Table::Link, "", after.as_deref(), 500).await?;
        let Some(last) = page.last() else { return Ok(present) };
        after = Some(last.key.to_string());
        for row in &page {
            if let [system, _, id] = row.key.split('\u{1f}').collect::<Vec<_>>()[..]
                && living.get(system).is_some_and(|records| records.contains_key(id))
            {
                present.extend(serde_json::from_slice::<Value>(&row.value)?["entity"].as_str().map(str::to_owned));
            }
        }
    }
}

/// What the journal has of a client of the shop that should not be there any more, and of its entity.
async fn tell_history(store: &dyn Store, client: &str) -> Result<(), Failed> {
    let tenant = TenantId::new(TENANT);
    let link = RowKey::new(Table::Link, format!("shop\u{1f}clients\u{1f}{client}"));
    let link = store.load(&tenant, &[link]).await?.into_iter().next().flatten();
    let entity = link.and_then(|row| serde_json::from_slice::<Value>(&row.value).ok());
    let entity = entity.as_ref().and_then(|link| link["entity"].as_str()).unwrap_or_default();
    for subject in [format!("shop/clients/{client}").as_str(), entity] {
        for (entry, payload) in store.journal_about(&tenant, subject, 0, 500).await? {
            let payload = payload.map(|payload| String::from_utf8_lossy(&payload.bytes).chars().take(400).collect());
            eprintln!("  {client}: {} {} {}: {}", entry.seq, entry.at, entry.kind, payload.unwrap_or_else(String::new));
        }
    }
    Ok(())
}

/// The end of the journal.
async fn head(store: &dyn Store) -> Result<u64, Failed> {
    use accordant::store::{Commit, Committed};
    match store.commit(&TenantId::new(TENANT), Commit::default()).await? {
        Committed::Done { head } => Ok(head.seq),
        Committed::Lost { .. } => Err("an empty commit was lost".into()),
    }
}

/// Judges what is left.
pub(crate) async fn judge(
    tenant: &Tenant,
    store: &dyn Store,
    systems: &Systems,
    told: &Told,
    feed: &mut dyn Consumer,
) -> Result<Verdict, Failed> {
    let mut verdict = Verdict::default();
    match quiet(tenant, store).await? {
        Ok(after) => verdict.quiet = Some(after),
        Err(why) => verdict.wrong.push(format!("the world finds no rest: {why}")),
    }
    let observed = chain(store, &mut verdict).await?;
    for ((system, id), modified) in told.acknowledged() {
        let object = if system == "crm" { "people" } else { "clients" };
        let record = format!("{system}/{object}/{id}");
        if observed.get(&record).is_none_or(|seen| *seen < modified) {
            verdict.lost.push(format!("a webhook about {record} as of {modified} was answered for"));
        }
    }
    // What waits for a person is no loss by itself, and says why something is not where it should be.
    let plan = tenant.plan(Scope::default()).await?;
    for parked in plan.parked.iter().take(TOLD) {
        eprintln!("parked: {} of {}: {}", parked.operation.unit, parked.operation.entity, parked.why);
    }
    for case in decide(tenant).await?.iter().take(TOLD) {
        eprintln!("a case: {case:?}");
    }
    // An approval is spent by the write; what stands about a record or a person who is gone is kept until it runs out.
    let present = present(store, systems).await?;
    for row in left(store, Table::Approval).await? {
        let gone = match row.key.split('\u{1f}').collect::<Vec<_>>()[..] {
            ["write", system, _, id, ..] => !systems.living(system).contains_key(id),
            ["create", _, _, entity, ..] => !present.contains(entity),
            _ => false,
        };
        if !gone {
            verdict.wrong.push(format!("nothing spent the approval {}", row.key.replace('\u{1f}', "/")));
        }
    }
    let verified = tenant.verify().await?;
    verdict.wrong.extend(verified.differences.iter().map(|difference| format!("{difference:?}")));
    for client in agreed(systems, &mut verdict) {
        tell_history(store, &client).await?;
    }
    for (system, own) in [("crm", &["memo"][..]), ("shop", &["email", "balance", "phone"][..])] {
        for change in systems.changes(system).iter().filter(|change| change.ours) {
            verdict.writes += 1;
            written(system, own, change, &mut verdict);
        }
    }
    published(feed, &mut verdict).await?;
    Ok(verdict)
}

/// The chain of the journal; and of every record, the latest that was observed.
async fn chain(store: &dyn Store, verdict: &mut Verdict) -> Result<BTreeMap<String, i64>, Failed> {
    let mut observed: BTreeMap<String, i64> = BTreeMap::new();
    let mut head = Head::default();
    loop {
        let page = store.journal(&TenantId::new(TENANT), head.seq, 500).await?;
        if page.is_empty() {
            verdict.entries = head.seq;
            return Ok(observed);
        }
        for (entry, payload) in &page {
            head = match journal::verify(head, entry, payload.as_ref()) {
                Ok(head) => head,
                Err(broken) => {
                    verdict.wrong.push(broken.to_string());
                    return Ok(observed);
                }
            };
            if let ("observed", Some(payload)) = (entry.kind.as_str(), payload) {
                let stored: Value = serde_json::from_slice(&payload.bytes).unwrap_or_default();
                let token = stored.pointer("/stamp/0").and_then(Value::as_i64).unwrap_or_default();
                let latest = observed.entry(entry.subject.to_string()).or_default();
                *latest = token.max(*latest);
            }
        }
    }
}

/// Everybody is in both systems once, with the same values. Gives the clients who should be gone.
fn agreed(systems: &Systems, verdict: &mut Verdict) -> Vec<String> {
    for (key, records) in systems.keys("shop").into_iter().chain(systems.keys("crm")) {
        if records > 1 {
            verdict.doubled.push(format!("{records} records were made under the key {key}"));
        }
    }
    let said = |record: &Map<String, Value>, name: &str| record.get(name).cloned().unwrap_or_default();
    let (people, clients) = (systems.living("crm"), systems.living("shop"));
    let mut known = BTreeSet::new();
    for (id, person) in &people {
        let email = said(person, "email");
        let same: Vec<_> = clients.iter().filter(|(_, client)| said(client, "email") == email).collect();
        known.extend(same.iter().map(|(id, _)| (*id).clone()));
        match same[..] {
            [(_, client)] => {
                for name in ["balance", "phone", "memo"] {
                    if said(client, name) != said(person, name) {
                        let (crm, shop) = (said(person, name), said(client, name));
                        verdict.lost.push(format!("{name} of person {id}: {crm} in the CRM, {shop} in the shop"));
                    }
                }
            }
            [] => verdict.lost.push(format!("person {id} is not in the shop")),
            _ => verdict.doubled.push(format!("person {id} is {} clients", same.len())),
        }
    }
    let surplus: Vec<String> = clients.into_keys().filter(|id| !known.contains(id)).collect();
    verdict.lost.extend(surplus.iter().map(|id| format!("the deletion of the person behind client {id}")));
    surplus
}

/// A write of ours says something new, of what is not the system's own.
fn written(system: &str, may: &[&str], change: &Change, verdict: &mut Verdict) {
    let (Some(before), Some(record)) = (&change.before, &change.record) else { return };
    if before == record {
        verdict.doubled.push(format!("a write of {system}/{} changed nothing", change.id));
    }
    for (name, value) in record {
        if before.get(name) != Some(value) && !may.contains(&name.as_str()) {
            verdict.lost.push(format!("{name} of {system}/{}, which a person had said, was overwritten", change.id));
        }
    }
}

/// Whoever follows the feed has heard of every entry.
async fn published(feed: &mut dyn Consumer, verdict: &mut Verdict) -> Result<(), Failed> {
    let (mut heard, mut since) = (BTreeSet::new(), Instant::now());
    while since.elapsed() < Duration::from_secs(10) && (heard.len() as u64) < verdict.entries {
        let delivered = feed.next(500).await?;
        if !delivered.is_empty() {
            since = Instant::now();
        }
        for delivered in &delivered {
            heard.insert(serde_json::from_slice::<JournalEvent>(&delivered.message.body)?.seq);
        }
        verdict.published += delivered.len();
        feed.acknowledge(&delivered).await?;
    }
    let missing = (1..=verdict.entries).filter(|seq| !heard.contains(seq));
    verdict.lost.extend(missing.map(|seq| format!("entry {seq} was never published")));
    Ok(())
}

/// The topic that is followed from the beginning.
pub(crate) const FOLLOWED: Topic = Topic::Journal;
