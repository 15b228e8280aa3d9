//! What a host tells of how much it has to do, to whoever counts: to a server, and to nobody in a simulation.
//!
//! Leaves out bytes, fuel and connections, which a machine sees pass by itself, and anything that would make a run depend on it.

use super::Host;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostMetric {
    /// Connections that were closed at once because too many were open; it only goes up.
    ConnectionsRefused,
    /// Sessions of jobs that began to run; it only goes up. A job that runs on one host as a whole is one.
    SessionsBegun,
    /// Those of them that run now.
    SessionsRunning,
    /// Sessions that wait for a slot now.
    SessionsWaiting,
    /// Changes that containers and accounts are yet to hear of: rows of the pending logs.
    UpdatesPending,
}

impl HostMetric {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ConnectionsRefused,
        Self::SessionsBegun,
        Self::SessionsRunning,
        Self::SessionsWaiting,
        Self::UpdatesPending,
    ];
}

/// Counts as one until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends what it counts"]
pub struct CountGuard {
    host: Host,
    count: HostMetric,
}

impl CountGuard {
    pub(super) fn begin(host: &Host, count: HostMetric) -> Self {
        host.count(count, 1);
        Self { host: host.clone(), count }
    }
}

impl Drop for CountGuard {
    fn drop(&mut self) {
        self.host.count(self.count, -1);
    }
}
