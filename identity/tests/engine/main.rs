//! The matcher in the engine: three systems without a common key.

mod answers;
mod crashes;
mod declared;
mod erasing;
mod linking;
mod world;
