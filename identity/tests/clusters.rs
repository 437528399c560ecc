//! Guard rails as laws over random pairs, and what is read off clusters: bridges, refusals, one-to-one pairs.
#![expect(clippy::float_arithmetic, reason = "weights and probabilities are estimates; nothing here is an amount")]

use std::collections::{BTreeMap, BTreeSet};

use accordant_identity::assignment::one_to_one;
use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::cluster::{self, Clusters, Edge, Rails, Refusal};
use accordant_identity::resolution::Pair;
use accordant_identity::review::weakest_bridges;
use accordant_identity::score::pair_hash;
use accordant_identity::table::{Row, Table};
use proptest::prelude::*;

/// Records by their system and number; 0: they have none.
fn table(records: &[(u8, u8)]) -> Table {
    let mut table = Table::new(Schema::new(&[("number", Kind::Identifier)]));
    for system in ["crm", "shop", "erp"] {
        table.system(system);
    }
    for (id, (system, number)) in records.iter().enumerate() {
        let number = if *number == 0 { String::new() } else { format!("N{number}") };
        table.push(&id.to_string(), ["crm", "shop", "erp"][usize::from(*system)], &[number]);
    }
    table
}

fn edges(drawn: &[(Row, Row, u8)], rows: usize, table: &Table) -> Vec<Edge> {
    let rows = u32::try_from(rows).expect("few rows");
    let mut by_pair: BTreeMap<(Row, Row), u8> = BTreeMap::new();
    for (a, b, weight) in drawn {
        let (a, b) = (a % rows, b % rows);
        if a != b {
            by_pair.insert((a.min(b), a.max(b)), *weight);
        }
    }
    let mut edges: Vec<Edge> =
        by_pair.into_iter().map(|((a, b), weight)| Edge { a, b, weight: f32::from(weight) }).collect();
    cluster::sort(&mut edges, table);
    edges
}

proptest! {
    /// Whatever pairs there are: no rail is broken, what holds a cluster together is in it and has no cycle, and every pair that is
    /// strong enough and joined nothing is a case.
    #[test]
    fn no_rail_is_broken_and_what_was_refused_is_a_case(
        records in prop::collection::vec((0_u8..3, 0_u8..4), 2..14),
        drawn in prop::collection::vec((0_u32..14, 0_u32..14, 0_u8..30), 0..40),
        held in prop::collection::vec((0_u32..14, 0_u32..14), 0..4),
        size in 2_usize..8,
        length in 1_usize..5,
        most in prop::collection::vec(prop::option::of(1_u16..3), 3),
        for_it in prop::bool::ANY,
    ) {
        let table = table(&records);
        let rows = u32::try_from(records.len()).expect("few rows");
        let edges = edges(&drawn, records.len(), &table);
        let mut rails = Rails { size, length, per_system: most.clone(), one_value: vec![0], ..Rails::default() };
        for (a, b) in held.iter().map(|(a, b)| (a % rows, b % rows)).filter(|(a, b)| a != b) {
            rails.apart.insert(pair_hash(&table, a, b));
        }
        let between = if for_it { 3.0 } else { -3.0 };
        let clusters = Clusters::of(&table, &edges, &rails, &mut |_, _| between);
        let groups = clusters.groups();
        prop_assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), records.len(), "each record is in one cluster");
        for group in &groups {
            prop_assert!(group.len() <= size);
            for (system, most) in most.iter().enumerate() {
                let of = group.iter().filter(|row| table.system_of(**row) == system).count();
                prop_assert!(most.is_none_or(|most| of <= usize::from(most)));
            }
            let numbers: BTreeSet<u32> = group.iter().map(|row| table.code(*row, 0)).filter(|code| *code != 0).collect();
            prop_assert!(numbers.len() <= 1, "an entity has one number");
            for (place, a) in group.iter().enumerate() {
                for b in &group[place + 1..] {
                    prop_assert!(!rails.apart.contains(&pair_hash(&table, *a, *b)));
                }
            }
            let bridges: Vec<&Edge> = clusters.bridges.iter().filter(|bridge| group.contains(&bridge.a)).collect();
            prop_assert_eq!(bridges.len() + 1, group.len(), "a tree");
            for from in group {
                let mut reached = BTreeMap::from([(*from, 0)]);
                // Between records that say the same there is no way to go.
                let step = |bridge: &Edge| usize::from(table.codes(bridge.a) != table.codes(bridge.b));
                while let Some((next, steps)) = bridges.iter().find_map(|bridge| {
                    match (reached.get(&bridge.a), reached.get(&bridge.b)) {
                        (Some(steps), None) => Some((bridge.b, steps + step(bridge))),
                        (None, Some(steps)) => Some((bridge.a, steps + step(bridge))),
                        _ => None,
                    }
                }) {
                    reached.insert(next, steps);
                }
                prop_assert_eq!(reached.len(), group.len(), "bridges hold the cluster together");
                prop_assert!(reached.values().all(|steps| *steps <= length));
            }
        }
        let together = |edge: &Edge| clusters.of[edge.a as usize] == clusters.of[edge.b as usize];
        for edge in edges.iter().filter(|edge| edge.weight >= rails.sure && !together(edge)) {
            let case = clusters.refused.iter().any(|refused| (refused.edge.a, refused.edge.b) == (edge.a, edge.b));
            prop_assert!(case, "{:?} is no case", edge);
        }
        prop_assert!(clusters.refused.iter().all(|refused| !together(&refused.edge)), "a case is about two entities");
    }

    /// Of pairs with a weight: each record is in one that is taken at most, the strongest is taken, what was not taken is improbable, and a
    /// stronger one that was taken is no less probable.
    #[test]
    fn a_record_has_one_partner_at_most(drawn in prop::collection::vec((0_u32..12, 0_u32..12, -20_i8..40), 1..60)) {
        let mut pairs: Vec<Pair> = Vec::new();
        for (a, b, weight) in drawn {
            let (a, b) = (a, b + 100);
            if !pairs.iter().any(|pair| (pair.a, pair.b) == (a, b)) {
                let weight = f32::from(weight);
                pairs.push(Pair { a, b, weight: Some(weight), probability: 1.0 / (1.0 + (-f64::from(weight)).exp2()) });
            }
        }
        let before = pairs.clone();
        one_to_one(&mut pairs);
        prop_assert_eq!(pairs.len(), before.len());
        prop_assert!(pairs.windows(2).all(|two| two[0].probability >= two[1].probability));
        prop_assert!(pairs.iter().all(|pair| (0.0..=1.0).contains(&pair.probability)));
        let mut partners: BTreeMap<Row, usize> = BTreeMap::new();
        for pair in pairs.iter().filter(|pair| pair.probability > 0.04) {
            *partners.entry(pair.a).or_default() += 1;
            *partners.entry(pair.b).or_default() += 1;
        }
        prop_assert!(partners.values().all(|many| *many == 1));
        // The same, plainly: by descending weight, whoever is free.
        let mut plainly = before;
        plainly.sort_by(|x, y| y.weight.partial_cmp(&x.weight).expect("numbers").then((x.a, x.b).cmp(&(y.a, y.b))));
        let mut free = BTreeSet::new();
        let taken: Vec<&Pair> = plainly.iter().filter(|pair| {
            let both = !free.contains(&pair.a) && !free.contains(&pair.b);
            if both {
                free.extend([pair.a, pair.b]);
            }
            both
        }).collect();
        let probability = |of: &Pair| pairs.iter().find(|pair| (pair.a, pair.b) == (of.a, of.b)).map(|pair| pair.probability);
        for pair in pairs.iter().filter(|pair| pair.probability > 0.04) {
            prop_assert!(taken.iter().any(|of| (of.a, of.b) == (pair.a, pair.b)), "{pair:?} was not free");
        }
        for two in taken.windows(2) {
            prop_assert!(probability(two[0]) >= probability(two[1]), "{two:?}");
        }
    }
}

/// What refuses the last of some pairs.
fn refusal(records: &[(u8, u8)], edges: &[Edge], rails: &Rails) -> Option<Refusal> {
    let clusters = Clusters::of(&table(records), edges, rails, &mut |_, _| 9.0);
    clusters.refused.first().map(|refused| refused.because)
}

#[test]
fn other_numbers_are_other_entities_and_none_is_no_other() {
    let edge = |a, b| Edge { a, b, weight: 20.0 };
    let rails = Rails { one_value: vec![0], ..Rails::default() };
    assert_eq!(refusal(&[(0, 1), (1, 2)], &[edge(0, 1)], &rails), Some(Refusal::OtherIdentifier));
    assert_eq!(
        refusal(&[(0, 1), (1, 2)], &[edge(0, 1)], &Rails::default()),
        None,
        "where it was not said, it is no rail"
    );
    assert_eq!(refusal(&[(0, 1), (1, 1)], &[edge(0, 1)], &rails), None);
    assert_eq!(refusal(&[(0, 1), (1, 0)], &[edge(0, 1)], &rails), None);
    // A record without a number does not bring two numbers together.
    let through = [(0, 1), (1, 0), (2, 2)];
    assert_eq!(refusal(&through, &[edge(0, 1), edge(1, 2)], &rails), Some(Refusal::OtherIdentifier));
}

#[test]
fn a_system_may_hold_an_entity_so_often_and_no_more() {
    let edge = |a, b| Edge { a, b, weight: 20.0 };
    let of_one = [(1, 0); 4];
    let chain = [edge(0, 1), edge(1, 2), edge(2, 3)];
    for (most, largest) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        let rails = Rails { per_system: vec![None, Some(most)], ..Rails::default() };
        let clusters = Clusters::of(&table(&of_one), &chain, &rails, &mut |_, _| 9.0);
        assert_eq!(clusters.groups().iter().map(Vec::len).max(), Some(largest));
        assert_eq!(refusal(&of_one, &chain, &rails), (most < 4).then_some(Refusal::TwiceInOneSystem));
    }
}

#[test]
fn the_weakest_bridge_of_each_larger_cluster_is_told_the_weakest_first() {
    let edge = |a, b, weight| Edge { a, b, weight };
    let edges =
        [edge(0, 1, 20.0), edge(3, 4, 18.0), edge(1, 2, 9.0), edge(4, 5, 7.0), edge(5, 6, 15.0), edge(7, 8, 5.0)];
    let mut sorted = edges.to_vec();
    let table = table(&[(0, 0); 9]);
    cluster::sort(&mut sorted, &table);
    let clusters = Clusters::of(&table, &sorted, &Rails::default(), &mut |_, _| 9.0);
    assert_eq!(
        weakest_bridges(&clusters),
        [edge(4, 5, 7.0), edge(1, 2, 9.0)],
        "two records have one bridge: it is no weakest"
    );
    assert!(weakest_bridges(&Clusters::default()).is_empty());
}

#[test]
fn a_weak_pair_joins_where_all_that_is_between_is_sure_together() {
    let edges = [Edge { a: 0, b: 1, weight: 20.0 }, Edge { a: 1, b: 2, weight: 2.0 }];
    let largest = |edges: &[Edge], between: f32| {
        let records = table(&[(0, 0), (1, 0), (2, 0)]);
        let clusters = Clusters::of(&records, edges, &Rails::default(), &mut |_, _| between);
        clusters.groups().iter().map(Vec::len).max()
    };
    assert_eq!(largest(&edges, 3.0), Some(3), "six bits between the two and the one");
    assert_eq!(largest(&edges, 1.0), Some(2), "two bits are not nineteen to one");
    assert_eq!(largest(&edges[1..], 9.0), Some(1), "between two records there is nothing but their pair");
    assert_eq!(largest(&[Edge { a: 0, b: 1, weight: 4.3 }], 9.0), Some(2), "nineteen to one and better joins");
    assert_eq!(largest(&[Edge { a: 0, b: 1, weight: 4.2 }], 9.0), Some(1));
}

#[test]
fn what_rivals_weigh_says_how_often_a_pair_is_wrong() {
    // Sixty pairs of ten bits, each with a rival of some bits.
    let probability = |rival: f32| {
        let pair = |a, b, weight: f32| Pair { a, b, weight: Some(weight), probability: 0.9 };
        let mut pairs: Vec<Pair> = (0..60).flat_map(|n| [pair(n, 100 + n, 10.0), pair(n, 200 + n, rival)]).collect();
        one_to_one(&mut pairs);
        pairs.iter().map(|pair| pair.probability).fold(0.0, f64::max)
    };
    assert!(probability(-5.0) > 0.95, "rivals far behind: {}", probability(-5.0));
    assert!(probability(10.0) < 0.9, "rivals as strong: {}", probability(10.0));
}

#[test]
fn many_weak_pairs_together_carry_nobody_past_a_rail() {
    // Six records of one number and six of another, as alike as records can be.
    let of = |number: u8| (0..6).map(move |_| (0, number));
    let table = table(&of(1).chain(of(2)).collect::<Vec<_>>());
    let chain = |from: Row| (from..from + 5).map(|row| (row, row + 1, 29));
    let drawn: Vec<(Row, Row, u8)> = chain(0).chain(chain(6)).chain([(0, 6, 3)]).collect();
    let edges = edges(&drawn, 12, &table);
    let rails = Rails { one_value: vec![0], ..Rails::default() };
    assert!(edges.iter().any(|edge| edge.weight >= rails.open && edge.weight < rails.sure), "one pair is weak");
    let clusters = Clusters::of(&table, &edges, &rails, &mut |_, _| 30.0);
    assert_eq!(clusters.groups().len(), 2, "{:?}", clusters.bridges);
    assert!(clusters.refused.iter().any(|refused| refused.because == Refusal::OtherIdentifier));
}
