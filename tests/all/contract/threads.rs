//! The server's backend for the suite: each host an actor on a thread of its own, with a real disk.
//!
//! Leaves out two claims. Real work takes its own time and not its fuel's, and what starts it is real as well, so that neither
//! "work takes its fuel's time" nor "overhead keeps a core" means anything: [`work_is_done_once_and_its_fuel_is_counted`] is what is left
//! of them. Leaves out clients at a door, whom the tests of `serve` are.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::task::Poll;
use std::time::Duration;

use stayput_host::{ComputeWork, LocalFuture, MessagePart, Purpose, Seed, SpentFuel};
use stayput_server::disk::{DiskPool, RealDisk};
use stayput_server::{Actor, ActorMain, OpenDisk, Server};

use super::room::{Awaited, Main, Probe, Room, add};
use stayput_testkit::world::spec;

/// As many as a claim has hosts.
const THREADS: usize = 3;
/// After which nothing is waited for any more: a host has panicked, or waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn threads() -> Threads {
    let size = |n| NonZeroUsize::new(n).expect("not zero");
    Threads {
        server: Some(Server::new(THREADS, 16, Seed(1)).expect("the system has threads")),
        pool: DiskPool::new(size(4), size(64)).expect("the system has room for threads"),
        root: tempfile::tempdir().expect("the system has room for a directory"),
    }
}

pub(super) struct Threads {
    server: Option<Server>,
    pool: DiskPool,
    root: tempfile::TempDir,
}

impl Threads {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it is there until this is dropped")
    }
}

impl Room for Threads {
    fn start(&mut self, index: u8, main: Main) {
        let spec = spec(index);
        let (root, pool) = (self.root.path().join(&spec.name), self.pool.clone());
        let open: OpenDisk =
            Box::new(move || RealDisk::open(&root, &pool).map_err(|error| error.to_string()));
        let main: ActorMain = Box::new(move |host| {
            Box::pin(async move {
                let mut running = main(host);
                // It has begun when it waits for the first time: its listener is there then.
                let has_ended =
                    poll_fn(|cx| Poll::Ready(running.as_mut().poll(cx).is_ready())).await;
                let nothing: LocalFuture<'static, ()> = Box::pin(async {});
                Ok(if has_ended { nothing } else { running })
            })
        });
        let actor = Actor {
            name: spec.name,
            ip: IpAddr::V4(spec.ip),
            disks: BTreeMap::from([("d1".to_owned(), open)]),
            doors: BTreeMap::new(),
            main,
        };
        self.server().start(usize::from(index), actor).wait().expect("it begins");
    }

    fn run(&mut self, found: &dyn Awaited) {
        assert!(found.comes_within(PATIENCE), "nothing was found");
    }

    fn body_bytes(&self, purpose: Purpose) -> u64 {
        self.server().meters().bytes(purpose, MessagePart::Body)
    }

    fn payload(&self) -> u64 {
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

struct Count(u64);

impl ComputeWork for Count {
    fn run(&mut self) -> SpentFuel {
        self.0 += 1;
        SpentFuel(10_000_000)
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

#[test]
fn work_is_done_once_and_its_fuel_is_counted() {
    let (mut room, found) = (threads(), Probe::new());
    let finding = found.clone();
    add(&mut room, 0, move |host| {
        let finding = finding.clone();
        async move {
            let mut runs = Vec::new();
            for done in [0; 3].map(|_| host.compute(Box::new(Count(0)))) {
                runs.push(done.await.into_any().downcast::<Count>().expect("what was given").0);
            }
            finding.set(runs);
        }
    });
    assert_eq!(found.wait(&mut room), [1, 1, 1]);
    assert_eq!(room.fuel_spent(), 30_000_000);
}
