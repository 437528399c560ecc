//! The hub as a system: operators' own entries and derived values live there, with the same fold, base and explanation
//! as any other system's.

/// The name of the hub's system and connection.
pub const SYSTEM: &str = "hub";
