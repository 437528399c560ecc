//! The laws of mappings.
