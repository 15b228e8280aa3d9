//! Answers to other replicas that compare what they have with what this node has.
//!
//! Leaves out changes of objects, which come as those of a proxy do.

use std::rc::Rc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_host::Purpose;

use super::index::Question;
use super::objects::DURABLE;
use super::plan::Has;
use crate::http::{Body, Request, Response};
use crate::node::device::{Device, NameHash, Place};
use crate::node::index::{Broker, Entry};
use crate::node::object::replica::Spot;
use crate::node::request::{DevicePath, Parent};
use crate::node::{NodeError, StorageNode};
use crate::swift::{Path, Service};

/// What a question may have: rows of the longest names, as many as are sent at a time.
const QUESTION_BYTES_MAX: u64 = 16 << 20;

/// What is asked about.
enum Asked {
    /// All of a device.
    Device,
    /// Some hashes of a partition.
    Partition(u32),
    /// A listing.
    Listing(u32, Path),
}

/// Answers one question.
pub(in crate::node) async fn handle(
    node: Rc<StorageNode>,
    service: Service,
    request: Request,
) -> Result<Response, NodeError> {
    let (head, mut body) = request.into_parts();
    let path = head.uri.path();
    let (device, asked) = parse(path)?;
    let none = || NodeError::NoDevice { path: path.to_owned(), device: device.clone() };
    let device = node.devices.named(&device).ok_or_else(none)?;
    let whole = body.collect(QUESTION_BYTES_MAX).await;
    let whole = whole.map_err(|broken| bad(path, broken.to_string()))?;
    match asked {
        Asked::Device => answer(path, &node.inventory(&device, service).await?),
        Asked::Partition(partition) => {
            let hashes = read_hashes(path, &whole)?;
            let some = (&device, partition, &hashes[..]);
            match service {
                Service::Object => answer(path, &objects(some, head.uri.query()).await?),
                Service::Container => answer(path, &listings(&node.containers, some).await?),
                Service::Account => answer(path, &listings(&node.accounts, some).await?),
            }
        }
        Asked::Listing(partition, listing) => {
            let hash = NameHash((node.config.name_hash)(&listing));
            let is_container = listing.container().is_some() && listing.object().is_none();
            let place = Place { device, partition, hash, path: listing };
            match service {
                Service::Container if is_container => {
                    compare(&node, &node.containers, &place, path, &whole).await
                }
                Service::Account if place.path.container().is_none() => {
                    compare(&node, &node.accounts, &place, path, &whole).await
                }
                _ => Err(bad(path, "that is no listing of this service".to_owned())),
            }
        }
    }
}

fn bad(path: &str, why: String) -> NodeError {
    NodeError::BadRequest { path: path.to_owned(), why }
}

/// Reads `/device[/partition[/account[/container]]]`.
fn parse(path: &str) -> Result<(String, Asked), NodeError> {
    let usage = || bad(path, "wants /device[/partition[/account[/container]]]".to_owned());
    let mut parts = path.strip_prefix('/').ok_or_else(usage)?.splitn(3, '/');
    let device = parts.next().unwrap_or_default();
    let device = percent_encoding::percent_decode_str(device).decode_utf8();
    let device = device.map_err(|_| usage())?.into_owned();
    let Some(partition) = parts.next() else { return Ok((device, Asked::Device)) };
    if parts.next().is_some() {
        let DevicePath { device, partition, path } = DevicePath::parse(path)?;
        return Ok((device, Asked::Listing(partition, path)));
    }
    Ok((device, Asked::Partition(partition.parse().map_err(|_| usage())?)))
}

fn read<T: DeserializeOwned>(path: &str, question: &Bytes) -> Result<T, NodeError> {
    serde_json::from_slice(question).map_err(|error| bad(path, error.to_string()))
}

fn read_hashes(path: &str, question: &Bytes) -> Result<Vec<NameHash>, NodeError> {
    let hashes: Vec<String> = read(path, question)?;
    let hash = |text: &String| {
        NameHash::parse(text).ok_or_else(|| bad(path, format!("{text:?} is no hash of a name")))
    };
    hashes.iter().map(hash).collect()
}

fn answer<T: Serialize>(path: &str, what: &T) -> Result<Response, NodeError> {
    let text = serde_json::to_vec(what).map_err(|error| bad(path, error.to_string()))?;
    Ok(Response::new(Body::full(Purpose::Replication, text)))
}

type Some<'a> = (&'a Rc<Device>, u32, &'a [NameHash]);

async fn objects(
    (device, partition, hashes): Some<'_>,
    query: Option<&str>,
) -> Result<Vec<Has>, NodeError> {
    let durable = query.is_some_and(|query| DURABLE.strip_prefix('?') == Some(query));
    let mut has = Vec::with_capacity(hashes.len());
    for hash in hashes {
        let spot = Spot { device: Rc::clone(device), partition, hash: *hash };
        let found = Has::of(&spot.winners().await?);
        if durable && found != Has::default() {
            spot.make_durable().await?;
        }
        has.push(found);
    }
    Ok(has)
}

async fn listings<E: Entry>(
    broker: &Broker<E>,
    (device, partition, hashes): Some<'_>,
) -> Result<Vec<Option<u64>>, NodeError> {
    let mut digests = Vec::with_capacity(hashes.len());
    for hash in hashes {
        digests.push(broker.digest_of(device, partition, *hash).await?);
    }
    Ok(digests)
}

async fn compare<E: Entry>(
    node: &StorageNode,
    broker: &Broker<E>,
    place: &Place,
    path: &str,
    question: &Bytes,
) -> Result<Response, NodeError> {
    match read::<Question<E>>(path, question)? {
        Question::Compare(stretches) => answer(path, &broker.differing(place, &stretches).await?),
        Question::TakeIn(theirs, rows) => {
            let now = crate::swift::Timestamp::at(node.host.now());
            let accounts = accounts(node, place);
            broker.take_in(place, now, *theirs, rows, accounts).await?;
            answer(path, &())
        }
    }
}

/// The account servers that hear of a container which another replica had first.
fn accounts(node: &StorageNode, place: &Place) -> Vec<Parent> {
    let Some(replication) = node.config.replication.as_ref() else { return Vec::new() };
    if place.path.container().is_none() {
        return Vec::new();
    }
    let partition = replication.ring.partition(&place.path.to_account());
    let parent = |target: crate::swift::ReplicaTarget| Parent {
        host: target.address(Service::Account),
        device: target.device,
        partition,
    };
    replication.ring.primaries(partition).into_iter().map(parent).collect()
}
