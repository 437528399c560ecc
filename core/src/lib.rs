//! Accordant keeps one business entity true across systems that each hold a part of it.

extern crate self as accordant;

pub mod base;
pub mod classify;
pub mod clock;
pub mod connector;
pub mod decision;
pub mod decode;
pub mod discrepancy;
pub mod entity;
pub mod equivalence;
pub mod error;
pub mod fact;
pub mod fingerprint;
pub mod golden;
pub mod hub;
pub mod id;
pub mod journal;
pub mod model;
pub mod observation;
pub mod ownership;
pub mod plan;
pub mod policy;
pub mod representation;
pub mod resolve;
pub mod rule;
pub mod settle;
pub mod sight;
pub mod stamp;
pub mod store;
pub mod surface;
pub mod text;
pub mod value;
pub mod working_set;
pub mod write_access;
