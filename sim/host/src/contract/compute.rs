//! Claim about work on cores that holds on real machines too.

use std::any::Any;

use super::ContractBackend;
use super::script::start_reporting;
use crate::{ComputeWork, SpentFuel};

/// Work that counts its runs and spends 10⁷ units of fuel in each.
pub(super) struct CountedRuns(pub(super) u64);

impl ComputeWork for CountedRuns {
    fn run(&mut self) -> SpentFuel {
        self.0 += 1;
        SpentFuel(10_000_000)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Claims that work runs exactly once, comes back to its owner, and that its fuel is counted.
pub fn work_runs_once_and_its_fuel_is_counted(backend: &mut dyn ContractBackend) {
    let runs = start_reporting(backend, 0, |host| async move {
        let mut runs = Vec::new();
        for done in [0; 3].map(|_| host.compute(Box::new(CountedRuns(0)))) {
            let work = done.await.into_any().downcast::<CountedRuns>();
            runs.push(work.expect("the work that was given").0);
        }
        runs
    });
    assert_eq!(runs.wait(backend), [1, 1, 1]);
    assert_eq!(backend.fuel_spent(), 30_000_000);
}
