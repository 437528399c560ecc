//! What must hold of any bytes, one module for each place where bytes come in.
//!
//! The fuzz targets and the test that replays the checked-in inputs run the same functions: `core/tests/fuzz_corpus.rs`
//! includes this file.

#![allow(unreachable_pub, clippy::unwrap_used, reason = "shared with a test; a panic is what is looked for")]

pub mod configure;
pub mod decode;
pub mod fold;
pub mod intake;
pub mod journal;
pub mod names;
pub mod normalize;
pub mod stored;
pub mod value;
mod world;

/// What a target does with its bytes.
pub type Target = fn(&[u8]);

/// Targets of packages that `accordant` does not know: `identity/tests/stored_model.rs` replays `model`.
pub const ELSEWHERE: [&str; 1] = ["model"];

/// Every other target by name.
pub const TARGETS: [(&str, Target); 9] = [
    ("configure", configure::run),
    ("decode", decode::run),
    ("fold", fold::run),
    ("intake", intake::run),
    ("journal", journal::run),
    ("names", names::run),
    ("normalize", normalize::run),
    ("stored", stored::run),
    ("value", value::run),
];
