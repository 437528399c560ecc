//! What the macros refuse, and how they say it; what they accept.
//!
//! After a change of messages: `TRYBUILD=overwrite cargo test -p accordant-derive --test ui`, and read the difference.

#[test]
fn refusals_and_acceptances() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/cases/pass/*.rs");
    cases.compile_fail("tests/cases/fail/*.rs");
}
