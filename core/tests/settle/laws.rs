//! What holds after every settling of every story.

use std::collections::BTreeMap;

use accordant::classify::{LinkState, Verdict};
use accordant::entity::{Entity, REACTIONS_TO_FREEZE};
use accordant::fact::Fact;
use accordant::golden::{GoldenLife, Status};
use accordant::model::UnitKey;
use accordant::ownership::{Authority, OnClear};
use accordant::representation::Life;
use accordant::settle::Touched;
use accordant::value::Field;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;

use crate::story::{Step, Story, begin, happen, name_of, story};
use crate::universe::Universe;

type Law = Result<(), TestCaseError>;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(1_500))]

    /// Invariant 2 and the contract of facts: what settling says is all that it does, and it says the same again.
    #[test]
    fn s08_settling_is_pure_and_its_facts_are_all_it_does(story in story()) {
        let mut universe = begin(&story, &[]);
        for step in &story.steps {
            let touched = happen(&mut universe, &story, step);
            let mut copy = universe.entity.clone();
            let mut again = universe.clone();
            let mut partly = universe.clone();
            let facts = universe.settle();
            prop_assert_eq!(&again.settle(), &facts);
            facts.iter().for_each(|fact| fact.apply(&mut copy));
            prop_assert_eq!(&copy, &universe.entity);
            if let Some(touched) = touched {
                partly.settle_touched(&Touched::Units(touched));
                prop_assert_eq!(&partly.entity, &universe.entity, "looking at what was touched is enough: {:?}", step);
            }
        }
    }

    /// A quiet world has nothing to settle, whatever the time.
    #[test]
    fn s08_settling_again_says_nothing(story in story()) {
        let mut universe = begin(&story, &[]);
        for step in &story.steps {
            happen(&mut universe, &story, step);
            universe.settle();
            universe.clock += 1;
            prop_assert_eq!(universe.settle(), [], "after {:?}", step);
        }
    }

    /// Invariants 3 and 11, and the laws of groups, collections, derived units, clears, parks, holds and death.
    #[test]
    fn s04_to_s11_hold_after_every_settling(story in story()) {
        let mut universe = begin(&story, &[]);
        for step in &story.steps {
            happen(&mut universe, &story, step);
            let before = universe.clone();
            let facts = universe.settle();
            let story_of = |law: Law| law.map_err(|error| TestCaseError::fail(format!("{error}\nafter {step:?}")));
            for key in universe.keys() {
                story_of(explained(&universe, &key))?;
                story_of(parks(&before, &universe, &key))?;
                story_of(blocks_without_base(&before, &universe, &key))?;
                story_of(holds(&before, &universe, &key))?;
                story_of(freezes(&before, &universe, &key, &facts))?;
                story_of(element_is_supported(&story, &before, &universe, &key))?;
            }
            story_of(keeps_boundaries(&story, &before, &universe))?;
            story_of(retires(&universe))?;
        }
    }

    /// The order of links decides nothing. What was written carries the origin that golden had, so stories write nothing.
    #[test]
    fn s08_the_order_of_links_decides_nothing(story in quiet_story(), seed in any::<u64>()) {
        let mut orders: Vec<u64> = (0..story.systems as u64).collect();
        orders.sort_by_key(|order| (order + 1).wrapping_mul(seed | 1).rotate_left(17));
        let mut one = begin(&story, &[]);
        let mut other = begin(&story, &orders);
        for step in &story.steps {
            for universe in [&mut one, &mut other] {
                happen(universe, &story, step);
                universe.settle();
            }
            prop_assert_eq!(outcome(&one), outcome(&other), "after {:?} in the order {:?}", step, orders);
        }
    }
}

fn quiet_story() -> impl Strategy<Value = Story> {
    story().prop_map(|mut story| {
        story.steps.retain(|step| !matches!(step, Step::Write));
        story
    })
}

/// Golden values with their status, life, and what stands open: all that does not name an order.
fn outcome(universe: &Universe) -> (Vec<(UnitKey, Field, String)>, GoldenLife, Vec<String>) {
    let status = |status: &Status| match status {
        Status::Settled => "settled".to_owned(),
        Status::Held(held) => format!("held: {}", held.proposed),
        Status::Parked { reason } => format!("parked: {reason}"),
        other => format!("{other:?}"),
    };
    let golden = universe.entity.golden.iter();
    let golden = golden.map(|(key, cell)| (key, cell.field.clone(), status(&cell.status))).collect();
    let found = universe.entity.discrepancies.values();
    let found = found.map(|found| format!("{} {:?} {:?} {:?}", found.unit, found.link, found.kind, found.state));
    let mut found: Vec<String> = found.collect();
    found.sort_unstable();
    (golden, universe.entity.life, found)
}

fn field(universe: &Universe, key: &UnitKey) -> Field {
    universe.entity.golden.get(key).map(|cell| cell.field.clone()).unwrap_or_default()
}

fn oscillates(entity: &Entity, key: &UnitKey) -> bool {
    entity.links.iter().filter_map(|link| link.reactions.get(key)).any(|count| *count >= REACTIONS_TO_FREEZE)
}

/// Invariant 11; and a group's golden value is one that its origin showed as a whole.
fn explained(universe: &Universe, key: &UnitKey) -> Law {
    let Some(cell) = universe.entity.golden.get(key).filter(|cell| cell.field.is_value()) else { return Ok(()) };
    let unit = &universe.model.entity(0).units[usize::from(key.index().unwrap_or_default())];
    prop_assert!(!cell.resolution.policy.is_empty());
    if unit.derived.is_some() || cell.resolution.by.is_some() {
        return Ok(());
    }
    let Some(origin) = &cell.origin else { return Err(TestCaseError::fail(format!("{cell:?} has no origin"))) };
    let said = universe.held.get(&((*origin.record).clone(), key.clone()));
    prop_assert!(said.is_some_and(|said| said.contains(&cell.field)), "{} never said {:?}", origin.record, cell);
    Ok(())
}

/// Co-owners that moved apart park the unit where no chain can tell; what is parked was moved apart, or waits for a person
/// because a decision ended while systems differ.
fn parks(before: &Universe, after: &Universe, key: &UnitKey) -> Law {
    let unit = &after.model.entity(0).units[usize::from(key.index().unwrap_or_default())];
    let defaults = unit.chain.is_empty() && unit.owners.is_empty() && unit.derived.is_none();
    let decided = before.entity.decisions.get(key).is_some();
    if !defaults || decided || oscillates(&after.entity, key) || after.is_collection(key) {
        return Ok(());
    }
    let (links, classified) = before.classified(key);
    let seen: BTreeMap<usize, Field> = before.seen(key).into_iter().collect();
    let moved = links.iter().zip(&classified.states).filter(|(_, state)| **state == LinkState::Moved);
    let with_values = moved.clone().all(|(link, _)| seen[link].is_value());
    let parked = |universe: &Universe| {
        universe.entity.golden.get(key).is_some_and(|cell| matches!(cell.status, Status::Parked { .. }))
    };
    if classified.verdict == Verdict::HardConflict && with_values {
        prop_assert!(parked(after), "{:?} moved apart", key);
        prop_assert_eq!(field(before, key), field(after, key));
    }
    let asked_anew = after.entity.lapses.get(key).is_some_and(|lapse| lapse.waits);
    if parked(after) && field(after, key).is_value() && !asked_anew {
        prop_assert_eq!(after.classified(key).1.verdict, Verdict::HardConflict, "{:?} is parked", key);
    }
    Ok(())
}

/// A link without base that contradicts golden is neither believed nor given a base.
fn blocks_without_base(before: &Universe, after: &Universe, key: &UnitKey) -> Law {
    let settled = before.entity.golden.get(key).is_some_and(|cell| cell.status == Status::Settled);
    if !settled || before.is_collection(key) {
        return Ok(());
    }
    let (links, classified) = before.classified(key);
    let seen: BTreeMap<usize, Field> = before.seen(key).into_iter().collect();
    for place in &classified.no_base_conflicts {
        let link = &after.entity.links[links[*place]];
        let origin = after.entity.golden.get(key).and_then(|cell| cell.origin.as_ref());
        prop_assert!(origin.is_none_or(|origin| *origin.record != *link.record), "{} became golden", link.record);
        if seen[&links[*place]] != field(after, key) {
            prop_assert!(link.bases.get(key).is_none(), "{} was given a base", link.record);
        }
    }
    Ok(())
}

/// A held unit keeps golden, and the base of every link that does not hold golden by itself.
fn holds(before: &Universe, after: &Universe, key: &UnitKey) -> Law {
    let held = after.entity.golden.get(key).is_some_and(|cell| matches!(cell.status, Status::Held(_)));
    if !held {
        return Ok(());
    }
    prop_assert_eq!(field(before, key), field(after, key));
    for (link, seen) in after.seen(key) {
        let base = |universe: &Universe| universe.entity.links[link].bases.get(key).cloned();
        if seen.is_value() && seen != field(after, key) {
            prop_assert_eq!(base(before).map(|base| base.seen), base(after).map(|base| base.seen));
        }
    }
    Ok(())
}

/// An oscillating unit stands still until a person decides.
fn freezes(before: &Universe, after: &Universe, key: &UnitKey, facts: &[Fact]) -> Law {
    if oscillates(&before.entity, key) {
        let settled = facts.iter().any(|fact| matches!(fact, Fact::Settled { unit, .. } if unit == key));
        prop_assert!(!settled, "{:?} oscillates, and golden moved", key);
        prop_assert_eq!(field(before, key), field(after, key));
    }
    Ok(())
}

/// An element enters with its first support, leaves with its last, and does not stay when nobody holds it.
fn element_is_supported(story: &Story, before: &Universe, after: &Universe, key: &UnitKey) -> Law {
    let UnitKey::Element(_, element) = key else { return Ok(()) };
    if story.hides() || oscillates(&after.entity, key) {
        return Ok(());
    }
    let golden = field(after, key).is_value();
    let holds = |link: usize| {
        let system = after.entity.links[link].record.connection.to_string();
        after.holds(&system, "tags", Some(element))
    };
    let seen: Vec<usize> = after.seen(key).into_iter().map(|(link, _)| link).filter(|link| holds(*link)).collect();
    let own = |link: &usize| {
        let base = before.entity.links[*link].bases.get(key);
        base.is_none_or(|base| base.marks.wrote.is_none())
    };
    let never_golden = before.entity.golden.get(key).is_none();
    if never_golden || field(before, key).is_value() {
        prop_assert!(golden || !seen.iter().any(own), "{} is not golden, and is supported", element);
    }
    prop_assert!(!golden || !seen.is_empty(), "{} stays, and nobody holds it", element);
    Ok(())
}

/// Invariant 3, held clears, and derived units.
fn keeps_boundaries(story: &Story, before: &Universe, after: &Universe) -> Law {
    let model = after.model.entity(0);
    let owned = after.key("owned");
    let golden = field(after, &owned);
    let index = usize::from(owned.index().unwrap_or_default());
    let owners = after
        .entity
        .links
        .iter()
        .filter(|link| model.objects[usize::from(link.object)].authority[index] == Authority::Owner);
    let mut said = owners.filter_map(|link| after.held.get(&((*link.record).clone(), owned.clone())));
    prop_assert!(!golden.is_value() || said.any(|said| said.contains(&golden)), "no owner ever said {}", golden);

    let name = after.key("name");
    if story.on_clear != Some(OnClear::Propagate) && field(before, &name).is_value() {
        prop_assert!(field(after, &name).is_value(), "a clear that is held cleared golden");
    }
    let label = field(after, &after.key("label"));
    let shouted = field(after, &name).as_value().map(str::to_uppercase);
    prop_assert_eq!(label.as_value().map(ToOwned::to_owned), shouted);
    Ok(())
}

/// All dead converges: golden is retired. While co-owners live, nothing is.
fn retires(universe: &Universe) -> Law {
    let life = |place: usize| {
        let record = &universe.entity.links[place].record;
        universe.representations.get(&**record).map_or(Life::Unknown, |seen| seen.existence().life())
    };
    let dead = (0..universe.entity.links.len()).filter(|place| matches!(life(*place), Life::Dead(_))).count();
    if dead == universe.entity.links.len() {
        prop_assert_eq!(universe.entity.life, GoldenLife::Retired);
    }
    if universe.entity.life == GoldenLife::Live {
        let names: Vec<String> = (0..universe.entity.links.len())
            .filter(|place| matches!(life(*place), Life::Dead(_)) && universe.entity.links[*place].existed)
            .map(name_of)
            .collect();
        prop_assert_eq!(universe.open("$exists").len(), names.len(), "one finding for each of {:?}", names);
    }
    Ok(())
}
