#![no_main]

// Not in the library: the tests of `accordant`, which include it, do not know the package.
#[path = "../src/model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|data: &[u8]| model::run(data));
