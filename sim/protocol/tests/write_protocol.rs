//! The protocol, searched: what it guarantees stands in `docs/semantics.md`, and what is wrong with others is found.
#![allow(clippy::print_stdout, reason = "how many states were searched is a figure")]

use std::fs;
use std::path::{Path, PathBuf};

use accordant_protocol::create::{AT_MOST_ONE, Class, Create, DONE, Flaw, Hazard, NOTHING_FORGOTTEN};
use accordant_protocol::table::{created_once, written};
use accordant_protocol::update::{self, System, Update};
use stateright::{Checker, Model};

const BEGIN: &str = "<!-- create safety: begin -->";
const END: &str = "<!-- create safety: end -->";

fn semantics() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/semantics.md")
}

/// Run with `UPDATE_DOCS=1` to write the tables instead of comparing them.
#[test]
fn the_tables_in_the_semantics_are_what_the_model_says() {
    let text = fs::read_to_string(semantics()).expect("the document");
    let (before, rest) = text.split_once(BEGIN).expect("the mark where the tables begin");
    let (standing, after) = rest.split_once(END).expect("the mark where the tables end");
    let (tables, states) = written();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(semantics(), format!("{before}{BEGIN}\n{tables}\n{END}{after}")).expect("the document is written");
    } else {
        assert_eq!(standing.trim(), tables, "docs/semantics.md is out of date: run this test with UPDATE_DOCS=1");
    }
    println!("{states} states");
    assert!(states > 10_000, "the worlds are not trivial: {states} states");
}

#[test]
fn every_class_gets_a_create_done_and_forgets_nothing() {
    for class in [Class::RemoteKey, Class::Drain, Class::Detect] {
        for hazard in [Hazard::Crashes, Hazard::SecondProcess] {
            let checker = Create::new(class, hazard).checker().threads(1).spawn_bfs().join();
            assert!(checker.discovery(DONE).is_some(), "{class:?} {hazard:?}");
            let forgotten = checker.discovery(NOTHING_FORGOTTEN);
            assert!(forgotten.is_none(), "{class:?} {hazard:?}: {forgotten:?}");
        }
    }
}

#[test]
fn creates_without_intent_are_doubled() {
    let naive = Create { flaw: Flaw::NoIntent, ..Create::new(Class::Detect, Hazard::Crashes) };
    assert!(!created_once(naive).holds);
}

#[test]
fn a_look_up_that_began_before_the_drain_ended_proves_nothing() {
    let ours = Create::new(Class::Drain, Hazard::SecondProcess);
    assert!(created_once(ours.clone()).holds);
    let late = Create { flaw: Flaw::DrainAtAnswer, ..ours };
    let checker = late.checker().threads(1).spawn_bfs().join();
    assert!(checker.discovery(AT_MOST_ONE).is_some(), "the request arrives between the look and its answer");
}

#[test]
fn updates_get_done_whoever_edits_and_decides() {
    for system in [System::Compares, System::Overwrites] {
        let checker = Update::new(system).checker().threads(1).spawn_bfs().join();
        assert!(checker.discovery(update::DONE).is_some(), "{system:?}");
    }
}
