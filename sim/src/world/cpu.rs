//! Cores: work queues for one, first come, first served, and keeps it for the time that its fuel and its
//! overhead take.
//!
//! Leaves out priorities and cores of different speed. Work runs at once in wall time; only its virtual time is queued.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Semaphore;

use super::clock::Clock;
use crate::config::FuelRate;
use crate::host::time::nanos;
use crate::host::{LocalFuture, OpenSpan, Recorder, SpanKind, SpentFuel, Time, Work};

/// Fuel that the cores of a world have spent. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct FuelMeter(Rc<Cell<u64>>);

impl FuelMeter {
    /// Units of fuel so far.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.0.get()
    }

    fn add(&self, spent: SpentFuel) {
        self.0.set(self.0.get().saturating_add(spent.0));
    }
}

/// The cores of a host.
pub struct Cpu {
    cores: Rc<Semaphore>,
    rate: FuelRate,
    clock: Rc<dyn Clock>,
    meter: FuelMeter,
    recorder: Rc<dyn Recorder>,
}

impl Cpu {
    /// As many cores, each as fast.
    #[must_use]
    pub fn new(
        cores: u32,
        rate: FuelRate,
        clock: Rc<dyn Clock>,
        meter: FuelMeter,
        recorder: Rc<dyn Recorder>,
    ) -> Self {
        let cores = Rc::new(Semaphore::new(usize::try_from(cores).unwrap_or(usize::MAX)));
        Self { cores, rate, clock, meter, recorder }
    }

    /// See [`crate::host::Host::compute`].
    #[must_use]
    pub fn compute(&self, mut work: Box<dyn Work>) -> LocalFuture<'static, Box<dyn Work>> {
        let (cores, rate, clock) = (Rc::clone(&self.cores), self.rate, Rc::clone(&self.clock));
        let (meter, recorder) = (self.meter.clone(), Rc::clone(&self.recorder));
        let job = recorder.job();
        Box::pin(async move {
            let queued = OpenSpan::begin(&recorder, SpanKind::Queue, "core", job);
            // The semaphore is never closed; were it, work would run without waiting.
            let _core = cores.acquire().await;
            drop(queued);
            let spent = work.run();
            meter.add(spent);
            let mut slice = OpenSpan::begin(&recorder, SpanKind::Compute, "slice", job);
            slice.figure("fuel", spent.0);
            let takes = rate.nanos_for(spent.0).saturating_add(nanos(work.overhead()));
            let end = clock.now().as_nanos().saturating_add(takes);
            clock.sleep_until(Time::from_nanos(end)).await;
            work
        })
    }
}
