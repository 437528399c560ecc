//! The passport of connectors: those that tell the truth have one, and each lie is found and named.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod honest;
mod lies;
mod office;

use std::collections::BTreeSet;

use accordant::connector::conformance::{Entry, Measured, Passport, Promise, measure};
use accordant::connector::{Connector, CreateSafety};
use futures::executor::block_on;

use honest::Honest;
use office::{Absent, Office};

fn broken(passport: &Passport) -> Vec<Promise> {
    let mut broken: Vec<Promise> = passport.broken().map(|entry| entry.promise).collect();
    broken.sort_unstable();
    broken.dedup();
    broken
}

/// What was skipped, and why, without places.
fn skipped(passport: &Passport) -> Vec<(Promise, String)> {
    let why = |measured: &Measured| match measured {
        Measured::Skipped(why) => why.clone(),
        other => format!("{other:?}"),
    };
    let mut skipped: Vec<_> = passport.skipped().map(|entry| (entry.promise, why(&entry.measured))).collect();
    skipped.sort();
    skipped.dedup();
    skipped
}

#[test]
fn the_fake_system_keeps_what_it_promises() {
    let passport = block_on(measure(&Office::of_fake()));
    passport.require();
    // It signs nothing, limits nothing, never waits, shows everything at once, and tells of merges elsewhere than in scans.
    let promises: Vec<Promise> = skipped(&passport).into_iter().map(|(promise, _)| promise).collect();
    let expected =
        [Promise::Merges, Promise::Lag, Promise::CancelSafety, Promise::Limits, Promise::Signatures, Promise::Tenants];
    assert_eq!(promises, expected, "{passport}");
}

#[test]
fn an_honest_connector_has_every_promise_measured() {
    let passport = block_on(measure(&Office::of(|office| Box::new(Honest::new(office)))));
    passport.require();
    let elsewhere = "another id is answered by reads alone";
    assert_eq!(skipped(&passport), [(Promise::Merges, elsewhere.to_owned())], "{passport}");
}

#[test]
fn a_look_up_after_the_drain_is_measured_where_that_is_promised() {
    let drained = |premises: &office::Premises| -> Box<dyn Connector> {
        premises.system.create_safety_is(CreateSafety::DrainThenConsistentLookup { drain_seconds: 60 });
        Box::new(Honest::new(premises))
    };
    let passport = block_on(measure(&Office::of(drained)));
    passport.require();
    let declared: Vec<&str> = passport
        .kept()
        .filter(|entry| entry.promise == Promise::CreateSafety)
        .map(|entry| entry.declared.as_str())
        .collect();
    assert_eq!(declared, ["look-up after 1 min"]);
}

#[test]
fn a_bench_that_plays_little_has_the_rest_skipped_and_says_why() {
    let passport = block_on(measure(&Office::of_fake().lazy()));
    passport.require();
    assert!(passport.kept().count() >= 10, "{passport}");
    assert!(skipped(&passport).contains(&(Promise::Deletes, "the bench cannot delete records".into())), "{passport}");
}

/// A passport has a line for each promise of each surface, whatever the bench cannot play.
#[test]
fn what_cannot_be_measured_at_all_has_a_line_for_each_promise() {
    let lines = |passport: &Passport| -> Vec<(String, Promise, String)> {
        let line = |entry: &Entry| (entry.place.clone(), entry.promise, entry.declared.clone());
        let mut lines: Vec<_> = passport.entries.iter().map(line).collect();
        lines.sort();
        lines
    };
    let honest = || Office::of(|office| Box::new(Honest::new(office)));
    let measured = block_on(measure(&honest()));
    for absent in [Absent::Values, Absent::Records] {
        let passport = block_on(measure(&honest().without(absent)));
        assert_eq!(lines(&passport), lines(&measured), "{absent:?}\n{passport}");
        let unkept: BTreeSet<Promise> = passport.skipped().map(|entry| entry.promise).collect();
        let life = [Promise::Order, Promise::Deletes, Promise::Merges, Promise::Delivery, Promise::Answers];
        assert!(life.iter().all(|promise| unkept.contains(promise)), "{absent:?}\n{passport}");
    }
}
