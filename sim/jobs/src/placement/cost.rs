//! `cost`: predicts how long the session takes near its object and far from it, and takes the
//! shorter; so it pushes code down where that pays, and pushes it back to the workers when the
//! cores of the storage are busy.
//!
//! The break-even rule in its overlapped form, with S bytes of input, output ratio σ, bandwidth B
//! and a rate R of computing: computing overlaps with what comes after the first piece, so that
//! near takes t0 + max(S/R, S/disk) and far t0 + max(S/B, S/R), t0 being what it takes to ship the
//! code. R and σ are what such sessions came to; until one has ended the code goes to the nearest
//! copy of the data. Cores and the trunk to the workers are shared with what is there already.
//! (Pushdown and pushback as in Yang et al., *Enhancing Computation Pushdown for Cloud OLAP
//! Databases*, 2023.)
//!
//! Two things make the rule's σS/B another one here. An output leaves a session's host when the
//! session has ended, so that its time is added, not overlapped: near twice, for a proxy has a
//! node's answer whole before it answers; far once, for a worker's answer is passed on as it comes,
//! but over the trunk. And what is far is posted on by the proxy: a trip there, one back, and the
//! worker's own look at the store, which clients that go to the workers themselves do not pay for.
//!
//! Leaves out what other proxies have sent since they were last heard of, disks that are busy, and
//! jobs of several sessions: those stay on the storage, where their pipes are short.

use std::time::Duration;

use stayput_host::config::ByteRate;

use super::{
    MachineRates, ObservedTotals, PlacementDecision, PlacementPolicy, PlacementReason,
    PlacementView, ReplicaView, SessionPlace, nodes,
};

/// The policy `cost`.
#[derive(Debug)]
pub(super) struct Cost;

/// Near is faster.
const NEAR: PlacementReason = PlacementReason::new("near-faster");
/// Far is faster, even if no core of the storage were busy.
const FAR: PlacementReason = PlacementReason::new("far-faster");
/// Far is faster because the cores of the storage are busy.
const PUSHED_BACK: PlacementReason = PlacementReason::new("pushed-back");
/// No such session has ended yet.
const UNKNOWN: PlacementReason = PlacementReason::new("unknown");
/// There are no workers.
const NO_WORKERS: PlacementReason = PlacementReason::new("no-workers");
/// The job has several sessions.
const SEVERAL: PlacementReason = PlacementReason::new("several-sessions");

/// One-way trips between proxy and node that an order takes: a connection, the order, and the
/// answer.
const TRIPS_OF_ORDER: u32 = 4;
/// The same of a fetch over a connection that is there: of the module to the proxy, and of the
/// input on its way to a worker.
const TRIPS_OF_FETCH: u32 = 2;
/// One-way trips to a worker: a connection and the job, the worker's own connection and request,
/// the data, and the answer.
const TRIPS_FAR: u32 = 8;
/// Bytes that nodes read and check at once: before they are there, there is nothing to compute on.
const FIRST_BYTES: u64 = 256 << 10;

impl PlacementPolicy for Cost {
    fn name(&self) -> &'static str {
        "cost"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        if view.executions > 1 {
            return PlacementDecision::new(nodes(view.nodes()), SEVERAL);
        }
        let session = Prediction::new(view, &view.learned.unwrap_or_default());
        let mut replicas: Vec<&ReplicaView> = view.nodes().iter().collect();
        replicas.sort_by_key(|replica| session.near(replica, replica.pending()));
        match view.learned {
            _ if view.workers.is_empty() => {
                return PlacementDecision::new(nodes(replicas), NO_WORKERS);
            }
            None => return PlacementDecision::new(nodes(replicas), UNKNOWN),
            Some(_) => {}
        }
        let mut workers = view.workers.clone();
        workers.sort_by_key(|worker| session.far(worker.outstanding));
        let near_ns = replicas.first().map(|replica| session.near(replica, replica.pending()));
        let idle_ns = replicas.iter().map(|replica| session.near(replica, 0)).min();
        let far_ns = workers.first().map(|worker| session.far(worker.outstanding));
        let far_is_faster = far_ns.unwrap_or(u128::MAX) < near_ns.unwrap_or(u128::MAX);
        let reason = match far_is_faster {
            false => NEAR,
            true if far_ns < idle_ns => FAR,
            true => PUSHED_BACK,
        };
        let near = nodes(replicas);
        let far: Vec<SessionPlace> =
            workers.iter().map(|worker| SessionPlace::Worker(worker.address)).collect();
        let candidates = if far_is_faster { [far, near] } else { [near, far] };
        PlacementDecision::new(candidates.concat(), reason)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[NEAR, FAR, PUSHED_BACK, UNKNOWN, NO_WORKERS, SEVERAL]
    }

    fn needs_workers(&self) -> bool {
        true
    }

    fn asks_for_load(&self) -> bool {
        true
    }
}

/// A session whose time is predicted, in nanoseconds.
struct Prediction<'a> {
    view: &'a PlacementView<'a>,
    fuel: u64,
    output_bytes: u64,
    /// Jobs of this proxy that are on their way to workers or run there: they share the trunk.
    at_workers: u32,
}

impl<'a> Prediction<'a> {
    fn new(view: &'a PlacementView<'a>, learned: &ObservedTotals) -> Self {
        Self {
            view,
            fuel: learned.fuel_for(view.input_bytes),
            output_bytes: learned.output_for(view.input_bytes),
            at_workers: view.workers.iter().map(|worker| worker.outstanding).sum(),
        }
    }

    /// On a node where so many other sessions are.
    fn near(&self, replica: &ReplicaView, others: u32) -> u128 {
        let rates = self.view.rates;
        let card = rates.node.nic;
        let module =
            trips(TRIPS_OF_FETCH, rates.to_nodes.latency) + 2 * nanos(card, self.view.module_bytes);
        let compute = self.compute(&rates.node, others);
        let work = overlapped(rates.node.disk_read, self.view.input_bytes, compute);
        let answer = 2 * nanos(card, self.output_bytes);
        trips(TRIPS_OF_ORDER, replica.latency) + module + work + answer
    }

    /// On a worker where this proxy has so many jobs, and the others as many each.
    fn far(&self, own: u32) -> u128 {
        let rates = self.view.rates;
        let cards = rates.node.nic.min(rates.worker.nic);
        let share = |trunk: ByteRate| {
            let share = trunk.get() / u64::from(self.at_workers.saturating_add(1));
            ByteRate::new(share.max(1)).unwrap_or(trunk)
        };
        let band = rates.to_workers.trunk.map_or(cards, |trunk| cards.min(share(trunk)));
        let others = own.saturating_mul(rates.proxies.max(1));
        let compute = self.compute(&rates.worker, others);
        let source = band.min(rates.node.disk_read);
        let module = nanos(band, self.view.module_bytes);
        let work = overlapped(source, self.view.input_bytes, compute);
        let answer = nanos(band, self.output_bytes);
        let look = trips(TRIPS_OF_FETCH, rates.to_nodes.latency);
        trips(TRIPS_FAR, rates.to_workers.latency) + look + module + work + answer
    }

    /// Time on a core, longer where more sessions than cores take turns.
    fn compute(&self, machine: &MachineRates, others: u32) -> u128 {
        let alone = u128::from(machine.fuel.nanos_for(self.fuel));
        let (sessions, cores) = (u128::from(others) + 1, u128::from(machine.cores.max(1)));
        alone * sessions.max(cores) / cores
    }
}

fn nanos(rate: ByteRate, bytes: u64) -> u128 {
    u128::from(rate.nanos_for(bytes))
}

fn trips(count: u32, one_way: Duration) -> u128 {
    one_way.as_nanos() * u128::from(count)
}

/// Computing on what comes at this rate, which begins when the first piece of it is there.
fn overlapped(rate: ByteRate, bytes: u64, compute: u128) -> u128 {
    let first = nanos(rate, bytes.min(FIRST_BYTES));
    first + compute.max(nanos(rate, bytes) - first)
}
