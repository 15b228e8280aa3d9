//! Claims about the clock, timeouts and tasks.

use std::rc::Rc;
use std::time::Duration;

use super::ContractBackend;
use super::script::start_reporting;
use crate::Time;

/// Claims that a sleep never ends before its time.
pub fn a_sleep_ends_no_earlier_than_its_time(backend: &mut dyn ContractBackend) {
    let done = start_reporting(backend, 0, |host| async move {
        for micros in [0, 1, 999, 1_000, 1_001, 12_345] {
            let end = host.now() + Duration::from_micros(micros);
            host.sleep_until(end).await;
            assert!(host.now() >= end, "woken at {} instead of {end}", host.now());
        }
    });
    done.wait(backend);
}

/// Claims that a timeout drops the future that it limits.
pub fn a_timeout_drops_its_future(backend: &mut dyn ContractBackend) {
    let limited = start_reporting(backend, 0, |host| async move {
        let witness = Rc::new(());
        let held = Rc::clone(&witness);
        let limited = host.timeout(Duration::from_millis(3), async {
            host.sleep_until(Time::MAX).await;
            drop(held);
        });
        (limited.await.is_err(), Rc::strong_count(&witness))
    });
    assert_eq!(limited.wait(backend), (true, 1));
}

/// Claims that dropping a guard drops its task.
pub fn a_guarded_task_ends_with_its_guard(backend: &mut dyn ContractBackend) {
    let holders = start_reporting(backend, 0, |host| async move {
        let witness = Rc::new(());
        let (held, inner) = (Rc::clone(&witness), host.clone());
        let guard = host.spawn_guarded(async move {
            inner.sleep_until(Time::MAX).await;
            drop(held);
        });
        host.sleep(Duration::from_millis(2)).await;
        drop(guard);
        host.sleep(Duration::from_millis(2)).await;
        Rc::strong_count(&witness)
    });
    assert_eq!(holders.wait(backend), 1);
}
