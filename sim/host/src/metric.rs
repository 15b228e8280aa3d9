//! Counters and gauges of a host, for a server's `/metrics`; a simulation ignores them.
//!
//! Leaves out bytes, fuel and connections, which a machine meters by itself.

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
