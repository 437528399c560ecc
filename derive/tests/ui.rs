//! What the macros refuse, and how they say it. What they accept stands in tests of its own: without one that runs, the cases are checked,
//! and nothing is built for them.
//!
//! After a change of messages: `TRYBUILD=overwrite cargo test -p accordant-derive --test ui`, and read the difference.

#[test]
fn what_is_refused_says_why() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/cases/fail/*.rs");
}
