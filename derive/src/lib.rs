//! The derive macros of `accordant`. Use them through the re-exports in that crate.
