//! Cores: work queues for one, first come, first served, and occupies it for the time of its fuel
//! and its overhead.
//!
//! Work runs at once in wall time; only its virtual time is queued. Meters outlast a host's
//! restarts, so that lost work counts too. Leaves out priorities and cores of different speed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::config::FuelRate;
use stayput_host::time::nanos;
use stayput_host::{ComputeWork, LocalFuture, OpenSpan, Recorder, SpanKind, SpentFuel, Time};
use tokio::sync::Semaphore;

use super::clock::Clock;

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

/// Busy time of a host's cores. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct BusyMeter(Rc<RefCell<CoreSlices>>);

#[derive(Debug, Default)]
struct CoreSlices {
    /// Nanoseconds of slices that are over.
    ended_ns: u64,
    /// Begin and end of each running slice, by its number.
    running: BTreeMap<u64, (Time, Time)>,
    made: u64,
}

impl BusyMeter {
    /// Busy time up to `now`, summed over the cores.
    #[must_use]
    pub fn busy(&self, now: Time) -> Duration {
        let slices = self.0.borrow();
        let running = slices.running.values().map(|slice| nanos_of(*slice, now));
        Duration::from_nanos(running.fold(slices.ended_ns, u64::saturating_add))
    }

    fn begin(&self, begin: Time, end: Time, clock: &Rc<dyn Clock>) -> CoreSlice {
        let slices = &mut *self.0.borrow_mut();
        slices.made += 1;
        slices.running.insert(slices.made, (begin, end));
        CoreSlice { number: slices.made, meter: self.clone(), clock: Rc::clone(clock) }
    }
}

/// Nanoseconds of a slice before `now`.
fn nanos_of((begin, end): (Time, Time), now: Time) -> u64 {
    end.min(now).as_nanos().saturating_sub(begin.as_nanos())
}

/// Slice that a core works on. Dropped early (its host crashed, or its future was dropped) it
/// frees the core.
struct CoreSlice {
    number: u64,
    meter: BusyMeter,
    clock: Rc<dyn Clock>,
}

impl Drop for CoreSlice {
    fn drop(&mut self) {
        let now = self.clock.now();
        let slices = &mut *self.meter.0.borrow_mut();
        let slice = slices.running.remove(&self.number);
        slices.ended_ns += slice.map_or(0, |slice| nanos_of(slice, now));
    }
}

/// The cores of a host.
pub struct Cpu {
    cores: Rc<Semaphore>,
    rate: FuelRate,
    clock: Rc<dyn Clock>,
    meter: FuelMeter,
    busy: BusyMeter,
    recorder: Rc<dyn Recorder>,
}

impl Cpu {
    /// `cores` cores of the same rate.
    #[must_use]
    pub fn new(
        cores: u32,
        rate: FuelRate,
        clock: Rc<dyn Clock>,
        (meter, busy): (FuelMeter, BusyMeter),
        recorder: Rc<dyn Recorder>,
    ) -> Self {
        let cores = Rc::new(Semaphore::new(usize::try_from(cores).unwrap_or(usize::MAX)));
        Self { cores, rate, clock, meter, busy, recorder }
    }

    /// Computes `work` on a core, as [`stayput_host::Host::compute`] promises.
    #[must_use]
    pub fn compute(
        &self,
        mut work: Box<dyn ComputeWork>,
    ) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        let (cores, rate, clock) = (Rc::clone(&self.cores), self.rate, Rc::clone(&self.clock));
        let (meter, recorder) = (self.meter.clone(), Rc::clone(&self.recorder));
        let (busy, job) = (self.busy.clone(), recorder.job());
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
            let begin = clock.now();
            let end = Time::from_nanos(begin.as_nanos().saturating_add(takes));
            let _busy = busy.begin(begin, end, &clock);
            clock.sleep_until(end).await;
            work
        })
    }
}
