//! Storage of a node at its lowest: devices, places on them, the format of files, and errors.
//!
//! Leaves out the meaning of files and rows: objects are `object`'s, tables `index`'s. Everything
//! else of the node is above this folder, which uses nothing of it.

pub(crate) mod block_checksums;
mod device;
mod devices;
mod error;
mod name_hash;
mod place;
pub(crate) mod stored_file;
pub(crate) mod trailer;

pub(crate) use device::Device;
pub(crate) use devices::{Devices, PerDevice};
pub use error::{NodeError, RequestFlaw, SlowParty};
pub use name_hash::NameHasher;
pub(crate) use name_hash::{NameHash, hex};
pub(crate) use place::DiskPlace;
pub use trailer::FileDamage;
