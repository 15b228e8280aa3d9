//! View of a proxy of a session that it has to place, and of the hosts that could run it.
//!
//! Its own observations, reports in answers, and its configuration. Leaves out what other
//! proxies do, which no proxy knows.

use std::net::SocketAddr;
use std::time::Duration;

use stayput_host::Entropy;
use stayput_host::config::{ByteRate, FuelRate, MachineConfig};
use stayput_store::swift::ReplicaTarget;

/// Age beyond which a reported load is ignored: sessions take tens of milliseconds.
const LOAD_AGE_MAX: Duration = Duration::from_millis(250);

/// One session, as its proxy sees it.
#[derive(Clone, Debug)]
pub struct PlacementView<'a> {
    /// Sessions of its job, copies included: 1 if it is all that the job is.
    pub executions: usize,
    /// Devices that hold the object that it reads, in the order of their answers.
    pub replicas: Vec<ReplicaView>,
    /// The devices that will do if there is no such object, in the order of the ring.
    pub elsewhere: Vec<ReplicaView>,
    /// The workers, in an order of the proxy's own.
    pub workers: Vec<WorkerView>,
    /// Jobs that run on the proxy itself.
    pub at_proxy: u32,
    /// Bytes that it reads.
    pub input_bytes: u64,
    /// Bytes of its module and images, unless they are installed everywhere.
    pub module_bytes: u64,
    /// Costs of such sessions, if any ended.
    pub learned: Option<ObservedTotals>,
    /// Times of such sessions.
    pub delays: ObservedDelays,
    /// Rates of the cluster's machines and links.
    pub rates: &'a ClusterRates,
    /// Place that its client asks for, if it does.
    pub asked: Option<&'a str>,
    /// Random bits for this decision and no other.
    pub draw: Entropy,
}

impl PlacementView<'_> {
    /// The nodes that may run it: those with its object, or any that will do.
    #[must_use]
    pub fn nodes(&self) -> &[ReplicaView] {
        if self.replicas.is_empty() { &self.elsewhere } else { &self.replicas }
    }
}

/// A device of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaView {
    /// Address and device.
    pub target: ReplicaTarget,
    /// Its zone, from 1 over all regions; 0 if that is not known.
    pub zone: u32,
    /// Configured one-way latency of the network from the proxy to it.
    pub latency: Duration,
    /// Sessions that this proxy has sent there and that have not ended.
    pub outstanding: u32,
    /// Load that the node reported last.
    pub load: Option<ReportedLoad>,
}

impl ReplicaView {
    /// Sessions that are probably there: what the node said while that is young, but no fewer than
    /// this proxy sent.
    #[must_use]
    pub fn pending(&self) -> u32 {
        let told = self.load.filter(|seen| seen.age <= LOAD_AGE_MAX);
        let told = told.map_or(0, |seen| seen.load.running.saturating_add(seen.load.waiting));
        self.outstanding.max(told)
    }
}

/// Load of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NodeLoad {
    /// Sessions that run.
    pub running: u32,
    /// Sessions that wait for a slot.
    pub waiting: u32,
}

/// Load that a host reported, and its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedLoad {
    /// The load.
    pub load: NodeLoad,
    /// Time since it was reported.
    pub age: Duration,
}

/// A worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerView {
    /// Address at which it takes jobs.
    pub address: SocketAddr,
    /// Jobs that this proxy has sent there and that have not ended.
    pub outstanding: u32,
}

/// Costs of sessions of the same module and arguments, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObservedTotals {
    /// Sessions that ended.
    pub sessions: u64,
    /// Bytes that they read.
    pub input_bytes: u64,
    /// Bytes that they wrote.
    pub output_bytes: u64,
    /// Fuel that they used.
    pub fuel: u64,
}

impl ObservedTotals {
    /// Bytes that such a session is likely to write if it reads so many.
    #[must_use]
    pub fn output_for(&self, input_bytes: u64) -> u64 {
        self.scaled(self.output_bytes, input_bytes)
    }

    /// Fuel that such a session is likely to use if it reads so many bytes.
    #[must_use]
    pub fn fuel_for(&self, input_bytes: u64) -> u64 {
        self.scaled(self.fuel, input_bytes)
    }

    /// In proportion to the input; of sessions that read nothing, the mean.
    fn scaled(&self, sum: u64, input_bytes: u64) -> u64 {
        let (part, whole) = match self.input_bytes {
            0 => (1, self.sessions.max(1)),
            known => (input_bytes, known),
        };
        let scaled = u128::from(sum) * u128::from(part) / u128::from(whole);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

/// Times of sessions of the same module and arguments on nodes, from the order to the answer,
/// as far as this proxy saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObservedDelays {
    /// Sessions that were observed, of the last ones that are kept.
    pub seen: usize,
    /// Half of them took at most this.
    pub p50: Duration,
    /// 95 of a hundred took at most this.
    pub p95: Duration,
}

/// Rates of a cluster's machines and links, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRates {
    /// A storage node; proxies have its cores and its card.
    pub node: MachineRates,
    /// A worker.
    pub worker: MachineRates,
    /// Between a proxy and nodes of other zones.
    pub to_nodes: LinkRates,
    /// Between a proxy and the workers.
    pub to_workers: LinkRates,
    /// Number of proxies; each is assumed to do as much as this one.
    pub proxies: u32,
}

/// Rates of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineRates {
    /// Cores.
    pub cores: u32,
    /// Of one core.
    pub fuel: FuelRate,
    /// Its network card, each way.
    pub nic: ByteRate,
    /// Reading from a disk.
    pub disk_read: ByteRate,
}

impl MachineRates {
    /// Of a machine.
    #[must_use]
    pub const fn of(machine: &MachineConfig) -> Self {
        Self {
            cores: machine.cores,
            fuel: machine.fuel_per_second,
            nic: machine.nic,
            disk_read: machine.disk.read,
        }
    }
}

/// Latency and rate of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkRates {
    /// One way.
    pub latency: Duration,
    /// Rate that all its flows share; unlimited if `None`.
    pub trunk: Option<ByteRate>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn totals(sessions: u64, input_bytes: u64, sum: u64) -> ObservedTotals {
        ObservedTotals { sessions, input_bytes, output_bytes: sum, fuel: sum }
    }

    proptest! {
        #[test]
        fn a_prediction_is_in_proportion_to_what_is_read_and_rounds_down(
            sum in 0_u64..1 << 20, known in 1_u64..1 << 20, input in 0_u64..1 << 20,
        ) {
            let predicted = totals(3, known, sum).fuel_for(input);
            prop_assert_eq!(totals(3, known, sum).output_for(input), predicted);
            let exact = u128::from(sum) * u128::from(input);
            prop_assert!(u128::from(predicted) * u128::from(known) <= exact);
            prop_assert!(u128::from(predicted + 1) * u128::from(known) > exact);
        }

        #[test]
        fn nothing_is_too_much_for_a_prediction(
            figures: (u64, u64, u64), input: u64,
        ) {
            let (sessions, known, sum) = figures;
            let totals = totals(sessions, known, sum);
            prop_assert_eq!(totals.fuel_for(input), totals.output_for(input));
        }
    }

    #[test]
    fn a_load_that_no_number_holds_is_the_greatest_number() {
        let load = NodeLoad { running: u32::MAX, waiting: 1 };
        let ip = std::net::IpAddr::from([10, 0, 0, 1]);
        let replica = ReplicaView {
            target: ReplicaTarget { ip, port: 6200, device: "d1".to_owned() },
            zone: 1,
            latency: Duration::ZERO,
            outstanding: 3,
            load: Some(ReportedLoad { load, age: LOAD_AGE_MAX }),
        };
        assert_eq!(replica.pending(), u32::MAX);
        let nanosecond = Duration::from_nanos(1);
        let old = Some(ReportedLoad { load, age: LOAD_AGE_MAX + nanosecond });
        assert_eq!(ReplicaView { load: old, ..replica }.pending(), 3, "it is too old to count");
    }

    #[test]
    fn sessions_that_read_nothing_are_predicted_by_their_mean_and_none_by_nothing() {
        assert_eq!(totals(4, 0, 10).fuel_for(1 << 40), 2);
        assert_eq!(totals(0, 0, 10).fuel_for(1), 10, "none is counted as one");
        assert_eq!(ObservedTotals::default().fuel_for(u64::MAX), 0);
        assert_eq!(totals(1, 1, u64::MAX).fuel_for(u64::MAX), u64::MAX);
    }
}
