//! Requests of other nodes' replicators, which compare what they have with what this node has.
//!
//! Leaves out changes of objects, which come as those of a proxy do.

use std::rc::Rc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_host::Purpose;

use super::Replicator;
use super::listings::ListingQuestion;
use super::missing::ReplicaFiles;
use super::objects::DURABLE;
use crate::http::{Body, Request, Response};
use crate::node::index::{Broker, Entry};
use crate::node::object::{make_durable, object_files};
use crate::node::protocol::{DevicePath, ParentServer};
use crate::node::storage::{Device, DiskPlace, NameHash, NodeError, RequestFlaw};
use crate::swift::{Path, ReplicaTarget, Service, Timestamp};

/// Longest question, in bytes: rows of the longest names, as many as are sent at a time.
const QUESTION_BYTES_MAX: u64 = 16 << 20;

/// Subject of a question.
enum Subject {
    /// A whole device.
    Device,
    /// Hashes in a partition.
    Partition(u32),
    /// A listing.
    Listing(u32, Path),
}

impl Replicator {
    /// Answers one question.
    pub(crate) async fn answer(
        &self,
        service: Service,
        request: Request,
    ) -> Result<Response, NodeError> {
        let replicator = self;
        let (head, mut body) = request.into_parts();
        let path = head.uri.path();
        let (device, subject) = parse(path)?;
        let none = || NodeError::NoDevice { path: path.to_owned(), device: device.clone() };
        let device = replicator.devices.get(&device).ok_or_else(none)?;
        let whole = body.collect(QUESTION_BYTES_MAX).await;
        let whole = whole.map_err(|broken| bad(path, broken))?;
        match subject {
            Subject::Device => answer(path, &replicator.inventory(&device, service).await?),
            Subject::Partition(partition) => {
                let hashes = read_hashes(path, &whole)?;
                let some = (&device, partition, &hashes[..]);
                match service {
                    Service::Object => answer(path, &objects(some, head.uri.query()).await?),
                    Service::Container => {
                        answer(path, &listings(&replicator.containers, some).await?)
                    }
                    Service::Account => answer(path, &listings(&replicator.accounts, some).await?),
                }
            }
            Subject::Listing(partition, listing) => {
                let hash = replicator.devices.hash(&listing);
                let is_container = listing.container().is_some() && listing.object().is_none();
                let place = DiskPlace { device, partition, hash, path: listing };
                match service {
                    Service::Container if is_container => {
                        compare(replicator, &replicator.containers, &place, path, &whole).await
                    }
                    Service::Account if place.path.container().is_none() => {
                        compare(replicator, &replicator.accounts, &place, path, &whole).await
                    }
                    _ => Err(RequestFlaw::Path("that is no listing of this service").of(path)),
                }
            }
        }
    }
}

fn bad(path: &str, error: impl ToString) -> NodeError {
    RequestFlaw::Body(error.to_string()).of(path)
}

/// Reads `/device[/partition[/account[/container]]]`.
fn parse(path: &str) -> Result<(String, Subject), NodeError> {
    let usage = || RequestFlaw::Path("wants /device[/partition[/account[/container]]]").of(path);
    let mut parts = path.strip_prefix('/').ok_or_else(usage)?.splitn(3, '/');
    let device = parts.next().unwrap_or_default();
    let device = percent_encoding::percent_decode_str(device).decode_utf8();
    let device = device.map_err(|_| usage())?.into_owned();
    let Some(partition) = parts.next() else { return Ok((device, Subject::Device)) };
    if parts.next().is_some() {
        let DevicePath { device, partition, path } = DevicePath::parse(path)?;
        return Ok((device, Subject::Listing(partition, path)));
    }
    Ok((device, Subject::Partition(partition.parse().map_err(|_| usage())?)))
}

fn read<T: DeserializeOwned>(path: &str, question: &Bytes) -> Result<T, NodeError> {
    serde_json::from_slice(question).map_err(|error| bad(path, error))
}

fn read_hashes(path: &str, question: &Bytes) -> Result<Vec<NameHash>, NodeError> {
    let hashes: Vec<String> = read(path, question)?;
    let hash = |text: &String| {
        NameHash::parse(text).ok_or_else(|| RequestFlaw::NameHash(text.clone()).of(path))
    };
    hashes.iter().map(hash).collect()
}

fn answer<T: Serialize>(path: &str, content: &T) -> Result<Response, NodeError> {
    let text = serde_json::to_vec(content).map_err(|error| bad(path, error))?;
    Ok(Response::new(Body::full(Purpose::Replication, text)))
}

/// Hashes in a partition of a device.
type Hashes<'a> = (&'a Rc<Device>, u32, &'a [NameHash]);

async fn objects(
    (device, partition, hashes): Hashes<'_>,
    query: Option<&str>,
) -> Result<Vec<ReplicaFiles>, NodeError> {
    let durable = query.is_some_and(|query| DURABLE.strip_prefix('?') == Some(query));
    let mut all = Vec::with_capacity(hashes.len());
    for hash in hashes {
        let place = DiskPlace::nameless(device, partition, *hash);
        let files = ReplicaFiles::of(&object_files(&place).await?);
        if durable && files != ReplicaFiles::default() {
            make_durable(&place).await?;
        }
        all.push(files);
    }
    Ok(all)
}

async fn listings<E: Entry>(
    broker: &Broker<E>,
    (device, partition, hashes): Hashes<'_>,
) -> Result<Vec<Option<u64>>, NodeError> {
    let mut digests = Vec::with_capacity(hashes.len());
    for hash in hashes {
        digests.push(broker.digest_of(device, partition, *hash).await?);
    }
    Ok(digests)
}

async fn compare<E: Entry>(
    replicator: &Replicator,
    broker: &Broker<E>,
    place: &DiskPlace,
    path: &str,
    question: &Bytes,
) -> Result<Response, NodeError> {
    match read::<ListingQuestion<E>>(path, question)? {
        ListingQuestion::Compare(ranges) => answer(path, &broker.differing(place, &ranges).await?),
        ListingQuestion::Merge(theirs, rows) => {
            let now = Timestamp::at(replicator.host.now());
            let accounts = account_servers(replicator, place);
            broker.merge(place, now, *theirs, rows, accounts).await?;
            answer(path, &())
        }
    }
}

/// Account servers that get the counts of a container which another replica had first.
fn account_servers(replicator: &Replicator, place: &DiskPlace) -> Vec<ParentServer> {
    let Some(replication) = replicator.config.as_ref() else { return Vec::new() };
    if place.path.container().is_none() {
        return Vec::new();
    }
    let partition = replication.ring.partition(&place.path.to_account());
    let parent = |target: ReplicaTarget| ParentServer {
        host: target.address(Service::Account),
        device: target.device,
        partition,
    };
    replication.ring.primaries(partition).into_iter().map(parent).collect()
}
