//! Limits of a proxy: a bound for every wait and every buffer.
//!
//! Leaves out retries: a request goes to each candidate at most once, so their number is the bound.

use std::time::Duration;

use crate::http::Timeouts;

/// Time for a connection to a node.
pub const CONNECT_MAX: Duration = Duration::from_millis(500);
/// Time for the head of a node's response, once the node has the whole request.
pub const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Time for a node to take or send the next chunk of a body.
pub const CHUNK_MAX: Duration = Duration::from_secs(3);
/// Time for the remaining replicas once a majority has answered: enough for a connection that fails
/// and the handoff after it.
pub const QUORUM_GRACE: Duration = Duration::from_secs(1);
/// Time for a majority of the primaries to locate an object, before the handoffs are asked as well:
/// longer than a reachable node takes on a sound network.
pub const LOCATE_PATIENCE: Duration = Duration::from_millis(100);
/// Time for a client to take or send the next chunk of a body.
pub const CLIENT_CHUNK_MAX: Duration = Duration::from_secs(60);
/// Time for a whole request, up to the head of its response.
pub const REQUEST_MAX: Duration = Duration::from_secs(600);

/// Longest object, as in Swift: 5 GiB.
pub const OBJECT_BYTES_MAX: u64 = 5 << 30;
/// Longest value of a header.
pub const HEADER_VALUE_BYTES_MAX: usize = 8192;
/// Longest name of a metadata item, without the common prefix. These four are Swift's.
pub const META_NAME_BYTES_MAX: usize = 128;
/// Longest value of a metadata item.
pub const META_VALUE_BYTES_MAX: usize = 256;
/// Metadata items in a request.
pub const META_ITEMS_MAX: usize = 90;
/// Bytes of all metadata names and values together.
pub const META_BYTES_MAX: usize = 4096;
/// Longest manifest of a static large object, as a client sends it.
pub const MANIFEST_BYTES_MAX: u64 = 8 << 20;
/// Longest manifest as it is stored, with the properties of each segment.
pub const STORED_MANIFEST_BYTES_MAX: u64 = 4 * MANIFEST_BYTES_MAX;
/// Segments in a manifest.
pub const MANIFEST_SEGMENTS_MAX: usize = 1000;
/// Depth of nested manifests.
pub const MANIFEST_DEPTH_MAX: usize = 10;
/// Objects that one request may delete with a manifest, nested manifests included.
pub const MANIFEST_DELETIONS_MAX: usize = 10 * MANIFEST_SEGMENTS_MAX;
/// Segments of a manifest that are checked at the same time.
pub const SEGMENTS_AT_ONCE: usize = 8;
/// Longest listing: 10,000 rows with names of the greatest length, with room.
pub const LISTING_BYTES_MAX: u64 = 64 << 20;
/// Rows in a page of a listing: as many as a node sends.
pub const LISTING_ROWS: usize = 10_000;
/// Chunks of an upload that are held, of whatever length, for a handoff that replaces a node. A
/// connection that fails shows at the fifth chunk, when the channel to it is full.
pub const REPLAY_CHUNKS_MAX: usize = 8;
/// Bytes of an upload that are held for that, in any number of chunks: as many as a connection's
/// window and channel, so that a refusal without reading is noticed in time.
pub const REPLAY_BYTES_MAX: usize = 2 << 20;
/// Bytes of a chunk of a body that is held in memory.
pub const CHUNK_BYTES: usize = 64 << 10;
/// Rounds of locating and reading the newest version, if it is replaced meanwhile.
pub const LOCATE_ROUNDS_MAX: u32 = 2;
/// Rounds of a change that meets a newer version, each with a newer timestamp.
pub const CHANGE_ROUNDS_MAX: u32 = 2;

/// Timeouts of requests whose body, if any, is small.
pub const NODE_TIMEOUTS: Timeouts = Timeouts { connect: CONNECT_MAX, answer: ANSWER_MAX };
/// Timeouts of uploads: the sender of the body limits the wait for the answer after its end.
pub const UPLOAD_TIMEOUTS: Timeouts = Timeouts { connect: CONNECT_MAX, answer: REQUEST_MAX };
