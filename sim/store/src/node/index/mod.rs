//! Listings: what is in a container or an account, as rows in a device's table, with counts beside
//! them.
//!
//! ```text
//! index/<c|a>/<hash>/i          Info: timestamps, metadata, counts
//! index/<c|a>/<hash>/r/<name>   one row for each name, deleted ones included
//! ```
//! Each change is one batch: rows, counts and what the account is to hear of it appear together or
//! not at all.
//!
//! Leaves out reclaiming rows of what was deleted long ago, and sharding.

mod broker;
mod entry;
mod info;
mod listing;
mod replica;
mod reply;
mod service;
mod tally;

pub(super) use broker::{Broker, encode, row_name};
pub(super) use entry::{ContainerEntry, Entry, ObjectEntry, Stats};
pub(super) use info::Info;
pub(super) use service::{Asked, Level};
pub(super) use tally::{Stretch, Tallies};
