//! The simulator's command line, for the built-in world and for users' own models.
#![allow(clippy::print_stdout, reason = "it is a command line")]

mod planted;
mod proofs;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use accordant::model::EntityModel;

use crate::dialect::own::Catalogue;
use crate::regression;
use crate::report::Report;
use crate::run::{Outcome, run as play};
use crate::script::Options;
use crate::shrink::{kind, shrink};

/// Where failing scripts are kept.
const REGRESSIONS: &str = "sim/regressions";

const HELP: &str = "\
accordant-sim: breaks the engine in a seeded world

  --seeds N      how many seeds to run (1000)
  --start N      the first seed (0)
  --threads N    how many threads (all cores)
  --seed N       one seed only
  --model NAME   in worlds about a model's own entity types, instead of the built-in one
  --trace        tell what happens in it
  --shrink       make a failing seed short, and keep it in sim/regressions
  --orders       tell histories of seven events in all orders
  --report       keep the figures in sim/proofs/, and write RELIABILITY.md; alone, only that
  --zoo          plant every defect of the zoo, and run seeds until each is caught (2000 each at most)
  --bug NAME     plant this one only: in the zoo, or in one seed";

#[derive(Debug, Default)]
struct Args {
    seeds: u64,
    start: u64,
    threads: usize,
    seed: Option<u64>,
    trace: bool,
    shrink: bool,
    report: bool,
    zoo: bool,
    orders: bool,
    bug: Option<String>,
    model: Option<String>,
    own: Option<Arc<Catalogue>>,
}

impl Args {
    fn options(&self, seed: u64) -> Options {
        self.own.as_ref().map_or_else(|| Options::of(seed), |own| Options::own(seed, own))
    }
}

/// A model under a name: what it declares.
pub type Named<'a> = (&'a str, fn() -> Vec<EntityModel>);

/// The command line, as the process was called: `--help` lists the options. `models` are what `--model` can name.
///
/// ```no_run
/// use accordant::{Canonical, model::Canonical as _};
///
/// #[derive(Canonical, Clone, Debug, PartialEq)]
/// #[canonical(entity = "customer", system(crm, object = "contacts", required), system(shop, object = "customers"))]
/// struct Customer {
///     #[canonical(identity, at(crm = "email", shop = "mail"))]
///     email: String,
///     #[canonical(owner(crm), at(crm = "name", shop = "name"))]
///     name: Option<String>,
/// }
///
/// fn main() -> std::process::ExitCode {
///     accordant_sim::cli::run(&[("mine", || vec![Customer::model()])])
/// }
/// ```
#[must_use]
pub fn run(models: &[Named<'_>]) -> ExitCode {
    let args = match parse(std::env::args().skip(1)).and_then(|args| choose(args, models)) {
        Ok(args) => args,
        Err(why) => {
            println!("{why}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if let Some(own) = &args.own {
        println!("{own}");
    }
    // What panics is a violation, and is told as one.
    std::panic::set_hook(Box::new(|_| {}));
    let failed = match args.seed {
        None if args.zoo => planted::zoo(&args),
        None if args.orders => proofs::orders(&args),
        None if args.report && args.seeds == 0 => proofs::write_document(),
        Some(seed) => one(seed, &args),
        None => {
            // What was kept is about the built-in world.
            let regressions = args.own.is_none() && regressions();
            let seeds = many(&args);
            regressions || seeds
        }
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Args, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut parsed = Args { threads: cores, ..Args::default() };
    let mut seeds = None;
    while let Some(arg) = args.next() {
        let mut number = || {
            let text = args.next().ok_or_else(|| format!("{arg} needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("{arg} needs a number, not `{text}`"))
        };
        match arg.as_str() {
            "--model" => parsed.model = Some(args.next().ok_or("--model needs a name")?),
            "--bug" => parsed.bug = Some(args.next().ok_or("--bug needs a name")?),
            "--zoo" => parsed.zoo = true,
            "--orders" => parsed.orders = true,
            "--seeds" => seeds = Some(number()?),
            "--start" => parsed.start = number()?,
            "--threads" => parsed.threads = usize::try_from(number()?).unwrap_or(1).max(1),
            "--seed" => parsed.seed = Some(number()?),
            "--trace" => parsed.trace = true,
            "--shrink" => parsed.shrink = true,
            "--report" => parsed.report = true,
            _ => return Err(format!("`{arg}` is not an option")),
        }
    }
    // Asked only for the report, it runs no seeds.
    let only_report = parsed.report && !parsed.zoo && !parsed.orders;
    parsed.seeds = seeds.unwrap_or(if only_report { 0 } else { 1000 });
    Ok(parsed)
}

/// Takes the model that was named.
fn choose(mut args: Args, models: &[Named<'_>]) -> Result<Args, String> {
    let Some(name) = &args.model else { return Ok(args) };
    let Some((_, model)) = models.iter().find(|(known, _)| known == name) else {
        let known: Vec<&str> = models.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no model `{name}`; there is {}", known.join(", ")));
    };
    let own = Catalogue::of(model()).map_err(|mistakes| mistakes.to_string())?;
    if own.is_empty() {
        return Err(format!(
            "nothing of `{name}` can be simulated: no entity type has a key and a value in two systems"
        ));
    }
    args.own = Some(Arc::new(own));
    Ok(args)
}

/// Runs one seed. Says whether it failed.
fn one(seed: u64, args: &Args) -> bool {
    planted::plant(args);
    let options = args.options(seed);
    let outcome = play(&options, args.trace);
    tell(&options, &outcome);
    let failed = !outcome.violations.is_empty();
    if failed && args.shrink {
        println!("\nshrunk:");
        let (options, outcome) = shrink(&options, &outcome);
        tell(&options, &outcome);
        if args.own.is_some() {
            return failed;
        }
        let path = format!("{REGRESSIONS}/{seed}.seed");
        match std::fs::write(&path, regression::write(&options, &outcome)) {
            Ok(()) => println!("kept as {path}"),
            Err(error) => println!("could not keep it as {path}: {error}"),
        }
    }
    failed
}

fn tell(options: &Options, outcome: &Outcome) {
    println!("seed {}", options.seed);
    println!("faults {}", options.faults);
    if let Some(lasting) = options.lasting {
        println!("lasting {lasting}");
    }
    println!("{}", options.design);
    for line in &outcome.lines {
        println!("{line}");
    }
    println!("{} events, trace {:016x}", outcome.events, outcome.hash);
    for violation in &outcome.violations {
        println!("VIOLATION {violation}");
    }
}

/// Runs what failed once. Says whether anything fails again.
fn regressions() -> bool {
    let Ok(files) = std::fs::read_dir(REGRESSIONS) else { return false };
    let mut paths: Vec<_> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "seed"));
    paths.sort();
    let mut failed = 0;
    for path in &paths {
        let options = std::fs::read_to_string(path).ok().and_then(|text| regression::read(&text));
        let Some(options) = options else {
            println!("{} is no script", path.display());
            failed += 1;
            continue;
        };
        if let Some(violation) = play(&options, false).violations.first() {
            println!("{} fails: {violation}", path.display());
            failed += 1;
        }
    }
    println!("{:<22}{} of {}", "regressions that hold", paths.len() - failed, paths.len());
    failed > 0
}

/// Runs many seeds. Says whether any failed.
fn many(args: &Args) -> bool {
    #[expect(clippy::disallowed_methods, reason = "how fast it is cannot be known in virtual time")]
    let began = std::time::Instant::now();
    let next = AtomicU64::new(args.start);
    let end = args.start.saturating_add(args.seeds);
    let total = Mutex::new(Report::new(args.threads));
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal {
        let style = indicatif::ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {per_sec}, {eta}");
        let bar = indicatif::ProgressBar::new(args.seeds);
        bar.set_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()));
        bar
    } else {
        indicatif::ProgressBar::hidden()
    };
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                let mut report = Report::new(args.threads);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    report.add(seed, &play(&args.options(seed), false));
                    bar.inc(1);
                    let done = seed - args.start + 1;
                    if !terminal && done.is_multiple_of(5_000) {
                        println!("{done} of {} seeds", args.seeds);
                    }
                }
                if let Ok(mut total) = total.lock() {
                    total.merge(&report);
                }
            });
        }
    });
    bar.finish_and_clear();
    let Ok(mut report) = total.into_inner() else { return true };
    report.took = began.elapsed();
    println!("{report}");
    tell_failures(&report, args);
    if args.report {
        proofs::record_seeds(&report);
    }
    !report.failures.is_empty()
}

fn tell_failures(report: &Report, args: &Args) {
    let mut kinds: Vec<(String, u64, usize)> = Vec::new();
    for failure in &report.failures {
        let kind = kind(&failure.violation);
        match kinds.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, _, count)) => *count += 1,
            None => kinds.push((kind, failure.seed, 1)),
        }
    }
    kinds.sort_by_key(|(_, seed, count)| (std::cmp::Reverse(*count), *seed));
    for (_, seed, count) in kinds.iter().take(if args.report { 100 } else { 20 }) {
        let first = report.failures.iter().find(|failure| failure.seed == *seed);
        println!("{count:>7} like seed {seed}: {}", first.map_or("", |failure| &failure.violation));
    }
    if let Some(first) = report.failures.first() {
        println!("repeat with: cargo run --release -p accordant-sim -- --seed {} --trace", first.seed);
        println!("make short:  cargo run --release -p accordant-sim -- --seed {} --shrink", first.seed);
    }
}
