//! The simulator's command line, with the quickstart's model to try.

use std::process::ExitCode;

use accordant::model::{Canonical as _, EntityModel};
use quickstart::model::{Company, Customer, Order};

/// A world makes and drops a great many small things: that is a good part of what a seed takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    accordant_sim::cli::run(&[("quickstart", quickstart_model)])
}

fn quickstart_model() -> Vec<EntityModel> {
    vec![Customer::model(), Company::model(), Order::model()]
}
