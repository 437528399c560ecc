//! The quickstart: a model, three systems, one day. The binary tells the story; this library is its cast and stage.

pub mod generate;
// pub mod model; joins with the value types (Email, Money, Phone, Ref) of branch `values`.
pub mod screen;
pub mod systems;
pub mod world;
