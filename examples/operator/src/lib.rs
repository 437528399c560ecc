//! A day of the people who run Accordant. The binary prints it; the tests compare it.

pub mod day;
pub mod office;
pub mod page;
