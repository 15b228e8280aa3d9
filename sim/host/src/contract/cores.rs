//! Claims about the time that cores take for fuel and overhead, by the rates of a host's spec.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::compute::CountedRuns;
use super::script::{start_host, start_reporting};
use super::{ClaimReport, ContractBackend};
use crate::{ComputeWork, SpentFuel};

/// Claims that work takes its fuel's time: three pieces of 10 ms on two cores take 10 ms at least.
pub fn work_queues_for_cores_and_takes_its_fuels_time(backend: &mut dyn ContractBackend) {
    let took = start_reporting(backend, 0, |host| async move {
        let begun = host.now();
        for done in [0; 3].map(|_| host.compute(Box::new(CountedRuns(0)))) {
            done.await;
        }
        host.now().since(begun)
    });
    let took = took.wait(backend);
    assert!(took >= Duration::from_millis(10), "{took:?}");
}

/// Work that spends no fuel and keeps its core for 10 ms.
struct OverheadOnly;

impl ComputeWork for OverheadOnly {
    fn run(&mut self) -> SpentFuel {
        SpentFuel(0)
    }

    fn overhead(&mut self) -> Duration {
        Duration::from_millis(10)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Time that three pieces of work with an overhead of 10 ms each take on two cores.
pub fn time_of_three_overheads(backend: &mut dyn ContractBackend) -> Duration {
    let report = ClaimReport::default();
    let reported = report.clone();
    start_host(backend, 0, move |host| {
        let reported = reported.clone();
        async move {
            let (begun, left) = (host.now(), Rc::new(Cell::new(3)));
            for _ in 0..3 {
                let (reported, left, clock) = (reported.clone(), Rc::clone(&left), host.clone());
                host.spawn(async move {
                    clock.compute(Box::new(OverheadOnly)).await;
                    left.set(left.get() - 1);
                    if left.get() == 0 {
                        reported.set(clock.now().since(begun));
                    }
                });
            }
        }
    });
    report.wait(backend)
}

/// Claims that overhead keeps a core, and is counted as no fuel.
pub fn overhead_keeps_a_core_and_is_no_fuel(backend: &mut dyn ContractBackend) {
    let took = time_of_three_overheads(backend);
    assert!(took >= Duration::from_millis(19), "{took:?}");
    assert_eq!(backend.fuel_spent(), 0);
}
