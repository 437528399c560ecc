//! Jobs: what the operator's process asks of the engine, each a future of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use accordant::chrono::DateTime;
use accordant::discrepancy::{Discrepancy, DiscrepancyState};
use accordant::engine::{DiscrepancyFilter, Ruled};
use accordant::http;
use accordant::id::RecordRef;
use accordant::plan::{Intent, StandingApproval, Target};
use accordant::rollout::Stage;
use accordant::{Actor, Choice, Delivery, EntityId, Error, Lifetime, Ruling, Scope, Tenant};

use crate::attempt::attempt;
use crate::design::ATTRIBUTES;
use crate::erasing::{erase, lift};
use crate::office::grant;
use crate::oracle::Unit;
use crate::remote::{PROOF, SAYS};
use crate::scene::Scene;
use crate::server::{body, id};
use crate::signer::compact;

/// What the engine is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Take in a webhook.
    Receive(usize),
    /// Poll a system.
    Poll(usize),
    /// Scan a system.
    Scan(usize),
    /// Do what is due.
    Work,
    /// Plan, approve, apply: at first contact, or as every day.
    Mend(bool),
    /// Plan and apply what nobody approved.
    Propose,
    /// Apply a plan of earlier once more.
    Reapply(usize),
    /// Let a system be observed, and not written.
    Observe(usize),
    /// Allow writes of an attribute into a system without being asked.
    Give(usize, usize),
    /// Withdraw the last such permission.
    Withdraw,
    /// Decide one thing that waits.
    Decide,
    /// Accept the model as it is now.
    Accept,
    /// Let the journal begin later.
    Compact,
    /// Erase a person.
    Erase(usize),
    /// Let a person come back who was erased.
    Lift(usize),
    /// Give somebody of the office a rank.
    Grant(usize, usize),
    /// Somebody of the office tries something about somebody.
    Try(usize, usize, usize),
}

/// How long an operator waits for what is under way, in milliseconds.
const MINUTE: i64 = 60_000;

/// The longest chain of steps that a turn takes.
const MOST_STEPS: usize = 50;

/// Does a job.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn work(tenant: Tenant, scene: Arc<Scene>, job: Job) -> Result<(), Error> {
    match job {
        Job::Receive(delivery) => receive(&tenant, &scene, delivery).await,
        Job::Poll(system) => {
            let name = scene.lock().servers[system].design.name;
            tenant.poll(name).await.map(drop)
        }
        Job::Scan(system) => {
            let name = {
                let mut inner = scene.lock();
                inner.broken_off.insert(system);
                inner.servers[system].design.name
            };
            tenant.scan(name).await?;
            scene.lock().broken_off.remove(&system);
            Ok(())
        }
        Job::Accept => tenant.accept_model(&Actor::new("ana")).await.map(drop),
        Job::Work => steps(&tenant).await,
        Job::Compact => compact(&tenant, &scene).await,
        Job::Erase(subject) => erase(&tenant, &scene, subject, MINUTE).await,
        Job::Lift(subject) => lift(&tenant, &scene, subject).await,
        Job::Grant(who, rank) => grant(&tenant, &scene, who, rank).await,
        Job::Try(who, what, subject) => attempt(&tenant, &scene, (who, what), subject).await,
        Job::Mend(bootstrap) => mend(&tenant, &scene, bootstrap).await.map(drop),
        Job::Propose => {
            let plan = tenant.plan(Scope::default()).await?;
            scene.lock().plans.push(plan.hash);
            tenant.apply(plan.hash).await.map(drop)
        }
        Job::Observe(system) => {
            let name = scene.lock().servers[system].design.name;
            tenant.set_stage(name, Stage::Observe, &Actor::new("ana"), "it is new").await?;
            scene.lock().permissions.observe(Some(system));
            Ok(())
        }
        Job::Give(system, attribute) => give(&tenant, &scene, system, attribute).await,
        Job::Withdraw => {
            let last = scene.lock().permissions.last();
            if let Some((place, id)) = last {
                tenant.withdraw_standing(id, &Actor::new("ana"), "enough").await?;
                let mut inner = scene.lock();
                inner.permissions.withdrawn(place);
                inner.say(|| "the operator withdraws a standing approval".to_owned());
            }
            Ok(())
        }
        Job::Reapply(place) => {
            let plan = {
                let inner = scene.lock();
                inner.plans.get(place % inner.plans.len().max(1)).copied()
            };
            match plan {
                Some(plan) => tenant.apply(plan).await.map(drop),
                None => Ok(()),
            }
        }
        Job::Decide => {
            let waiting = waiting(&tenant, &scene).await?;
            let picked = {
                let mut inner = scene.lock();
                let place = inner.weather.rng().below(waiting.len());
                waiting.get(place).cloned()
            };
            match picked {
                Some(one) => {
                    let approved = scene.lock().haste.chance(500);
                    decide(&tenant, &scene, &one, approved).await.map(drop)
                }
                None => Ok(()),
            }
        }
    }
}

/// How many writes a standing approval covers: few, so that worlds meet its end.
const AT_MOST: u32 = 3;

/// Allows writes without being asked, where a system is not only observed.
async fn give(tenant: &Tenant, scene: &Arc<Scene>, system: usize, attribute: usize) -> Result<(), Error> {
    let (name, approval, place) = {
        let mut inner = scene.lock();
        if inner.permissions.is_observed(system) {
            return Ok(());
        }
        let name = inner.servers[system].design.name;
        let Some(until) = DateTime::from_timestamp_millis(inner.now + 90 * 86_400_000) else { return Ok(()) };
        let dialect = &inner.design.dialect;
        let approval = StandingApproval::of_unit(dialect.entity(), dialect.unit(attribute));
        let approval = approval.toward(name).at_most(AT_MOST).until(until);
        let line = format!("the operator allows {approval}");
        inner.say(|| line);
        (name, approval, inner.permissions.give(system, attribute, AT_MOST))
    };
    let ana = Actor::new("ana");
    tenant.set_stage(name, Stage::Act, &ana, "it has been right for long").await?;
    let id = tenant.give_standing(approval, &ana, "nobody ever turned one down").await?;
    scene.lock().permissions.given(place, id);
    Ok(())
}

async fn receive(tenant: &Tenant, scene: &Arc<Scene>, delivery: usize) -> Result<(), Error> {
    let (name, request) = {
        let inner = scene.lock();
        let notice = &inner.deliveries[delivery];
        let name = inner.servers[notice.system].design.name;
        let request = Delivery::new(notice.body.clone());
        (name, headed(request, &notice.says, if notice.genuine { name } else { "somebody" }))
    };
    let body = request.body().clone();
    tenant.receive(name, request).await?;
    if scene.lock().oracle.told_of_gone(&String::from_utf8_lossy(&body)).is_some() {
        scene.lock().did("a notice tells of who is gone");
    }
    if body::is_misshapen(&body) {
        let mut inner = scene.lock();
        let system = inner.deliveries[delivery].system;
        let place = body::id_of(&body).and_then(|id| inner.servers[system].find(&id));
        let subject = place.map(|place| inner.servers[system].records[place].subject);
        if inner.has_cards(system) {
            inner.did("a letter with a card number");
        }
        inner.unreadable.insert(body, subject);
    }
    Ok(())
}

/// A delivery with the headers of a system.
#[must_use]
pub fn headed(mut request: Delivery, says: &str, proof: &str) -> Delivery {
    for (name, value) in [(SAYS, says), (PROOF, proof)] {
        if let Ok(value) = http::HeaderValue::from_str(value) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

/// Takes steps until there is no more to do at once.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn steps(tenant: &Tenant) -> Result<(), Error> {
    for _ in 0..MOST_STEPS {
        if !tenant.step().await?.more() {
            break;
        }
    }
    Ok(())
}

/// Plans, approves and applies. Says how many operations were planned.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn mend(tenant: &Tenant, scene: &Arc<Scene>, bootstrap: bool) -> Result<usize, Error> {
    let request = tenant.plan(Scope::default());
    let plan = if bootstrap { request.bootstrap() } else { request }.await?;
    if !plan.operations.is_empty() {
        {
            let mut inner = scene.lock();
            let inner = &mut *inner;
            inner.plans.push(plan.hash);
            inner.approvals.ask(&inner.design, &plan);
        }
        let answer = tenant.approve(plan.hash, &Actor::new("ana")).await;
        // Somebody was faster: it is planned again another time.
        let moved = matches!(answer, Err(Error::PlanMoved { .. }));
        if answer.is_ok() || moved {
            let mut inner = scene.lock();
            let inner = &mut *inner;
            inner.approvals.answered(&inner.design, &plan, !moved);
        }
        if !moved {
            answer?;
            tenant.apply(plan.hash).await?;
        }
    }
    Ok(plan.operations.len())
}

/// Confirms the writes that a limit keeps out, if there are any. Says how many.
///
/// # Errors
///
/// If the store fails.
pub async fn confirm_writes(tenant: &Tenant, scene: &Arc<Scene>) -> Result<usize, Error> {
    if scene.lock().design.house.writes.is_none() {
        return Ok(0);
    }
    // A plan of first contact has all that any plan has.
    let plan = tenant.plan(Scope::default()).bootstrap().await?;
    let kept_out = plan.parked.iter().filter(|parked| parked.limited && parked.operation.intent != Intent::Archive);
    let mut places: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    {
        let mut inner = scene.lock();
        for operation in kept_out.map(|parked| &parked.operation) {
            let name = operation.target.connection().as_str();
            let Some(system) = inner.design.systems.iter().position(|system| system.name == name) else { continue };
            let attribute = inner.design.dialect.attribute(&operation.unit).unwrap_or(EXISTENCE);
            *places.entry((system, attribute)).or_default() += 1;
        }
        let now = inner.now;
        places.iter().for_each(|((system, attribute), of)| inner.allowance.confirm(*system, *attribute, *of, now));
    }
    if !places.is_empty() {
        tenant.confirm_writes(plan.hash, &Actor::new("ana")).await?;
    }
    Ok(places.values().sum())
}

/// Confirms the archives that a limit keeps out, if there are any. Says how many.
///
/// # Errors
///
/// If the store fails.
pub async fn confirm(tenant: &Tenant, scene: &Arc<Scene>) -> Result<usize, Error> {
    let plan = tenant.plan(Scope::default()).await?;
    let archived = plan.parked.iter().filter(|p| p.limited && p.operation.intent == Intent::Archive);
    let records = archived.filter_map(|parked| match &parked.operation.target {
        Target::Record(record) => Some((record.connection.to_string(), record.id.to_string())),
        _ => None,
    });
    let records: Vec<(String, String)> = records.collect();
    if !records.is_empty() {
        scene.lock().approvals.ask_to_confirm(&records);
        let answered = tenant.confirm_deletes(plan.hash, &Actor::new("ana")).await;
        let mut inner = scene.lock();
        let inner = &mut *inner;
        inner.approvals.confirmation_answered(&inner.design, &records, answered.is_ok());
        answered?;
    }
    Ok(records.len())
}

/// A unit that waits for a person.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The entity.
    pub entity: EntityId,
    /// Whose unit it is, as the oracle names it.
    pub unit: Unit,
    /// The discrepancy.
    pub discrepancy: Discrepancy,
}

/// Which subjects each entity is about, and by which living records: system and place.
pub type Subjects = BTreeMap<EntityId, BTreeMap<usize, Vec<(usize, usize)>>>;

/// Which subject each entity is about, by the links of living records.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn subjects(tenant: &Tenant, scene: &Arc<Scene>) -> Result<Subjects, Error> {
    // Whoever died may be born again as somebody else: only who lives counts.
    let records: Vec<(RecordRef, usize, (usize, usize))> = {
        let inner = scene.lock();
        let all = inner.servers.iter().enumerate().flat_map(|(system, server)| {
            let name = server.design.name;
            let records = server.records.iter().enumerate().filter(|(_, record)| record.live);
            records.map(move |(place, record)| {
                (RecordRef::new(name, server.object(), &id(place)), record.subject, (system, place))
            })
        });
        all.collect()
    };
    let mut subjects = Subjects::new();
    for (record, subject, place) in records {
        if let Some(entity) = tenant.entity_of(&record).await? {
            subjects.entry(entity).or_default().entry(subject).or_default().push(place);
        }
    }
    Ok(subjects)
}

/// Stands for presence where an attribute is named.
pub const EXISTENCE: usize = ATTRIBUTES.len();

/// A unit as a person reads it.
#[must_use]
pub fn unit_name((subject, attribute): Unit) -> String {
    format!("{} of k{subject}", ATTRIBUTES.get(attribute).unwrap_or(&"presence"))
}

/// Everything that stands open about somebody.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn standing(tenant: &Tenant, scene: &Arc<Scene>) -> Result<Vec<Waiting>, Error> {
    let subjects = subjects(tenant, scene).await?;
    let all = tenant.discrepancies(DiscrepancyFilter::default()).await?;
    let mut standing = Vec::new();
    for discrepancy in all {
        let attribute = scene.lock().design.dialect.attribute(&discrepancy.unit).unwrap_or(EXISTENCE);
        let Some(subject) = subjects.get(&discrepancy.entity).and_then(|subjects| subjects.keys().next()) else {
            continue;
        };
        standing.push(Waiting { entity: discrepancy.entity, unit: (*subject, attribute), discrepancy });
    }
    Ok(standing)
}

/// The units that wait for a person.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn waiting(tenant: &Tenant, scene: &Arc<Scene>) -> Result<Vec<Waiting>, Error> {
    let mut standing = standing(tenant, scene).await?;
    standing.retain(|one| one.discrepancy.state == DiscrepancyState::Waiting && one.unit.1 != EXISTENCE);
    Ok(standing)
}

/// A person decides: what the owner says, or some system that says anything. Where two are asked for, a second approves it if
/// `approved`. Says whether there was anything to take, and it is so.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn decide(tenant: &Tenant, scene: &Arc<Scene>, one: &Waiting, approved: bool) -> Result<bool, Error> {
    let (subject, attribute) = one.unit;
    let (takes, system, unit, line) = {
        let mut inner = scene.lock();
        let owner = inner.design.attributes[attribute].owner;
        let holds = |system: usize| {
            let record = inner.servers[system].about(subject).map(|place| &inner.servers[system].records[place]);
            record.is_some_and(|record| record.fields[attribute].is_some())
        };
        let mut able: Vec<usize> = (0..inner.servers.len()).filter(|system| holds(*system)).collect();
        if let Some(owner) = owner.filter(|owner| able.contains(owner)) {
            able = vec![owner];
        }
        let Some(system) = able.get(inner.weather.rng().below(able.len())).copied() else { return Ok(false) };
        inner.decisions.forget(one.unit);
        if inner.design.house.two != Some(attribute) {
            let now = inner.now;
            inner.oracle.chose(one.unit, system, now);
        }
        let name = inner.servers[system].design.name;
        let unit = inner.design.dialect.unit(attribute).to_owned();
        (name, system, unit, format!("a person decides {} of k{subject}: what {name} says", ATTRIBUTES[attribute]))
    };
    scene.lock().say(|| line);
    let ruling = Ruling {
        choice: Choice::Take(takes.into()),
        lifetime: Lifetime::default(),
        by: Actor::new("ana"),
        reason: "she was called".to_owned(),
    };
    match tenant.rule(one.entity, &unit, ruling).await {
        // What the system said may be unknown to the engine: then there is nothing to take.
        Ok(Ruled::Proposed) => second(tenant, scene, one, &unit, system, approved).await,
        Ok(_) => {
            let mut inner = scene.lock();
            if inner.design.house.two == Some(attribute) {
                inner
                    .oracle
                    .accuse(format!("{} was decided by one person, and two are asked for", unit_name(one.unit)));
            }
            Ok(true)
        }
        Err(Error::NotHeld { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What was proposed is approved by its author in vain, and by a second person, if one looks.
async fn second(
    tenant: &Tenant,
    scene: &Arc<Scene>,
    one: &Waiting,
    unit: &str,
    system: usize,
    approved: bool,
) -> Result<bool, Error> {
    let accused = match tenant.approve_decision(one.entity, unit, &Actor::new("ana")).await {
        Ok(()) => true,
        // What was on the table has moved, or somebody was faster.
        Err(Error::OwnProposal { .. } | Error::NothingProposed { .. } | Error::InputsMoved { .. }) => false,
        Err(error) => return Err(error),
    };
    if accused {
        scene.lock().oracle.accuse(format!("{} was approved by who proposed it", unit_name(one.unit)));
    }
    if !approved {
        return Ok(false);
    }
    {
        let mut inner = scene.lock();
        let now = inner.now;
        inner.oracle.chose(one.unit, system, now);
        inner.say(|| "  and another person approves it".to_owned());
    }
    match tenant.approve_decision(one.entity, unit, &Actor::new("ben")).await {
        Ok(()) => Ok(true),
        Err(Error::NothingProposed { .. } | Error::InputsMoved { .. } | Error::NotHeld { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
