//! Overlays: changes to a model from a TOML file.
/// stub
#[derive(Debug)]
pub struct OverlayError;
