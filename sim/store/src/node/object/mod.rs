//! Objects on a node's disks: files in Swift's layout, and the HTTP service in front of them.
//!
//! ```text
//! tmp/<hash>-<number>                                          an upload under way
//! objects/<partition>/<suffix>/<hash>/<timestamp>.{data,meta,ts}
//! quarantined/<hash>-<timestamp>.data                          what failed its checksum
//! ```
//! A write goes to `tmp/`, is synced, renamed into place, and its directory is synced before it is
//! acknowledged.
//!
//! Leaves out erasure coding.

mod conditions;
pub mod files;
mod open;
mod range;
mod read;
pub(super) mod replica;
pub(super) mod service;
mod store;
mod sums;
pub mod trailer;
pub(super) mod write;

pub use open::{Metadata, OpenObject};
pub use store::ObjectStore;
