//! Classification over every small world: one verdict and one state per link, independent of the order of links, and
//! the same as `docs/semantics.md` 8 read once more.

#[path = "classify_laws/examples.rs"]
mod examples;
#[path = "classify_laws/oracle.rs"]
mod oracle;
#[path = "classify_laws/tolerance.rs"]
mod tolerance;

use std::collections::BTreeMap;

use accordant::base::Base;
use accordant::classify::{Classification, Drift, Hidden, LinkState, Side, Sight, Standing, Verdict, classify};
use accordant::equivalence::Comparison;
use accordant::ownership::Authority;
use accordant::value::Field;
use oracle::{Letter, Link, World, classified};

const HIDDEN: [Hidden; 5] = [Hidden::Unobserved, Hidden::Denied, Hidden::Gone, Hidden::Unresolved, Hidden::Duplicate];
const LETTERS: [Letter; 6] = [Letter::Null, Letter::Empty, Letter::A, Letter::Alike, Letter::B, Letter::C];

/// Fields and bases to borrow, made once.
struct Props {
    fields: Vec<Field>,
    bases: Vec<Base>,
}

impl Props {
    fn new() -> Self {
        let fields: Vec<Field> = LETTERS.iter().map(|letter| field(*letter)).collect();
        let pairs = fields.iter().flat_map(|seen| fields.iter().map(move |agreed| (seen.clone(), agreed.clone())));
        let bases = pairs.map(|(seen, agreed)| Base::accepted(seen, agreed)).collect();
        Self { fields, bases }
    }

    fn side(&self, link: &Link) -> Side<'_> {
        Side {
            sight: match link.sight {
                Err(why) => Sight::Hidden(why),
                Ok(letter) => Sight::Seen(&self.fields[letter as usize]),
            },
            base: link.base.map(|(seen, agreed)| &self.bases[seen as usize * LETTERS.len() + agreed as usize]),
            authority: link.authority,
            diverges: link.diverges,
            spelled: false,
        }
    }

    fn classify(&self, world: World<'_>, sides: &[Side<'_>]) -> Classification {
        let owned = world.links.iter().any(|link| link.authority != Authority::CoOwner);
        let golden = world.golden.map(|letter| &self.fields[letter as usize]);
        classify(sides, Standing { golden, frozen: world.frozen, owned }, &Letters)
    }
}

fn field(letter: Letter) -> Field {
    match letter {
        Letter::Null => Field::Null,
        Letter::Empty => Field::Empty,
        Letter::A => Field::value("A"),
        Letter::Alike => Field::value("a"),
        Letter::B => Field::value("B"),
        Letter::C => Field::value("C"),
    }
}

/// The comparison of letters: transitive as it is.
struct Letters;

impl Comparison for Letters {
    fn same(&self, value: &Field, reference: &Field) -> bool {
        same(value, reference)
    }

    fn alike(&self, a: &Field, b: &Field, _golden: Option<&Field>) -> bool {
        same(a, b)
    }
}

/// Letters that differ in case only are the same; so are Null and Empty.
fn same(value: &Field, reference: &Field) -> bool {
    match (value.as_value(), reference.as_value()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        (None, None) => true,
        _ => false,
    }
}

fn class(field: &Field) -> char {
    field.as_value().and_then(|text| text.chars().next()).map_or('-', |first| first.to_ascii_lowercase())
}

/// What was met on the way through the worlds.
#[derive(Default)]
struct Tally {
    worlds: usize,
    classifications: usize,
    verdicts: BTreeMap<Verdict, usize>,
    states: BTreeMap<LinkState, usize>,
    conflicts: usize,
}

impl Tally {
    /// Holds one world against the oracle, in every order of its links.
    fn check(&mut self, props: &Props, world: World<'_>, orders: &[Vec<usize>]) {
        let said = classified(world);
        let sides: Vec<Side<'_>> = world.links.iter().map(|link| props.side(link)).collect();
        for order in orders {
            let ordered: Vec<Side<'_>> = order.iter().map(|place| sides[*place]).collect();
            let got = props.classify(world, &ordered);
            self.classifications += 1;
            assert_eq!(got.verdict, said.verdict, "{world:?} in the order {order:?}");
            assert!(got.states.iter().copied().eq(order.iter().map(|place| said.states[*place])), "{world:?}: {got:?}");
            let adopts: BTreeMap<usize, char> =
                got.adopts.iter().map(|(place, agreed)| (order[*place], class(agreed))).collect();
            assert!(adopts.into_iter().eq(said.adopts.iter().copied()), "{world:?}: {got:?}");
            let mut conflicts: Vec<usize> = got.no_base_conflicts.iter().map(|place| order[*place]).collect();
            conflicts.sort_unstable();
            assert_eq!(conflicts, said.no_base_conflicts, "{world:?}");
        }
        self.worlds += 1;
        self.conflicts += usize::from(!said.no_base_conflicts.is_empty());
        *self.verdicts.entry(said.verdict).or_default() += 1;
        for state in said.states {
            *self.states.entry(state).or_default() += 1;
        }
    }

    #[expect(clippy::print_stdout, reason = "the histogram is what a person reads beside the green tick")]
    fn report(&self, name: &str) {
        println!("{name}: {} worlds, {} classifications", self.worlds, self.classifications);
        self.verdicts.iter().for_each(|(verdict, count)| println!("  {verdict:?}: {count}"));
        self.states.iter().for_each(|(state, count)| println!("  {state:?}: {count}"));
        println!("  worlds with conflicts without base: {}", self.conflicts);
    }
}

/// All links of an authority over the given sights and base letters.
fn links(
    sights: &[Result<Letter, Hidden>],
    base_letters: &[Letter],
    authority: Authority,
    diverging: &[bool],
) -> Vec<Link> {
    let pairs = base_letters.iter().flat_map(|seen| base_letters.iter().map(|agreed| Some((*seen, *agreed))));
    let bases: Vec<Option<(Letter, Letter)>> = std::iter::once(None).chain(pairs).collect();
    let mut links = Vec::new();
    for sight in sights {
        for base in &bases {
            links.extend(diverging.iter().map(|diverges| Link {
                sight: *sight,
                base: *base,
                authority,
                diverges: *diverges,
            }));
        }
    }
    links
}

/// The kinds of unit: nobody owns it, or each side is owner or observer.
fn ownerships(link: impl Fn(Authority) -> Vec<Link>) -> [Vec<Link>; 2] {
    let owned = link(Authority::Owner).into_iter().chain(link(Authority::Observer)).collect();
    [link(Authority::CoOwner), owned]
}

const THREE: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// Three links, every ownership, every sight, base and golden, in all six orders. Worlds that differ in nothing but the
/// order of links are one world: its orders are what is walked.
#[test]
fn s08_every_world_of_three_links_has_one_verdict_whatever_their_order() {
    let props = Props::new();
    let sights = [Err(Hidden::Denied), Ok(Letter::Null), Ok(Letter::A), Ok(Letter::B), Ok(Letter::C)];
    let letters = [Letter::Null, Letter::A, Letter::B];
    let orders: Vec<Vec<usize>> = THREE.iter().map(|order| order.to_vec()).collect();
    let mut tally = Tally::default();
    for options in ownerships(|authority| links(&sights, &letters, authority, &[false])) {
        for (first, one) in options.iter().enumerate() {
            for (second, two) in options.iter().enumerate().skip(first) {
                for three in &options[second..] {
                    let links = [*one, *two, *three];
                    for golden in [None, Some(Letter::Null), Some(Letter::A), Some(Letter::B)] {
                        tally.check(&props, World { links: &links, golden, frozen: false }, &orders);
                    }
                    // Rule 0 looks at nothing else; the states stay what they are.
                    tally.check(&props, World { links: &links, golden: Some(Letter::A), frozen: true }, &orders[..1]);
                }
            }
        }
    }
    tally.report("three links");
    for verdict in [
        Verdict::Frozen,
        Verdict::HardConflict,
        Verdict::Converged,
        Verdict::SoftDrift(Drift::Authoritative),
        Verdict::SoftDrift(Drift::Contested),
        Verdict::SoftDrift(Drift::Unauthorized),
        Verdict::Pending,
        Verdict::Rewritten,
        Verdict::InAgreement,
    ] {
        assert!(tally.verdicts.contains_key(&verdict), "{verdict:?} was never reached");
    }
    for state in [LinkState::Hidden(Hidden::Denied), LinkState::NoBase, LinkState::Same, LinkState::Moved] {
        assert!(tally.states.contains_key(&state), "{state:?} was never reached");
    }
    assert!(tally.conflicts > 0);
}

/// Two links with all that three would make too many: every reason to be hidden, Empty, values alike but not equal, and
/// links that may differ by decision.
#[test]
fn s08_every_detail_of_two_links() {
    let props = Props::new();
    let sights: Vec<Result<Letter, Hidden>> =
        HIDDEN.iter().map(|why| Err(*why)).chain(LETTERS.iter().map(|letter| Ok(*letter))).collect();
    let orders = [vec![0, 1], vec![1, 0]];
    let mut tally = Tally::default();
    let letters = [Letter::Null, Letter::A, Letter::B];
    for options in ownerships(|authority| links(&sights, &letters, authority, &[false, true])) {
        for (first, one) in options.iter().enumerate() {
            for two in &options[first..] {
                let links = [*one, *two];
                for golden in [None, Some(Letter::Null), Some(Letter::A), Some(Letter::B)] {
                    tally.check(&props, World { links: &links, golden, frozen: false }, &orders);
                }
            }
        }
    }
    tally.report("two links");
    for verdict in [Verdict::Diverged, Verdict::Cosmetic] {
        assert!(tally.verdicts.contains_key(&verdict), "{verdict:?} was never reached");
    }
    for why in HIDDEN {
        assert!(tally.states.contains_key(&LinkState::Hidden(why)), "{why:?} was never reached");
    }
}

/// Three links of which any may differ by decision, and any may hold a value alike but not equal.
#[test]
fn s08_every_world_of_three_links_that_nobody_moved() {
    let props = Props::new();
    let sights = [Ok(Letter::Null), Ok(Letter::A), Ok(Letter::Alike), Ok(Letter::B)];
    let mut tally = Tally::default();
    for authorities in ownerships(|authority| links(&sights, &[Letter::A, Letter::B], authority, &[false, true])) {
        let quiet = |link: &Link| link.base.is_none_or(|(seen, _)| Ok(seen.class()) == link.sight.map(Letter::class));
        let options: Vec<Link> = authorities.into_iter().filter(quiet).collect();
        for (first, one) in options.iter().enumerate() {
            for (second, two) in options.iter().enumerate().skip(first) {
                for three in &options[second..] {
                    let links = [*one, *two, *three];
                    for golden in [Letter::Null, Letter::A, Letter::B] {
                        let world = World { links: &links, golden: Some(golden), frozen: false };
                        tally.check(&props, world, &[vec![0, 1, 2], vec![2, 1, 0]]);
                    }
                }
            }
        }
    }
    tally.report("three quiet links");
    for verdict in [Verdict::Pending, Verdict::Rewritten, Verdict::Diverged, Verdict::Cosmetic, Verdict::InAgreement] {
        assert!(tally.verdicts.contains_key(&verdict), "{verdict:?} was never reached");
    }
}

/// A unit without any link, and any number of links beyond three: the verdict does not depend on how many agree.
#[test]
fn s08_the_number_of_links_does_not_matter() {
    let props = Props::new();
    let nobody = World { links: &[], golden: Some(Letter::A), frozen: false };
    assert_eq!(props.classify(nobody, &[]).verdict, Verdict::InAgreement);
    let link =
        |sight, base| Link { sight: Ok(sight), base: Some(base), authority: Authority::CoOwner, diverges: false };
    for count in 2..=25 {
        let mut links = vec![link(Letter::A, (Letter::A, Letter::A)); count];
        links[count / 2] = link(Letter::B, (Letter::A, Letter::A));
        let world = World { links: &links, golden: Some(Letter::A), frozen: false };
        let sides: Vec<Side<'_>> = links.iter().map(|link| props.side(link)).collect();
        assert_eq!(props.classify(world, &sides).verdict, Verdict::SoftDrift(Drift::Authoritative));
        assert_eq!(classified(world).verdict, Verdict::SoftDrift(Drift::Authoritative));
    }
}
