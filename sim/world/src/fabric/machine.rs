//! The seam on the fabric: forwards to the models, for one host.

use std::net::SocketAddr;
use std::rc::Rc;

use stayput_host::topology::HostKey;
use stayput_host::{
    BoxStream, ComputeWork, Disk, KnownContents, Listener, LocalFuture, Machine, Recorder, Seed,
    Time,
};

use crate::clock::Clock;
use crate::executor::Executor;
use crate::net::{FabricNetwork, NetEvent};
use crate::parts::StartedParts;

pub(super) struct FabricMachine {
    pub(super) key: HostKey,
    pub(super) executor: Executor<NetEvent>,
    pub(super) net: Rc<FabricNetwork>,
    pub(super) parts: StartedParts,
    pub(super) contents: KnownContents,
}

impl Machine for FabricMachine {
    fn now(&self) -> Time {
        self.executor.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.executor.sleep_until(at)
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        self.executor.spawn(self.key, task);
    }

    fn listen(&self, port: u16) -> std::io::Result<Box<dyn Listener>> {
        self.net.listen(self.key, port)
    }

    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, std::io::Result<BoxStream>> {
        self.net.connect(self.key, to)
    }

    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        self.parts.disk(device)
    }

    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.parts.compute(work)
    }

    fn contents(&self) -> KnownContents {
        self.contents.clone()
    }

    fn seed(&self) -> Seed {
        self.parts.seed()
    }

    fn recorder(&self) -> Option<Rc<dyn Recorder>> {
        Some(self.parts.recorder())
    }
}
