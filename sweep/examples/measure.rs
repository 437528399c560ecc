//! What a sweep takes: `accordant-bench sweep`, of the same files, in a program that is built in a minute.

#![allow(unreachable_pub, reason = "where these files belong, other benchmarks use them")]

#[path = "../../benches/src/workload/random.rs"]
#[allow(dead_code, reason = "other benchmarks draw more")]
mod random;
#[path = "../../benches/src/sweep/mod.rs"]
mod sweep;
#[path = "../../benches/src/usage.rs"]
#[allow(dead_code, reason = "other benchmarks measure more")]
mod usage;
/// Where the benchmarks have it.
mod workload {
    pub(crate) use crate::random::Random;
}

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let arguments = arguments.strip_prefix(&["sweep"]).unwrap_or(&arguments);
    match sweep::run(arguments, &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
