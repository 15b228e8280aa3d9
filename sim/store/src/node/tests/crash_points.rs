//! A crash at every point of a change: before and after each thing that a disk does for it, with
//! and without the power, and with torn writes. What was acknowledged is there and listed; what was
//! not is whole or absent; nothing is left half-written.
//!
//! The first node holds the object, the second one its container; either may crash. Later, when the
//! client has tried again and was told that all is well, both lose their power. Leaves out crashes
//! at two points.

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_host::time::WORLD_EPOCH_UNIX_S;
use stayput_host::topology::HostKey;
use stayput_world::fault::StopPoint;
use stayput_world::fault::kinds::{Crash, Power, StopDisk, TornWrites};
use stayput_world::fault::{Fault, FaultKind};

use super::world::{Cluster, address, fault, run_under};
use crate::http::Method;
use crate::swift::Service;

/// No change of an object makes a disk do so much.
const POINTS_MAX: u64 = 40;
/// In ms: when the disk begins to count, when the change is asked for, and how long its client
/// waits.
const COUNTS_AT: u64 = 200;
const ASKED_AT: u64 = 250;
const WAITS: u64 = 1_500;
/// When the host crashes, and starts again.
const CRASHES_AT: u64 = 2_000;
const STARTS_AT: u64 = 4_000;
/// By then updates are through.
const SETTLED_AT: u64 = 12_000;
/// When all lose their power, and are back.
const ALL_LOSE_AT: u64 = 14_000;
const ALL_BACK_AT: u64 = 15_000;

/// Change of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Put,
    Overwrite,
    Post,
    Delete,
}

/// End of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Process,
    Power,
    Torn,
}

/// An object as its readers see it: its body and a header.
type Seen = Option<(Vec<u8>, String)>;

const OLD: &[u8] = b"the old version, which is longer than the new one";
const NEW: &[u8] = b"the new version";

fn seen(body: &[u8], meta: &str) -> Seen {
    Some((body.to_vec(), meta.to_owned()))
}

impl Change {
    const ALL: [Self; 4] = [Self::Put, Self::Overwrite, Self::Post, Self::Delete];

    fn before(self) -> Seen {
        if self == Self::Put { None } else { seen(OLD, "old") }
    }

    fn after(self) -> Seen {
        match self {
            Self::Put | Self::Overwrite => seen(NEW, "new"),
            Self::Post => seen(OLD, "new"),
            Self::Delete => None,
        }
    }

    /// Asks for it; its status.
    async fn ask(self, cluster: &Cluster) -> Option<u16> {
        let (method, body) = match self {
            Self::Put | Self::Overwrite => (Method::PUT, NEW),
            Self::Post => (Method::POST, &b""[..]),
            Self::Delete => (Method::DELETE, &b""[..]),
        };
        change(cluster, method, 20, "new", body).await
    }

    /// True if a status tells that it was made.
    fn is_made(self, status: u16) -> bool {
        match self {
            Self::Put | Self::Overwrite => status == 201,
            Self::Post => status == 202,
            Self::Delete => status == 204,
        }
    }

    /// True if a status, when it is asked for again, tells that it is there.
    fn is_there(self, status: u16) -> bool {
        self.is_made(status) || status == if self == Self::Delete { 404 } else { 409 }
    }
}

/// A change of the object at a time, told to the container on the second node; its status, if there
/// is one soon.
async fn change(
    cluster: &Cluster,
    method: Method,
    second: u64,
    meta: &str,
    body: &[u8],
) -> Option<u16> {
    let (host, timestamp) = (address(1, Service::Container).to_string(), now(second));
    let headers = [
        ("x-timestamp", &*timestamp),
        ("content-type", "text/plain"),
        ("x-object-meta-a", meta),
        ("x-container-host", &*host),
        ("x-container-device", "d1"),
        ("x-container-partition", "7"),
    ];
    let asked = cluster.try_ask(0, Service::Object, method, "/a/c/o", &headers, body);
    let answer = cluster.host.timeout(Duration::from_millis(WAITS), asked).await;
    answer.ok()?.ok().map(|reply| reply.status)
}

fn now(second: u64) -> String {
    format!("{}.00000", WORLD_EPOCH_UNIX_S + second)
}

async fn read(cluster: &Cluster) -> Seen {
    let reply = cluster.get().await;
    assert!([200, 404].contains(&reply.status), "{reply:?}");
    let meta = reply.header("x-object-meta-a").to_owned();
    (reply.status == 200).then(|| (reply.body.expect("it is whole"), meta))
}

/// Size of the object in the listing; `None` if it is not listed.
async fn listed(cluster: &Cluster) -> Option<u64> {
    let path = "/a/c?format=json";
    let reply = cluster.try_ask(1, Service::Container, Method::GET, path, &[], b"").await;
    let listing = reply.expect("it answers").body.expect("it is whole");
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&listing).expect("it is JSON");
    assert!(rows.len() <= 1, "{rows:?}");
    rows.first().map(|row| row["bytes"].as_u64().expect("a length"))
}

fn length(seen: &Seen) -> Option<u64> {
    seen.as_ref().map(|(body, _)| body.len() as u64)
}

/// Nothing that is no whole object's is on the object's disk.
async fn is_tidy(cluster: &Cluster) {
    for dir in ["tmp", "quarantined"] {
        assert_eq!(cluster.disk(0).list(dir).await, Ok(Vec::new()), "in {dir}");
    }
}

/// The whole story of a change and a crash; whether the change was acknowledged.
async fn script(cluster: Cluster, change_made: Change) -> bool {
    let container = [("x-timestamp", "1.0")];
    let made = cluster.try_ask(1, Service::Container, Method::PUT, "/a/c", &container, b"").await;
    assert_eq!(made.expect("it answers").status, 201);
    if change_made != Change::Put {
        assert_eq!(change(&cluster, Method::PUT, 10, "old", OLD).await, Some(201));
    }
    let (before, after) = (change_made.before(), change_made.after());
    cluster.at(ASKED_AT).await;
    let acknowledged =
        change_made.ask(&cluster).await.is_some_and(|status| change_made.is_made(status));

    cluster.at(SETTLED_AT).await;
    is_tidy(&cluster).await;
    let (found, lists) = (read(&cluster).await, listed(&cluster).await);
    if acknowledged {
        assert_eq!(found, after, "what was acknowledged is there");
        assert_eq!(lists, length(&after), "and listed");
    } else {
        assert!(found == before || found == after, "neither: {found:?}");
        assert!(lists == length(&before) || lists == length(&after), "neither: {lists:?}");
    }
    // Its client tries again, with the same timestamp as proxies do.
    let again = change_made.ask(&cluster).await.expect("it answers");
    assert!(change_made.is_there(again), "{again}");
    if change_made == Change::Post && !change_made.is_made(again) {
        // A refused POST is no success: proxies ask again with a later time.
        assert_eq!(change(&cluster, Method::POST, 21, "new", b"").await, Some(202));
    }
    for at in [SETTLED_AT, ALL_BACK_AT + 1_000] {
        cluster.at(at).await;
        assert_eq!(read(&cluster).await, after);
        assert_eq!(listed(&cluster).await, length(&after));
        is_tidy(&cluster).await;
    }
    acknowledged
}

/// Runs the story with a crash at one point of one node's disk; whether there is such a point, and
/// whether the change was acknowledged.
fn crash_at(change: Change, end: End, node: u32, point: StopPoint) -> (bool, bool) {
    // The last line before a failure tells where it was.
    println!("{change:?} with {end:?} of node {node}, {point:?}");
    let host = HostKey(node);
    let (crash, lasts) = (CRASHES_AT, STARTS_AT - CRASHES_AT);
    let stop = FaultKind::disk(host, None, StopDisk { point });
    let kill = if end == End::Process {
        FaultKind::process(host, Crash)
    } else {
        FaultKind::process(host, Power)
    };
    let mut faults: Vec<Fault> =
        vec![fault(stop, COUNTS_AT, CRASHES_AT), fault(kill, crash, lasts)];
    let lose = |node| {
        fault(FaultKind::process(HostKey(node), Power), ALL_LOSE_AT, ALL_BACK_AT - ALL_LOSE_AT)
    };
    faults.extend([lose(0), lose(1)]);
    if end == End::Torn {
        faults.push(fault(FaultKind::disk(host, None, TornWrites), 0, STARTS_AT));
    }
    let (acknowledged, bit) =
        run_under(2, faults, move |cluster| async move { script(cluster, change).await });
    (bit[0], acknowledged)
}

/// Tries every point of a change on a node; the points that there are, and how many of them were
/// acknowledged.
fn every_point(change: Change, end: End, node: u32) -> (u64, usize) {
    let mut acknowledged = 0;
    for changes in 0..POINTS_MAX {
        for point in [StopPoint::Before(changes), StopPoint::After(changes)] {
            match crash_at(change, end, node, point) {
                (true, told) => acknowledged += usize::from(told),
                (false, told) => {
                    assert!(told, "{change:?} works on a disk that does not stop");
                    return (changes, acknowledged);
                }
            }
        }
    }
    panic!("{change:?} has more than {POINTS_MAX} points");
}

fn on_the_objects_node(end: End) {
    let points = Change::ALL.map(|change| every_point(change, end, 0).0);
    // Create, append, sync, rename, sync the directory, and remove what it replaces; what is
    // appended is a trailer at least.
    assert_eq!(points, [6, 7, 5, 6], "of {:?}", Change::ALL);
}

#[test]
fn a_process_may_crash_at_every_point_of_a_change() {
    on_the_objects_node(End::Process);
}

#[test]
fn the_power_may_go_at_every_point_of_a_change() {
    on_the_objects_node(End::Power);
}

#[test]
fn writes_may_be_torn_at_every_point_of_a_change() {
    on_the_objects_node(End::Torn);
}

#[test]
fn a_container_may_crash_at_every_point_and_lists_what_was_acknowledged() {
    for end in [End::Process, End::Power, End::Torn] {
        let found: BTreeSet<_> = [Change::Put, Change::Overwrite, Change::Delete]
            .map(|change| every_point(change, end, 1))
            .into();
        // One commit, before or after which it stops: the object's node waits a second and
        // remembers.
        assert_eq!(found, BTreeSet::from([(1, 2)]), "{end:?}");
    }
}
