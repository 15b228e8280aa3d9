//! Use of hosts and links.

use serde::{Deserialize, Serialize};

/// Bytes of one class of link and one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The class of link, as in [`ByteCounts::by_class`](super::ByteCounts::by_class).
    pub class: String,
    /// The purpose, as in `by_purpose`.
    pub purpose: String,
    /// Hop bytes of bodies.
    pub body: u64,
    /// Hop bytes of the streams.
    pub sent: u64,
    /// Of these, those that arrived.
    pub delivered: u64,
    /// Of these, those that were dropped. The rest was under way at the end.
    pub dropped: u64,
}

/// Use of one host, from the first intended arrival to the last job's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostUse {
    /// Its name: `node:1`.
    pub host: String,
    /// Bytes of the streams that left its card.
    pub sent: u64,
    /// Bytes of the streams that came to it.
    pub received: u64,
    /// Time that its cores were busy, summed over them.
    pub compute_us: u64,
    /// Time that its disks were busy, summed over them.
    pub disk_us: u64,
    /// Number of cores.
    pub cores: u32,
    /// Number of disks.
    pub disks: u32,
    /// Its card, in bits per second.
    pub nic_bits_per_second: u64,
}
