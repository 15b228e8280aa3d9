//! `cost`: predicts how long the session takes near its object and far from it, and takes the shorter; so it pushes code down where that
//! pays, and pushes it back to the workers when the cores of the storage are busy.
//!
//! The break-even rule in its overlapped form: with S bytes of input, output ratio σ, bandwidth B and rates R of computing, near
//! takes t0 + max(S/R, σS/B) and far t0 + max(S/B, S/R), t0 being what it takes to ship the code. R and σ are what such sessions came to;
//! until one has ended the code goes to the data. Cores and the trunk to the workers are shared with what is there already. (Pushdown
//! and pushback as in Yang et al., *Enhancing Computation Pushdown for Cloud OLAP Databases*, 2023.)
//!
//! Leaves out what other proxies have sent since they were last heard of, disks that are busy, and jobs of several sessions: those
//! stay on the storage, where their pipes are short.

use super::{Decision, Learned, MachineRates, Place, Policy, Reason, Replica, View, nodes};
use crate::config::ByteRate;

/// The rule.
#[derive(Debug)]
pub(super) struct Cost;

/// Near is faster.
const NEAR: Reason = Reason::new("near-faster");
/// Far is faster, even if no core of the storage were busy.
const FAR: Reason = Reason::new("far-faster");
/// Far is faster because the cores of the storage are busy.
const PUSHED_BACK: Reason = Reason::new("pushed-back");
/// No such session has ended yet.
const UNKNOWN: Reason = Reason::new("unknown");
/// There are no workers.
const NO_WORKERS: Reason = Reason::new("no-workers");
/// The job has several sessions.
const SEVERAL: Reason = Reason::new("several-sessions");

/// One-way trips until a node's first step: a connection, and the order.
const TRIPS_NEAR: u64 = 3;
/// The same for a worker: a connection and the job, and once more of both for its download.
const TRIPS_FAR: u64 = 7;

impl Policy for Cost {
    fn name(&self) -> &'static str {
        "cost"
    }

    fn decide(&self, view: &View<'_>) -> Decision {
        let near_first = |reason| Decision::new(nodes(view.nodes()), reason);
        let learned = match (view.executions, view.workers.is_empty(), view.learned) {
            (2.., _, _) => return near_first(SEVERAL),
            (_, true, _) => return near_first(NO_WORKERS),
            (_, _, None) => return near_first(UNKNOWN),
            (_, _, Some(learned)) => learned,
        };
        let session = Session::new(view, &learned);
        let mut replicas: Vec<&Replica> = view.nodes().iter().collect();
        replicas.sort_by_key(|replica| session.near(replica.pending()));
        let mut workers = view.workers.clone();
        workers.sort_by_key(|worker| session.far(worker.outstanding));
        let near_ns = replicas.first().map(|replica| session.near(replica.pending()));
        let far_ns = workers.first().map(|worker| session.far(worker.outstanding));
        let far_is_faster = far_ns.unwrap_or(u128::MAX) < near_ns.unwrap_or(u128::MAX);
        let reason = match far_is_faster {
            false => NEAR,
            true if far_ns < Some(session.near(0)) => FAR,
            true => PUSHED_BACK,
        };
        let near = nodes(replicas);
        let far: Vec<Place> = workers.iter().map(|worker| Place::Worker(worker.address)).collect();
        let candidates = if far_is_faster { [far, near] } else { [near, far] };
        Decision::new(candidates.concat(), reason)
    }

    fn reasons(&self) -> &'static [Reason] {
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
struct Session<'a> {
    view: &'a View<'a>,
    fuel: u64,
    output_bytes: u64,
    /// Jobs of this proxy that are on their way to workers or run there: they share the trunk.
    at_workers: u32,
}

impl<'a> Session<'a> {
    fn new(view: &'a View<'a>, learned: &Learned) -> Self {
        Self {
            view,
            fuel: learned.fuel_for(view.input_bytes),
            output_bytes: learned.output_for(view.input_bytes),
            at_workers: view.workers.iter().map(|worker| worker.outstanding).sum(),
        }
    }

    /// On a node where so many sessions are.
    fn near(&self, others: u32) -> u128 {
        let rates = self.view.rates;
        let band = rates.node.nic;
        let work = self
            .compute(&rates.node, others)
            .max(nanos(band, self.output_bytes))
            .max(nanos(rates.node.disk_read, self.view.input_bytes));
        let trips = u128::from(TRIPS_NEAR) * rates.to_nodes.latency.as_nanos();
        trips + nanos(band, self.view.module_bytes) + work
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
        let work = self
            .compute(&rates.worker, others)
            .max(nanos(band, self.view.input_bytes))
            .max(nanos(rates.node.disk_read, self.view.input_bytes));
        let trips = u128::from(TRIPS_FAR) * rates.to_workers.latency.as_nanos();
        trips + nanos(band, self.view.module_bytes) + work
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
