//! Tests against real servers.
//!
//! `scripts/test-servers` starts throwaway servers and sets the variables that [`Server`] reads; so may a user, to point
//! the tests at servers of their own. Tests of a server that is not there are listed as ignored and counted, behind a
//! line `skipped: ...`; where `ACCORDANT_REQUIRE_SERVERS` is `1`, they fail instead, so that a server that went missing
//! is noticed.

pub mod stores;
mod wire;

use std::env;
use std::process::ExitCode;

pub use libtest_mimic::{Failed, Trial};
pub use wire::Wire;

/// Set to `1`: a missing server is a failure.
pub const REQUIRED: &str = "ACCORDANT_REQUIRE_SERVERS";

/// A kind of server that tests need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// What people call it.
    pub name: &'static str,
    /// The variable that says where it is.
    pub variable: &'static str,
}

impl Server {
    /// PostgreSQL: a URL with a user who may create schemas and roles.
    pub const POSTGRES: Self = Self { name: "PostgreSQL", variable: "ACCORDANT_POSTGRES_URL" };
    /// MongoDB: the URL of a replica set.
    pub const MONGODB: Self = Self { name: "MongoDB", variable: "ACCORDANT_MONGODB_URL" };
    /// A broker that speaks Kafka's protocol: host and port.
    pub const KAFKA: Self = Self { name: "Kafka", variable: "ACCORDANT_KAFKA_SERVERS" };
    /// NATS with JetStream: a URL.
    pub const NATS: Self = Self { name: "NATS", variable: "ACCORDANT_NATS_URL" };

    /// Where it is, if it is anywhere.
    #[must_use]
    pub fn address(self) -> Option<String> {
        env::var(self.variable).ok().filter(|address| !address.is_empty())
    }

    /// Runs the tests that `trials` makes for the server's address, as the main function of a test program.
    ///
    /// `trials` is called without a server too, with an empty address, so that its tests can be listed; none is run
    /// then.
    #[must_use]
    pub fn test(self, trials: impl FnOnce(&str) -> Vec<Trial>) -> ExitCode {
        let arguments = libtest_mimic::Arguments::from_args();
        let address = self.address();
        let trials = trials(address.as_deref().unwrap_or_default());
        if address.is_some() {
            return libtest_mimic::run(&arguments, trials).exit_code();
        }
        if env::var(REQUIRED).is_ok_and(|required| required == "1") {
            eprintln!("{} is required, and {} does not say where one is", self.name, self.variable);
            return ExitCode::FAILURE;
        }
        println_skipped(self, trials.len());
        let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(true)).collect();
        // `--ignored` asks for what is ignored; without a server that cannot be had.
        let arguments = libtest_mimic::Arguments { ignored: false, include_ignored: false, ..arguments };
        libtest_mimic::run(&arguments, trials).exit_code()
    }
}

#[expect(clippy::print_stdout, reason = "what a test program prints is its report")]
fn println_skipped(server: Server, tests: usize) {
    println!("skipped: {tests} tests of {}, because {} is not set", server.name, server.variable);
}
