//! Simulated parts of a host beside its network card: cores and disks, with their meters and the
//! recorder of their spans.
//!
//! They outlast a crash: a start gets the same disks, and cores for which nothing queues. Leaves
//! out the card, which is the network's.

use std::collections::BTreeMap;
use std::rc::Rc;

use stayput_host::config::FuelRate;
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{ComputeWork, Disk, LocalFuture, Recorder, Seed, Time};

use crate::clock::Clock;
use crate::cpu::{BusyMeter, Cpu, FuelMeter};
use crate::disk::{SimDisk, disks_of};
use crate::{HostBusy, Timeline, Trace};

/// Records of a world that the parts of its hosts add to.
#[derive(Default)]
pub(crate) struct WorldRecords {
    pub(crate) trace: Trace,
    pub(crate) timeline: Timeline,
    pub(crate) fuel: FuelMeter,
}

impl WorldRecords {
    /// Records without entries but for those of `trace`.
    pub(crate) fn of(trace: Trace) -> Self {
        Self { trace, ..Self::default() }
    }
}

/// Cores and disks of a host.
pub(crate) struct HostParts {
    seed: Seed,
    disks: BTreeMap<String, SimDisk>,
    cores: u32,
    rate: FuelRate,
    clock: Rc<dyn Clock>,
    fuel: FuelMeter,
    busy: BusyMeter,
    recorder: Rc<dyn Recorder>,
}

impl HostParts {
    /// Parts by `spec`, with empty disks.
    pub(crate) fn new(
        (key, spec): (HostKey, &HostSpec),
        seed: Seed,
        clock: &Rc<dyn Clock>,
        records: &WorldRecords,
    ) -> Self {
        let recorder = records.timeline.of_host(key, Rc::clone(clock));
        Self {
            seed,
            disks: disks_of(spec, seed, clock, &records.trace, &recorder),
            cores: spec.cores,
            rate: spec.fuel_per_second,
            clock: Rc::clone(clock),
            fuel: records.fuel.clone(),
            busy: BusyMeter::default(),
            recorder,
        }
    }

    /// The disks by name.
    pub(crate) fn disks(&self) -> &BTreeMap<String, SimDisk> {
        &self.disks
    }

    /// Busy times up to `now`.
    pub(crate) fn busy(&self, now: Time) -> HostBusy {
        let disks = self.disks.values().map(SimDisk::busy).sum();
        HostBusy { cores: self.busy.busy(now), disks }
    }

    /// The parts for one start of the host.
    pub(crate) fn start(&self) -> StartedParts {
        let share = |(name, disk): (&String, &SimDisk)| {
            (name.clone(), Rc::new(disk.share()) as Rc<dyn Disk>)
        };
        let meters = (self.fuel.clone(), self.busy.clone());
        let (clock, recorder) = (Rc::clone(&self.clock), Rc::clone(&self.recorder));
        StartedParts {
            seed: self.seed,
            cpu: Cpu::new(self.cores, self.rate, clock, meters, recorder),
            disks: self.disks.iter().map(share).collect(),
            recorder: Rc::clone(&self.recorder),
        }
    }
}

/// Parts of a host from one start to its crash: what backends have in common behind
/// [`Machine`](stayput_host::Machine).
pub(crate) struct StartedParts {
    seed: Seed,
    cpu: Cpu,
    disks: BTreeMap<String, Rc<dyn Disk>>,
    recorder: Rc<dyn Recorder>,
}

impl StartedParts {
    pub(crate) fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        self.disks.get(device).cloned()
    }

    pub(crate) fn compute(
        &self,
        work: Box<dyn ComputeWork>,
    ) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.cpu.compute(work)
    }

    pub(crate) fn seed(&self) -> Seed {
        self.seed
    }

    pub(crate) fn recorder(&self) -> Rc<dyn Recorder> {
        Rc::clone(&self.recorder)
    }
}
