//! The suite of all stores, on a real server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::process::ExitCode;

use accordant_test_servers::{Server, stores};
use database::Database;

fn main() -> ExitCode {
    Server::MONGODB.test(stores::conformance::<Database>)
}
