//! People: they edit, make and delete records, and their systems tell our doors of most of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accordant::bytes::Bytes;
use accordant::engine::{Case, CaseFilter};
use accordant::rollout::Stage;
use accordant::{
    Accordant, Actor, Choice, Delivery, DiscrepancyKind, Error, Lifetime, Ruling, Scope, StandingApproval, Tenant,
};
use serde_json::{Map, Value, json};

use crate::chaos::Dice;
use crate::place::{FOLLOWS, Place, SharedQueue, TENANT};
use crate::systems::{Shown, Systems, body};
use crate::{Failed, because};

/// How many records the CRM begins with.
const FIRST: usize = 60;

/// How often a sender tells again what was not answered with success.
const TELLS: usize = 40;

/// How often somebody looks through what waits for people.
const LOOKS: Duration = Duration::from_secs(4);

/// How many cases somebody looks at.
const CASES: usize = 100;

/// What people did, and what they were told is safe.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) edits: AtomicUsize,
    pub(crate) webhooks: AtomicUsize,
    /// Webhooks that were given up: nobody answered for them, and a poll has to find what they told of.
    pub(crate) given_up: AtomicUsize,
    /// The latest change of each record that a door has answered for.
    acknowledged: Mutex<BTreeMap<(String, String), i64>>,
}

impl Told {
    fn acknowledge(&self, system: &str, shown: &Shown) {
        let mut held = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = held.entry((system.to_owned(), shown.id.clone())).or_default();
        *latest = shown.modified.max(*latest);
    }

    pub(crate) fn acknowledged(&self) -> BTreeMap<(String, String), i64> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The doors that systems tell: two, each with a store and a queue of its own.
#[derive(Clone)]
pub(crate) struct Doors(Vec<(Accordant, SharedQueue)>);

impl Doors {
    pub(crate) async fn open(place: &Place) -> Result<Self, Failed> {
        let mut doors = Vec::new();
        for _ in 0..2 {
            doors.push((place.accordant().await?, place.queue().await?));
        }
        Ok(Self(doors))
    }

    pub(crate) fn tenant(&self) -> Tenant {
        self.0[0].0.tenant(TENANT)
    }

    /// Tells a door, and if it does not answer, the other one, and again.
    async fn tell(self, system: &'static str, shown: Shown, told: Arc<Told>) {
        told.webhooks.fetch_add(1, Ordering::Relaxed);
        for attempt in 0..TELLS {
            let (accordant, queue) = &self.0[attempt % self.0.len()];
            let delivery = Delivery::new(Bytes::from(body(&shown)));
            if accordant.tenant(TENANT).enqueue(queue, system, delivery).await.is_ok() {
                told.acknowledge(system, &shown);
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        told.given_up.fetch_add(1, Ordering::Relaxed);
    }
}

/// Allows what people allow in advance.
pub(crate) async fn allow(tenant: &Tenant) -> Result<(), Failed> {
    let ana = Actor::new("ana");
    let until = chrono::DateTime::from_timestamp(4_000_000_000, 0).unwrap_or_default();
    for (system, _) in crate::place::SYSTEMS {
        tenant.set_stage(system, Stage::Act, &ana, "two quiet weeks").await?;
    }
    for (attribute, system) in FOLLOWS {
        let approval = StandingApproval::of_unit("account", attribute).toward(system).at_most(1_000_000).until(until);
        tenant.give_standing(approval, &ana, "it follows").await?;
    }
    let creates = StandingApproval::of_creates("account").toward("shop").at_most(1_000_000).until(until);
    tenant.give_standing(creates, &ana, "whoever is a customer is in the shop").await?;
    Ok(())
}

/// Looks through what waits for people now and then: decides it, and approves what is owed.
pub(crate) async fn look_through(tenant: Tenant, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOKS).await;
        // What moved meanwhile, or cannot be stored now, is looked at again.
        drop(decide(&tenant).await);
        let Ok(plan) = tenant.plan(Scope::default()).await else { continue };
        if !plan.operations.is_empty() {
            drop(tenant.approve(plan.hash, &Actor::new("ana")).await);
        }
    }
}

/// Decides what no policy may: whoever the CRM deleted is gone, also where the shop wrote a memo that the CRM was never told.
/// Gives all cases that were open.
pub(crate) async fn decide(tenant: &Tenant) -> Result<Vec<Case>, Failed> {
    let open = tenant.open_cases(&CaseFilter::default(), None, CASES).await?.cases;
    for case in &open {
        if case.discrepancy == Some(DiscrepancyKind::DeleteAgainstUpdate) {
            let (by, reason) = (Actor::new("ana"), "the CRM says who is a customer".to_owned());
            let ruling = Ruling { choice: Choice::Retire, lifetime: Lifetime::default(), by, reason };
            // Closed meanwhile, it needs no decision; what others change at this moment is looked at again.
            if let Err(failed) = tenant.decide_case(&case.key, ruling).await
                && !matches!(failed, Error::UnknownCase { .. } | Error::CaseClosed { .. } | Error::Contended { .. })
            {
                return Err(failed.into());
            }
        }
    }
    Ok(open)
}

/// Lives until it is told to stop.
pub(crate) async fn live(
    systems: Systems,
    doors: Doors,
    told: Arc<Told>,
    stop: Arc<AtomicBool>,
    rate: u32,
    mut dice: Dice,
) {
    let mut people = 0;
    let mut telling = tokio::task::JoinSet::new();
    let pause = Duration::from_secs(1) / rate.max(1);
    while !stop.load(Ordering::Relaxed) {
        if people > FIRST {
            tokio::time::sleep(pause).await;
        }
        let number = told.edits.fetch_add(1, Ordering::Relaxed);
        let living: Vec<String> = systems.living("crm").into_keys().collect();
        let clients: Vec<String> = systems.living("shop").into_keys().collect();
        let (system, shown) = match dice.below(100) {
            // Of a hundred, one comes and half of one goes; at first all come.
            what if people < FIRST || what == 0 => {
                people += 1;
                let fields = [
                    ("email", json!(format!("p{people}@acme.test"))),
                    ("balance", json!(number.to_string())),
                    ("phone", json!(format!("+{number}"))),
                ];
                ("crm", systems.edit("crm", &format!("c{people}"), fields_of(&fields)))
            }
            1 if dice.below(2) == 0 && living.len() > FIRST / 2 => {
                ("crm", systems.delete("crm", &living[dice.below(living.len())]))
            }
            what if what < 30 && !clients.is_empty() => {
                let id = &clients[dice.below(clients.len())];
                ("shop", systems.edit("shop", id, fields_of(&[("memo", json!(format!("memo {number}")))])))
            }
            what => {
                let id = &living[dice.below(living.len())];
                let field = if what % 2 == 0 {
                    ("balance", json!(number.to_string()))
                } else {
                    ("phone", json!(format!("+{number}")))
                };
                ("crm", systems.edit("crm", id, fields_of(&[field])))
            }
        };
        // One in four is not told of: a poll has to find it.
        if dice.below(4) != 0 {
            telling.spawn(doors.clone().tell(system, shown, Arc::clone(&told)));
        }
        while telling.try_join_next().is_some() {}
    }
    while telling.join_next().await.is_some() {}
}

fn fields_of(fields: &[(&str, Value)]) -> Map<String, Value> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// Says what could not be done, and goes on.
pub(crate) fn complain(what: &str, failed: &dyn std::error::Error) {
    eprintln!("{what}: {}", because(failed));
}
