//! Objects on a node's disks: files in Swift's layout, and the HTTP service in front of them.
//!
//! ```text
//! tmp/<hash>-<number>                                          an upload under way
//! objects/<partition>/<suffix>/<hash>/<timestamp>.{data,meta,ts}
//! quarantined/<hash>-<timestamp>.data                          a file that failed its checksum
//! ```
//! A write goes to `tmp/`, is synced, renamed into place, and its directory is synced before it is
//! acknowledged.
//!
//! Leaves out erasure coding.

mod changes;
mod conditions;
mod digests;
mod expirer;
mod files;
mod hash_dir;
mod inventory;
mod metadata;
mod open;
mod range_reader;
mod read;
mod replica;
mod service;
mod store;
mod upload;

pub(crate) use expirer::Expirer;
pub(crate) use files::{FileKind, ObjectFiles};
pub(crate) use hash_dir::{hashes, make_durable, object_files, partitions};
pub use metadata::ObjectMetadata;
pub use open::OpenObject;
pub(crate) use service::ObjectService;
pub use store::ObjectStore;

#[cfg(test)]
pub(crate) use files::FileName;
