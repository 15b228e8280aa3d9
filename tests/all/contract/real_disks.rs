//! A world whose hosts have real disks, in a directory that goes with it, for the claims about
//! disks.
//!
//! Leaves out everything else of the world, which is the tcp backend's.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::rc::Rc;

use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{
    Backend, BoxStream, ComputeWork, Disk, Host, Listener, LocalFuture, LocalMain, Machine, RunEnd,
    Seed, Time,
};
use stayput_server::disk::{DiskPool, RealDisk};
use stayput_world::tcp::Tcp;
use stayput_world::{Ledger, RunMeters, Timeline, Trace};

const SEED: Seed = Seed(1);

pub(super) fn real_disks() -> Box<RealDisks> {
    let size = |n| NonZeroUsize::new(n).expect("not zero");
    Box::new(RealDisks {
        tcp: Tcp::new(SEED, Trace::default()).expect("the system has room for a reactor"),
        pool: DiskPool::new(size(4), size(64)).expect("the system has room for threads"),
        root: tempfile::tempdir().expect("the system has room for a directory"),
    })
}

pub(super) struct RealDisks {
    tcp: Tcp,
    pool: DiskPool,
    root: tempfile::TempDir,
}

impl Backend for RealDisks {
    fn add_local_host(&mut self, spec: HostSpec, main: LocalMain) -> HostKey {
        let (root, pool) = (self.root.path().join(&spec.name), self.pool.clone());
        let main = move |host: Host| {
            let disk = RealDisk::open(&root.join("d1"), &pool).expect("it is a new one");
            main(Host::new(Rc::new(OnRealDisk { host, disk })))
        };
        self.tcp.add_local_host(spec, Rc::new(main))
    }

    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        self.tcp.run(done, limit)
    }

    fn now(&self) -> Time {
        self.tcp.now()
    }
}

impl RunMeters for RealDisks {
    fn ledger(&self) -> Ledger {
        self.tcp.ledger()
    }

    fn fuel_spent(&self) -> u64 {
        self.tcp.fuel_spent()
    }

    fn trace(&self) -> Trace {
        self.tcp.trace()
    }

    fn timeline(&self) -> Timeline {
        self.tcp.timeline()
    }
}

/// A host with another disk.
struct OnRealDisk {
    host: Host,
    disk: Rc<dyn Disk>,
}

impl Machine for OnRealDisk {
    fn now(&self) -> Time {
        self.host.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.host.sleep_until(at)
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        self.host.spawn(task);
    }

    fn listen(&self, port: u16) -> io::Result<Box<dyn Listener>> {
        self.host.listen(port)
    }

    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, io::Result<BoxStream>> {
        self.host.connect(to)
    }

    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        (device == "d1").then(|| Rc::clone(&self.disk))
    }

    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.host.compute(work)
    }

    fn seed(&self) -> Seed {
        SEED
    }
}
