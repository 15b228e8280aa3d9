//! Small worlds: a network of known latencies, hosts, and a probe for what a host finds out.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use stayput_host::config::{LinkConfig, NetworkConfig};
pub use stayput_host::contract::{host_address as address, host_spec as spec};
use stayput_host::topology::HostKey;
use stayput_host::{Backend, Host, RunEnd, Seed, Time};
use stayput_server::LoopbackServer;
use stayput_world::Trace;
use stayput_world::fabric::Fabric;
use stayput_world::metered::Metered;
use stayput_world::turmoil::Turmoil;

/// Time limit of a run, later than anything that a test waits for.
pub const LIMIT: Time = Time::from_nanos(3_600_000_000_000);

/// Network without trunks and losses: 100 µs within a zone, 500 µs between two, 20 ms between
/// regions, 5 ms to clients, 500 µs to workers.
#[must_use]
pub fn network() -> NetworkConfig {
    let link = |micros| LinkConfig::new(Duration::from_micros(micros), None);
    NetworkConfig {
        same_zone: link(100),
        cross_zone: link(500),
        cross_region: link(20_000),
        client: link(5_000),
        worker: link(500),
        slow_start: false,
    }
}

/// Fabric over [`network`], with seed 1.
#[must_use]
pub fn fabric() -> Box<Fabric> {
    Box::new(Fabric::new(Seed(1), network(), Trace::default()))
}

/// Turmoil over [`network`], with seed 1.
#[must_use]
pub fn turmoil() -> Box<Turmoil> {
    Box::new(Turmoil::new(Seed(1), network(), Trace::default()))
}

/// Hosts on real sockets and disks, with seed 1.
///
/// # Panics
/// The system has no room for sockets, threads and a directory.
#[must_use]
pub fn tcp() -> Box<Metered<LoopbackServer>> {
    let server = LoopbackServer::new(Seed(1)).expect("the system has room");
    let clock = server.clock();
    Box::new(Metered::new(server, Arc::new(move || clock.now()), Trace::default()))
}

/// Adds a host that runs `main` whenever it starts.
pub fn add<F: Future<Output = ()> + 'static>(
    world: &mut dyn Backend,
    index: u8,
    main: impl Fn(Host) -> F + 'static,
) -> HostKey {
    world.add_local_host(spec(index), Rc::new(move |host| Box::pin(main(host))))
}

/// Value that a host of a world finds out, for the test outside. Clones share it.
pub struct Probe<T>(Rc<RefCell<Option<T>>>);

impl<T> Clone for Probe<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Default for Probe<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T> Probe<T> {
    /// Probe without a value.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value.
    pub fn set(&self, value: T) {
        *self.0.borrow_mut() = Some(value);
    }

    /// True once the value is set.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Takes the value out.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.0.borrow_mut().take()
    }

    /// Runs `world` until the value is set, and takes it out.
    ///
    /// # Panics
    /// The run ends without it.
    pub fn wait(&self, world: &mut dyn Backend) -> T {
        let end = world.run(&mut || self.is_there(), LIMIT);
        assert_eq!(end, RunEnd::Done, "the probe was not set");
        self.take().expect("the run ended because it was there")
    }
}
