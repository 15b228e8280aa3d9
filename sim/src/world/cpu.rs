//! Cores: work queues for one, first come, first served, and keeps it for the time that its fuel takes.
//!
//! Leaves out priorities and cores of different speed. Work runs at once in wall time; only its virtual time is queued.

use std::rc::Rc;

use tokio::sync::Semaphore;

use super::clock::Clock;
use crate::config::FuelRate;
use crate::host::{LocalFuture, Time, Work};

/// The cores of a host.
pub struct Cpu {
    cores: Rc<Semaphore>,
    rate: FuelRate,
    clock: Rc<dyn Clock>,
}

impl Cpu {
    /// As many cores, each as fast.
    #[must_use]
    pub fn new(cores: u32, rate: FuelRate, clock: Rc<dyn Clock>) -> Self {
        let cores = Rc::new(Semaphore::new(usize::try_from(cores).unwrap_or(usize::MAX)));
        Self { cores, rate, clock }
    }

    /// See [`crate::host::Host::compute`].
    #[must_use]
    pub fn compute(&self, mut work: Box<dyn Work>) -> LocalFuture<'static, Box<dyn Work>> {
        let (cores, rate, clock) = (Rc::clone(&self.cores), self.rate, Rc::clone(&self.clock));
        Box::pin(async move {
            // The semaphore is never closed; were it, work would run without waiting.
            let _core = cores.acquire().await;
            let spent = work.run();
            let end = clock.now().as_nanos().saturating_add(rate.nanos_for(spent.0));
            clock.sleep_until(Time::from_nanos(end)).await;
            work
        })
    }
}
