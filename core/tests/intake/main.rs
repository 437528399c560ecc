//! Taking in and reading: what surfaces of every kind say, what is read because of it, and what is not lost on the way.

mod coverage;
mod entry;
mod list;
mod order;
mod pages;
mod retention;
mod support;
mod waiting;
