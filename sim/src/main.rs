//! The simulator's command line.
#![allow(clippy::print_stdout, reason = "it is a command line")]
use std::time::Instant;

use accordant_sim::run::run;
use accordant_sim::script::Options;

fn main() {
    let mut seeds = 1000;
    let mut start = 0;
    let mut one = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        match arg.as_str() {
            "--seeds" => seeds = number(),
            "--start" => start = number(),
            "--seed" => one = Some(number()),
            _ => {}
        }
    }
    if let Some(seed) = one {
        let options = Options::of(seed);
        let outcome = run(&options, true);
        println!("seed {seed} faults {} heal {:?}", options.faults, options.heal_by);
        println!("{:#?}", options.design());
        for line in &outcome.lines { println!("{line}"); }
        println!("events {} hash {:x}", outcome.events, outcome.hash);
        for v in &outcome.violations { println!("VIOLATION {v}"); }
        return;
    }
    #[allow(clippy::disallowed_methods, reason = "speed")]
    let began = Instant::now();
    let mut bad = 0;
    let mut events = 0;
    let mut kinds: std::collections::BTreeMap<String, (usize, u64)> = Default::default();
    for seed in start..start + seeds {
        let outcome = run(&Options::of(seed), false);
        events += outcome.events;
        if !outcome.violations.is_empty() {
            bad += 1;
            let first: String = outcome.violations[0].chars().filter(|c| !c.is_ascii_digit()).collect();
            let first = first.split("01a").next().unwrap_or("").to_owned();
            let e = kinds.entry(first).or_insert((0, seed));
            e.0 += 1;
        }
    }
    let t = began.elapsed().as_secs_f64();
    println!("{seeds} seeds {bad} bad {:.0}/s {:.0} events each", seeds as f64 / t, events as f64 / seeds as f64);
    let mut v: Vec<_> = kinds.into_iter().collect();
    v.sort_by_key(|(_, (n, _))| std::cmp::Reverse(*n));
    for (k, (n, s)) in v.iter().take(40) { println!("{n:6} seed {s}: {k}"); }
}
