//! Random requests for one object, in any order of their times, against a naive model of an object
//! server.
//!
//! Leaves out crashes, which are in `crash_points`, and several replicas, which are in `replicas`.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use proptest::collection::vec;
use proptest::prelude::*;

use super::world::{Cluster, Reply, run};
use crate::http::Method;
use crate::node::storage::hex;

#[derive(Clone, Debug)]
enum Asked {
    /// A body of so many bytes, all alike; perhaps only if nothing is there.
    Put {
        second: u8,
        bytes: usize,
        fill: u8,
        only_new: bool,
    },
    /// Metadata in the place of the old, perhaps with a content type.
    Post {
        second: u8,
        colour: Option<u8>,
        content_type: Option<u8>,
    },
    Delete {
        second: u8,
    },
    Head,
    Whole,
    /// From the first byte to the second, both included.
    Part(usize, usize),
}

fn any_request() -> impl Strategy<Value = Asked> {
    let second = || 1_u8..12;
    // Now and then more than a block of checksums.
    let bytes = prop_oneof![9 => 0_usize..50, 1 => 65_530_usize..140_000];
    prop_oneof![
        4 => (second(), bytes, any::<u8>(), prop::bool::weighted(0.2)).prop_map(
            |(second, bytes, fill, only_new)| Asked::Put { second, bytes, fill, only_new },
        ),
        3 => (second(), prop::option::of(0_u8..3), prop::option::of(0_u8..3)).prop_map(
            |(second, colour, content_type)| Asked::Post { second, colour, content_type },
        ),
        2 => second().prop_map(|second| Asked::Delete { second }),
        1 => Just(Asked::Head),
        1 => Just(Asked::Whole),
        2 => (0_usize..70, 0_usize..70)
            .prop_map(|(one, other)| Asked::Part(one.min(other), one.max(other))),
    ]
}

/// Metadata of a POST.
#[derive(Clone, Debug)]
struct NaivePost {
    second: u8,
    colour: Option<String>,
    content_type: Option<String>,
}

/// Object server that keeps one object in memory.
#[derive(Debug, Default)]
struct Naive {
    put: Option<(u8, Vec<u8>)>,
    /// The last POST, as long as nothing newer outdates it; it may wait for its object.
    post: Option<NaivePost>,
    deleted: Option<u8>,
}

impl Naive {
    fn put_second(&self) -> Option<u8> {
        self.put.as_ref().map(|(second, _)| *second)
    }

    /// The POST that readers see.
    fn visible_post(&self) -> Option<&NaivePost> {
        self.post.as_ref().filter(|_| self.put.is_some())
    }

    fn changed(&self) -> Option<u8> {
        self.put_second().max(self.visible_post().map(|post| post.second))
    }

    fn outdate(&mut self, second: u8) {
        self.post = self.post.take().filter(|post| post.second > second);
    }

    /// Status of the answer, and the second that it names as there, if it does.
    fn answer(&mut self, asked: &Asked) -> (u16, Option<u8>) {
        match asked {
            Asked::Put { second, bytes, fill, only_new } => {
                let newer_put = self.put_second().filter(|has| has >= second);
                let newer = newer_put.max(self.deleted.filter(|has| has > second));
                if newer.is_some() {
                    return (409, newer);
                }
                if *only_new && self.put.is_some() {
                    return (412, None);
                }
                self.put = Some((*second, vec![*fill; *bytes]));
                self.deleted = None;
                self.outdate(*second);
                (201, None)
            }
            Asked::Post { second, colour, content_type } => {
                if self.put.is_none() {
                    return (404, self.deleted);
                }
                if let Some(has) = self.changed().filter(|has| has >= second) {
                    return (409, Some(has));
                }
                // A content type stays until another is named.
                let earlier = self.visible_post().and_then(|post| post.content_type.clone());
                let (colour, content_type) = (colour.map(colour_of), content_type.map(type_of));
                let content_type = content_type.or(earlier);
                self.post = Some(NaivePost { second: *second, colour, content_type });
                (202, None)
            }
            Asked::Delete { second } => {
                if let Some(has) = self.put_second().filter(|has| has >= second) {
                    return (409, Some(has));
                }
                if let Some(has) = self.deleted.filter(|has| has >= second) {
                    return (404, Some(has));
                }
                let status = if self.put.take().is_some() { 204 } else { 404 };
                self.deleted = Some(*second);
                self.outdate(*second);
                (status, Some(*second))
            }
            Asked::Head | Asked::Whole | Asked::Part(..) => match &self.put {
                None => (404, self.deleted),
                Some((_, body)) => (self.part(asked, body).0, None),
            },
        }
    }

    /// Status and bytes of a range.
    fn part<'a>(&self, asked: &Asked, body: &'a [u8]) -> (u16, &'a [u8]) {
        let Asked::Part(first, last) = *asked else { return (200, body) };
        if first >= body.len() {
            return (416, &[]);
        }
        (206, &body[first..=last.min(body.len() - 1)])
    }
}

fn colour_of(number: u8) -> String {
    format!("colour-{number}")
}

fn type_of(number: u8) -> String {
    format!("text/x-{number}")
}

fn stamp(second: u8) -> String {
    format!("{second:010}.00000")
}

async fn ask(cluster: &Cluster, asked: &Asked) -> Reply {
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    let mut body = Vec::new();
    let method = match asked {
        Asked::Put { second, bytes, fill, only_new } => {
            headers.insert("x-timestamp", stamp(*second));
            headers.insert("content-type", "text/plain".to_owned());
            headers.insert("x-object-meta-shape", "round".to_owned());
            if *only_new {
                headers.insert("if-none-match", "*".to_owned());
            }
            body = vec![*fill; *bytes];
            Method::PUT
        }
        Asked::Post { second, colour, content_type } => {
            headers.insert("x-timestamp", stamp(*second));
            headers.extend(colour.map(|colour| ("x-object-meta-colour", colour_of(colour))));
            headers.extend(content_type.map(|number| ("content-type", type_of(number))));
            Method::POST
        }
        Asked::Delete { second } => {
            headers.insert("x-timestamp", stamp(*second));
            Method::DELETE
        }
        Asked::Head => Method::HEAD,
        Asked::Whole => Method::GET,
        Asked::Part(first, last) => {
            headers.insert("range", format!("bytes={first}-{last}"));
            Method::GET
        }
    };
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    cluster.object(method, &headers, &body).await
}

/// Checks an answer to a reader, of the whole or of a part.
fn assert_read(reply: &Reply, naive: &Naive, asked: &Asked) {
    let Some((second, body)) = &naive.put else { return };
    let (status, part) = naive.part(asked, body);
    if status == 416 {
        assert_eq!(reply.header("content-range"), format!("bytes */{}", body.len()));
        return;
    }
    let expected: &[u8] = if matches!(asked, Asked::Head) { b"" } else { part };
    assert!(reply.body.as_deref() == Some(expected), "{asked:?} of {} bytes", body.len());
    assert_eq!(reply.header("content-length"), part.len().to_string());
    assert_eq!(reply.header("etag"), format!("\"{}\"", hex(&Md5::digest(body))));
    assert_eq!(reply.header("x-backend-data-timestamp"), stamp(*second));
    let changed = naive.changed().expect("it is there");
    assert_eq!(reply.header("x-timestamp"), stamp(changed));
    let post = naive.visible_post();
    let content_type = post.and_then(|post| post.content_type.as_deref());
    assert_eq!(reply.header("content-type"), content_type.unwrap_or("text/plain"));
    let shape = if post.is_some() { "" } else { "round" };
    assert_eq!(reply.header("x-object-meta-shape"), shape, "a POST replaces all of it");
    let colour = post.and_then(|post| post.colour.as_deref()).unwrap_or("");
    assert_eq!(reply.header("x-object-meta-colour"), colour);
}

async fn compare(cluster: Cluster, requests: Vec<Asked>) {
    let mut naive = Naive::default();
    for asked in requests.iter().chain([&Asked::Whole]) {
        let reply = ask(&cluster, asked).await;
        let (status, there) = naive.answer(asked);
        assert_eq!(reply.status, status, "{asked:?}, then {naive:?}");
        if let Some(there) = there {
            assert_eq!(reply.header("x-backend-timestamp"), stamp(there), "{asked:?}");
        }
        if matches!(asked, Asked::Head | Asked::Whole | Asked::Part(..)) {
            assert_read(&reply, &naive, asked);
        }
        assert!(cluster.disk(0).list("tmp").await.unwrap().is_empty(), "{asked:?} leaves a file");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_object_server_answers_as_a_naive_one_does(requests in vec(any_request(), 1..30)) {
        run(1, vec![], move |cluster| compare(cluster, requests.clone()));
    }
}
