//! The invariants of `docs/semantics.md` 14, over random models and random histories, through the public interface.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "invariants/crash.rs"]
mod crash;
#[path = "applying/fuse.rs"]
mod fuse;
#[path = "invariants/garbage.rs"]
mod garbage;
#[path = "invariants/shape.rs"]
mod shape;
#[path = "invariants/world.rs"]
mod world;

use accordant::Actor;
use accordant::discrepancy::DiscrepancyState;
use accordant::golden::Status;
use accordant::store::{MemoryStore, Table};
use accordant::testing::{entities, journal};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::shape::{Kind, design};
use crate::world::{Step, World, beginning, history, id};

fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("INVARIANT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() }
}

/// How often plans are made and applied until a quiet world must be quiet.
const ROUNDS: usize = 8;

proptest! {
    #![proptest_config(config(1_000))]

    /// 1: any order, grouping and repetition of the same observations gives the same representation.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        design in design(),
        beginning in beginning(),
        edits in history(),
        order in proptest::collection::vec((0..25_usize, 0..2_usize, 0..9_usize), 0..12),
    ) {
        let told = |shuffled: bool| {
            let mut world = World::begin(&design, beginning);
            for step in edits.iter().filter(|step| matches!(step, Step::Edit { .. } | Step::Pass(_))) {
                let untold = match step.clone() {
                    Step::Edit { system, entity, attribute, value, .. } => {
                        Step::Edit { system, entity, attribute, value, told: false }
                    }
                    other => other,
                };
                world.run(&untold);
            }
            if shuffled {
                for (system, entity, back) in &order {
                    world.tell(system % design.systems, *entity, *back);
                }
            }
            for system in 0..design.systems {
                for entity in 0..2 {
                    let versions = world.fakes[system].versions("things", &id(entity));
                    for version in 0..versions {
                        world.tell(system, entity, if shuffled { version } else { versions - 1 - version });
                    }
                }
            }
            let rows = world.rows().into_iter().filter(|(table, ..)| *table == Table::Representation);
            rows.map(|(_, key, value)| (key, value)).collect::<Vec<_>>()
        };
        prop_assert_eq!(told(false), told(true));
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    /// 3, 4, 5, 7, 11, of one history each.
    #[test]
    fn a_history_keeps_the_boundary_and_comes_to_rest(
        design in design(),
        beginning in beginning(),
        history in history(),
    ) {
        let mut world = World::begin(&design, beginning);
        world.poll_all();
        for step in &history {
            world.run(step);
            golden_stands_on_something(&world)?;
        }
        world.poll_all();
        comes_to_rest(&mut world)?;
        hears_no_echo(&mut world)?;
        golden_stands_on_something(&world)?;
        nobody_was_overwritten_unnamed(&world)?;
    }
}

proptest! {
    #![proptest_config(config(500))]

    /// A connection that is observed, held, paused or outside its windows is never written, whatever was approved before,
    /// and whatever crashed or was lost; once it may be written, it is.
    #[test]
    fn what_may_not_be_written_never_is(
        design in design(),
        beginning in beginning(),
        history in history(),
        allowed in proptest::collection::vec((0..25_usize, 0..6_u8), 0..12),
    ) {
        let mut world = World::begin(&design, beginning);
        world.poll_all();
        let mut may = vec![true; design.systems];
        let mut allowed = allowed.into_iter();
        for step in &history {
            if let Some((system, how)) = allowed.next() {
                let system = system % design.systems;
                may[system] = world.allow(system, how);
            }
            let before: Vec<usize> = world.fakes.iter().map(|fake| fake.writes()).collect();
            world.run_if_running(step);
            for (system, fake) in world.fakes.iter().enumerate() {
                prop_assert!(may[system] || fake.writes() == before[system], "s{} was written by {:?}", system, step);
            }
        }
        for system in 0..design.systems {
            prop_assert!(world.allow(system, 0));
        }
        world.poll_all();
        comes_to_rest(&mut world)?;
        let verified = block_on(world.tenant.verify()).expect("it verifies");
        prop_assert!(verified.is_clean(), "{}", verified);
    }
}

proptest! {
    #![proptest_config(config(500))]

    /// Under the model that is in force, nothing would differ: whatever was said, written, lost, decided.
    #[test]
    fn what_is_in_force_would_change_nothing(
        design in design(),
        beginning in beginning(),
        history in history(),
    ) {
        let mut world = World::begin(&design, beginning);
        world.poll_all();
        history.iter().for_each(|step| world.run(step));
        let rows = world.rows();
        let proposal = world.proposal(&design);
        let would = block_on(world.tenant.what_if(&proposal)).expect("a look");
        prop_assert!(would.is_same(), "{would}");
        prop_assert_eq!(would.entities, entities(&world.tenant).len() as u64);
        prop_assert_eq!(world.rows(), rows, "a look changes nothing");
    }

    /// Where nothing was written and nobody decided, what a history comes to under a proposal is what it would have come to
    /// had the proposal been in force: which golden values differ is said as it is.
    #[test]
    fn what_would_be_is_what_would_have_been(
        design in design(),
        beginning in beginning(),
        history in history(),
        policies in proptest::collection::vec((shape::policy(), any::<Option<usize>>(), any::<Option<bool>>()), 2),
    ) {
        let mut proposed = design.clone();
        for (attribute, (policy, owner, on_clear)) in proposed.attributes.iter_mut().zip(policies) {
            *attribute = shape::Attribute { policy, owner, on_clear, ..attribute.clone() };
            // The systems that hold it stay those that do.
            attribute.unmapped = 0;
        }
        let design = shape::Design { attributes: design.attributes.into_iter().map(|it| shape::Attribute { unmapped: 0, ..it }).collect(), ..design };
        let tell = |design: &shape::Design| {
            let mut world = World::begin(design, beginning);
            world.poll_all();
            let tells = |step: &&Step| matches!(step, Step::Edit { .. } | Step::Tell { .. } | Step::Poll(_) | Step::Pass(_));
            for step in history.iter().filter(tells) {
                world.run(step);
                // Steps of one instant that changed nothing then are taken together: the journal does not tell them apart.
                world.run(&Step::Pass(1));
            }
            world
        };
        let (is, would_have_been) = (tell(&design), tell(&proposed));
        let proposal = is.proposal(&proposed);
        let would = block_on(is.tenant.what_if(&proposal)).expect("a look");
        let looked = entities(&proposal.tenant("tenant"));
        let was = entities(&would_have_been.tenant);
        let mut differ = 0;
        for entity in 0..2 {
            let key = |held: &&accordant::entity::Entity| held.links.iter().any(|link| *link.record.id == *id(entity));
            let golden = |held: Option<&accordant::entity::Entity>| -> Vec<_> {
                let cells = held.into_iter().flat_map(|held| held.golden.iter());
                cells.map(|(key, cell)| (key, cell.field.clone(), std::mem::discriminant(&cell.status))).collect()
            };
            let (looked, was) = (looked.iter().find(key), was.iter().find(key));
            prop_assert_eq!(golden(looked), golden(was), "entity {}", entity);
            let stands = is.entity(entity);
            differ += golden(looked).iter().filter(|cell| !golden(stands.as_ref()).contains(cell)).count();
        }
        prop_assert!(differ == 0 || !would.golden.is_empty(), "{differ} differ, and the look names none");
    }
}

/// 3: what is golden of an owned attribute was said by a person in a system that owns it, or decided.
/// 11: whatever is golden has an origin, a decision or a derivation.
fn golden_stands_on_something(world: &World) -> Result<(), TestCaseError> {
    for entity in 0..2 {
        let Some(held) = world.entity(entity) else { continue };
        for attribute in 0..world.design.attributes.len() {
            for cell in world.golden(&held, attribute) {
                let Some(value) = cell.field.as_value() else { continue };
                let stands = cell.origin.is_some() || cell.resolution.by.is_some();
                prop_assert!(stands || cell.status != Status::Settled, "a{}: nothing explains {:?}", attribute, cell);
                prop_assert!(!cell.resolution.policy.is_empty());
                let Some(owner) = world.design.owner(attribute) else { continue };
                let decided = world.decided.contains(&(attribute, entity));
                let said = world.said.get(&(attribute, entity, owner));
                let word = value.trim_start_matches("[\"").split('"').next().unwrap_or(value);
                let theirs = word == "common" || said.is_some_and(|said| said.contains(word));
                prop_assert!(theirs || decided, "a{}: its owner s{} never said {}", attribute, owner, value);
            }
        }
    }
    Ok(())
}

/// 4: at most one write per differing pair, and one per lost answer; then nothing is open that does not wait.
fn comes_to_rest(world: &mut World) -> Result<(), TestCaseError> {
    let differing = world.differing();
    let before = world.writes();
    let mut rounds = 0;
    loop {
        let owed = [true, false].map(|bootstrap| {
            let owed = !world.plan(bootstrap).operations.is_empty();
            if owed {
                world.apply(bootstrap);
            }
            owed
        });
        world.poll_all();
        if owed == [false, false] {
            break;
        }
        rounds += 1;
        prop_assert!(rounds < ROUNDS + world.lost, "still planning: {}", world.plan(false));
    }
    let writes = world.writes() - before;
    prop_assert!(writes <= differing + world.lost, "{} writes for {} differences", writes, differing);
    for held in entities(&world.tenant) {
        for standing in held.discrepancies.values() {
            prop_assert!(standing.state != DiscrepancyState::Open, "open, and no plan mends it: {:?}", standing);
        }
    }
    Ok(())
}

/// 5: what we wrote comes back on every surface, and nothing follows from it.
fn hears_no_echo(world: &mut World) -> Result<(), TestCaseError> {
    let golden = world.all_golden();
    for system in 0..world.design.systems {
        for entity in 0..2 {
            for back in 0..2 {
                world.tell(system, entity, back);
            }
        }
        world.run(&Step::Scan(system));
    }
    prop_assert_eq!(world.all_golden(), golden);
    prop_assert_eq!(world.plan(false).to_string(), "");
    prop_assert_eq!(world.plan(true).to_string(), "");
    Ok(())
}

/// 7: where we wrote over a person's word, the journal names it as a loser, or the boundary gave it no say.
fn nobody_was_overwritten_unnamed(world: &World) -> Result<(), TestCaseError> {
    let losers = losers(world);
    for (word, (attribute, entity, system, version)) in &world.words {
        let design = &world.design;
        let no_say = design.owner(*attribute).is_some_and(|owner| owner != *system);
        if no_say || design.attributes[*attribute].kind == Kind::Set || world.decided.contains(&(*attribute, *entity)) {
            continue;
        }
        let fake = &world.fakes[*system];
        let next = version + 1;
        if next >= fake.versions("things", &id(*entity)) || people_spoke(world, *system, *entity, next, *attribute) {
            continue;
        }
        let body: Json = serde_json::from_slice(fake.webhook("things", &id(*entity), next).body()).expect("JSON");
        let still = body["record"][format!("a{attribute}")].to_string().contains(word.as_str());
        prop_assert!(still || losers.iter().any(|lost| lost.contains(word.as_str())), "{} was overwritten", word);
    }
    Ok(())
}

/// Whether a version is a person's own word about the attribute.
fn people_spoke(world: &World, system: usize, entity: usize, version: usize, attribute: usize) -> bool {
    let fake = &world.fakes[system];
    let at = |version| {
        let body: Json = serde_json::from_slice(fake.webhook("things", &id(entity), version).body()).expect("JSON");
        body["record"][format!("a{attribute}")].clone()
    };
    world.edited.contains(&(system, entity, version)) && at(version) != at(version - 1)
}

/// The fields that journaled resolutions list as losers.
fn losers(world: &World) -> Vec<String> {
    fn collect(value: &Json, found: &mut Vec<String>) {
        match value {
            Json::Object(members) => {
                if members.get("won") == Some(&Json::Bool(false)) {
                    found.extend(members.get("field").map(ToString::to_string));
                }
                members.values().for_each(|member| collect(member, found));
            }
            Json::Array(elements) => elements.iter().for_each(|element| collect(element, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (_, payload) in journal(&world.tenant).into_iter().filter(|(entry, _)| entry.kind.as_str() == "facts") {
        let payload = payload.expect("nothing was erased");
        collect(&serde_json::from_slice(&payload.bytes).expect("JSON"), &mut found);
    }
    found
}

proptest! {
    #![proptest_config(config(1_000))]

    /// 2: the same inputs give the same rows, journal and plans, byte by byte.
    #[test]
    fn the_same_history_gives_the_same_bytes(design in design(), beginning in beginning(), history in history()) {
        let run = || {
            let mut world = World::begin(&design, beginning);
            world.poll_all();
            history.iter().for_each(|step| world.run(step));
            let plan = world.plan(false);
            (world.rows(), journal(&world.tenant), plan.hash, plan.to_string())
        };
        prop_assert_eq!(run(), run());
    }

    /// 8: merging two entities and taking it back restores links, golden records and plans.
    #[test]
    fn a_merge_taken_back_restores_everything(design in design(), beginning in beginning(), history in history()) {
        let mut world = World::begin(&design, beginning);
        world.poll_all();
        history.iter().for_each(|step| world.run(step));
        world.poll_all();
        let (one, other) = (world.entity(0).expect("it was polled"), world.entity(1).expect("it was polled"));
        let as_it_stands = |world: &World| {
            let links: Vec<_> = entities(&world.tenant).iter().map(|held| held.links.clone()).collect();
            (links, world.all_golden(), world.plan(false).to_string(), world.plan(true).to_string())
        };
        let before = as_it_stands(&world);
        block_on(world.tenant.merge(one.id, other.id, &Actor::new("ana"))).expect("they can be merged");
        prop_assert_eq!(world.entity(1).expect("its records are linked").id, one.id);
        block_on(world.tenant.unmerge(other.id, &Actor::new("ana"))).expect("that can be taken back");
        prop_assert_eq!(as_it_stands(&world), before);
    }

    /// 10: what one tenant does changes nothing of another's, on the same store.
    #[test]
    fn tenants_do_not_meet(
        design in design(),
        other_design in design(),
        beginning in beginning(),
        history in history(),
        other_history in history(),
    ) {
        let mut alone = World::begin(&design, beginning);
        alone.poll_all();
        history.iter().for_each(|step| alone.run(step));
        let store = MemoryStore::new();
        let mut here = World::begin_in(&design, beginning, &store, "tenant");
        let mut there = World::begin_in(&other_design, beginning, &store, "tenant2");
        here.poll_all();
        there.poll_all();
        let mut others = other_history.iter();
        for step in &history {
            here.run(step);
            if let Some(step) = others.next() {
                there.run(step);
            }
        }
        prop_assert_eq!(here.rows(), alone.rows());
        prop_assert_eq!(journal(&here.tenant), journal(&alone.tenant));
    }
}
