//! Rows of the pending log: updates of containers and accounts that are not delivered yet.
//!
//! ```text
//! pending/<hash>/<host>/<device>/<timestamp>             an object, for a container server
//! pending/<hash>/<host>/<device>/<timestamp>-<timestamp> its later content type
//! pending/<hash>/<host>/<device>/counts                  a container, for an account server
//! ```
//! Leaves out sending them.

use serde::{Deserialize, Serialize};
use stayput_host::Batch;

use crate::http::{HeaderMap, Method, StatusCode};
use crate::node::index::{ListingInfo, encode};
use crate::node::protocol::ParentServer;
use crate::node::protocol::response::set_header;
use crate::node::storage::{DiskPlace, NameHash};
use crate::swift::{Path, Timestamp, encode_part, header};

/// Prefix of all keys of the log.
pub(super) const PREFIX: &[u8] = b"pending/";
/// First key after them.
pub(super) const END: &[u8] = b"pending0";
/// Seconds after which a container (or account) that its server does not have, and has not deleted,
/// will not come any more.
const MISSING_MAX_S: u64 = 86_400;

/// Update of a listing: a change of one of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ListingUpdate {
    /// A put object.
    ObjectPut { timestamp: Timestamp, size: u64, etag: String, content_type: String },
    /// An object of `timestamp` that got another content type at `typed`.
    ObjectType {
        timestamp: Timestamp,
        size: u64,
        etag: String,
        content_type: String,
        typed: Timestamp,
    },
    /// A deleted object.
    ObjectDelete { timestamp: Timestamp },
    /// A container that was put, deleted or counted anew.
    Container { put: Timestamp, deleted: Timestamp, counted: Timestamp, objects: u64, bytes: u64 },
}

/// Update that a server is still to get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PendingUpdate {
    /// Path of the object or the container.
    pub(super) path: Path,
    pub(super) parent: ParentServer,
    pub(super) change: ListingUpdate,
}

impl ListingUpdate {
    /// Time of the change.
    fn timestamp(&self) -> Timestamp {
        match self {
            Self::ObjectPut { timestamp, .. }
            | Self::ObjectType { timestamp, .. }
            | Self::ObjectDelete { timestamp } => *timestamp,
            Self::Container { put, deleted, .. } => *(put.max(deleted)),
        }
    }

    /// Time from which the update waits: a container's counts may be newer than the container, and
    /// a content type than its object.
    fn since(&self) -> Timestamp {
        match self {
            Self::Container { counted, .. } => *counted,
            Self::ObjectType { typed, .. } => *typed,
            _ => self.timestamp(),
        }
    }

    /// Method and headers of the request that delivers it.
    pub(super) fn request(&self) -> (Method, HeaderMap) {
        let mut headers = HeaderMap::new();
        let mut set = |name, value: String| set_header(&mut headers, name, &value);
        let method = match self {
            Self::ObjectPut { timestamp, size, etag, content_type }
            | Self::ObjectType { timestamp, size, etag, content_type, .. } => {
                set(header::X_TIMESTAMP, timestamp.to_string());
                set(header::X_SIZE, size.to_string());
                set(header::X_ETAG, etag.clone());
                set(header::X_CONTENT_TYPE, content_type.clone());
                if let Self::ObjectType { typed, .. } = self {
                    set(header::X_CONTENT_TYPE_TIMESTAMP, typed.to_string());
                }
                Method::PUT
            }
            Self::ObjectDelete { timestamp } => {
                set(header::X_TIMESTAMP, timestamp.to_string());
                Method::DELETE
            }
            Self::Container { put, deleted, counted, objects, bytes } => {
                set(header::X_PUT_TIMESTAMP, put.to_string());
                set(header::X_DELETE_TIMESTAMP, deleted.to_string());
                set(header::X_TIMESTAMP, counted.to_string());
                set(header::X_CONTAINER_OBJECT_COUNT, objects.to_string());
                set(header::X_CONTAINER_BYTES_USED, bytes.to_string());
                Method::PUT
            }
        };
        (method, headers)
    }
}

impl PendingUpdate {
    /// Key of its row. A container's newer counts replace its older ones.
    pub(super) fn key(&self, hash: NameHash) -> Vec<u8> {
        let which = match &self.change {
            ListingUpdate::Container { .. } => "counts".to_owned(),
            ListingUpdate::ObjectType { timestamp, typed, .. } => format!("{timestamp}-{typed}"),
            change => change.timestamp().to_string(),
        };
        let ParentServer { host, device, .. } = &self.parent;
        format!("pending/{}/{host}/{}/{which}", hash.hex(), encode_part(device)).into_bytes()
    }

    /// Path of the request that delivers it.
    pub(super) fn url(&self) -> String {
        let ParentServer { device, partition, .. } = &self.parent;
        format!("/{}/{partition}{}", encode_part(device), self.path.encoded())
    }

    /// True if an answer settles it: the server took it, or does not need it any more.
    pub(super) fn is_settled(
        &self,
        status: StatusCode,
        deleted: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let waits_until = self.change.since().unix_seconds().saturating_add(MISSING_MAX_S);
        let old = waits_until < now.unix_seconds();
        let gone = deleted.is_some_and(|deleted| deleted >= self.change.timestamp());
        status.is_success() || (status == StatusCode::NOT_FOUND && (gone || old))
    }
}

/// Adds the updates of a container's accounts to the batch that changes the container.
pub(crate) fn counts_outbox(place: &DiskPlace, info: &ListingInfo, batch: &mut Batch) {
    for pending in counts_updates(place, info) {
        batch.put(pending.key(place.hash), encode(&pending));
    }
}

/// Updates of the container's account servers.
pub(super) fn counts_updates(
    place: &DiskPlace,
    info: &ListingInfo,
) -> impl Iterator<Item = PendingUpdate> {
    let change = ListingUpdate::Container {
        put: info.put,
        deleted: info.deleted,
        counted: info.counted,
        objects: info.stats.objects,
        bytes: info.stats.bytes,
    };
    info.parents.iter().map(move |parent| PendingUpdate {
        path: place.path.clone(),
        parent: parent.clone(),
        change: change.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::decode_path;

    fn at(seconds: u64) -> Timestamp {
        format!("{seconds}.00000").parse().unwrap()
    }

    fn deletion(seconds: u64) -> PendingUpdate {
        let host = "10.0.0.1:6201".parse().unwrap();
        PendingUpdate {
            path: decode_path("/a/c/o").unwrap(),
            parent: ParentServer { host, device: "d1".to_owned(), partition: 7 },
            change: ListingUpdate::ObjectDelete { timestamp: at(seconds) },
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
            let change = ListingUpdate::Container { put, deleted, counted, objects: 0, bytes: 0 };
            PendingUpdate { change, ..deletion(1) }
        };
        assert_eq!(counts(at(3)).key(hash), counts(at(4)).key(hash));
        assert!(counts(at(3)).key(hash).starts_with(PREFIX));
        assert!(counts(at(3)).key(hash) < END.to_vec());
    }
}
