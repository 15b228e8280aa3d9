//! The world of a run: one of the backends, and the capabilities that each of them has.
//!
//! This is the one place that knows which backend can do what.

use std::sync::Arc;

use stayput_host::{Backend, Seed, Time};
use stayput_server::LoopbackServer;
use stayput_world::fabric::Fabric;
use stayput_world::metered::Metered;
use stayput_world::turmoil::Turmoil;
use stayput_world::{ExecutorMeters, FaultInjection, PartMeters, RunMeters, Trace, WireMeters};

use super::{RunError, unfit};
use crate::plan::{Net, RunPlan};

/// A world on the backend that a plan names.
pub(super) enum RunWorld {
    Fabric(Box<Fabric>),
    Turmoil(Box<Turmoil>),
    Tcp(Box<Metered<LoopbackServer>>),
}

impl RunWorld {
    /// A world without hosts.
    ///
    /// # Errors
    /// The system has no room for its sockets, threads and disks.
    pub(super) fn of(plan: &RunPlan, trace: Trace) -> Result<Self, RunError> {
        let (seed, network) = (Seed(plan.seed), plan.scenario.network.clone());
        Ok(match plan.net {
            Net::Fabric => {
                let mut fabric = Fabric::in_order(plan.order, seed, network, trace);
                fabric.set_known_contents(plan.contents.clone());
                Self::Fabric(Box::new(fabric))
            }
            Net::Turmoil => Self::Turmoil(Box::new(Turmoil::new(seed, network, trace))),
            Net::Tcp => {
                let server = LoopbackServer::new(seed);
                let server = server.map_err(|error| unfit("net tcp", &error.to_string()))?;
                let clock = server.clock();
                let clock = Arc::new(move || clock.now());
                Self::Tcp(Box::new(Metered::new(server, clock, trace)))
            }
        })
    }

    pub(super) fn backend(&mut self) -> &mut dyn Backend {
        match self {
            Self::Fabric(world) => &mut **world,
            Self::Turmoil(world) => &mut **world,
            Self::Tcp(world) => &mut **world,
        }
    }

    pub(super) fn meters(&self) -> &dyn RunMeters {
        match self {
            Self::Fabric(world) => &**world,
            Self::Turmoil(world) => &**world,
            Self::Tcp(world) => &**world,
        }
    }

    pub(super) fn now(&self) -> Time {
        match self {
            Self::Fabric(world) => world.now(),
            Self::Turmoil(world) => world.now(),
            Self::Tcp(world) => world.now(),
        }
    }

    pub(super) fn faults(&mut self) -> Option<&mut dyn FaultInjection> {
        match self {
            Self::Fabric(world) => Some(&mut **world),
            Self::Turmoil(_) | Self::Tcp(_) => None,
        }
    }

    pub(super) fn wire_meters(&self) -> Option<&dyn WireMeters> {
        match self {
            Self::Fabric(world) => Some(&**world),
            Self::Turmoil(_) | Self::Tcp(_) => None,
        }
    }

    pub(super) fn part_meters(&self) -> Option<&dyn PartMeters> {
        match self {
            Self::Fabric(world) => Some(&**world),
            Self::Turmoil(world) => Some(&**world),
            Self::Tcp(_) => None,
        }
    }

    pub(super) fn executor_meters(&self) -> Option<&dyn ExecutorMeters> {
        match self {
            Self::Fabric(world) => Some(&**world),
            Self::Turmoil(_) | Self::Tcp(_) => None,
        }
    }
}
