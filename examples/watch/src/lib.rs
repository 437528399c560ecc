//! What nobody has to look for. The binary prints it; the tests compare it.

pub mod office;
pub mod scenes;
