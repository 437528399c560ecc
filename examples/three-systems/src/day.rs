//! The day: what the script says happens, the engine hears of it, and what is owed is planned, approved and written.

use accordant::chrono::TimeDelta;
use accordant::discrepancy::{DiscrepancyKind, DiscrepancyState};
use accordant::model::Canonical as _;
use accordant::{Actor, Choice, Error, Lifetime, Ruling, Scope, Tenant};
use quickstart::model::Customer;

use crate::Failure;
use crate::attribute::{Attribute, SYSTEMS};
use crate::judge::Truth;
use crate::script::{Act, Script, What};
use crate::world::World;

const MINUTE: i64 = 60_000;
/// How often every connection is polled.
const POLL: i64 = 10;
/// How often what is owed is planned, approved and written.
const PLAN: i64 = 30;
/// How often every connection is read from end to end.
const PULSE: i64 = 360;
/// After so many rounds a world that is still not quiet is a fault.
const MOST_ROUNDS: usize = 60;

/// How a day went, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Went {
    /// Operations that took effect.
    pub done: usize,
    /// Operations that systems refused.
    pub refused: usize,
    /// Operations whose outcome was not known at first.
    pub unknown: usize,
    /// Calls, polls and pulses that failed, and were made again.
    pub failed: usize,
    /// Units that a person decided.
    pub decided: usize,
    /// Operations of the last plan.
    pub left: usize,
    /// Whether the world came to no rest.
    pub restless: bool,
}

/// Reads everything, and writes what is owed at first sight: nothing, where all agree.
///
/// # Errors
///
/// If an account cannot be read.
pub async fn first_contact(world: &World, went: &mut Went) -> Result<(), Failure> {
    let tenant = running(world)?;
    for system in SYSTEMS {
        tenant.pulse(system).await?;
    }
    hear(world, went).await?;
    settle(tenant, true, went).await
}

/// Plays a script to its end. `told` hears of every hour.
///
/// # Errors
///
/// If the store fails. A system that fails is a part of the story.
pub async fn play(
    world: &mut World,
    script: &Script,
    went: &mut Went,
    mut told: impl FnMut(usize),
) -> Result<(), Failure> {
    let begins = world.now();
    let mut acts = script.acts.iter().peekable();
    for minute in 1..=script.ends / MINUTE {
        let now = begins + minute * MINUTE;
        let mut played = 0;
        while let Some(act) = acts.next_if(|act| begins + act.at <= now) {
            world.reach(begins + act.at);
            happen(world, script, act).await?;
            played += 1;
        }
        told(played);
        world.reach(now);
        let Some(tenant) = world.tenant().cloned() else {
            world.deliver().await;
            continue;
        };
        if world.deliver().await > 0 || minute % POLL == 0 {
            step(&tenant).await?;
        }
        if minute % POLL == 0 {
            poll(&tenant, went).await?;
        }
        if minute % PULSE == 0 {
            pulse(&tenant, went).await?;
        }
        if minute % PLAN == 0 {
            settle(&tenant, false, went).await?;
        }
    }
    Ok(())
}

/// Goes on until there is no more to hear and nothing is owed.
///
/// # Errors
///
/// If the store fails. A world that comes to no rest is a part of the story, and told.
pub async fn come_to_rest(world: &World, went: &mut Went) -> Result<(), Failure> {
    let tenant = running(world)?;
    for round in 0..MOST_ROUNDS {
        world.clock.advance(TimeDelta::minutes(70));
        hear(world, went).await?;
        if round % 2 == 0 {
            pulse(tenant, went).await?;
        }
        settle(tenant, false, went).await?;
        let silent = world.next_webhook().is_none();
        if went.left == 0 && silent && round > 1 {
            return Ok(());
        }
    }
    went.restless = true;
    Ok(())
}

/// A person settles what nobody else may: in each dispute, what was said last is true.
///
/// # Errors
///
/// If the store fails.
pub async fn decide(world: &World, truth: &Truth, went: &mut Went) -> Result<(), Failure> {
    let tenant = running(world)?;
    let mia = Actor::new("mia@acme.example");
    for waiting in tenant.discrepancies(Default::default()).await? {
        let disputed = matches!(waiting.kind, DiscrepancyKind::HardConflict | DiscrepancyKind::HardConflictNoBase);
        if waiting.state != DiscrepancyState::Waiting || !disputed || waiting.entity_type.as_str() != Customer::ENTITY {
            continue;
        }
        let view = tenant.inspect_erased(waiting.entity).await?.to_string();
        let attribute = Attribute::ALL.into_iter().find(|attribute| attribute.unit() == waiting.unit.as_str());
        let email = truth.emails().find(|email| view.contains(*email));
        let Some((attribute, email)) = attribute.zip(email) else { continue };
        let Some(system) = truth.said_by(email, attribute) else { continue };
        let ruling = Ruling {
            choice: Choice::Take(system.into()),
            lifetime: Lifetime::UntilInputsChange,
            by: mia.clone(),
            reason: "I called them".to_owned(),
        };
        tenant.rule(waiting.entity, &waiting.unit, ruling).await?;
        went.decided += 1;
    }
    Ok(())
}

fn running(world: &World) -> Result<&Tenant, Failure> {
    world.tenant().ok_or_else(|| "the engine does not run".into())
}

async fn happen(world: &mut World, script: &Script, act: &Act) -> Result<(), Failure> {
    match &act.what {
        What::Edit { customer, attribute, system, value } => {
            let customer = script.customers.get(*customer).ok_or("a customer that there is not")?;
            // Somebody who finds a customer archived, or is refused, goes home: nothing happened, and nothing is on record.
            if let Some(id) = world.id_of(system, &customer.email) {
                drop(world.edits(system, id, *attribute, value));
            }
        }
        // Whoever is refused may come again another day.
        What::New { customer, system } => drop(world.makes(system, customer)),
        What::Switch(name, on) => drop(world.accounts.switch(name, *on)?),
        What::Process(true) => world.start().await?,
        What::Process(false) => world.stop(),
    }
    Ok(())
}

/// Hears all that there is to hear.
async fn hear(world: &World, went: &mut Went) -> Result<(), Failure> {
    let tenant = running(world)?;
    world.deliver().await;
    step(tenant).await?;
    poll(tenant, went).await?;
    step(tenant).await
}

async fn poll(tenant: &Tenant, went: &mut Went) -> Result<(), Failure> {
    for system in SYSTEMS {
        note(tenant.poll(system).await.map(drop), went)?;
    }
    step(tenant).await
}

async fn pulse(tenant: &Tenant, went: &mut Went) -> Result<(), Failure> {
    for system in SYSTEMS {
        note(tenant.pulse(system).await.map(drop), went)?;
    }
    step(tenant).await
}

/// A system that fails is asked again another time.
fn note(read: Result<(), Error>, went: &mut Went) -> Result<(), Failure> {
    match read {
        Ok(()) => Ok(()),
        Err(Error::Connector { .. }) => {
            went.failed += 1;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn step(tenant: &Tenant) -> Result<(), Failure> {
    for _ in 0..1_000 {
        if !tenant.step().await?.more() {
            return Ok(());
        }
    }
    Err("steps without end".into())
}

/// Plans what is owed; Noah looks it over and approves it; it is written.
async fn settle(tenant: &Tenant, bootstrap: bool, went: &mut Went) -> Result<(), Failure> {
    let (mia, noah) = (Actor::new("mia@acme.example"), Actor::new("noah@acme.example"));
    let request = tenant.plan(Scope::default()).by(&mia);
    let plan = if bootstrap { request.bootstrap().await } else { request.await }?;
    went.left = plan.operations.len();
    if plan.operations.is_empty() {
        return Ok(());
    }
    tenant.approve(plan.hash, &noah).await?;
    let applied = tenant.apply(plan.hash).await?;
    went.done += applied.done;
    went.refused += applied.refused.len();
    went.unknown += applied.unknown;
    went.failed += applied.failed.len();
    step(tenant).await
}
