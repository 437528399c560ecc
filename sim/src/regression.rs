//! Regressions: failing scripts, kept as text that a person reads, and run first from then on.
//!
//! A file spells out the world and every step, so that it means the same whatever a seed comes to mean. Files of the first
//! kind name a seed and the steps to leave out; they are read still.

use std::fmt::Write as _;

use accordant::connector::CreateSafety;

use crate::design::{Attribute, Design, Policy, System, Told, name_of};
use crate::dialect::Dialect;
use crate::fault::{Fault, Faults};
use crate::house::{Guard, House};
use crate::run::Outcome;
use crate::script::{HealBy, Options, Sketch};
use crate::step::Step;

/// A script and its story as the text of a file.
#[must_use]
pub fn write(options: &Options, outcome: &Outcome) -> String {
    let mut text = String::new();
    for violation in &outcome.violations {
        let _ = writeln!(text, "# {violation}");
    }
    text.push_str("#\n");
    for line in &outcome.lines {
        let _ = writeln!(text, "# {line}");
    }
    let heal = match options.heal_by {
        HealBy::Scans => "scans",
        HealBy::Polls => "polls",
        HealBy::Webhooks => "webhooks",
    };
    let Options { seed, faults, lasting, design, rounds, .. } = options;
    let _ = writeln!(text, "seed {seed}\nfaults {faults}\nheal {heal}");
    if let Some(lasting) = lasting {
        let _ = writeln!(text, "lasting {lasting}");
    }
    for system in &design.systems {
        let _ = writeln!(text, "system {}", spell_system(system));
    }
    for Attribute { owner, strength, policy } in &design.attributes {
        let owner = owner.map_or_else(|| "nobody".to_owned(), |owner| owner.to_string());
        let strength: Vec<String> = strength.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "attribute {owner} {} {}", strength.join(","), spell_policy(*policy));
    }
    if let Some(observed) = options.observed {
        let _ = writeln!(text, "observed {observed}");
    }
    let existence = design.existence.map_or_else(|| "nobody".to_owned(), |owner| owner.to_string());
    let _ = writeln!(text, "world {} {existence} {}", design.subjects, design.limit);
    text.push_str(&spell_house(&design.house));
    if design.hasty > 0 {
        let _ = writeln!(text, "hasty {}", design.hasty);
    }
    for steps in rounds {
        text.push_str("round\n");
        for step in steps {
            let _ = writeln!(text, "{step}");
        }
    }
    text
}

fn spell_house(house: &House) -> String {
    let rule = house.rule.map(|(attribute, guard)| match guard {
        Guard::Hold => format!("holds {attribute}\n"),
        Guard::Forbid => format!("forbids {attribute}\n"),
    });
    let two = house.two.map(|attribute| format!("two {attribute}\n"));
    let writes = house.writes.map(|writes| format!("writes {writes}\n"));
    let roles = house.roles.then(|| "roles are asked for\n".to_owned());
    let forgets = house.forgets.then(|| "forgets in hours\n".to_owned());
    let sealed = house.sealed.then(|| "sealed\n".to_owned());
    rule.into_iter().chain(two).chain(writes).chain(roles).chain(forgets).chain(sealed).collect()
}

const fn spell_policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Undeclared => "undeclared",
        Policy::Latest => "latest",
        Policy::Priority => "priority",
        Policy::Consensus => "consensus",
        Policy::Other => "other",
    }
}

fn spell_system(system: &System) -> String {
    let told = match system.told {
        Told::Nothing => "nothing",
        Told::Hint => "hint",
        Told::Full => "full",
        Told::Changed => "changed",
    };
    let safety = match system.safety {
        CreateSafety::RemoteKey => "key".to_owned(),
        CreateSafety::DrainThenConsistentLookup { drain_seconds } => format!("drain-{drain_seconds}"),
        _ => "detect".to_owned(),
    };
    let habits = [
        (system.required, "required"),
        (system.compares, "compares"),
        (system.answers, "answers"),
        (system.versions, "versions"),
        (system.capitals, "capitals"),
        (system.unique, "unique"),
        (system.tells_deletes, "tells-deletes"),
        (system.restores, "restores"),
        (system.mute, "mute"),
    ];
    let habits: Vec<&str> = habits.iter().filter(|(has, _)| *has).map(|(_, habit)| *habit).collect();
    format!("{told} {safety} {} {} {}", system.grain, system.skew, habits.join(","))
}

fn read_system(place: usize, text: &str) -> Option<System> {
    let mut words = text.split(' ');
    let told = match words.next()? {
        "nothing" => Told::Nothing,
        "hint" => Told::Hint,
        "full" => Told::Full,
        "changed" => Told::Changed,
        _ => return None,
    };
    let safety = match words.next()? {
        "key" => CreateSafety::RemoteKey,
        "detect" => CreateSafety::DetectAndMerge,
        drain => CreateSafety::DrainThenConsistentLookup { drain_seconds: drain.strip_prefix("drain-")?.parse().ok()? },
    };
    let (grain, skew) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let habits: Vec<&str> = words.next().unwrap_or("").split(',').collect();
    let has = |habit: &str| habits.contains(&habit);
    Some(System {
        name: name_of(place)?,
        told,
        safety,
        required: has("required"),
        compares: has("compares"),
        answers: has("answers"),
        versions: has("versions"),
        grain,
        skew,
        capitals: has("capitals"),
        unique: has("unique"),
        tells_deletes: has("tells-deletes"),
        restores: has("restores"),
        mute: has("mute"),
    })
}

/// A place, or nobody's.
fn read_owner(text: &str, systems: usize) -> Option<Option<usize>> {
    if text == "nobody" {
        return Some(None);
    }
    text.parse().ok().filter(|owner| *owner < systems).map(Some)
}

fn read_attribute(text: &str, systems: usize) -> Option<Attribute> {
    let mut words = text.split(' ');
    let owner = read_owner(words.next()?, systems)?;
    let strength: Option<Vec<u8>> = words.next()?.split(',').map(|strength| strength.parse().ok()).collect();
    let policy = match words.next()? {
        "undeclared" => Policy::Undeclared,
        "latest" => Policy::Latest,
        "priority" => Policy::Priority,
        "consensus" => Policy::Consensus,
        _ => return None,
    };
    Some(Attribute { owner, strength: strength.filter(|strength| strength.len() == systems)?, policy })
}

/// Reads the text of a file. `None`: a line means nothing.
#[must_use]
pub fn read(text: &str) -> Option<Options> {
    let lines = || text.lines().filter(|line| !line.starts_with('#'));
    let all = |name: &'static str| {
        lines()
            .filter_map(|line| line.split_once(' '))
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| value.trim())
    };
    let of = |name: &'static str| all(name).next();
    let list = |name: &'static str| of(name).unwrap_or("").split(',').filter(|part| !part.is_empty());
    let seed = of("seed")?.parse().ok()?;
    let mut faults = Faults::default();
    for name in list("faults") {
        faults = faults.with(Fault::named(name)?);
    }
    let heal_by = match of("heal")? {
        "scans" => HealBy::Scans,
        "polls" => HealBy::Polls,
        "webhooks" => HealBy::Webhooks,
        _ => return None,
    };
    let lasting = match of("lasting") {
        None => None,
        Some(name) => Some(Fault::named(name)?),
    };
    if of("system").is_none() {
        let without: Option<_> = list("without").map(|number| number.parse().ok()).collect();
        let (rounds, steps) = (of("rounds")?.parse().ok()?, of("steps")?.parse().ok()?);
        return Some(Sketch { faults, heal_by, lasting, rounds, steps, without: without? }.spelled_out(seed));
    }
    let systems: Option<Vec<System>> = all("system").enumerate().map(|(at, text)| read_system(at, text)).collect();
    let systems = systems?;
    let attributes: Option<Vec<Attribute>> = all("attribute").map(|text| read_attribute(text, systems.len())).collect();
    let mut world = of("world")?.split(' ');
    let subjects = world.next()?.parse().ok()?;
    let existence = read_owner(world.next()?, systems.len())?;
    let limit = world.next()?.parse().ok()?;
    let hasty = of("hasty").map_or(Some(0), |often| often.parse().ok())?;
    let attributes = attributes?;
    let number = |name: &'static str| of(name).and_then(|text| text.parse::<usize>().ok());
    let attribute = |name: &'static str| number(name).filter(|attribute| *attribute < attributes.len());
    let hold = attribute("holds").map(|attribute| (attribute, Guard::Hold));
    let forbid = attribute("forbids").map(|attribute| (attribute, Guard::Forbid));
    let writes = number("writes").and_then(|writes| writes.try_into().ok());
    let house = House {
        rule: hold.or(forbid),
        two: attribute("two"),
        writes,
        roles: of("roles").is_some(),
        forgets: of("forgets").is_some(),
        sealed: lines().any(|line| line == "sealed"),
    };
    let design = Design { systems, attributes, subjects, existence, limit, hasty, house, dialect: Dialect::Plain };
    let mut rounds: Vec<Vec<Step>> = Vec::new();
    for line in lines() {
        if line == "round" {
            rounds.push(Vec::new());
        } else if line.starts_with("at ") {
            rounds.last_mut()?.push(Step::read(line, design.systems.len(), design.attributes.len())?);
        }
    }
    let observed = match of("observed") {
        None => None,
        Some(system) => Some(system.parse().ok().filter(|system| *system < design.systems.len())?),
    };
    Some(Options { seed, faults, heal_by, lasting, observed, design, rounds })
}
