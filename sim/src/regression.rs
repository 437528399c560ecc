//! Regressions: failing scripts, kept as text that a person reads, and run first from then on.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::fault::{Fault, Faults};
use crate::run::Outcome;
use crate::script::{HealBy, Options};

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
    let without: Vec<String> = options.without.iter().map(ToString::to_string).collect();
    let heal = match options.heal_by {
        HealBy::Scans => "scans",
        HealBy::Polls => "polls",
        HealBy::Webhooks => "webhooks",
    };
    let Options { seed, faults, rounds, steps, .. } = options;
    let without = without.join(",");
    if let Some(lasting) = options.lasting {
        let _ = writeln!(text, "lasting {lasting}");
    }
    let _ =
        write!(text, "seed {seed}\nfaults {faults}\nheal {heal}\nrounds {rounds}\nsteps {steps}\nwithout {without}\n");
    text
}

/// Reads the text of a file. `None`: a line means nothing.
#[must_use]
pub fn read(text: &str) -> Option<Options> {
    let lines = || text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
    let of = |name: &str| lines().find(|(key, _)| *key == name).map(|(_, value)| value.trim());
    let list = |name: &str| of(name).unwrap_or("").split(',').filter(|part| !part.is_empty());
    let mut faults = Faults::default();
    for name in list("faults") {
        faults = faults.with(Fault::named(name)?);
    }
    let without: Option<BTreeSet<usize>> = list("without").map(|number| number.parse().ok()).collect();
    Some(Options {
        seed: of("seed")?.parse().ok()?,
        faults,
        heal_by: match of("heal")? {
            "scans" => HealBy::Scans,
            "polls" => HealBy::Polls,
            "webhooks" => HealBy::Webhooks,
            _ => return None,
        },
        lasting: match of("lasting") {
            None => None,
            Some(name) => Some(Fault::named(name)?),
        },
        rounds: of("rounds")?.parse().ok()?,
        steps: of("steps")?.parse().ok()?,
        without: without?,
    })
}
