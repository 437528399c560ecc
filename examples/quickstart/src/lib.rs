//! The quickstart: a model, three systems, one day. The binary tells the story; this library is its cast.

pub mod systems;
pub mod world;
