//! The heal: nothing goes wrong any more, everybody is asked, and plans are applied until none is left. Then the oracle
//! judges; people decide what waits; and it judges again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant::discrepancy::{Discrepancy, DiscrepancyKind, DiscrepancyState};
use accordant::engine::CaseKind;
use accordant::rollout::Stage;
use accordant::{Actor, EntityId, Error, Tenant};

use crate::decisions;
use crate::design::Told;
use crate::erasing::{finish, judge_again, judge_lifted};
use crate::job::{EXISTENCE, confirm, confirm_writes, decide, mend, standing, steps, subjects, unit_name};
use crate::neighbour::visit;
use crate::oracle::Unit;
use crate::pause::Pause;
use crate::scene::Scene;
use crate::script::HealBy;

/// How many rounds of asking and mending a world may need to come to rest.
const MOST_ROUNDS: usize = 16;

/// How often something is tried again while the weather lasts.
const MOST_TRIES: usize = 25;

/// How long a round waits for what is under way, in milliseconds: longer than any request lives.
const REST: i64 = 1_000_000;

/// The entities that share an identity value, as the engine lists them: case by case.
async fn shared(tenant: &Tenant) -> Result<Vec<BTreeSet<EntityId>>, Error> {
    let cases = tenant.cases(None, usize::MAX).await?;
    let shared = cases.into_iter().filter(|case| case.kind == CaseKind::SharedIdentity);
    Ok(shared.map(|case| case.entities.into_iter().collect()).collect())
}

/// Heals and judges.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn heal(tenant: Tenant, neighbour: Tenant, scene: Arc<Scene>, by: HealBy) -> Result<(), Error> {
    tenant.accept_model(&Actor::new("ana")).await?;
    settle_in(&tenant, &scene).await?;
    finish(&tenant, &scene).await?;
    look_once(&tenant, &scene, by).await?;
    tell_of_lifted(&tenant, &scene, by).await?;
    // A record that cannot be read may fail what is asked of it, and nothing else.
    ask(&tenant, &scene, by, true).await?;
    // Whoever is missed by one scan may have slipped through: two tell that a record is gone. A scan that goes on where an
    // earlier one broke off began before what happened since, and tells nothing of it.
    let broken_off = !std::mem::take(&mut scene.lock().broken_off).is_empty();
    let more = if by == HealBy::Webhooks { 0 } else { 1 + usize::from(broken_off) };
    for _ in 0..more {
        ask(&tenant, &scene, by, true).await?;
    }
    scene.lock().oracle.heal();
    rest(&tenant, &scene, by).await?;
    let waits = judge(&tenant, &scene, by, false).await?;
    decisions::judge(&tenant, &scene).await?;
    if !waits.is_empty() {
        scene.lock().oracle.heal();
        let mut decided = Vec::new();
        for one in standing(&tenant, &scene).await? {
            if one.discrepancy.state == DiscrepancyState::Waiting && one.unit.1 != EXISTENCE {
                let plain = scene.lock().oracle.is_plain(one.unit, &waits);
                if decide(&tenant, &scene, &one, true).await? {
                    decided.push((one.entity, one.unit));
                    if plain && one.discrepancy.kind == DiscrepancyKind::HardConflict {
                        scene.lock().oracle.settled.insert(one.unit);
                    }
                }
            }
        }
        rest(&tenant, &scene, by).await?;
        judge(&tenant, &scene, by, true).await?;
        for (entity, unit) in decided {
            decisions::keep(&tenant, &scene, entity, unit).await?;
        }
    }
    echo(&tenant, &scene, by).await?;
    judge_lifted(&tenant, &scene).await?;
    judge_again(&tenant, &scene).await?;
    visit(&neighbour, &tenant, &scene).await
}

/// A system that was only observed is written from now on, like the others.
async fn settle_in(tenant: &Tenant, scene: &Arc<Scene>) -> Result<(), Error> {
    let observed = {
        let mut inner = scene.lock();
        let names: Vec<&'static str> = inner.servers.iter().map(|server| server.design.name).collect();
        let observed = (0..names.len()).find(|system| inner.permissions.is_observed(*system));
        inner.permissions.observe(None);
        observed.map(|system| names[system])
    };
    match observed {
        Some(name) => tenant.set_stage(name, Stage::Propose, &Actor::new("ana"), "it was as it should be").await,
        None => Ok(()),
    }
}

/// Nothing is created where nobody has looked: a system that is only heard is read to its end once.
async fn look_once(tenant: &Tenant, scene: &Arc<Scene>, by: HealBy) -> Result<(), Error> {
    if by != HealBy::Webhooks || std::mem::replace(&mut scene.lock().looked, true) {
        return Ok(());
    }
    let names: Vec<&'static str> = scene.lock().servers.iter().map(|server| server.design.name).collect();
    for name in names {
        again(scene, || async { tenant.poll(name).await.map(drop) }).await?;
    }
    Ok(())
}

/// Whoever may come back is known again when their systems next tell of them (`docs/decisions/0023-erasure.md`): what was first heard
/// of a record after the erasure was not kept, and names nobody who could be asked. Where not all is scanned, that is brought about.
async fn tell_of_lifted(tenant: &Tenant, scene: &Arc<Scene>, by: HealBy) -> Result<(), Error> {
    let lifted = scene.lock().oracle.all_lifted();
    if lifted.is_empty() || by == HealBy::Scans {
        return Ok(());
    }
    say_again(scene, |subject| lifted.contains(&subject)).await;
    if by == HealBy::Polls {
        let names: Vec<&'static str> = scene.lock().servers.iter().map(|server| server.design.name).collect();
        for name in names {
            again(scene, || async { tenant.scan(name).await.map(drop) }).await?;
        }
    }
    Ok(())
}

/// What was last said of whom `about` says is said again by webhook, and has arrived.
async fn say_again(scene: &Arc<Scene>, about: impl Fn(usize) -> bool) {
    {
        let mut inner = scene.lock();
        for system in 0..inner.servers.len() {
            for place in 0..inner.servers[system].records.len() {
                if about(inner.servers[system].records[place].subject) {
                    inner.publish(system, place);
                }
            }
        }
    }
    Pause::of(scene, 600_000).await;
}

/// Everything that was last said is said again, on every surface: nothing may follow from it.
async fn echo(tenant: &Tenant, scene: &Arc<Scene>, by: HealBy) -> Result<(), Error> {
    let remodelled = !scene.lock().oracle.remodelled.is_empty();
    if by == HealBy::Webhooks && remodelled {
        // A unit whose owner changed follows when it is next settled (`docs/decisions/0009-left-for-later.md`): where nobody was asked,
        // that is when something is said of it, and nothing follows from the second time.
        say_again(scene, |_| true).await;
        ask(tenant, scene, by, true).await?;
        rest(tenant, scene, by).await?;
    }
    let written = scene.lock().oracle.heal_writes;
    say_again(scene, |_| true).await;
    ask(tenant, scene, by, true).await?;
    let planned =
        again(scene, || mend(tenant, scene, true)).await? + again(scene, || mend(tenant, scene, false)).await?;
    let mut inner = scene.lock();
    let silent = !inner.oracle.poisoned.is_empty();
    let planned = if silent { 0 } else { planned };
    if planned > 0 || inner.oracle.heal_writes != written {
        inner.oracle.accuse(format!("{planned} operations follow from an echo"));
    }
    Ok(())
}

/// Asks every system what there is, and takes in what it says. `scans`: where everything is scanned, or where nothing but
/// absence tells that a record is gone, all is read.
async fn ask(tenant: &Tenant, scene: &Arc<Scene>, by: HealBy, scans: bool) -> Result<(), Error> {
    let systems: Vec<(&'static str, bool)> = {
        let inner = scene.lock();
        inner.servers.iter().map(|server| (server.design.name, server.design.tells_deletes)).collect()
    };
    for (name, tells_deletes) in systems {
        if by != HealBy::Webhooks {
            again(scene, || async { tenant.poll(name).await.map(drop) }).await?;
        }
        if scans && (by == HealBy::Scans || (by == HealBy::Polls && !tells_deletes)) {
            again(scene, || async { tenant.scan(name).await.map(drop) }).await?;
        }
    }
    if !scene.lock().oracle.poisoned.is_empty() {
        return match steps(tenant).await {
            Err(Error::Connector { .. }) => Ok(()),
            other => other,
        };
    }
    again(scene, || steps(tenant)).await
}

/// Tries again while systems cannot be called: where the weather lasts, that passes.
async fn again<T, W: Future<Output = Result<T, Error>>>(scene: &Arc<Scene>, once: impl Fn() -> W) -> Result<T, Error> {
    for _ in 0..MOST_TRIES {
        match once().await {
            Err(Error::Connector { .. }) if scene.lock().weather.lasts() => Pause::of(scene, 60_000).await,
            other => return other,
        }
    }
    once().await
}

/// Mends until nothing is planned any more.
async fn rest(tenant: &Tenant, scene: &Arc<Scene>, by: HealBy) -> Result<(), Error> {
    let mut quiet = false;
    for _ in 0..MOST_ROUNDS {
        // A plan of first contact has all that any plan has.
        let planned = again(scene, || mend(tenant, scene, true)).await?
            + again(scene, || confirm(tenant, scene)).await?
            + again(scene, || confirm_writes(tenant, scene)).await?;
        if planned == 0 && quiet {
            return Ok(());
        }
        // What is under way may still come to nothing: one quiet round is not enough.
        quiet = planned == 0;
        Pause::of(scene, REST).await;
        // What is read once need not be read again: what we write is heard of by polls and answers.
        ask(tenant, scene, by, false).await?;
    }
    let mut inner = scene.lock();
    if inner.oracle.poisoned.is_empty() {
        inner.oracle.accuse(format!("after {MOST_ROUNDS} rounds of mending there is still a plan"));
    }
    Ok(())
}

async fn judge(tenant: &Tenant, scene: &Arc<Scene>, by: HealBy, decided: bool) -> Result<BTreeSet<Unit>, Error> {
    let standing = standing(tenant, scene).await?;
    let subjects = subjects(tenant, scene).await?;
    let mut waits: BTreeSet<Unit> =
        standing.iter().filter(|one| one.discrepancy.state == DiscrepancyState::Waiting).map(|one| one.unit).collect();
    let shared = shared(tenant).await?;
    let mut unclear: BTreeSet<usize> = BTreeSet::new();
    // Which of two entities is meant, a person says first: what the records hold waits with that.
    for subject in subjects.values().flat_map(BTreeMap::keys) {
        let of: BTreeSet<EntityId> =
            subjects.iter().filter(|(_, of)| of.contains_key(subject)).map(|(entity, _)| *entity).collect();
        if of.len() > 1 && shared.iter().any(|shared| of.is_subset(shared)) {
            waits.insert((*subject, EXISTENCE));
            unclear.insert(*subject);
        }
    }
    let mut inner = scene.lock();
    inner.say(|| format!("judged at rest; {} units wait for a person", waits.len()));
    for one in &standing {
        let Discrepancy { kind, state, link, reason, .. } = &one.discrepancy;
        inner.states.insert(kind.title());
        let link = link.as_deref().unwrap_or("");
        inner.say(|| format!("  {} {link}: {}, {state:?}: {reason}", unit_name(one.unit), kind.title()));
    }
    for one in standing.iter().filter(|one| one.discrepancy.state == DiscrepancyState::Open) {
        let promised = inner.oracle.is_promised(one.unit.0) && !unclear.contains(&one.unit.0);
        if !promised || inner.oracle.remodelled.contains(&one.unit.1) {
            continue;
        }
        let title = one.discrepancy.kind.title();
        let what = format!("{} stands open at rest: {title}, {}", unit_name(one.unit), one.discrepancy.reason);
        inner.oracle.accuse(what);
    }
    let settled = inner.oracle.settled.clone();
    for one in standing.iter().filter(|one| decided && settled.contains(&one.unit)) {
        // What cannot be read, and what two entities share, is promised nothing.
        let promised = inner.oracle.is_promised(one.unit.0) && !unclear.contains(&one.unit.0);
        if promised && one.discrepancy.kind == DiscrepancyKind::HardConflict {
            inner.oracle.accuse(format!("{} was decided, and is a conflict still", unit_name(one.unit)));
        }
    }
    for subjects in subjects.values().filter(|subjects| subjects.len() > 1) {
        let subjects: Vec<usize> = subjects.keys().copied().collect();
        inner.oracle.accuse(format!("one entity stands for {subjects:?}"));
    }
    let mut seen = BTreeSet::new();
    for (subject, records) in subjects.values().flatten() {
        // That a record lives which can no longer be read, nobody can know where no list is asked and notices only hint.
        let known = records.iter().any(|(system, place)| {
            let server = &inner.servers[*system];
            let tells = matches!(server.design.told, Told::Full | Told::Changed);
            !server.records[*place].poisoned || by != HealBy::Webhooks || tells
        });
        if known
            && inner.oracle.is_promised(*subject)
            && !seen.insert(*subject)
            && !waits.contains(&(*subject, EXISTENCE))
        {
            inner.oracle.accuse(format!("k{subject} has become two entities"));
        }
    }
    inner.oracle.judge(&waits, decided);
    inner.oracle.settled.clear();
    Ok(waits)
}
