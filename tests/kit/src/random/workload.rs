//! Random workloads: the operations of a cluster's clients, one after the other.
//!
//! Each object has one client that writes it, so that "the last acknowledged write" means
//! something. Leaves out crashes of clients: their histories would be gone with them.

use proptest::collection::vec;
use proptest::prelude::*;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use stayput_host::Seed;

/// Objects that each client writes.
pub const OBJECTS_PER_CLIENT: u32 = 2;
/// Words of the stored texts; jobs count the lines with one of them.
pub const WORDS: [&str; 6] = ["banana", "apple", "ban", "kiwi", "a", "version"];
/// Length of the longest text.
pub const TEXT_BYTES_MAX: u32 = 300 << 10;
/// Clients of a workload at most.
pub(super) const CLIENTS_MAX: usize = 2;
/// Steps of a client at most.
const STEPS_MAX: usize = 8;

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

/// Strategy for the steps of one or two clients: writes, deletions, reads and jobs, close together
/// or seconds apart.
///
/// ```
/// use proptest::prelude::*;
/// use stayput_testkit::random::workloads;
///
/// proptest!(|(clients in workloads())| {
///     prop_assert!(clients.iter().all(|steps| !steps.is_empty()));
/// });
/// ```
pub fn workloads() -> impl Strategy<Value = Vec<Vec<Step>>> {
    vec(vec(step(), 1..=STEPS_MAX), 1..=CLIENTS_MAX)
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
    let mut draws = Seed(object.into()).entropy("text", b"", version.into());
    while text.len() < bytes as usize {
        let word = WORDS[draws.random_range(0..WORDS.len())];
        text.extend_from_slice(word.as_bytes());
        text.push(if draws.random_ratio(1, 16) { b'\n' } else { b' ' });
    }
    text.truncate(bytes as usize);
    text
}
