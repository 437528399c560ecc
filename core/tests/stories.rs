//! Stories over three systems: what happens, what is golden then, what stands open, and what would be written.
#![allow(
    unused_must_use,
    dead_code,
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "a story ends with what it expects; the fields of its models are read through the derive; each `system(..)` is one"
)]

#[path = "stories/approval.rs"]
mod approval;
#[path = "stories/arrival.rs"]
mod arrival;
#[path = "stories/at_stake.rs"]
mod at_stake;
#[path = "stories/bulk.rs"]
mod bulk;
#[path = "stories/cardinality.rs"]
mod cardinality;
#[path = "stories/choices.rs"]
mod choices;
#[path = "stories/collections.rs"]
mod collections;
#[path = "stories/configuration.rs"]
mod configuration;
#[path = "stories/contact.rs"]
mod contact;
#[path = "stories/copies.rs"]
mod copies;
#[path = "stories/coverage.rs"]
mod coverage;
#[path = "stories/crashes.rs"]
mod crashes;
#[path = "stories/decision_laws.rs"]
mod decision_laws;
#[path = "stories/decisions.rs"]
mod decisions;
#[path = "stories/desk.rs"]
mod desk;
#[path = "stories/drift.rs"]
mod drift;
#[path = "stories/erasing.rs"]
mod erasing;
#[path = "stories/errors.rs"]
mod errors;
#[path = "stories/four_eyes.rs"]
mod four_eyes;
#[path = "stories/heirs.rs"]
mod heirs;
#[path = "stories/identity.rs"]
mod identity;
#[path = "stories/letters.rs"]
mod letters;
#[path = "stories/linking.rs"]
mod linking;
#[path = "stories/looking.rs"]
mod looking;
#[path = "stories/losing.rs"]
mod losing;
#[path = "stories/matching.rs"]
mod matching;
#[path = "stories/merges.rs"]
mod merges;
#[path = "stories/merging.rs"]
mod merging;
#[path = "stories/model.rs"]
mod model;
#[path = "stories/own_form.rs"]
mod own_form;
#[path = "stories/people.rs"]
mod people;
#[path = "stories/presence.rs"]
mod presence;
#[path = "stories/references.rs"]
mod references;
#[path = "stories/reopened.rs"]
mod reopened;
#[path = "stories/roles.rs"]
mod roles;
#[path = "stories/rules.rs"]
mod rules;
#[path = "stories/trouble.rs"]
mod trouble;
#[path = "stories/two_people_laws.rs"]
mod two_people_laws;
#[path = "stories/unlinking.rs"]
mod unlinking;
#[path = "stories/unmerging.rs"]
mod unmerging;
#[path = "stories/vocabulary.rs"]
mod vocabulary;

#[test]
fn a_model_of_three_systems_is_tested_in_at_most_25_lines() {
    let module = include_str!("../src/testing/mod.rs");
    let example = module.split("//! ```\n").nth(1).expect("the module's example");
    let lines = example.lines().count();
    assert!(lines <= 25, "{lines} lines");
    assert_eq!(example.matches("system(").count(), 3);
}
