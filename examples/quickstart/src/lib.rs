//! The quickstart: a model, three systems, one day. The binary tells the story; this library is its cast and stage.

pub mod generate;
#[expect(clippy::duplicated_attributes, reason = "each `system(..)` has a `required` of its own")]
pub mod model;
pub mod screen;
pub mod stage;
pub mod systems;
pub mod world;
