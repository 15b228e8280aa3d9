//! Copies of a session over a replica whose bytes have changed on its disk.
//!
//! Leaves out what a node does with such a replica, which its own tests look at.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use stayput_cluster::ACCOUNT;
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, Disk, Host, LocalMain, RunEnd, Time};
use stayput_store::client::JobAnswer;
use stayput_store::swift::Path;
use stayput_store::swift::RingLookup;
use stayput_world::fabric::Fabric;
use tokio::sync::Notify;

use super::guests::cat;
use super::stage::{counts, spec};
use super::{assert_answer, header, job, node};
use stayput_testkit::cluster::assemble;
use stayput_testkit::world::fabric;

const DEVICES: &str = r#"{"name": "stdin", "path": "swift://~/demo/log.txt"}, {"name": "stdout"}"#;
const LOG: &str = "a banana\nan apple\nbananabanana\n";

/// A world that lets a test at its hosts, in their order.
struct Opened {
    world: Box<Fabric>,
    hosts: Hosts,
}

type Hosts = Rc<RefCell<Vec<Host>>>;

impl Backend for Opened {
    fn add_local_host(&mut self, spec: HostSpec, main: LocalMain) -> HostKey {
        let hosts = Rc::clone(&self.hosts);
        let main: LocalMain = Rc::new(move |host| {
            hosts.borrow_mut().push(host.clone());
            main(host)
        });
        self.world.add_local_host(spec, main)
    }

    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        self.world.run(done, limit)
    }

    fn now(&self) -> Time {
        self.world.now()
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

/// Runs copies on a log of which that replica is damaged; the answer, and the address of the
/// replica's node.
fn run(nodes_per_zone: u32, replica: usize, copies: u8) -> (JobAnswer, IpAddr) {
    let hosts = Hosts::default();
    let mut world = Opened { world: fabric(), hosts: Rc::clone(&hosts) };
    let place: Rc<Cell<Option<(usize, u32)>>> = Rc::default();
    let where_it_lies = Rc::clone(&place);
    let (cluster, found) =
        assemble(&mut world, &spec(counts(nodes_per_zone), 1, 10), move |store| {
            let (hosts, place) = (Rc::clone(&hosts), Rc::clone(&where_it_lies));
            async move {
                store.put("cat.wasm", cat()).await;
                store.put("log.txt", LOG).await;
                let (index, partition) = place.get().expect("it is known before the world runs");
                let host = hosts.borrow()[index].clone();
                damage(&host, partition).await;
                let more = format!(r#", "replicate": {copies}"#);
                job(&store.side.proxies, &[node("twin", "cat.wasm", DEVICES, &more)]).await
            }
        });
    let path = Path::object_of(ACCOUNT, "demo", "log.txt").expect("a good name");
    let partition = cluster.ring.partition(&path);
    let ip = cluster.ring.primaries(partition)[replica].ip;
    // Nodes have the addresses 10.1.0.1, 10.1.0.2 and so on.
    let is_at = |index: &usize| ip.to_string() == format!("10.1.0.{}", index + 1);
    let index = (0..cluster.nodes.len()).find(is_at).expect("it is a node");
    place.set(Some((index, partition)));
    (found.wait(&mut world), ip)
}

/// Does it on the host itself, whose disk it is.
async fn damage(host: &Host, partition: u32) {
    let (done, disk) = (Rc::new(Notify::new()), host.disk("d1").expect("it has one"));
    let flipped = Rc::clone(&done);
    host.spawn(async move {
        flip_bit(&disk, partition).await;
        flipped.notify_one();
    });
    done.notified().await;
}

#[test]
fn of_three_copies_the_one_over_a_damaged_replica_is_outvoted_and_named() {
    for nodes_per_zone in [1, 2] {
        for replica in 0..3 {
            let (answer, ip) = run(nodes_per_zone, replica, 3);
            assert_answer(&answer, 200, LOG);
            assert_eq!(header(&answer, "x-stayput-copies"), "2/3", "replica {replica}");
            assert_eq!(header(&answer, "x-stayput-deviating"), format!("twin@{ip}"));
        }
    }
}

#[test]
fn of_two_copies_the_one_over_a_damaged_replica_runs_beside_the_third() {
    for replica in 0..3 {
        let (answer, _) = run(1, replica, 2);
        assert_answer(&answer, 200, LOG);
        assert_eq!(header(&answer, "x-stayput-copies"), "2/2", "replica {replica}");
        assert_eq!(header(&answer, "x-stayput-deviating"), "");
    }
}
