//! Random stories: a model of 2 to 25 systems, and what happens in them step by step.

use std::borrow::Cow;

use accordant::decision::Lifetime;
use accordant::fingerprint::Fingerprint;
use accordant::model::{At, Derivation, EntityModel, Inputs, Shape, TypedAttribute, UnitIndex};
use accordant::ownership::OnClear;
use accordant::policy::{Answer, Candidates, Policy};
use accordant::rule::{Change, Verdict, rule};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use crate::universe::{Universe, Word, customer};

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Someone sets or clears an attribute in a system, or an element of its tags.
    Set { system: usize, what: &'static str, value: Said },
    /// The link may no longer read an attribute, or may again.
    Deny { system: usize, what: &'static str, denied: bool },
    /// The record is deleted.
    Delete { system: usize },
    /// The record is read again, and is there.
    Read { system: usize },
    /// A person decides the name.
    Decide { value: u8 },
    /// Everything owed is written and observed.
    Write,
}

/// What is said: nothing, a word that any system may say, or one that names the system that says it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    Nothing,
    Shared(u8),
    Own(u8),
}

#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) systems: usize,
    /// Which systems map which attribute, a bit per system.
    masks: [u32; 6],
    pub(crate) on_clear: Option<OnClear>,
    two_owners: bool,
    pub(crate) steps: Vec<Step>,
}

impl Story {
    pub(crate) fn hides(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Deny { .. } | Step::Delete { .. }))
    }
}

/// The greatest text wins.
#[derive(Debug)]
pub(crate) struct Greatest;

impl Policy<Word> for Greatest {
    fn name(&self) -> Cow<'static, str> {
        "greatest".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn resolve(&self, candidates: &Candidates<'_, Word>) -> Answer<Word> {
        let all = candidates.all().iter().enumerate();
        let greatest = all.max_by_key(|(place, candidate)| (candidate.field, std::cmp::Reverse(*place)));
        greatest.map_or(Answer::Inconclusive("silent"), |(place, _)| Answer::Winner(place))
    }
}

/// The name, shouted.
#[derive(Debug)]
pub(crate) struct Shout;

impl Derivation<Word> for Shout {
    fn name(&self) -> Cow<'static, str> {
        "shout".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn derive(&self, inputs: &Inputs<'_>) -> Option<Word> {
        inputs.value::<Word>(0).map(|name| Word(name.0.to_uppercase()))
    }
}

pub(crate) fn name_of(system: usize) -> String {
    format!("s{system:02}")
}

fn model(story: &Story) -> EntityModel {
    let names: Vec<String> = (0..story.systems).map(name_of).collect();
    let mut model = customer(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mapped = |id: &str, mask: usize| {
        // The first two map everything, so that every unit has someone to disagree with.
        let holds = |system: &usize| *system < 2 || story.masks[mask] >> system & 1 == 1;
        (0..story.systems)
            .filter(holds)
            .fold(TypedAttribute::<Word>::new(id), |all, system| all.at(At::path(&name_of(system), id)))
    };
    let name = mapped("name", 0);
    model.attribute(match story.on_clear {
        Some(on_clear) => name.on_clear(on_clear),
        None => name,
    });
    let owned = mapped("owned", 1).owner("s00");
    model.attribute(if story.two_owners { owned.owner("s01") } else { owned });
    model.attribute(mapped("street", 2).group("address"));
    model.attribute(mapped("zip", 2).group("address"));
    model.attribute(mapped("tags", 3).shape(Shape::Set));
    model.attribute(mapped("chosen", 4).resolve(Greatest));
    model.attribute(mapped("guarded", 5));
    model.attribute(TypedAttribute::<Word>::new("label").at(At::path("s01", "label")).derived(&["name"], Shout));
    model
}

/// The universe at the start of a story: every system linked, in the order of `orders`, and read while empty.
pub(crate) fn begin(story: &Story, orders: &[u64]) -> Universe {
    let hold = rule::<Word>("no exclamation", 1, |change: &Change<'_, Word>| match &change.after {
        Some(after) if after.0.ends_with('!') => Verdict::Hold("too loud".into()),
        _ => Verdict::Pass,
    });
    let mut universe = Universe::new(model(story)).guard("guarded", hold);
    for system in 0..story.systems {
        universe.link_at(&name_of(system), orders.get(system).copied().unwrap_or(system as u64));
    }
    universe
}

/// Lets a step happen. Answers with the units touched; `None`: everything may be.
pub(crate) fn happen(universe: &mut Universe, story: &Story, step: &Step) -> Option<Vec<UnitIndex>> {
    let system = |system: &usize| name_of(system % story.systems);
    match step {
        Step::Set { system: at, what, value } => {
            let name = system(at);
            let before = universe.representations.get(&crate::universe::record(&name));
            let known = before.is_some_and(accordant::representation::Representation::speaks);
            let text = match value {
                Said::Nothing => String::new(),
                // An element's value is its key: saying it says that it is there.
                _ if what.starts_with("tags") => what[5..what.len() - 1].to_owned(),
                Said::Own(word) => format!("{name}:{word}"),
                // What is owned names its sayer, so that it shows whose value golden has.
                Said::Shared(word) if *what == "owned" => format!("{name}:{word}"),
                Said::Shared(3) => "loud!".to_owned(),
                Said::Shared(word) => format!("w{word}"),
            };
            let touched = universe.set(&name, what, &text);
            known.then_some(touched)
        }
        Step::Deny { system: at, what, denied } => {
            universe.deny(&system(at), what, *denied);
            None
        }
        Step::Delete { system: at } => {
            universe.delete(&system(at));
            None
        }
        Step::Read { system: at } => {
            universe.read(&system(at));
            None
        }
        Step::Decide { value } => {
            universe.decide("name", &format!("w{value}"), Lifetime::UntilInputsChange);
            None
        }
        Step::Write => {
            universe.write_all();
            None
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let what =
        || select(vec!["name", "name", "owned", "street", "zip", "tags[x]", "tags[y]", "chosen", "guarded", "label"]);
    let value = prop_oneof![
        2 => Just(Said::Nothing),
        4 => (0_u8..4).prop_map(Said::Shared),
        2 => (0_u8..2).prop_map(Said::Own),
    ];
    // Most of what happens happens in few systems, so that they meet.
    let system = || prop_oneof![4 => 0_usize..3, 1 => 0_usize..25];
    let denied = select(vec!["name", "owned", "street", "tags"]);
    prop_oneof![
        12 => (system(), what(), value).prop_map(|(system, what, value)| Step::Set { system, what, value }),
        1 => (system(), denied, any::<bool>())
            .prop_map(|(system, what, denied)| Step::Deny { system, what, denied }),
        1 => system().prop_map(|system| Step::Delete { system }),
        1 => system().prop_map(|system| Step::Read { system }),
        1 => (0_u8..3).prop_map(|value| Step::Decide { value }),
        3 => Just(Step::Write),
    ]
}

pub(crate) fn story() -> impl Strategy<Value = Story> {
    let systems = prop_oneof![12 => 2_usize..5, 1 => 5_usize..=25];
    let on_clear = select(vec![None, Some(OnClear::Propagate), Some(OnClear::Hold)]);
    (systems, any::<[u32; 6]>(), on_clear, any::<bool>(), proptest::collection::vec(step(), 1..14))
        .prop_map(|(systems, masks, on_clear, two_owners, steps)| Story { systems, masks, on_clear, two_owners, steps })
}
