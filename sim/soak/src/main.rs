//! The commands of the soak: what Accordant does on real servers, for long and in large.
//!
//! ```text
//! scripts/test-servers run postgres mongodb -- cargo run --release -p accordant-soak -- --move-tenant 100000
//! ```

mod customers;
mod move_tenant;

use std::error::Error;
use std::process::ExitCode;

const USAGE: &str = "\
accordant-soak --move-tenant ENTITIES   fills a tenant on SQLite, moves it to PostgreSQL, MongoDB and back to SQLite,
                                        and compares the exports";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With its causes: the first of them says which call failed, the last one why.
            let mut cause: Option<&dyn Error> = Some(&*error);
            while let Some(error) = cause {
                eprintln!("{error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match *arguments {
        ["--move-tenant", entities] => move_tenant::run(entities.parse()?, &mut std::io::stdout().lock()),
        _ => Err(USAGE.into()),
    }
}
