//! Random cases: a small cluster, the operations of its clients, and the faults meanwhile.
//!
//! A case is plain data that can be written down in one line and pasted back. Each object has one
//! client that writes it, so that "the last acknowledged write" means something. Leaves out crashes
//! of clients: their histories would be gone with them.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::fault::{CaseFault, Kind, faults};

/// Objects that each client writes.
pub const OBJECTS_PER_CLIENT: u32 = 2;
/// Words of the stored texts; jobs count the lines with one of them.
pub const WORDS: [&str; 6] = ["banana", "apple", "ban", "kiwi", "a", "version"];

/// The longest text.
const TEXT_BYTES_MAX: u32 = 300 << 10;

/// A case: everything that a run follows from. Printed as JSON, it can be pasted back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Seed of the world, the ring and all draws.
    pub seed: u64,
    /// Regions, at least 1, as all counts here.
    pub regions: u32,
    /// Zones of each region.
    pub zones: u32,
    /// Storage nodes of each zone.
    pub nodes_per_zone: u32,
    /// Devices of each storage node.
    pub devices: u32,
    /// Copies of everything; as many as there are devices, if there are fewer.
    pub replicas: u32,
    /// Proxies.
    pub proxies: u32,
    /// Steps of each client, one after the other.
    pub clients: Vec<Vec<Step>>,
    /// Faults, whose times count from the first step.
    pub faults: Vec<CaseFault>,
    /// Seed of the order in which ready tasks run; the fixed order if `None`.
    #[serde(default)]
    pub shuffle: Option<u64>,
    /// Jitter, losses and slow start of all links.
    #[serde(default)]
    pub links: Links,
    /// Rest between two rounds of the replicators, in milliseconds; no replicators if `None`.
    #[serde(default)]
    pub replicate_ms: Option<u32>,
}

/// Links without faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Mean of the exponential jitter, in microseconds; none if zero.
    pub jitter_us_mean: u32,
    /// Lost segments of a thousand, until all faults are over: where handshakes are lost, a handoff
    /// that alone has the newest version may not be heard.
    pub loss_per_mille: u32,
    /// TCP slow start.
    pub slow_start: bool,
}

/// One operation of a client, after a pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Pause before it, in milliseconds.
    pub after_ms: u32,
    /// Operation.
    pub op: Op,
}

/// Operation of a client. Writes name one of the client's own objects, reads one of all; numbers
/// that are too large wrap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Store a new version.
    Put {
        /// Number of the own object.
        own: u32,
        /// Length of the text.
        bytes: u32,
    },
    /// Delete.
    Delete {
        /// Number of the own object.
        own: u32,
    },
    /// Read by the client library, which resumes a body that broke off.
    Get {
        /// Number of the object.
        object: u32,
    },
    /// Read without the client library, so that the checker sees what the proxy sent.
    Bare {
        /// Number of the object.
        object: u32,
        /// `X-Newest`.
        newest: bool,
    },
    /// Count the lines that mention a word.
    Job {
        /// Number of the object.
        object: u32,
        /// Number of the word, of [`WORDS`].
        word: u32,
        /// Place of the job.
        at: JobAt,
    },
}

/// Addressee of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobAt {
    /// The proxies.
    Store,
    /// The worker, which downloads.
    Worker,
}

impl Case {
    /// Storage nodes.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        self.regions * self.zones * self.nodes_per_zone
    }

    /// Objects that any client writes.
    #[must_use]
    pub fn objects(&self) -> u32 {
        u32::try_from(self.clients.len()).unwrap_or(u32::MAX) * OBJECTS_PER_CLIENT
    }
}

/// Strategy for cases. One in five has replicas of two versions while reads break off.
pub fn cases() -> impl Strategy<Value = Case> {
    prop_oneof![4 => any_cases(), 1 => torn_cases()]
}

fn any_cases() -> impl Strategy<Value = Case> {
    let cluster = (1_u32..=2, 1_u32..=3, 1_u32..=2, 1_u32..=2, 1_u32..=3, 1_u32..=2);
    let clients = vec(vec(step(), 1..9), 1..=2);
    let replicate_ms = of(1_000_u32..20_000);
    (any::<u16>(), cluster, clients, faults(), shuffle(), links(), replicate_ms).prop_map(
        |(seed, cluster, clients, faults, shuffle, links, replicate_ms)| {
            let seed = u64::from(seed);
            let (regions, zones, nodes_per_zone, devices, replicas, proxies) = cluster;
            Case {
                seed,
                regions,
                zones,
                nodes_per_zone,
                devices,
                replicas,
                proxies,
                clients,
                faults,
                shuffle,
                links,
                replicate_ms,
            }
        },
    )
}

/// Half of all cases run in an order of their own.
fn shuffle() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), any::<u16>().prop_map(|seed| Some(u64::from(seed)))]
}

/// Half of all cases have links that neither lose nor reorder time.
fn links() -> impl Strategy<Value = Links> {
    let worn = (0_u32..3_000, 0_u32..8, any::<bool>()).prop_map(
        |(jitter_us_mean, loss_per_mille, slow_start)| Links {
            jitter_us_mean,
            loss_per_mille,
            slow_start,
        },
    );
    prop_oneof![Just(Links::default()), worn]
}

/// A node misses a second version of a long text, and nodes crash while the text is read.
fn torn_cases() -> impl Strategy<Value = Case> {
    let bytes = || TEXT_BYTES_MAX / 2..=TEXT_BYTES_MAX;
    let bare = Op::Bare { object: 0, newest: false };
    let read = prop_oneof![
        3 => Just(bare),
        1 => Just(Op::Get { object: 0 }),
        1 => Just(Op::Job { object: 0, word: 0, at: JobAt::Worker }),
    ];
    let reads = vec((0_u32..50, read), 4..10);
    let crash = (3_000_u32..4_500, 1_u32..500, 0_u32..3);
    let cluster = (any::<u16>(), 2_u32..=3, 1_u32..=2, shuffle());
    (cluster, bytes(), bytes(), 0_u32..3, reads, vec(crash, 1..6)).prop_map(
        |((seed, zones, proxies, shuffle), first, second, misses, reads, crashes)| {
            let put = |after_ms, bytes| Step { after_ms, op: Op::Put { own: 0, bytes } };
            let mut reader: Vec<Step> =
                reads.into_iter().map(|(after_ms, op)| Step { after_ms, op }).collect();
            reader[0].after_ms += 3_000;
            let cut = Kind::Partition { from: vec![misses], to: Vec::new(), one_way: false };
            let mut faults = vec![CaseFault::once(1_000, 2_000, cut)];
            faults.extend(
                crashes
                    .into_iter()
                    .map(|(at_ms, for_ms, host)| CaseFault::once(at_ms, for_ms, Kind::Crash(host))),
            );
            Case {
                seed: u64::from(seed),
                regions: 1,
                zones,
                nodes_per_zone: 1,
                devices: 2,
                replicas: 3,
                proxies,
                clients: vec![vec![put(0, first), put(900, second)], reader],
                faults,
                shuffle,
                links: Links::default(),
                replicate_ms: None,
            }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let after_ms = prop_oneof![3 => 0_u32..50, 2 => 50_u32..2_500];
    (after_ms, op()).prop_map(|(after_ms, op)| Step { after_ms, op })
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = prop_oneof![1 => Just(0), 5 => 1_u32..4_000, 3 => 4_000..=TEXT_BYTES_MAX];
    let own = 0..OBJECTS_PER_CLIENT;
    let object = 0..2 * OBJECTS_PER_CLIENT;
    let word = 0..u32::try_from(WORDS.len()).unwrap_or(1);
    let at = prop_oneof![2 => Just(JobAt::Store), 1 => Just(JobAt::Worker)];
    prop_oneof![
        5 => (own.clone(), bytes).prop_map(|(own, bytes)| Op::Put { own, bytes }),
        1 => own.prop_map(|own| Op::Delete { own }),
        2 => object.clone().prop_map(|object| Op::Get { object }),
        2 => (object.clone(), any::<bool>())
            .prop_map(|(object, newest)| Op::Bare { object, newest }),
        3 => (object, word, at).prop_map(|(object, word, at)| Op::Job { object, word, at }),
    ]
}

/// Text of a version of an object: a head that names both, then lines of [`WORDS`].
#[must_use]
pub fn text(object: u32, version: u32, bytes: u32) -> Vec<u8> {
    let mut text = format!("object {object} version {version}\n").into_bytes();
    let mut drawn = u64::from(object) << 32 | u64::from(version) << 1 | 1;
    while text.len() < bytes as usize {
        // A linear congruential generator (Knuth's MMIX) is random enough for words.
        drawn =
            drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = WORDS[usize::try_from(drawn >> 33).unwrap_or(0) % WORDS.len()];
        text.extend_from_slice(word.as_bytes());
        text.push(if drawn >> 60 == 0 { b'\n' } else { b' ' });
    }
    text.truncate(bytes as usize);
    text
}
