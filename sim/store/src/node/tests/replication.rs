//! Replicas that missed changes get them from each other, and containers hear of what a crash kept
//! from them.
//!
//! Leaves out the ring: the first few nodes are to have everything.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use stayput_host::time::WORLD_EPOCH_UNIX_S;
use stayput_host::topology::HostKey;
use stayput_world::fault::StopPoint;
use stayput_world::fault::kinds::{Crash, Power, StopDisk};
use stayput_world::fault::{Fault, FaultKind};

use super::world::{Cluster, Reply, address, crash, fault, power, run_replicated};
use crate::http::Method;
use crate::node::StorageNode;
use crate::swift::{Service, decode_path};

/// A change of one of a few names, at one of a few times, that comes to some of three nodes.
#[derive(Clone, Debug)]
struct Step {
    name: u8,
    tick: u8,
    kind: u8,
    nodes: u8,
}

impl Step {
    fn method(&self) -> Method {
        [Method::PUT, Method::PUT, Method::POST, Method::DELETE][usize::from(self.kind)].clone()
    }
}

/// Each change of a name has a time of its own, as proxies give it.
fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u8..3, 0_u8..4, 1_u8..8).prop_map(|(name, kind, nodes)| (name, kind, nodes));
    prop::collection::vec(step, 1..12).prop_map(|steps| {
        let step = |(index, (name, kind, nodes)): (usize, (u8, u8, u8))| Step {
            name,
            kind,
            nodes,
            tick: u8::try_from(index + 1).expect("they are few"),
        };
        steps.into_iter().enumerate().map(step).collect()
    })
}

async fn ask(
    cluster: &Cluster,
    node: u8,
    service: Service,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let asked = cluster.try_ask(node, service, method, path, headers, body).await;
    asked.expect("it answers")
}

async fn make_container(cluster: &Cluster, node: u8) {
    let headers = [("x-timestamp", "0.5")];
    let made = ask(cluster, node, Service::Container, Method::PUT, "/a/c", &headers, b"").await;
    assert!([201, 202].contains(&made.status));
}

/// Sends a change to each of its nodes, which tell the containers of their own.
async fn send(cluster: &Cluster, step: &Step) {
    let (path, timestamp) = (format!("/a/c/{}", step.name), format!("{}.0", step.tick));
    let content_type = format!("text/{}", step.tick);
    let body = vec![b'x'; usize::from(step.tick)];
    for node in (0..3).filter(|node| step.nodes & (1 << node) != 0) {
        let container = address(node, Service::Container).to_string();
        let headers = [
            ("x-timestamp", &*timestamp),
            ("x-object-meta-tick", &*timestamp),
            ("content-type", &*content_type),
            ("x-container-host", &*container),
            ("x-container-device", "d1"),
            ("x-container-partition", "7"),
        ];
        let body = if step.kind < 2 { &body[..] } else { b"" };
        let sent = ask(cluster, node, Service::Object, step.method(), &path, &headers, body).await;
        assert!([201, 202, 204, 404, 409].contains(&sent.status), "{step:?} {sent:?}");
    }
}

/// Answer to a reader of the node, for an object or a listing.
async fn seen(cluster: &Cluster, node: u8, service: Service, path: &str) -> Vec<String> {
    let reply = ask(cluster, node, service, Method::GET, path, &[], b"").await;
    let body = if reply.status < 300 { reply.text().to_owned() } else { String::new() };
    let names =
        ["etag", "x-object-meta-tick", "x-timestamp", "x-container-bytes-used", "content-type"];
    let mut seen = vec![reply.status.to_string(), body];
    seen.extend(names.map(|name| reply.header(name).to_owned()));
    seen
}

/// All of the first nodes see the same; what they see.
async fn agreed(cluster: &Cluster, nodes: u8, service: Service, path: &str) -> Vec<String> {
    let first = seen(cluster, 0, service, path).await;
    for node in 1..nodes {
        assert_eq!(seen(cluster, node, service, path).await, first, "{path} on node {node}");
    }
    first
}

async fn spread(cluster: Cluster, steps: Vec<Step>) {
    // Only one node knows the container; the others' rows wait for it.
    make_container(&cluster, 1).await;
    for step in &steps {
        send(&cluster, step).await;
    }
    cluster.at(60_000).await;
    let mut there = BTreeMap::new();
    for name in 0..3 {
        let object = agreed(&cluster, 3, Service::Object, &format!("/a/c/{name}")).await;
        if object[0] == "200" {
            there.insert(format!("{name}"), object[6].clone());
        }
        let put = |step: &&Step| step.name == name && step.kind != 2;
        let newest = steps.iter().rfind(put);
        let is_put = newest.is_some_and(|step| step.kind < 2);
        assert_eq!(object[0] == "200", is_put, "{name}: the newest counts: {newest:?}");
    }
    let listing = agreed(&cluster, 3, Service::Container, "/a/c?format=json").await;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&listing[1]).expect("it is JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("it is text").to_owned();
    let listed: BTreeMap<String, String> =
        rows.iter().map(|row| (text(&row["name"]), text(&row["content_type"]))).collect();
    assert_eq!(listed, there, "what is there is listed, as it is");
    // One has counted anew since its crash, the others have followed each change.
    cluster.at(80_000).await;
    for service in [Service::Object, Service::Container] {
        let mut inventories = BTreeSet::new();
        for node in 0..3 {
            let node = cluster.node(node);
            let device = node.replicator.devices.get("d1").expect("it has one");
            let inventory = node.replicator.inventory(&device, service).await;
            inventories.insert(inventory.expect("it reads"));
        }
        assert_eq!(inventories.len(), 1, "{service:?}: {inventories:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn what_came_to_some_replicas_comes_to_all(
        steps in any_steps(), down in 0_u32..3, at_ms in 20_u64..3_000,
    ) {
        let faults =
            vec![crash(down, at_ms, 4_000), power(down, 9_000, 500), crash(down, 70_000, 1_000)];
        run_replicated(3, 3, faults, move |cluster| {
            let steps = steps.clone();
            async move {
                // Changes begin when all nodes can be asked.
                cluster.at(8_000).await;
                spread(cluster, steps).await;
            }
        });
    }
}

#[test]
fn a_handoff_gives_what_belongs_elsewhere_and_keeps_nothing() {
    run_replicated(3, 2, Vec::new(), |cluster| async move {
        for node in 0..3 {
            make_container(&cluster, node).await;
        }
        let step = Step { name: 0, tick: 3, kind: 0, nodes: 0b100 };
        send(&cluster, &step).await;
        send(&cluster, &Step { name: 1, tick: 4, kind: 3, ..step }).await;
        // Those to whom it belongs have more than the handoff.
        send(&cluster, &Step { name: 2, tick: 5, kind: 0, nodes: 0b011 }).await;
        cluster.at(20_000).await;
        let object = agreed(&cluster, 2, Service::Object, "/a/c/0").await;
        assert_eq!(object[..2], ["200", "xxx"]);
        let listing = agreed(&cluster, 2, Service::Container, "/a/c").await;
        assert_eq!(listing[..2], ["200", "0\n2\n"]);
        for (service, path) in [(Service::Object, "/a/c/0"), (Service::Container, "/a/c")] {
            assert_eq!(seen(&cluster, 2, service, path).await[0], "404", "{path}");
        }
        let disk = cluster.disk(2);
        let rows = disk.scan(b"index/", b"index0", 10).await.expect("it reads");
        assert_eq!(rows, Vec::new());
        for suffix in disk.list("objects/7").await.expect("it lists") {
            let hashes = disk.list(&format!("objects/7/{suffix}")).await.expect("it lists");
            assert_eq!(hashes, Vec::<String>::new());
        }
    });
}

#[test]
fn a_long_listing_gives_only_the_stretches_that_differ() {
    run_replicated(2, 2, Vec::new(), |cluster| async move {
        let row = async |node, name: &str| {
            let headers = [
                ("x-timestamp", "2.0"),
                ("x-size", "1"),
                ("x-etag", "e"),
                ("x-content-type", "text/plain"),
            ];
            let path = format!("/a/c/{name}");
            let put = ask(&cluster, node, Service::Container, Method::PUT, &path, &headers, b"");
            assert_eq!(put.await.status, 201);
        };
        for node in 0..2 {
            make_container(&cluster, node).await;
            for number in 0..2_500 {
                row(node, &format!("{number:05}")).await;
            }
        }
        for name in ["00700a", "zzz"] {
            row(0, name).await;
        }
        for name in ["000", "01500a"] {
            row(1, name).await;
        }
        cluster.host.sleep(super::world::REPLICATE_INTERVAL * 4).await;
        let listing = agreed(&cluster, 2, Service::Container, "/a/c?limit=10000").await;
        assert_eq!(listing[1].lines().count(), 2_504);
        assert_eq!(listing[5], "2504");
        // One more row on one of them, and of three stretches the other one lacks something of the
        // first alone.
        row(0, "00900a").await;
        let (one, other) = (cluster.node(0), cluster.node(1));
        let path = decode_path("/a/c").expect("a good path");
        let devices = |node: &StorageNode| Rc::clone(&node.replicator.devices);
        let place =
            |node: &StorageNode| devices(node).place("d1", 7, &path).expect("it has the device");
        let ranges = one.replicator.containers.row_ranges(&place(&one)).await.expect("it reads");
        let differing = other.replicator.containers.differing(&place(&other), &ranges).await;
        assert_eq!((ranges.len(), differing.expect("it reads")), (3, vec![0]));
    });
}

#[test]
fn an_expiry_that_was_put_off_comes_to_a_replica_whose_copy_has_expired() {
    run_replicated(2, 2, vec![crash(1, 20_000, 30_000)], |cluster| async move {
        let second = |second: u64| (WORLD_EPOCH_UNIX_S + second).to_string();
        let change = async |nodes: &[u8], method: Method, made: &str, expires: &str| {
            for node in nodes {
                let headers = [("x-timestamp", made), ("x-delete-at", expires)];
                let path = "/a/c/o";
                let sent =
                    ask(&cluster, *node, Service::Object, method.clone(), path, &headers, b"body");
                assert!(sent.await.status < 300);
            }
        };
        change(&[0, 1], Method::PUT, &second(1), &second(30)).await;
        cluster.at(25_000).await;
        change(&[0], Method::POST, &second(25), &second(1_000)).await;
        cluster.at(58_000).await;
        assert_eq!(agreed(&cluster, 2, Service::Object, "/a/c/o").await[..2], ["200", "body"]);
        cluster.at(300_000).await;
        assert_eq!(agreed(&cluster, 2, Service::Object, "/a/c/o").await[..2], ["200", "body"]);
    });
}

#[test]
fn what_was_put_aside_comes_back_from_another_replica() {
    run_replicated(2, 2, Vec::new(), |cluster| async move {
        make_container(&cluster, 0).await;
        send(&cluster, &Step { name: 0, tick: 100, kind: 0, nodes: 0b11 }).await;
        let disk = cluster.disk(0);
        let mut path = "objects/7".to_owned();
        for _level in ["suffix", "hash", "file"] {
            let names = disk.list(&path).await.expect("it lists");
            path = format!("{path}/{}", names[0]);
        }
        let file = disk.open(&path).await.expect("it is there");
        let mut content = file.read_at(0, file.len()).await.expect("it reads").to_vec();
        content[50] ^= 1;
        let damaged = disk.create("damaged").await.expect("it is new");
        damaged.append(content.into()).await.expect("there is room");
        disk.rename("damaged", &path).await.expect("it is there");
        let read = seen(&cluster, 0, Service::Object, "/a/c/0").await;
        assert_eq!(read[0], "404", "a flipped bit is seen");
        cluster.host.sleep(super::world::REPLICATE_INTERVAL * 4).await;
        assert_eq!(agreed(&cluster, 2, Service::Object, "/a/c/0").await[0], "200");
    });
}

/// A put or a deletion in which both nodes stop at one point, and whose client does not come back;
/// whether there is such a point.
fn cut_off(kind: u8, timestamp: &str, point: StopPoint, power_goes: bool) -> bool {
    let faults = |host| {
        let stop = FaultKind::disk(host, None, StopDisk { point });
        let end = if power_goes {
            FaultKind::process(host, Power)
        } else {
            FaultKind::process(host, Crash)
        };
        [fault(stop, 20_000, 2_000), fault(end, 22_000, 500)]
    };
    let faults: Vec<Fault> = [HostKey(0), HostKey(1)].into_iter().flat_map(faults).collect();
    let step = Step { name: 0, tick: 5, kind, nodes: 0b11 };
    let timestamp = timestamp.to_owned();
    let ((), bit) = run_replicated(2, 2, faults, move |cluster| {
        let (step, timestamp) = (step.clone(), timestamp.clone());
        async move {
            make_container(&cluster, 0).await;
            send(&cluster, &Step { tick: 1, kind: 0, ..step }).await;
            cluster.at(20_100).await;
            let sent = [0, 1].map(|node| send_and_leave(&cluster, node, &step, &timestamp));
            futures_util::future::join_all(sent).await;
            cluster.at(50_000).await;
            let object = agreed(&cluster, 2, Service::Object, "/a/c/0").await;
            let listing = agreed(&cluster, 2, Service::Container, "/a/c").await;
            let bytes = if object[0] == "200" { object[1].len() } else { 0 };
            assert_eq!(listing[5], bytes.to_string(), "{kind} {point:?}: {object:?} is listed so");
        }
    });
    bit[0]
}

/// A change of the object on a node that tells its own container, by a client that soon gives up.
async fn send_and_leave(cluster: &Cluster, node: u8, step: &Step, timestamp: &str) {
    let container = address(node, Service::Container).to_string();
    let headers = [
        ("x-timestamp", timestamp),
        ("x-container-host", &*container),
        ("x-container-device", "d1"),
        ("x-container-partition", "7"),
    ];
    let (path, body) = ("/a/c/0", b"five!");
    let change = cluster.try_ask(node, Service::Object, step.method(), path, &headers, body);
    let _gone = cluster.host.timeout(Duration::from_millis(500), change).await;
}

#[test]
fn a_change_that_a_crash_cut_off_is_listed_as_it_is() {
    // One that says when it was made, and one that says a time long before.
    for timestamp in [format!("{}.0", WORLD_EPOCH_UNIX_S + 20), "5.0".to_owned()] {
        for (kind, power_goes) in [(0, false), (0, true), (3, false), (3, true)] {
            let mut points = 0;
            while [StopPoint::Before(points), StopPoint::After(points)]
                .map(|point| cut_off(kind, &timestamp, point, power_goes))
                .contains(&true)
            {
                points += 1;
            }
            assert!(points > 5, "{kind} at {timestamp}: {points} points");
        }
    }
}
