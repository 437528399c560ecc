//! Customers of three systems that share no key. The binary prints what becomes of them; the test compares it.

pub mod customers;
pub mod scene;
