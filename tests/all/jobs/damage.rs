//! Copies of a session over a replica whose bytes have changed on its disk.
//!
//! Leaves out what a node does with such a replica, which its own tests look at.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use stayput_sim::cluster::ACCOUNT;
use stayput_sim::host::{Disk, Host, Time};
use stayput_sim::proxy::Placement;
use stayput_sim::swift::Path;
use stayput_sim::world::{
    Effects, Fault, FaultError, FaultId, HostKey, HostSpec, Ledger, Main, RunEnd, Timeline, Trace,
    World,
};
use tokio::sync::Notify;

use super::guests::cat;
use super::stage::{counts, put, set, spec};
use super::{assert_answer, header, job, node};
use crate::support::fabric;

const LOG: &str = "a banana\nan apple\nbananabanana\n";

/// A world that lets a test at its hosts, in their order.
struct Opened {
    world: Box<dyn World>,
    hosts: Hosts,
}

type Hosts = Rc<RefCell<Vec<Host>>>;

impl World for Opened {
    fn add_host(&mut self, spec: HostSpec, main: Main) -> HostKey {
        let hosts = Rc::clone(&self.hosts);
        let main: Main = Rc::new(move |host| {
            hosts.borrow_mut().push(host.clone());
            main(host)
        });
        self.world.add_host(spec, main)
    }

    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        self.world.run(done, limit)
    }

    fn now(&self) -> Time {
        self.world.now()
    }

    fn schedule(&mut self, fault: Fault) -> Result<FaultId, FaultError> {
        self.world.schedule(fault)
    }

    fn effects(&self, fault: FaultId) -> Effects {
        self.world.effects(fault)
    }

    fn ledger(&self) -> Ledger {
        self.world.ledger()
    }

    fn in_flight(&self) -> Option<u64> {
        self.world.in_flight()
    }

    fn fuel_spent(&self) -> u64 {
        self.world.fuel_spent()
    }

    fn trace(&self) -> Trace {
        self.world.trace()
    }

    fn timeline(&self) -> Timeline {
        self.world.timeline()
    }
}

async fn only_child(disk: &Rc<dyn Disk>, dir: &str) -> String {
    let names = disk.list(dir).await.expect("the disk is sound");
    assert_eq!(names.len(), 1, "{dir}: {names:?}");
    format!("{dir}/{}", names[0])
}

/// Flips a bit of the first byte of the only object of that partition.
async fn flip_bit(disk: &Rc<dyn Disk>, partition: u32) {
    let mut path = format!("objects/{partition}");
    for _level in ["suffix", "hash", "file"] {
        path = only_child(disk, &path).await;
    }
    let file = disk.open(&path).await.expect("it is there");
    let mut content = file.read_at(0, file.len()).await.expect("the disk is sound").to_vec();
    assert!(content.starts_with(LOG.as_bytes()), "it is another object");
    content[0] ^= 1;
    let damaged = disk.create("damaged").await.expect("the disk is sound");
    damaged.append(Bytes::from(content)).await.expect("the disk is sound");
    disk.rename("damaged", &path).await.expect("the disk is sound");
}

/// Asserts that of three copies in a cluster of so many nodes in each zone one is outvoted, whichever node's replica is damaged.
fn assert_outvoted(nodes_per_zone: u32) {
    for replica in 0..3 {
        let hosts = Hosts::default();
        let mut world = Opened { world: fabric(), hosts: Rc::clone(&hosts) };
        let place: Rc<RefCell<Option<(usize, u32)>>> = Rc::default();
        let where_it_lies = Rc::clone(&place);
        let (cluster, found) = set(&mut world, &spec(counts(nodes_per_zone), 1, 10), move |side| {
            let (hosts, place) = (Rc::clone(&hosts), Rc::clone(&where_it_lies));
            async move {
                put(&side, "cat.wasm", cat()).await;
                put(&side, "log.txt", LOG).await;
                let (index, partition) = place.borrow().expect("it is known before the world runs");
                let host = hosts.borrow()[index].clone();
                let (done, disk) = (Rc::new(Notify::new()), host.disk("d1").expect("it has one"));
                let flipped = Rc::clone(&done);
                host.spawn(async move {
                    flip_bit(&disk, partition).await;
                    flipped.notify_one();
                });
                done.notified().await;
                let devices =
                    r#"{"name": "stdin", "path": "swift://~/demo/log.txt"}, {"name": "stdout"}"#;
                job(&side.proxies, &[node("twin", "cat.wasm", devices, r#", "replicate": 3"#)])
                    .await
            }
        });
        let path = Path::object_of(ACCOUNT, "demo", "log.txt").expect("a good name");
        let partition = cluster.ring.partition(&path);
        let ip = cluster.ring.primaries(partition)[replica].ip;
        // Nodes have the addresses 10.1.0.1, 10.1.0.2 and so on.
        let index = (0..cluster.nodes.len())
            .find(|index| ip.to_string() == format!("10.1.0.{}", index + 1));
        *place.borrow_mut() = Some((index.expect("it is a node"), partition));
        let answer = found.wait(&mut world);
        assert_answer(&answer, 200, LOG);
        assert_eq!(header(&answer, "x-stayput-copies"), "2/3", "replica {replica}");
        assert_eq!(header(&answer, "x-stayput-deviating"), format!("twin@{ip}"));
    }
}

#[test]
fn a_copy_over_a_damaged_replica_is_outvoted_and_named() {
    assert_outvoted(1);
}

#[test]
fn a_damaged_replica_is_named_though_its_copy_was_tried_elsewhere() {
    assert_outvoted(2);
}
