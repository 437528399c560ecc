//! Accordant on a real SQLite file, ended in every way that an operating system and a disk know.
//!
//! A [`day`] of a small engine is killed at every system call, its calls fail, its disk is full, or its power goes; then
//! the next process opens what is left, and [`judge`] says what must hold. The other systems are [`remote`] ones: logs of
//! their own, in which every write of ours is counted.

pub mod day;
pub mod images;
pub mod judge;
pub mod kill;
pub mod million;
pub mod power;
pub mod remote;
pub mod report;
pub mod strace;
