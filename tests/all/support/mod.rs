//! What the tests share: small worlds.

use std::cell::RefCell;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use stayput_host::config::{ByteRate, DiskConfig, FuelRate, LinkConfig, NetworkConfig};
use stayput_host::topology::{HostKey, HostSpec, Place};
use stayput_host::{Host, Seed, Time};
use stayput_world::fabric::Fabric;
use stayput_world::tcp::Tcp;
use stayput_world::turmoil::Turmoil;
use stayput_world::{RunEnd, Trace, World};

/// Later than anything that a test waits for.
pub(crate) const LIMIT: Time = Time::from_nanos(3_600_000_000_000);

pub(crate) fn network() -> NetworkConfig {
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

pub(crate) fn fabric() -> Box<dyn World> {
    Box::new(Fabric::new(Seed(1), network(), Trace::default()))
}

pub(crate) fn turmoil() -> Box<dyn World> {
    Box::new(Turmoil::new(Seed(1), network(), Trace::default()))
}

pub(crate) fn tcp() -> Box<dyn World> {
    Box::new(Tcp::new(Seed(1), Trace::default()).expect("the system has room for a reactor"))
}

pub(crate) fn spec(index: u8) -> HostSpec {
    HostSpec {
        name: format!("node:{}", index + 1),
        ip: Ipv4Addr::new(10, 0, 0, index + 1),
        place: Place::Zone { region: 1, zone: u32::from(index) + 1 },
        is_worker: false,
        nic: ByteRate::new(1_250_000_000).expect("not zero"),
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        disks: vec!["d1".to_owned()],
        disk: DiskConfig {
            read: ByteRate::new(500_000_000).expect("not zero"),
            write: ByteRate::new(400_000_000).expect("not zero"),
            seek: Duration::from_micros(100),
            capacity: None,
        },
    }
}

pub(crate) fn address(index: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(spec(index).ip), port)
}

/// Adds a host that runs `main` whenever it starts.
pub(crate) fn add<F: Future<Output = ()> + 'static>(
    world: &mut dyn World,
    index: u8,
    main: impl Fn(Host) -> F + 'static,
) -> HostKey {
    world.add_host(spec(index), Rc::new(move |host| Box::pin(main(host))))
}

/// A place for what a host found out.
pub(crate) struct Found<T>(Rc<RefCell<Option<T>>>);

impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Found<T> {
    pub(crate) fn new() -> Self {
        Self(Rc::default())
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.borrow_mut() = Some(value);
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.borrow().is_some()
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.borrow_mut().take()
    }

    /// Runs `world` until something was found.
    pub(crate) fn wait(&self, world: &mut dyn World) -> T {
        let end = world.run(&mut || self.is_there(), LIMIT);
        assert_eq!(end, RunEnd::Done, "nothing was found");
        self.take().expect("the run ended because it was there")
    }
}
