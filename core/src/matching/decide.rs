//! What follows from a neighbourhood: what is linked, and what a person is asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{EntityId, RecordRef};
use crate::matching::{Neighbourhood, Pair, Probability};

/// What follows from a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// The two are one entity.
    Join(Pair),
    /// Whether they are, a person says.
    Ask(Pair),
}

/// Where a record belongs: to an entity, or to nobody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Home {
    Entity(EntityId),
    Alone(RecordRef),
}

/// What follows from a neighbourhood, the joins first. `entity_of` says which entity a record belongs to by now.
///
/// A cluster that reaches into several entities makes one of them; of the pairs between two entities that are not joined, the most
/// probable is asked about. What an entity holds already is left: nothing is taken apart here. But an entity that reaches into several
/// clusters, as a later record speaks against what was joined, is joined with nothing: that would draw in what was kept apart.
pub(crate) fn decide(
    around: &Neighbourhood,
    always_ask: bool,
    entity_of: &dyn Fn(&RecordRef) -> Option<EntityId>,
) -> Vec<Action> {
    let home = |record: &RecordRef| entity_of(record).map_or_else(|| Home::Alone(record.clone()), Home::Entity);
    let cluster_of: BTreeMap<&RecordRef, usize> = around
        .clusters
        .iter()
        .enumerate()
        .flat_map(|(place, cluster)| cluster.iter().map(move |record| (record, place)))
        .collect();
    let mut clusters_of: BTreeMap<Home, BTreeSet<usize>> = BTreeMap::new();
    for (record, place) in &cluster_of {
        clusters_of.entry(home(record)).or_default().insert(*place);
    }
    let whole = |home: &Home| clusters_of.get(home).is_none_or(|clusters| clusters.len() == 1);
    let (mut joins, mut asks) = (Vec::new(), Vec::new());
    let mut seen: BTreeSet<(Home, Home)> = BTreeSet::new();
    for pair in &around.pairs {
        let (one, other) = (home(&pair.one), home(&pair.other));
        let between = if one < other { (one, other) } else { (other, one) };
        let may_join = whole(&between.0) && whole(&between.1);
        if between.0 == between.1 || !seen.insert(between) {
            continue;
        }
        let together = cluster_of.get(&pair.one).is_some_and(|place| cluster_of.get(&pair.other) == Some(place));
        if together && may_join && !always_ask {
            joins.push(Action::Join(pair.clone()));
        } else {
            asks.push(Action::Ask(pair.clone()));
        }
    }
    joins.append(&mut asks);
    joins
}

/// The links of an entity that speak against themselves by now: of each part that nothing links with that with which the entity began, the
/// pair of the two that says most for it, and which of the two is of that part.
///
/// `parts` are its records by cluster, those first with which it began; `pairs` what was said of pairs around them, the most probable first;
/// `between` says how probable any two are. Between two parts nothing speaks for a link where a guard rail refuses the strongest pair, or
/// where all are less probable than `review`; what is less sure than it was, and no less probable than that, is left. Whom others link is
/// linked. Nobody is asked about two parts that both stand apart: that they are one would say of both that they belong to the entity.
pub(crate) fn doubted(
    parts: &[Vec<RecordRef>],
    pairs: &[Pair],
    review: Probability,
    between: &dyn Fn(&RecordRef, &RecordRef) -> Pair,
) -> Vec<(Pair, RecordRef)> {
    // What says most for a link of two parts, and whether that speaks for it.
    let link = |one: &[RecordRef], other: &[RecordRef]| {
        let crosses = |a: &RecordRef, b: &RecordRef| one.contains(a) && other.contains(b);
        let known = pairs.iter().find(|pair| crosses(&pair.one, &pair.other) || crosses(&pair.other, &pair.one));
        if let Some(known) = known {
            return Some((known.clone(), known.refused.is_none()));
        }
        let compared = one.iter().flat_map(|a| other.iter().map(move |b| between(a.min(b), a.max(b))));
        let least = |a: &Pair, b: &Pair| (&b.one, &b.other).cmp(&(&a.one, &a.other));
        let strongest = compared.max_by(|a, b| a.probability.cmp(&b.probability).then_with(|| least(a, b)))?;
        let speaks = strongest.probability >= review;
        Some((strongest, speaks))
    };
    let Some((own, others)) = parts.split_first() else { return Vec::new() };
    let (mut linked, mut apart): (Vec<&Vec<RecordRef>>, Vec<_>) = (vec![own], others.iter().collect());
    let mut next = 0;
    while let Some(part) = linked.get(next).copied() {
        let (more, rest) = apart.into_iter().partition(|other| link(part, other).is_some_and(|(_, speaks)| speaks));
        linked.extend::<Vec<_>>(more);
        (apart, next) = (rest, next + 1);
    }
    let doubt = |part: &Vec<RecordRef>| {
        let (pair, _) = link(own, part)?;
        let apart = if part.contains(&pair.one) { pair.one.clone() } else { pair.other.clone() };
        Some((pair, apart))
    };
    apart.into_iter().filter_map(doubt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::Probability;

    fn record(id: &str) -> RecordRef {
        RecordRef::new("crm", "contacts", id)
    }

    fn pair(one: &str, other: &str, percent: u8) -> Pair {
        Pair::new(record(one), record(other), Probability::percent(percent), None, Vec::new())
    }

    fn entity(number: u8) -> EntityId {
        EntityId::from_parts(u64::from(number), [number; 10])
    }

    /// Clusters and pairs by letters, entities by letters, what comes of it.
    type Case = (&'static [&'static str], &'static [(&'static str, &'static str, u8)], &'static [(&'static str, u8)]);

    fn told(case: Case, always_ask: bool) -> String {
        let (clusters, pairs, homes) = case;
        let clusters = clusters.iter().map(|letters| letters.chars().map(|c| record(&c.to_string())).collect());
        let pairs = pairs.iter().map(|(one, other, percent)| pair(one, other, *percent));
        let around = Neighbourhood::new(clusters.collect(), pairs.collect());
        let home = |of: &RecordRef| homes.iter().find(|(id, _)| *of.id == **id).map(|(_, number)| entity(*number));
        let actions = decide(&around, always_ask, &home);
        let words = actions.iter().map(|action| match action {
            Action::Join(pair) => format!("{}={}", pair.one.id, pair.other.id),
            Action::Ask(pair) => format!("{}?{}", pair.one.id, pair.other.id),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_clusters_is_joined_and_what_is_between_clusters_is_asked() {
        let table: [(Case, &str, &str); 8] = [
            ((&["ab"], &[("a", "b", 99)], &[("a", 1), ("b", 2)]), "a=b", "a?b"),
            ((&["a", "b"], &[("a", "b", 80)], &[("a", 1), ("b", 2)]), "a?b", "a?b"),
            // Nothing to do.
            ((&["ab"], &[("a", "b", 99)], &[("a", 1), ("b", 1)]), "", ""),
            ((&["a", "b"], &[("a", "b", 80)], &[("a", 1), ("b", 1)]), "", ""),
            // A record of nobody.
            ((&["ab"], &[("a", "b", 99)], &[("a", 1)]), "a=b", "a?b"),
            // The most probable pair of two entities speaks for them.
            ((&["ab", "c"], &[("a", "c", 90), ("b", "c", 80)], &[("a", 1), ("b", 1), ("c", 2)]), "a?c", "a?c"),
            // What was joined and is apart by now draws nobody in.
            ((&["bc", "a"], &[("b", "c", 99)], &[("a", 1), ("b", 1), ("c", 2)]), "b?c", "b?c"),
            // Joins come first.
            ((&["ab", "c"], &[("b", "c", 60), ("a", "b", 97)], &[("a", 1), ("b", 2), ("c", 3)]), "a=b b?c", "b?c a?b"),
        ];
        for (case, by_itself, asked) in table {
            assert_eq!(told(case, false), by_itself, "{case:?}");
            assert_eq!(told(case, true), asked, "{case:?}");
        }
    }

    #[test]
    fn a_link_is_doubted_where_a_rail_refuses_it_or_nothing_speaks_for_it() {
        // The parts of an entity; what is known of pairs, and which of them are refused; what others weigh; what is doubted.
        type Row = (
            &'static [&'static str],
            &'static [(&'static str, &'static str, u8, bool)],
            &'static [(&'static str, &'static str, u8)],
            &'static str,
        );
        let table: [Row; 10] = [
            (&["ab"], &[], &[], ""),
            (&["a", "b"], &[], &[("a", "b", 20)], "a-b:b"),
            // Less sure than it was, and nothing that speaks against it.
            (&["a", "b"], &[("a", "b", 80, false)], &[], ""),
            (&["a", "b"], &[("b", "a", 99, true)], &[], "b-a:b"),
            // Not looked at any more, and still as probable.
            (&["a", "b"], &[], &[("a", "b", 50)], ""),
            // The strongest pair speaks for a part.
            (&["ab", "c"], &[], &[("a", "c", 3), ("b", "c", 30)], "b-c:c"),
            (&["ab", "c"], &[], &[("a", "c", 3), ("b", "c", 60)], ""),
            // Each part once, against whom the entity began with.
            (&["a", "b", "c"], &[], &[("b", "c", 40), ("a", "b", 1)], "a-b:b a-c:c"),
            // Also where two of them are one: neither is linked with whom it began with.
            (&["a", "b", "c"], &[], &[("b", "c", 60), ("a", "b", 1)], "a-b:b a-c:c"),
            // Whom another links is linked.
            (&["a", "b", "c"], &[], &[("a", "b", 60), ("b", "c", 60)], ""),
        ];
        for (parts, known, others, expected) in table {
            let parts: Vec<Vec<RecordRef>> =
                parts.iter().map(|part| part.chars().map(|c| record(&c.to_string())).collect()).collect();
            let known: Vec<Pair> = known
                .iter()
                .map(|(one, other, percent, refused)| Pair {
                    refused: refused.then(|| "no".into()),
                    ..pair(one, other, *percent)
                })
                .collect();
            let between = |one: &RecordRef, other: &RecordRef| {
                let found = others.iter().find(|(a, b, _)| *one.id == **a && *other.id == **b);
                pair(&one.id, &other.id, found.map_or(0, |(.., percent)| *percent))
            };
            let doubted = doubted(&parts, &known, Probability::percent(50), &between);
            let words: Vec<String> =
                doubted.iter().map(|(pair, apart)| format!("{}-{}:{}", pair.one.id, pair.other.id, apart.id)).collect();
            assert_eq!(words.join(" "), expected, "{parts:?} {known:?} {others:?}");
        }
    }
}
