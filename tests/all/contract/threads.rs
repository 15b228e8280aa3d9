//! The server's backend for the contract's suite: each host an actor on a thread of its own, with a
//! real disk.
//!
//! Leaves out clients at a listening socket, which the tests of `serve` are about.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use stayput_host::contract::{Awaited, ContractBackend};
use stayput_host::topology::HostSpec;
use stayput_host::{HostMain, MessagePart, Purpose, Seed};
use stayput_server::disk::{DiskPool, RealDisk};
use stayput_server::{Actor, OpenDisk, Server};

/// Threads: as many as a claim has hosts.
const THREADS: usize = 3;
/// Limit of a run; past it a host has panicked, or waits for something that never comes.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn threads() -> Threads {
    let size = |n| NonZeroUsize::new(n).expect("not zero");
    Threads {
        started: 0,
        server: Some(Server::new(THREADS, 16, Seed(1)).expect("the system has threads")),
        pool: DiskPool::new(size(4), size(64)).expect("the system has room for threads"),
        root: tempfile::tempdir().expect("the system has room for a directory"),
    }
}

pub(super) struct Threads {
    started: usize,
    server: Option<Server>,
    pool: DiskPool,
    root: tempfile::TempDir,
}

impl Threads {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it is there until this is dropped")
    }
}

impl ContractBackend for Threads {
    fn start(&mut self, spec: HostSpec, main: HostMain) {
        let (root, pool) = (self.root.path().join(&spec.name), self.pool.clone());
        let open: OpenDisk = Box::new(move || Ok(RealDisk::open(&root, &pool)?));
        let actor = Actor {
            name: spec.name,
            ip: IpAddr::V4(spec.ip),
            disks: BTreeMap::from([("d1".to_owned(), open)]),
            doors: BTreeMap::new(),
            main,
        };
        self.server().start(self.started, actor).wait().expect("it begins");
        self.started += 1;
    }

    fn run(&mut self, awaited: &dyn Awaited) {
        assert!(awaited.comes_within(PATIENCE), "the awaited report did not come");
    }

    fn body_bytes(&self, purpose: Purpose) -> u64 {
        self.server().meters().bytes(purpose, MessagePart::Body)
    }

    fn payload_bytes(&self) -> u64 {
        let meters = self.server().meters();
        let both = |purpose| {
            meters.bytes(purpose, MessagePart::Body) + meters.bytes(purpose, MessagePart::Head)
        };
        Purpose::ALL.into_iter().map(both).sum()
    }

    fn fuel_spent(&self) -> u64 {
        self.server().meters().fuel()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // The disks' directory goes after the threads that use it.
        let _cut_off = self.server.take().map(|server| server.stop(Duration::ZERO));
    }
}
