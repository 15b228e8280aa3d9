//! Meters of a server: bytes by purpose and part, fuel, connections, and the metrics of its hosts
//! ([`HostMetric`]).
//!
//! Counters only go up, but for those of what is so now, from any thread; a reader may see one
//! ahead of another. Leaves out how they are shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use stayput_host::{HostMetric, Label, MessagePart, Purpose, SpentFuel};

/// Purposes times parts.
const LABELS: usize = Purpose::ALL.len() * 2;

/// The counters of a server.
#[derive(Debug)]
pub struct Meters {
    sent: [AtomicU64; LABELS],
    fuel: AtomicU64,
    slices: AtomicU64,
    accepted: AtomicU64,
    open: AtomicU64,
    peers: AtomicU64,
    closing: AtomicU64,
    strangers: AtomicU64,
    counts: [AtomicI64; HostMetric::ALL.len()],
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            sent: [const { AtomicU64::new(0) }; LABELS],
            fuel: AtomicU64::new(0),
            slices: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
            peers: AtomicU64::new(0),
            closing: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
            counts: [const { AtomicI64::new(0) }; HostMetric::ALL.len()],
        }
    }
}

/// Counts a connection as being closed until it is dropped.
#[derive(Debug)]
pub(super) struct Closing(Arc<Meters>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.closing.fetch_sub(1, Ordering::Relaxed);
    }
}

fn index(label: Label) -> usize {
    label.purpose as usize * 2 + usize::from(label.part == MessagePart::Body)
}

impl Meters {
    /// Bytes of that label were sent.
    pub(super) fn sent(&self, label: Label, bytes: u64) {
        self.sent[index(label)].fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn computed(&self, spent: SpentFuel) {
        self.fuel.fetch_add(spent.0, Ordering::Relaxed);
        self.slices.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn peer_accepted(&self) {
        self.peers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn peer_closed(&self) {
        self.peers.fetch_sub(1, Ordering::Relaxed);
    }

    /// A connection that nobody holds any more is being closed, until what this gives is dropped.
    pub(super) fn closes(self: &Arc<Self>) -> Closing {
        self.closing.fetch_add(1, Ordering::Relaxed);
        Closing(Arc::clone(self))
    }

    /// Connections that are being closed: what was written on them may still be on its way.
    pub(super) fn closing_connections(&self) -> u64 {
        self.closing.load(Ordering::Relaxed)
    }

    pub(super) fn stranger_refused(&self) {
        self.strangers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self, count: HostMetric, change: i64) {
        self.counts[count as usize].fetch_add(change, Ordering::Relaxed);
    }

    /// Sum over all hosts.
    #[must_use]
    pub fn counted(&self, count: HostMetric) -> u64 {
        let told = self.counts[count as usize].load(Ordering::Relaxed);
        // A reader may see the end of something before its beginning.
        u64::try_from(told).unwrap_or(0)
    }

    /// Bytes that were sent so far for `purpose`, in that part of messages: between actors, to
    /// other processes and to clients.
    #[must_use]
    pub fn bytes(&self, purpose: Purpose, part: MessagePart) -> u64 {
        self.sent[index(Label { purpose, part })].load(Ordering::Relaxed)
    }

    /// Fuel that jobs have spent.
    #[must_use]
    pub fn fuel(&self) -> u64 {
        self.fuel.load(Ordering::Relaxed)
    }

    /// Number of slices of cores given to jobs.
    #[must_use]
    pub fn slices(&self) -> u64 {
        self.slices.load(Ordering::Relaxed)
    }

    /// Connections that clients have opened.
    #[must_use]
    pub fn accepted_connections(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Those of them that are open now.
    #[must_use]
    pub fn open_connections(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections that other processes of the cluster have open to actors of this one.
    #[must_use]
    pub fn peer_connections(&self) -> u64 {
        self.peers.load(Ordering::Relaxed)
    }

    /// Callers at the port for other processes that did not prove to be one.
    #[must_use]
    pub fn refused_strangers(&self) -> u64 {
        self.strangers.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_tell_of_is_counted_apart() {
        let meters = Meters::default();
        for (number, count) in (1..).zip(HostMetric::ALL) {
            meters.count(count, number + 1);
            meters.count(count, -1);
        }
        for (number, count) in (1..).zip(HostMetric::ALL) {
            assert_eq!(meters.counted(count), number, "{count:?}");
        }
    }

    #[test]
    fn each_purpose_and_part_has_a_counter_of_its_own() {
        let meters = Meters::default();
        for (number, purpose) in (1..).zip(Purpose::ALL) {
            meters.sent(Label::body(purpose), number);
            meters.sent(Label { purpose, part: MessagePart::Head }, 100 * number);
        }
        for (number, purpose) in (1..).zip(Purpose::ALL) {
            assert_eq!(meters.bytes(purpose, MessagePart::Body), number);
            assert_eq!(meters.bytes(purpose, MessagePart::Head), 100 * number);
        }
    }
}
