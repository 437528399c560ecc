//! Runs Accordant for minutes on real stores and brokers: workers that are processes of their own are killed and frozen, their
//! connections are cut, the database and the broker are restarted. What is left is judged.
//!
//! ```text
//! accordant-soak --minutes 10 [--store postgres|mongodb|sqlite] [--queue nats|kafka|sqlite] [--workers 4] [--seed N]
//! ```
//!
//! Without a running server it starts its own (`scripts/test-servers`). It ends with one line: how much was done, how many faults
//! there were, and how much of it was lost or doubled.
//!
//! ```text
//! accordant-soak --move-tenant ENTITIES
//! ```
//!
//! Fills a tenant on SQLite, moves it to PostgreSQL, to MongoDB and back to SQLite, and compares the exports.

#![expect(clippy::disallowed_methods, reason = "a soak lasts minutes of real time")]
#![expect(clippy::print_stdout, reason = "what it found is told")]
#![expect(clippy::float_arithmetic, reason = "half a minute may be asked for")]

mod arguments;
mod chaos;
mod child;
mod customers;
mod judge;
mod move_tenant;
mod people;
mod place;
mod remote;
mod run;
mod systems;

use std::process::ExitCode;

use arguments::{Arguments, Asked};

fn main() -> ExitCode {
    let asked = Arguments::read(std::env::args().skip(1));
    let ended = match asked {
        Ok(Asked::Soak(arguments)) => run::soak(&arguments),
        Ok(Asked::Move(entities)) => move_tenant::run(entities, &mut std::io::stdout().lock()).map(|()| true),
        Ok(Asked::Work(place)) => child::work(&place),
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::FAILURE;
        }
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failed) => {
            eprintln!("{}", because(&*failed));
            ExitCode::FAILURE
        }
    }
}

/// Why something could not be done at all.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// An error with its causes.
pub(crate) fn because(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
