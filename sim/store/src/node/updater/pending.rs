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
    use proptest::prelude::*;

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

    /// An update by few times, servers and kinds, so that some differ in one of them alone.
    fn any_update() -> impl Strategy<Value = PendingUpdate> {
        let (seconds, later) = (0_u64..3, 1_u64..3);
        (seconds, later, 0_u8..4, 1_u8..3, "d[/1-2]").prop_map(
            |(seconds, later, kind, host, device)| {
                let (timestamp, typed) = (at(seconds), at(seconds + later));
                let (etag, content_type) = ("e".to_owned(), "text/plain".to_owned());
                let change = match kind {
                    0 => ListingUpdate::ObjectPut { timestamp, size: 9, etag, content_type },
                    1 => ListingUpdate::ObjectDelete { timestamp },
                    2 => {
                        ListingUpdate::ObjectType { timestamp, size: 9, etag, content_type, typed }
                    }
                    _ => ListingUpdate::Container {
                        put: timestamp,
                        deleted: at(later),
                        counted: typed,
                        objects: 1,
                        bytes: 9,
                    },
                };
                let host = format!("10.0.0.{host}:6201").parse().unwrap();
                let parent = ParentServer { host, device, partition: 7 };
                PendingUpdate { parent, change, ..deletion(1) }
            },
        )
    }

    /// Identity of an update: it replaces, and is replaced by, those of the same one.
    fn identity(update: &PendingUpdate) -> (ParentServer, Option<(Timestamp, Option<Timestamp>)>) {
        let which = match &update.change {
            ListingUpdate::Container { .. } => None,
            ListingUpdate::ObjectType { timestamp, typed, .. } => Some((*timestamp, Some(*typed))),
            ListingUpdate::ObjectPut { timestamp, .. }
            | ListingUpdate::ObjectDelete { timestamp } => Some((*timestamp, None)),
        };
        (update.parent.clone(), which)
    }

    proptest! {
        #[test]
        fn updates_have_one_key_only_if_one_replaces_the_other(
            one in any_update(), other in any_update(), hash: [u8; 16], other_hash in 0_u8..2,
        ) {
            let hashes = [NameHash(hash), NameHash([other_hash; 16])];
            let key = one.key(hashes[0]);
            let same = identity(&one) == identity(&other);
            prop_assert_eq!(key == other.key(hashes[0]), same);
            prop_assert!(key == one.key(hashes[1]) || hashes[0] != hashes[1]);
            prop_assert!(key.starts_with(PREFIX) && key < END.to_vec());
            // A device's name adds no level to the key.
            prop_assert_eq!(key.iter().filter(|byte| **byte == b'/').count(), 4);
        }

        #[test]
        fn an_update_reads_back_from_its_row(update in any_update()) {
            let row = encode(&update);
            prop_assert_eq!(serde_json::from_slice::<PendingUpdate>(&row).unwrap(), update);
        }

        #[test]
        fn an_update_waits_until_it_is_taken_or_of_no_use(
            update in any_update(),
            status in prop::sample::select(vec![200_u16, 201, 204, 202, 404, 409, 500, 503, 507]),
            deleted in prop::option::of(0_u64..4),
            now in prop_oneof![0_u64..9, MISSING_MAX_S - 3..MISSING_MAX_S + 9],
        ) {
            let (made, since) = match &update.change {
                ListingUpdate::Container { put, deleted, counted, .. } => (*put.max(deleted), *counted),
                ListingUpdate::ObjectType { timestamp, typed, .. } => (*timestamp, *typed),
                ListingUpdate::ObjectPut { timestamp, .. }
                | ListingUpdate::ObjectDelete { timestamp } => (*timestamp, *timestamp),
            };
            let was_deleted_since = deleted.is_some_and(|deleted| at(deleted) >= made);
            let is_old = now > since.unix_seconds() + MISSING_MAX_S;
            let expected = match status {
                200..=299 => true,
                404 => was_deleted_since || is_old,
                _ => false,
            };
            let status = StatusCode::from_u16(status).unwrap();
            prop_assert_eq!(update.is_settled(status, deleted.map(at), at(now)), expected);
        }
    }

    #[test]
    fn a_request_says_all_of_the_change_and_goes_to_its_servers_device() {
        let header = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
        let (method, headers) = deletion(5).change.request();
        assert_eq!((method, headers.len()), (Method::DELETE, 1));
        assert_eq!(header(&headers, "x-timestamp"), "0000000005.00000");
        let (etag, content_type) = ("e".to_owned(), "text/x".to_owned());
        let (timestamp, typed) = (at(5), at(6));
        let typing = ListingUpdate::ObjectType { timestamp, size: 9, etag, content_type, typed };
        let (method, headers) = typing.request();
        assert_eq!((method, headers.len()), (Method::PUT, 5));
        for (name, value) in [
            ("x-timestamp", "0000000005.00000"),
            ("x-size", "9"),
            ("x-etag", "e"),
            ("x-content-type", "text/x"),
            ("x-content-type-timestamp", "0000000006.00000"),
        ] {
            assert_eq!(header(&headers, name), value);
        }
        let mut pending = deletion(5);
        pending.parent.device = "d 1/x".to_owned();
        assert_eq!(pending.url(), "/d%201%2Fx/7/a/c/o");
    }
}
