//! The scenarios that decide whether a reconciliation engine is real: twenty problems that cost users of other products
//! data, money or nights, G1 to G20, and what is specified beside them. Each has at least one test over three systems, and
//! each test is named after what it shows.
//!
//! | problem | where |
//! |---|---|
//! | G1 echoes and loops, G2 rewriting by the target | `echoes.rs` |
//! | G3 first contact, G8 identity, G9 double creates | `identity.rs` |
//! | G4 absence, G5 delete against update, G6 tombstones, G7 merges in a system | `absence.rs` |
//! | G10 time, G11 cursors, G12 events | `events.rs` |
//! | G13 null and empty, G16 collections, G17 groups and derived values | `values.rs` |
//! | G14 partial application, G15 lost updates, G19 dependencies, G20 backfill | `writes.rs` |
//! | G18 decisions | `decisions.rs` |
//! | mapping and policy changes, schema drift, money, tolerance | `changes.rs` |
//!
//! What the engine does not do yet, and no test here pretends it does:
//!
//! | of | what | what stands in for it |
//! |---|---|---|
//! | G8 | pairwise evidence with scores, a cap on the size of clusters | records join by declared keys only; a key that several entities share is a case |
//! | G11 | a delayed second stream beside the poll | scans, and reads of what a hint names |
//! | G15 | delta operations for counters | every write says what it expects |
//! | G20 | budgets per tenant and class, with shares for live work | a throttled system is put off, and stops no other |
//! | also | erasure of a person through the tenant's handle | `Store::erase`, and a chain that verifies without payloads |
#![allow(
    unused_must_use,
    dead_code,
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "a story ends with what it expects; the fields of its models are read through the derive; each `system(..)` is one"
)]

mod absence;
mod changes;
mod decisions;
mod echoes;
mod events;
mod identity;
#[path = "../stories/model.rs"]
mod model;
mod values;
mod writes;

/// Every problem has a scenario of its name.
#[test]
fn every_problem_has_a_scenario() {
    let files = [
        include_str!("absence.rs"),
        include_str!("changes.rs"),
        include_str!("decisions.rs"),
        include_str!("echoes.rs"),
        include_str!("events.rs"),
        include_str!("identity.rs"),
        include_str!("values.rs"),
        include_str!("writes.rs"),
    ];
    for problem in 1..=20 {
        let name = format!("#[test]\nfn g{problem:02}_");
        assert!(files.iter().any(|file| file.contains(&name)), "G{problem} has no scenario");
    }
    let also = files[1].matches("#[test]\nfn also_").count();
    assert!(also >= 6, "{also} of what is also specified");
}
