//! One session on one host: what it is made of, the slots it waits for, and its run to the end.
//!
//! Leaves out where the bytes that it reads come from, and where its outputs go.

pub mod driver;
pub mod modules;
pub mod pipe;
pub mod prepare;
pub mod slots;
pub(crate) mod verified_replica;
