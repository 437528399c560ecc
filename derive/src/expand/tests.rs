//! Expansions, formatted.
