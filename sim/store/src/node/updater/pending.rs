//! Rows of the pending log: changes that a container or an account has yet to hear of.
//!
//! ```text
//! pending/<hash>/<host>/<device>/<timestamp>   an object's change, for one container server
//! pending/<hash>/<host>/<device>/<timestamp>-<timestamp>   another content type of it
//! pending/<hash>/<host>/<device>/counts        a container's newest counts, for one account server
//! ```
//! Leaves out sending them.

use serde::{Deserialize, Serialize};
use stayput_host::Batch;

use crate::http::{HeaderMap, Method, StatusCode};
use crate::node::device::{NameHash, Place};
use crate::node::error::NodeError;
use crate::node::index::{Info, encode};
use crate::node::reply;
use crate::node::request::Parent;
use crate::swift::{Path, Timestamp, encode_part, header};

/// What all keys of the log begin with.
pub(super) const PREFIX: &[u8] = b"pending/";
/// The first key after them.
pub(super) const END: &[u8] = b"pending0";
/// Rows of objects that may wait on a device; then it takes no writes until some were delivered.
const ROWS_MAX: usize = 1_000_000;
/// A server that does not have a container (or account), and knows of no deletion, may yet get it.
/// After so long it will not.
const MISSING_MAX_S: u64 = 86_400;

/// What is to be heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::node) enum Change {
    /// An object was put.
    ObjectPut { timestamp: Timestamp, size: u64, etag: String, content_type: String },
    /// An object that was put at `timestamp` got another content type at `typed`.
    ObjectType {
        timestamp: Timestamp,
        size: u64,
        etag: String,
        content_type: String,
        typed: Timestamp,
    },
    /// An object was deleted.
    ObjectDelete { timestamp: Timestamp },
    /// A container was put or deleted, or counts anew.
    Container { put: Timestamp, deleted: Timestamp, counted: Timestamp, objects: u64, bytes: u64 },
}

/// A change and who is to hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The object or the container.
    pub(super) path: Path,
    pub(super) parent: Parent,
    pub(super) change: Change,
}

impl Change {
    /// When it happened.
    fn timestamp(&self) -> Timestamp {
        match self {
            Self::ObjectPut { timestamp, .. }
            | Self::ObjectType { timestamp, .. }
            | Self::ObjectDelete { timestamp } => *timestamp,
            Self::Container { put, deleted, .. } => *(put.max(deleted)),
        }
    }

    /// Since when it is to be told: a container's counts may be newer than the container, and a content type than its object.
    fn since(&self) -> Timestamp {
        match self {
            Self::Container { counted, .. } => *counted,
            Self::ObjectType { typed, .. } => *typed,
            _ => self.timestamp(),
        }
    }

    /// The method and the headers that tell it.
    pub(super) fn request(&self) -> (Method, HeaderMap) {
        let mut headers = HeaderMap::new();
        let mut say = |name, value: String| reply::set(&mut headers, name, &value);
        let method = match self {
            Self::ObjectPut { timestamp, size, etag, content_type }
            | Self::ObjectType { timestamp, size, etag, content_type, .. } => {
                say(header::X_TIMESTAMP, timestamp.to_string());
                say(header::X_SIZE, size.to_string());
                say(header::X_ETAG, etag.clone());
                say(header::X_CONTENT_TYPE, content_type.clone());
                if let Self::ObjectType { typed, .. } = self {
                    say(header::X_CONTENT_TYPE_TIMESTAMP, typed.to_string());
                }
                Method::PUT
            }
            Self::ObjectDelete { timestamp } => {
                say(header::X_TIMESTAMP, timestamp.to_string());
                Method::DELETE
            }
            Self::Container { put, deleted, counted, objects, bytes } => {
                say(header::X_PUT_TIMESTAMP, put.to_string());
                say(header::X_DELETE_TIMESTAMP, deleted.to_string());
                say(header::X_TIMESTAMP, counted.to_string());
                say(header::X_CONTAINER_OBJECT_COUNT, objects.to_string());
                say(header::X_CONTAINER_BYTES_USED, bytes.to_string());
                Method::PUT
            }
        };
        (method, headers)
    }
}

impl Pending {
    /// Where it stands in the table. A container's newer counts replace its older ones.
    pub(super) fn key(&self, hash: NameHash) -> Vec<u8> {
        let which = match &self.change {
            Change::Container { .. } => "counts".to_owned(),
            Change::ObjectType { timestamp, typed, .. } => format!("{timestamp}-{typed}"),
            change => change.timestamp().to_string(),
        };
        let Parent { host, device, .. } = &self.parent;
        format!("pending/{}/{host}/{}/{which}", hash.hex(), encode_part(device)).into_bytes()
    }

    /// Where the parent takes it.
    pub(super) fn url(&self) -> String {
        let Parent { device, partition, .. } = &self.parent;
        format!("/{}/{partition}{}", encode_part(device), self.path.encoded())
    }

    /// Whether an answer settles it: it was heard, or what it is about is known to be gone.
    pub(super) fn is_settled(
        &self,
        status: StatusCode,
        deleted: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let told_until = self.change.since().unix_seconds().saturating_add(MISSING_MAX_S);
        let old = told_until < now.unix_seconds();
        let gone = deleted.is_some_and(|deleted| deleted >= self.change.timestamp());
        status.is_success() || (status == StatusCode::NOT_FOUND && (gone || old))
    }
}

/// Puts what accounts are to hear of a container into the batch that changes the container.
pub(in crate::node) fn counts_outbox(place: &Place, info: &Info, batch: &mut Batch) {
    for pending in counts_of(place, info) {
        batch.put(pending.key(place.hash), encode(&pending));
    }
}

/// What the container's account servers are to hear.
pub(super) fn counts_of(place: &Place, info: &Info) -> impl Iterator<Item = Pending> {
    let change = Change::Container {
        put: info.put,
        deleted: info.deleted,
        counted: info.counted,
        objects: info.stats.objects,
        bytes: info.stats.bytes,
    };
    info.parents.iter().map(move |parent| Pending {
        path: place.path.clone(),
        parent: parent.clone(),
        change: change.clone(),
    })
}

/// Refuses a write while too much waits to be told.
pub(in crate::node) fn check_room(place: &Place) -> Result<(), NodeError> {
    if place.device.pending() < ROWS_MAX {
        return Ok(());
    }
    let (path, device) = (place.path.to_string(), place.device.name.clone());
    Err(NodeError::Backlog { path, device, max: ROWS_MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::decode_path;

    fn at(seconds: u64) -> Timestamp {
        format!("{seconds}.00000").parse().unwrap()
    }

    fn deletion(seconds: u64) -> Pending {
        let host = "10.0.0.1:6201".parse().unwrap();
        Pending {
            path: decode_path("/a/c/o").unwrap(),
            parent: Parent { host, device: "d1".to_owned(), partition: 7 },
            change: Change::ObjectDelete { timestamp: at(seconds) },
        }
    }

    #[test]
    fn only_success_a_known_deletion_or_a_day_settles_a_change() {
        let pending = deletion(1_000);
        assert!(pending.is_settled(StatusCode::NO_CONTENT, None, at(1_001)));
        assert!(!pending.is_settled(StatusCode::SERVICE_UNAVAILABLE, None, at(900_000)));
        assert!(!pending.is_settled(StatusCode::NOT_FOUND, None, at(1_001)));
        assert!(!pending.is_settled(StatusCode::NOT_FOUND, Some(at(999)), at(1_001)));
        assert!(pending.is_settled(StatusCode::NOT_FOUND, Some(at(1_000)), at(1_001)));
        assert!(pending.is_settled(StatusCode::NOT_FOUND, None, at(1_000 + MISSING_MAX_S + 1)));
    }

    #[test]
    fn a_containers_counts_replace_each_other_and_objects_changes_do_not() {
        let hash = NameHash([7; 16]);
        assert_ne!(deletion(1).key(hash), deletion(2).key(hash));
        let counts = |counted| {
            let (put, deleted) = (at(1), Timestamp::ZERO);
            let change = Change::Container { put, deleted, counted, objects: 0, bytes: 0 };
            Pending { change, ..deletion(1) }
        };
        assert_eq!(counts(at(3)).key(hash), counts(at(4)).key(hash));
        assert!(counts(at(3)).key(hash).starts_with(PREFIX));
        assert!(counts(at(3)).key(hash) < END.to_vec());
    }
}
