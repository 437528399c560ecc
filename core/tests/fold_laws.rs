//! The laws of fold (`docs/semantics.md` 2 and 3): any order, grouping and repetition of the same observations gives the
//! same representation, and every answer is the one that the plain set of observations gives.

#[path = "fold/answers.rs"]
mod answers;
#[path = "fold/sentences.rs"]
mod sentences;
#[path = "fold/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use accordant::observation::{Observation, SlotIndex};
use accordant::representation::Representation;
use accordant::stamp::Stamp;
use accordant::value::Field;
use answers::{answers, expected, says, shows};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use world::{COLLECTIONS, Event, SCALARS, apply, element, fold, full, history, said};

/// A history, and the same one in another order with some of it repeated.
fn two_deliveries() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    (history(1..16), proptest::collection::vec(any::<proptest::sample::Index>(), 0..8)).prop_flat_map(
        |(events, again)| {
            let repeated = again.iter().map(|index| index.get(&events).clone());
            let second: Vec<Event> = events.iter().cloned().chain(repeated).collect();
            (proptest::strategy::Just(events), proptest::strategy::Just(second).prop_shuffle())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 1.
    #[test]
    fn s03_order_and_repetition_change_nothing((first, second) in two_deliveries()) {
        let (first, second) = (fold(&first), fold(&second));
        prop_assert_eq!(answers(&first), answers(&second));
        prop_assert_eq!(first, second);
    }

    /// Grouping: what is folded in batches, each batch in any order, is what is folded at once.
    #[test]
    fn s03_grouping_changes_nothing(events in history(1..16), cut in any::<proptest::sample::Index>()) {
        let cut = cut.index(events.len());
        let (early, late) = events.split_at(cut);
        let mut grouped = fold(late.iter().rev());
        for event in early.iter().rev() {
            apply(&mut grouped, event);
        }
        prop_assert_eq!(grouped, fold(&events));
    }

    /// Folding anything that was folded before changes nothing, and reports that nothing changed.
    #[test]
    fn s03_fold_is_idempotent(events in history(1..12), again in any::<proptest::sample::Index>()) {
        let once = fold(&events);
        let mut twice = once.clone();
        let outcome = apply(&mut twice, again.get(&events));
        prop_assert_eq!(&twice, &once);
        prop_assert!(!outcome.existence);
    }

    /// The answers are those of the set of observations, whatever the registers are.
    #[test]
    fn s03_answers_are_those_of_the_set(events in history(0..16)) {
        prop_assert_eq!(answers(&fold(&events)), expected(&events));
    }

    /// Whoever follows only what a fold reports misses no change.
    #[test]
    fn fold_reports_every_change(events in history(1..12)) {
        let mut representation = Representation::new();
        for event in &events {
            let before = answers(&representation);
            let outcome = apply(&mut representation, event);
            let after = answers(&representation);
            for slot in 0..4 {
                let changed = before.of_slot(slot) != after.of_slot(slot);
                prop_assert!(!changed || outcome.touched.contains(&slot), "slot {} changed by {:?}", slot, event);
            }
            prop_assert_eq!(before.life != after.life, outcome.existence);
        }
    }

    /// Equal stamps that disagree on what stands ask for a read, and so does a push that contradicts a read of its token;
    /// without such a disagreement nothing does.
    #[test]
    fn s02_equal_stamps_that_disagree_ask_for_a_read(events in history(1..12)) {
        let mut representation = Representation::new();
        for (position, event) in events.iter().enumerate() {
            let outcome = apply(&mut representation, event);
            let Event::Observed(_) = event else { continue };
            let tied = representation.existence().tied();
            let unclear = tied || contradicts_a_read(&events[..position], event);
            let must = unclear || disagrees(&events[..position], event, true);
            let may = unclear || disagrees(&events[..position], event, false);
            prop_assert!(outcome.tie || !must, "{:?} after {:?}", event, &events[..position]);
            prop_assert!(may || !outcome.tie, "{:?} after {:?}", event, &events[..position]);
        }
    }

    /// What lies before the horizon can be forgotten: today's answers stay, and so do those after later arrivals.
    #[test]
    fn s03_compaction_keeps_every_answer(events in history(1..16), late in history(0..8), horizon in 1_i64..7) {
        let whole = fold(&events);
        let mut compacted = whole.clone();
        compacted.compact(horizon);
        prop_assert_eq!(answers(&compacted), answers(&whole));
        let mut whole = whole;
        for event in late.iter().filter(|event| event.token() >= horizon) {
            apply(&mut whole, event);
            apply(&mut compacted, event);
            prop_assert_eq!(answers(&compacted), answers(&whole), "after {:?}", event);
        }
    }
}

/// A history, and the same in another order in which the direct reads of the record answered as they were started:
/// pushed and polled observations arrive whenever they do.
fn two_deliveries_of_reads_in_order() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    let in_order = |mut events: Vec<Event>| {
        let is_read = |event: &Event| matches!(event, Event::Observed(seen) if seen.stamp.read > 0);
        let places: Vec<usize> = (0..events.len()).filter(|place| is_read(&events[*place])).collect();
        let mut reads: Vec<Event> = places.iter().map(|place| events[*place].clone()).collect();
        reads.sort_by_key(|event| match event {
            Event::Observed(seen) => seen.stamp.read,
            Event::Redirected(..) => 0,
        });
        for (place, read) in places.into_iter().zip(reads) {
            events[place] = read;
        }
        events
    };
    repeated_reads().prop_flat_map(move |events| {
        let other = proptest::strategy::Just(events.clone()).prop_shuffle().prop_map(in_order);
        (proptest::strategy::Just(in_order(events)), other)
    })
}

/// Histories of few versions, each read many times.
fn repeated_reads() -> impl Strategy<Value = Vec<Event>> {
    let stamped = (history(4..=4), proptest::collection::vec((0_usize..4, 1_i64..3, 0_u64..12), 4..24));
    stamped.prop_map(|(kinds, stamps)| {
        let at = |(kind, token, read): (usize, i64, u64)| match kinds[kind].clone() {
            Event::Observed(seen) => Event::Observed(Observation { stamp: Stamp { token, read }, ..seen }),
            Event::Redirected(_, survivor) => Event::Redirected(Stamp { token, read }, survivor),
        };
        // A read has one answer.
        let mut reads = BTreeSet::new();
        let once = |event: &Event| match event {
            Event::Observed(seen) => seen.stamp.read == 0 || reads.insert(seen.stamp.read),
            Event::Redirected(..) => true,
        };
        stamps.into_iter().map(at).filter(once).collect()
    })
}

fn trimmed<'a>(events: impl IntoIterator<Item = &'a Event>) -> Representation {
    let mut representation = Representation::new();
    for event in events {
        apply(&mut representation, event);
        representation.trim();
    }
    representation
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is trimmed with every observation answers as what was never trimmed, whenever pushes arrive.
    #[test]
    fn s03_trimming_keeps_every_answer((first, second) in two_deliveries_of_reads_in_order()) {
        let told = answers(&fold(&first));
        prop_assert_eq!(answers(&trimmed(&first)), told.clone());
        prop_assert_eq!(answers(&trimmed(&second)), told);
    }

    /// Trimming again, or trimming only once at the end, gives the same.
    #[test]
    fn s03_trimming_has_one_result((first, second) in two_deliveries_of_reads_in_order()) {
        let once = { let mut whole = fold(&first); whole.trim(); whole };
        prop_assert_eq!(&trimmed(&first), &once);
        prop_assert_eq!(&trimmed(&second), &once);
        let mut again = once.clone();
        again.trim();
        prop_assert_eq!(again, once);
    }
}

/// A year of nightly scans of a record that never changes, and a year of one that changes every night.
#[test]
fn s03_a_record_holds_as_much_after_a_year_of_scans_as_after_a_week() {
    const DAY: i64 = 86_400_000;
    let scanned = |nights: u32, token: &dyn Fn(u32) -> i64| {
        let cells = || vec![said(0, "a"), said(1, "b"), element(2, "x", "x"), element(3, "y", "b")];
        let nightly = (1..=nights).map(|night| {
            let stamp = Stamp { token: token(night), read: night.into() };
            let seen = Observation { stamp, ..full(0, cells()) };
            Event::Observed(seen)
        });
        trimmed(&nightly.collect::<Vec<_>>())
    };
    let entries = |representation: &Representation| format!("{representation:?}").matches("Stamp").count();
    let unchanged = |_: u32| DAY;
    assert_eq!(entries(&scanned(365, &unchanged)), entries(&scanned(7, &unchanged)));
    let changed = |night: u32| i64::from(night) * DAY;
    assert_eq!(entries(&scanned(730, &changed)), entries(&scanned(365, &changed)));
    let cell = scanned(365, &unchanged);
    assert_eq!(cell.cell(0).map(|cell| cell.history().count()), Some(2));
}

/// Whether an event says something new at a stamp at which something else was said of the same slot. `standing`: and
/// nothing was said of the slot at a later stamp.
fn disagrees(earlier: &[Event], event: &Event, standing: bool) -> bool {
    let Event::Observed(now) = event else { return false };
    let others = |slot: SlotIndex| {
        let about = earlier.iter().filter_map(move |event| match event {
            Event::Observed(other) if says(other, slot).is_some() => Some(other),
            _ => None,
        });
        let overtaken = about.clone().any(|other| other.stamp > now.stamp);
        about.filter(move |other| other.stamp == now.stamp && !(standing && overtaken))
    };
    let scalar = |slot: &SlotIndex| {
        let Some(field) = says(now, *slot) else { return false };
        let others: BTreeSet<_> = others(*slot).filter_map(|observation| says(observation, *slot)).collect();
        !others.is_empty() && !others.contains(&field)
    };
    // Another choice of elements than stood there, or another value for one of them.
    let collection = |slot: &SlotIndex| {
        let Some(shown) = shows(now, *slot) else { return false };
        let others: Vec<_> = others(*slot).filter_map(|observation| shows(observation, *slot)).collect();
        let stood: BTreeSet<_> = others.iter().flat_map(BTreeMap::keys).collect();
        let otherwise = |(name, field): (&String, &Field)| !others.iter().any(|other| other.get(name) == Some(field));
        !others.is_empty() && (stood != shown.keys().collect() || shown.iter().any(otherwise))
    };
    SCALARS.iter().any(scalar) || COLLECTIONS.iter().any(collection)
}

/// Whether an event is pushed with the token of the read that stands, and says something new that the read did not find.
fn contradicts_a_read(earlier: &[Event], event: &Event) -> bool {
    let Event::Observed(now) = event else { return false };
    let contradicts = |said: &dyn Fn(&Observation) -> Option<Field>| {
        let Some(field) = said(now).filter(|_| now.stamp.read == 0) else { return false };
        let about = earlier.iter().filter_map(|event| match event {
            Event::Observed(other) => Some((other.stamp, said(other)?)),
            Event::Redirected(..) => None,
        });
        let known = about.clone().any(|(stamp, other)| stamp == now.stamp && other == field);
        let stands = about.max();
        !known && stands.is_some_and(|(at, other)| at > now.stamp && at.token == now.stamp.token && other != field)
    };
    let element = |slot: &SlotIndex| {
        let names = shows(now, *slot).into_iter().flatten().map(|(name, _)| name);
        let names: Vec<String> = names.collect();
        names.iter().any(|name| contradicts(&|seen| shows(seen, *slot)?.get(name).cloned()))
    };
    SCALARS.iter().any(|slot| contradicts(&|seen| says(seen, *slot))) || COLLECTIONS.iter().any(element)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every permutation of a history, each with one observation said twice.
    #[test]
    fn s03_every_permutation_folds_alike(events in history(2..=6)) {
        let whole = fold(&events);
        let told = answers(&whole);
        let mut order: Vec<usize> = (0..events.len()).collect();
        let mut count = 0;
        permute(&mut order, 0, &mut |order| {
            let again = order[count % order.len()];
            count += 1;
            let permuted = fold(order.iter().chain(std::iter::once(&again)).map(|place| &events[*place]));
            assert_eq!(permuted, whole, "in the order {order:?}");
            assert_eq!(answers(&permuted), told);
        });
        prop_assert_eq!(count, (1..=events.len()).product::<usize>());
    }
}

fn permute(order: &mut [usize], from: usize, each: &mut impl FnMut(&[usize])) {
    if from + 1 >= order.len() {
        each(order);
        return;
    }
    for place in from..order.len() {
        order.swap(from, place);
        permute(order, from + 1, each);
        order.swap(from, place);
    }
}
