//! How long a proxy waits, and how much it holds: every wait and every buffer has its bound here.
//!
//! Leaves out retries: a request goes to each candidate at most once, so their number is the bound.

use std::time::Duration;

use crate::http::Timeouts;

/// For a connection to a node.
pub const CONNECT_MAX: Duration = Duration::from_millis(500);
/// For the head of a node's answer, from when it has the whole request.
pub const ANSWER_MAX: Duration = Duration::from_secs(3);
/// For a node to take or give the next chunk of a body.
pub const CHUNK_MAX: Duration = Duration::from_secs(3);
/// For the replicas that are left once a majority has answered: a connection that does not come
/// about and the handoff after it still fit in.
pub const QUORUM_GRACE: Duration = Duration::from_secs(1);
/// For a majority of the primaries to say what they have, before the handoffs are asked beside them: longer than any that
/// can be reached takes on a sound network.
pub const LOCATE_PATIENCE: Duration = Duration::from_millis(100);
/// For a client to take or give the next chunk of a body.
pub const CLIENT_CHUNK_MAX: Duration = Duration::from_secs(60);
/// For a whole request, up to the head of its answer.
pub const REQUEST_MAX: Duration = Duration::from_secs(600);

/// The longest object, as in Swift: 5 GiB.
pub const OBJECT_BYTES_MAX: u64 = 5 << 30;
/// The longest value of a header.
pub const HEADER_VALUE_BYTES_MAX: usize = 8192;
/// The longest name of a metadata item, without what all of them begin with. These four are Swift's.
pub const META_NAME_BYTES_MAX: usize = 128;
/// The longest value of a metadata item.
pub const META_VALUE_BYTES_MAX: usize = 256;
/// The most metadata items in a request.
pub const META_ITEMS_MAX: usize = 90;
/// The most bytes of all names and values together.
pub const META_BYTES_MAX: usize = 4096;
/// The longest manifest of a static large object, as a client sends it.
pub const MANIFEST_BYTES_MAX: u64 = 8 << 20;
/// The longest manifest as it is stored, with what was found out about each segment.
pub const STORED_MANIFEST_BYTES_MAX: u64 = 4 * MANIFEST_BYTES_MAX;
/// The most segments in a manifest.
pub const MANIFEST_SEGMENTS_MAX: usize = 1000;
/// How deeply manifests may lie in each other.
pub const MANIFEST_DEPTH_MAX: usize = 10;
/// The most that one request may delete with a manifest, manifests in manifests included.
pub const MANIFEST_DELETIONS_MAX: usize = 10 * MANIFEST_SEGMENTS_MAX;
/// How many segments of a manifest are asked about at a time.
pub const SEGMENTS_AT_ONCE: usize = 8;
/// The most ranges in one request.
pub const RANGES_MAX: usize = 50;
/// The longest listing: 10,000 rows whose names are of the greatest length, with room.
pub const LISTING_BYTES_MAX: u64 = 64 << 20;
/// Rows in a page of a listing: as many as a node gives.
pub const LISTING_ROWS: usize = 10_000;
/// Chunks of an upload that are kept, however long they are, for a node that takes the place of another. A
/// connection that does not come about shows at the fifth, when the channel to it is full.
pub const REPLAY_CHUNKS_MAX: usize = 8;
/// Bytes of an upload that are kept for that, in however many chunks: what a connection's window and
/// channel hold, so that a node that refuses without reading is heard in time.
pub const REPLAY_BYTES_MAX: usize = 2 << 20;
/// Bytes of the chunks in which a body that is held whole is sent.
pub const CHUNK_BYTES: usize = 64 << 10;
/// How often a reader that wants one version looks for it again, when the nodes have moved on meanwhile.
pub const LOCATE_ROUNDS_MAX: u32 = 2;
/// How often a change that met newer state is sent, each time with a newer timestamp.
pub const CHANGE_ROUNDS_MAX: u32 = 2;

/// For requests whose body, if any, is small.
pub const NODE_LIMITS: Timeouts = Timeouts { connect: CONNECT_MAX, answer: ANSWER_MAX };
/// For uploads: the limit for the answer begins when the body has been sent, and its sender sets it.
pub const UPLOAD_LIMITS: Timeouts = Timeouts { connect: CONNECT_MAX, answer: REQUEST_MAX };
