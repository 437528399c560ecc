//! Tolerance is not transitive. Nevertheless there is one verdict, whatever the order of links.

use accordant::base::Base;
use accordant::classify::{Classification, LinkState, Side, Sight, Standing, Verdict, classify};
use accordant::equivalence::{Comparison, Equivalence};
use accordant::ownership::Authority;
use accordant::value::Field;

use crate::THREE;

/// Numbers at most 5 apart are the same as the reference.
struct Within(Equivalence);

impl Within {
    fn five() -> Self {
        Self(Equivalence::Tolerance(5.into()))
    }
}

impl Comparison for Within {
    fn same(&self, value: &Field, reference: &Field) -> bool {
        self.0.same(value, reference)
    }

    fn alike(&self, a: &Field, b: &Field, golden: Option<&Field>) -> bool {
        self.0.alike(a, b, golden)
    }
}

/// Verdict, states, adoptions and conflicts without base.
type Told = (Verdict, Vec<(usize, LinkState)>, Vec<(usize, Field)>, Vec<usize>);

/// What must not depend on the order of links, link by link in a fixed order.
fn told(got: &Classification, order: [usize; 3]) -> Told {
    let mut states: Vec<_> = got.states.iter().enumerate().map(|(place, state)| (order[place], *state)).collect();
    let mut adopts: Vec<_> = got.adopts.iter().map(|(place, agreed)| (order[*place], agreed.clone())).collect();
    let mut conflicts: Vec<_> = got.no_base_conflicts.iter().map(|place| order[*place]).collect();
    states.sort_by_key(|(place, _)| *place);
    adopts.sort();
    conflicts.sort_unstable();
    (got.verdict, states, adopts, conflicts)
}

fn in_every_order(links: [Side<'_>; 3], standing: Standing<'_>) -> Verdict {
    let by = Within::five();
    let [first, others @ ..] = THREE;
    let ordered = |order: [usize; 3]| {
        let sides = order.map(|place| links[place]);
        told(&classify(&sides, standing, &by), order)
    };
    let said = ordered(first);
    for order in others {
        assert_eq!(ordered(order), said, "{links:?} with {standing:?} in the order {order:?}");
    }
    said.0
}

#[test]
fn s06_movers_within_tolerance_of_each_other_only_are_apart_in_every_order() {
    let [ten, fourteen, eighteen, hundred] = ["10", "14", "18", "100"].map(Field::value);
    let base = Base::accepted(hundred.clone(), hundred.clone());
    let mover = |field| Side {
        sight: Sight::Seen(field),
        base: Some(&base),
        authority: Authority::CoOwner,
        diverges: false,
        spelled: false,
    };
    let standing = Standing { golden: Some(&hundred), frozen: false, owned: false };
    assert_eq!(in_every_order([mover(&ten), mover(&fourteen), mover(&eighteen)], standing), Verdict::HardConflict);
    assert_eq!(in_every_order([mover(&ten), mover(&ten), mover(&ten)], standing), Verdict::Converged);
}

/// Every world of three links over numbers that chain: each is within tolerance of the next, and of no other.
#[test]
fn s06_no_world_under_tolerance_depends_on_the_order_of_links() {
    let numbers = ["10", "14", "18"].map(Field::value);
    let bases: Vec<Base> = numbers
        .iter()
        .flat_map(|seen| numbers.iter().map(|agreed| Base::accepted(seen.clone(), agreed.clone())))
        .collect();
    let options = |authority| {
        let mut links: Vec<Side<'_>> = Vec::new();
        for field in &numbers {
            for base in bases.iter().map(Some).chain([None]) {
                links.push(Side { sight: Sight::Seen(field), base, authority, diverges: false, spelled: false });
            }
        }
        links
    };
    for (owned, links) in [
        (false, options(Authority::CoOwner)),
        (true, [options(Authority::Owner), options(Authority::Observer)].concat()),
    ] {
        for (first, one) in links.iter().enumerate() {
            for (second, two) in links.iter().enumerate().skip(first) {
                for three in &links[second..] {
                    for golden in [None, Some(&numbers[0]), Some(&numbers[1])] {
                        in_every_order([*one, *two, *three], Standing { golden, frozen: false, owned });
                    }
                }
            }
        }
    }
}
