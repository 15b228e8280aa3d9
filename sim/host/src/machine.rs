//! Interface that a backend implements for each of its hosts.
//!
//! Leaves out how hosts are added and run, which is the backend's, and convenience, which is
//! [`Host`](super::Host)'s.

use std::net::SocketAddr;
use std::rc::Rc;

use super::{
    BoxStream, ComputeWork, Disk, HostMetric, KnownContents, Listener, LocalFuture, Recorder, Seed,
    Time,
};

/// One host of a backend. Code above the seam uses [`Host`](super::Host).
pub trait Machine {
    /// See [`Host::now`](super::Host::now).
    fn now(&self) -> Time;
    /// See [`Host::sleep_until`](super::Host::sleep_until).
    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()>;
    /// See [`Host::spawn`](super::Host::spawn).
    fn spawn(&self, task: LocalFuture<'static, ()>);
    /// See [`Host::listen`](super::Host::listen).
    fn listen(&self, port: u16) -> std::io::Result<Box<dyn Listener>>;
    /// See [`Host::connect`](super::Host::connect).
    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, std::io::Result<BoxStream>>;
    /// See [`Host::disk`](super::Host::disk).
    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>>;
    /// See [`Host::compute`](super::Host::compute).
    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>>;
    /// See [`Host::entropy`](super::Host::entropy).
    fn seed(&self) -> Seed;
    /// See [`Host::checksum`](super::Host::checksum).
    fn contents(&self) -> KnownContents {
        KnownContents::default()
    }
    /// Recorder of the host's spans; `None` if nobody records them. See
    /// [`Host::span`](super::Host::span).
    fn recorder(&self) -> Option<Rc<dyn Recorder>> {
        None
    }
    /// See [`Host::count`](super::Host::count).
    fn count(&self, _metric: HostMetric, _change: i64) {}
}
