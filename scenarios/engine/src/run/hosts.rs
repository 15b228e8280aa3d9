//! Use of each host's card, cores and disks while the jobs ran.
//!
//! Bytes are the ledger's, busy times the models'. Leaves out real machines, whose parts nobody
//! here has meters for.

use std::collections::BTreeMap;
use std::time::Duration;

use stayput_cluster::Cluster;
use stayput_host::topology::HostKey;
use stayput_world::{HostBusy, Ledger};

use crate::record::HostUse;

/// The meters of all hosts at one time.
pub(super) struct Meters {
    pub(super) busy: Vec<HostBusy>,
    /// True if the ledger knows what arrived. If not, nothing is dropped either, and what is sent
    /// to a host comes to it.
    pub(super) sees_arrivals: bool,
}

impl Meters {
    /// Use since `earlier`, in which time the ledger counted `sent`.
    pub(super) fn since(&self, earlier: &Self, sent: &Ledger, cluster: &Cluster) -> Vec<HostUse> {
        let mut bytes: BTreeMap<HostKey, (u64, u64)> = BTreeMap::new();
        for (way, _, counted) in sent.rows() {
            bytes.entry(way.from).or_default().0 += counted.sent;
            let came = if self.sees_arrivals { counted.delivered } else { counted.sent };
            bytes.entry(way.to).or_default().1 += came;
        }
        let hosts = cluster.hosts.iter().zip(&self.busy).zip(&earlier.busy);
        hosts
            .zip(0..)
            .map(|(((host, now), before), key)| {
                let (sent, received) = bytes.get(&HostKey(key)).copied().unwrap_or_default();
                HostUse {
                    host: host.name.clone(),
                    sent,
                    received,
                    compute_us: micros(now.cores.saturating_sub(before.cores)),
                    disk_us: micros(now.disks.saturating_sub(before.disks)),
                    cores: host.cores,
                    disks: u32::try_from(host.disks.len()).unwrap_or(u32::MAX),
                    nic_bits_per_second: host.nic.get().saturating_mul(8),
                }
            })
            .collect()
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
