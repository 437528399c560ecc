//! Policies that a file may name.
/// stub
#[derive(Debug, Default)]
pub struct Registry;
/// stub
#[derive(Debug)]
pub struct PolicySpec;
/// stub
#[derive(Debug)]
pub struct UnknownPolicy;
