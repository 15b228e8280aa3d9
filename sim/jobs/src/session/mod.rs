//! One session on one host: its code, the sources of its devices, a slot, and its run to the end.
//!
//! Storage nodes, proxies and workers run sessions by the same `driver`; they differ in who
//! supplies the bytes (`source`). Leaves out choosing the host, and storing outputs.

pub(crate) mod driver;
pub mod modules;
pub(crate) mod pipe;
pub mod prepare;
pub mod result;
mod run;
pub(crate) mod slots;
pub(crate) mod source;
pub(crate) mod staging;
pub(crate) mod verified_replica;

pub use self::slots::NoSlot;
