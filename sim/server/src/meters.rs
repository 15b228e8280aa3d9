//! Meters of a server: bytes by purpose and part, fuel, connections, and the metrics of its hosts
//! ([`HostMetric`]).
//!
//! Counters go up only, gauges both ways, from any thread; a reader may see one ahead of another.
//! Leaves out how they are shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use stayput_host::{HostMetric, Label, MessagePart, Purpose, SpentFuel};

/// Purposes times parts.
const LABELS: usize = Purpose::ALL.len() * 2;

/// Counters and gauges of a server.
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

/// Increment of a gauge of connections until this is dropped.
#[derive(Debug)]
pub(super) struct GaugeGuard {
    meters: Arc<Meters>,
    gauge: fn(&Meters) -> &AtomicU64,
}

impl GaugeGuard {
    fn begin(meters: &Arc<Meters>, gauge: fn(&Meters) -> &AtomicU64) -> Self {
        gauge(meters).fetch_add(1, Ordering::Relaxed);
        Self { meters: Arc::clone(meters), gauge }
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        (self.gauge)(&self.meters).fetch_sub(1, Ordering::Relaxed);
    }
}

fn index(label: Label) -> usize {
    label.purpose as usize * 2 + usize::from(label.part == MessagePart::Body)
}

impl Meters {
    /// Counts bytes sent under a label.
    pub(super) fn sent(&self, label: Label, bytes: u64) {
        self.sent[index(label)].fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn computed(&self, spent: SpentFuel) {
        self.fuel.fetch_add(spent.0, Ordering::Relaxed);
        self.slices.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a client's connection, and as open until the guard is dropped.
    pub(super) fn client_connection(self: &Arc<Self>) -> GaugeGuard {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        GaugeGuard::begin(self, |meters| &meters.open)
    }

    /// Counts a connection of another process as open until the guard is dropped.
    pub(super) fn peer_connection(self: &Arc<Self>) -> GaugeGuard {
        GaugeGuard::begin(self, |meters| &meters.peers)
    }

    /// Counts a connection that nobody holds any more as being closed until the guard is dropped.
    pub(super) fn closing_connection(self: &Arc<Self>) -> GaugeGuard {
        GaugeGuard::begin(self, |meters| &meters.closing)
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
        let value = self.counts[count as usize].load(Ordering::Relaxed);
        // A reader may see the end of something before its beginning.
        u64::try_from(value).unwrap_or(0)
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
    fn each_metric_of_hosts_is_counted_apart() {
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
