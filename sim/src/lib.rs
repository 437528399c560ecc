//! A seeded world of fake systems, faults and people that breaks Accordant before a user does.
//!
//! One thread, one virtual clock, one seed. The engine is the real one, driven through its public interface over a store
//! in memory that crashes; an oracle that shares no code with it judges what it did.

pub mod agenda;
pub mod approvals;
pub mod attempt;
pub mod audit;
pub mod cli;
pub mod copies;
pub mod decisions;
pub mod design;
pub mod dialect;
pub mod erasing;
pub mod export;
pub mod fault;
pub mod figures;
pub mod heal;
pub mod house;
pub mod image;
pub mod job;
pub mod key;
pub mod neighbour;
pub mod office;
pub mod oracle;
pub mod orders;
pub mod pause;
pub mod people;
pub mod permissions;
pub mod process;
pub mod regression;
pub mod remains;
pub mod remote;
pub mod report;
pub mod rng;
pub mod run;
pub mod scene;
pub mod script;
pub mod seal;
pub mod server;
pub mod shrink;
pub mod signer;
pub mod silent;
pub mod step;
pub mod trace;
pub mod unkept;
pub mod weather;
pub mod word;
#[cfg(accordant_zoo)]
pub mod zoo;
