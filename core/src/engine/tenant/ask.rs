//! Asking: finding entities, listing discrepancies and dead letters.
