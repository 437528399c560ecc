//! The matcher in the engine: three systems without a common key.

mod answers;
mod compared;
mod crashes;
mod creating;
mod declared;
mod doubted;
mod erasing;
mod held;
mod linking;
mod models;
mod taught;
mod world;
