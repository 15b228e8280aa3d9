//! Tables of containers and accounts: their rows, counts and metadata on a device.
//!
//! ```text
//! index/<c|a>/<hash>/i          ListingInfo: timestamps, metadata, counts
//! index/<c|a>/<hash>/r/<name>   one row for each name, deleted ones included
//! ```
//! Each change is one batch: rows, counts and the update for the account appear together or not at
//! all.
//!
//! Leaves out HTTP (`listings`), the reclaiming of rows that were deleted long ago, and sharding.

mod broker;
mod digest;
mod entry;
mod info;
mod listing;
mod replica;
mod table;

pub(crate) use broker::Broker;
pub(crate) use digest::RowRange;
pub(crate) use entry::{ContainerEntry, Entry, ObjectEntry, Stats};
pub(crate) use info::{Created, ListingInfo};
pub(crate) use listing::{ListingFormat, ListingLine, ListingQuery};
pub(crate) use table::encode;
