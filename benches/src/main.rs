//! The commands of the benchmarks. Those of a feature are there if it was built.

#[cfg(feature = "quality")]
mod anomaly;
mod compare;
mod cores;
mod durable;
mod growth;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "identity")]
mod identity;
mod instructions;
#[cfg(feature = "latency")]
mod latency;
mod memory;
#[cfg_attr(not(feature = "identity"), expect(dead_code, reason = "only what is beside others begins anew"))]
mod pages;
mod pulse;
#[cfg(feature = "quality")]
mod quality;
mod standing;
mod what_if;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use accordant_bench::stream::{STAGES, Stage, stream};
use accordant_bench::usage::peak_memory;
use accordant_bench::{answer, shards, workload};

/// The yardstick uses it too: a difference of allocators would be no difference of programs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
accordant-bench gen EVENTS ENTITIES FILE [SEED]   writes a workload
accordant-bench stream FILE [--cores N] [--digest]
                                                  takes it in, and says what that took, and what state it came to
accordant-bench stages FILE                       what each stage of it takes
accordant-bench instructions list|STAGE           the work whose instructions are counted, for `just instructions`
accordant-bench cores FILE [CORES [RUNS]]         takes it in on one processor and on several, in turn
accordant-bench latency --rate N [--seconds N] [--connections N] [--batch N]
                                                  events over HTTP, each durable, beside the prototype
accordant-bench memory FILE                       what a customer takes in memory, part by part, and on disk
accordant-bench growth [--systems N,...] [--connections N,...] [--entities N,...] [--kept N,...]
                                                  how cost grows with each
accordant-bench compare [EVENTS [ENTITIES [RUNS]]]
                                                  runs a hand-written yardstick, other programs and the stream in turn
accordant-bench durable FILE --store sqlite|postgres|mongodb
                                                  takes it in by the engine; on SQLite and PostgreSQL, compares batches with the
                                                  bare database
accordant-bench durable FILE --store postgres --workers 1,2,4
                                                  takes it in by so many workers, who hear from a queue
accordant-bench durable append ENTRIES            appends to the journal on SQLite, beside bare rows of the same size
accordant-bench http [SECONDS]                      from a webhook to a write, and what limits leave to each connector
accordant-bench what-if --observations N            looks at a recorded history under another policy
accordant-bench identity febrl4|dblp_acm|abt_buy  links a public set, beside Splink where it is installed
accordant-bench identity customers N [SEED]       links generated customers, beside Splink where it is installed
accordant-bench identity incremental N [--engine] takes records in one at a time, with --engine through the engine
accordant-bench identity order [ORDERS]           compares orders of arrival with the batch run
accordant-bench identity calibration              what probabilities turn out to be worth, on every set
accordant-bench anomaly [SERIES [SEED]]           what is found of what happens in synthetic series, and what is found there of nothing
accordant-bench pulse --entities N [--calls-a-day N] [--days N]
                                                  how old verifications get under a budget, by priority, beside the bound
accordant-bench quality [--goals] [ROWS [SEED]]   twelve checks of a table, beside polars where ACCORDANT_POLARS_PYTHON has it;
                                                  with --goals, an error where the goals are missed
accordant-bench sweep gen ROWS FOLDER [SEED]      writes two tables that are much alike
accordant-bench sweep A B [--unsorted] [--memory BYTES] [--peak BYTES]
                                                  compares them by key
accordant-bench sweep compare ROWS RUNS           compares tables so, and beside a hand-written program, in turn
accordant-bench sweep postgres ROWS RUNS          compares tables of a database here, by the server, and by reladiff, in turn";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    match *arguments {
        #[cfg(feature = "quality")]
        ["anomaly"] => anomaly::run("2000", "7", &mut out),
        #[cfg(feature = "quality")]
        ["anomaly", series] => anomaly::run(series, "7", &mut out),
        #[cfg(feature = "quality")]
        ["anomaly", series, seed] => anomaly::run(series, seed, &mut out),
        #[cfg(feature = "quality")]
        ["quality", ref what @ ..] => quality::run(what, &mut out),
        #[cfg(feature = "sweep")]
        ["sweep", ref what @ ..] => accordant_bench::sweep::run(what, &mut out),
        ["gen", events, entities, file] => generate(events, entities, file, "42"),
        ["gen", events, entities, file, seed] => generate(events, entities, file, seed),
        ["stream", file, ref how @ ..] => tell_stream(Path::new(file), how, &mut out),
        ["stages", file] => {
            let mut before = 0;
            for (stage, name) in STAGES {
                let streamed = stream(Path::new(file), stage)?;
                let taken = streamed.taken.cpu.0 / u128::from(streamed.events.max(1));
                writeln!(out, "{name:<8}{:>8} ns/event{taken:>8} in all", taken.saturating_sub(before))?;
                before = taken;
            }
            Ok(())
        }
        ["compare", ref sizes @ ..] => {
            let number = |place: usize, standard: u64| sizes.get(place).map_or(Ok(standard), |text| text.parse());
            compare::compare(number(0, 100_000)?, number(1, 10_000)?, number(2, 5)?, &mut out)
        }
        ["cores", ref what @ ..] => cores::run(what, &mut out),
        ["durable", ref what @ ..] => durable::run(what, &mut out),
        #[cfg(feature = "http")]
        ["http", ref what @ ..] => http::run(what, &mut out),
        ["growth", ref what @ ..] => growth::run(what, &mut out),
        ["instructions", ref what @ ..] => instructions::run(what, &mut out),
        #[cfg(feature = "latency")]
        ["latency", ref what @ ..] => latency::run(what, &mut out),
        ["memory", ref what @ ..] => memory::run(what, &mut out),
        ["what-if", ref what @ ..] => what_if::run(what, &mut out),
        ["pulse", ref what @ ..] => pulse::run(what, &mut out),
        #[cfg(feature = "identity")]
        ["identity", ref what @ ..] => {
            pages::begin_in_small()?;
            identity::run(what, &mut out)
        }
        _ => Err(USAGE.into()),
    }
}

/// Takes in a file, and prints one line.
fn tell_stream(file: &Path, how: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let cores = how.iter().skip_while(|word| **word != "--cores").nth(1).map_or(Ok(1), |number| number.parse())?;
    let streamed = if cores > 1 { shards::stream(file, cores)? } else { stream(file, Stage::Settle)? };
    // The answer is read after the peak: summing up is no part of the run.
    let peak = peak_memory();
    let answer = answer::to_json(&streamed.sets);
    let digest = how.contains(&"--digest").then(|| answer::digest(&streamed.sets));
    let digest = digest.map(|digest| format!(r#","state":"{digest}""#)).unwrap_or_default();
    writeln!(
        out,
        r#"{{"events":{},"refused":{},"cores":{cores},"facts":{},"cpu_seconds":{},"wall_seconds":{},"loading_cpu_seconds":{},"peak_rss_bytes":{peak},"answer":{answer}{digest}}}"#,
        streamed.events,
        streamed.refused,
        streamed.facts,
        streamed.taken.cpu,
        streamed.taken.wall,
        streamed.loading.cpu,
    )?;
    Ok(())
}

fn generate(events: &str, entities: &str, file: &str, seed: &str) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    workload::write(events.parse()?, entities.parse()?, seed.parse()?, &mut out)?;
    out.flush()?;
    Ok(())
}
