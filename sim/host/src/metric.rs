//! Counters and gauges of a host, for a server's `/metrics`; a simulation ignores them.
//!
//! Leaves out bytes, fuel and connections, which a machine meters by itself.

use super::Host;

/// Counter or gauge of a host. No run depends on its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostMetric {
    /// Counter of connections closed at once because too many were open.
    ConnectionsRefused,
    /// Counter of job sessions that began to run. A job that runs on one host as a whole is one.
    SessionsBegun,
    /// Gauge of job sessions that run.
    SessionsRunning,
    /// Gauge of job sessions that wait for a slot.
    SessionsWaiting,
    /// Gauge of container and account updates still to be delivered: rows of the pending logs.
    UpdatesPending,
}

impl HostMetric {
    /// All metrics.
    pub const ALL: [Self; 5] = [
        Self::ConnectionsRefused,
        Self::SessionsBegun,
        Self::SessionsRunning,
        Self::SessionsWaiting,
        Self::UpdatesPending,
    ];
}

/// Increment of a gauge that lasts until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it decrements the gauge"]
pub struct CountGuard {
    host: Host,
    metric: HostMetric,
}

impl CountGuard {
    pub(crate) fn begin(host: &Host, metric: HostMetric) -> Self {
        host.count(metric, 1);
        Self { host: host.clone(), metric }
    }
}

impl Drop for CountGuard {
    fn drop(&mut self) {
        self.host.count(self.metric, -1);
    }
}
