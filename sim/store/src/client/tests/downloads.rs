//! Downloads that break off, are resumed with something else than the rest, or are replaced; and
//! what those who read meanwhile see.

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::client::download::{DownloadBroken, ObjectDownload};

/// The MD5 of `other words`.
const OTHER: &str = "25c6d97753b3cb3fae751cc0faed7449";

/// All of `content`, with that ETag.
fn whole(content: &'static [u8], etag: &str) -> Response {
    partial(content, 0, content.len(), etag)
}

fn got(
    answer: impl Fn(u8, usize, &Request) -> Response + 'static,
) -> Result<crate::client::DownloadedObject, ClientError> {
    against(answer, |client| async move { client.get_object(&object()).await })
}

#[test]
fn a_proxy_that_begins_anew_is_taken_from_the_beginning() {
    let answer = |_proxy, number, _request: &Request| match number {
        0 => partial(b"hello world", 0, 4, HELLO),
        _ => whole(b"hello world", HELLO),
    };
    assert_eq!(got(answer).expect("it is whole").content, "hello world");
}

#[test]
fn a_rest_that_begins_elsewhere_or_is_of_another_version_is_no_rest() {
    for (first, etag) in [(3, HELLO), (5, HELLO), (4, OTHER)] {
        let etag = etag.to_owned();
        let answer = move |_proxy, number, _request: &Request| match number {
            0 => partial(b"hello world", 0, 4, HELLO),
            1 => partial(b"hello world", first, 11, &etag),
            _ => whole(b"hello world", HELLO),
        };
        let object = got(answer).expect("the third is whole");
        assert_eq!(object.content, "hello world", "{first}");
    }
}

#[test]
fn an_object_that_was_replaced_is_had_as_it_is_now() {
    let answer = |_proxy, number, request: &Request| match number {
        0 => partial(b"hello world", 0, 4, HELLO),
        1 => {
            assert_eq!(request.headers()["if-match"], HELLO);
            status(412)
        }
        _ => {
            assert!(!request.headers().contains_key("range"), "the old bytes are void");
            let mut response = Response::new(Body::full(Purpose::ObjectData, "hello world"));
            response.headers_mut().insert("etag", HeaderValue::from_static(HELLO));
            response
        }
    };
    assert_eq!(got(answer).expect("it is whole").content, "hello world");
}

#[test]
fn a_condition_that_fails_before_anything_came_is_an_answer() {
    let refused = got(|_proxy, number, _request: &Request| {
        assert_eq!(number, 0, "it was asked again");
        status(412)
    });
    let Err(ClientError::Refused { status, why, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((status.as_u16(), why.as_str()), (412, "because"));
}

#[test]
fn a_body_that_is_damaged_each_time_is_refused_after_all_attempts() {
    let asked = Rc::new(Cell::new(0));
    let counting = Rc::clone(&asked);
    let damaged = got(move |_proxy, number, _request: &Request| {
        counting.set(number + 1);
        whole(b"jello world", HELLO)
    });
    assert!(matches!(&damaged, Err(ClientError::Damaged { etag, .. }) if etag == HELLO));
    assert_eq!(asked.get(), limits::ATTEMPTS_MAX as usize);
}

#[test]
fn quotes_around_an_etag_are_none_of_it() {
    let object = got(|_, _, _: &Request| whole(b"hello world", &format!("\"{HELLO}\"")));
    assert_eq!(object.expect("it is whole").etag, HELLO);
}

#[test]
fn whoever_reads_meanwhile_is_told_when_another_version_begins() {
    let answer = |_proxy, number, _request: &Request| match number {
        0 => partial(b"hello world", 0, 4, HELLO),
        _ => partial(b"hello world", 4, 11, HELLO),
    };
    let (read, is_whole) = against(answer, |client| async move {
        let download = Rc::new(ObjectDownload::default());
        let (reading, own) = (Rc::clone(&download), client.clone());
        client.host.spawn(async move {
            let _either = own.receive_object(&object(), Purpose::JobCode, &reading).await;
        });
        let first = download.read_at(0, 4).await.expect("it has come");
        let rest = download.read_at(4, 100).await.expect("it comes at last");
        ([first, rest].concat(), download.finished().await)
    });
    assert_eq!((read.as_slice(), is_whole), (&b"hello world"[..], true));
}

/// One change of a download.
#[derive(Clone, Debug)]
enum Change {
    Begin(u8, Option<u8>),
    Add(Vec<u8>),
    End(bool),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => (0_u8..2, prop::option::of(0_u8..12)).prop_map(|(etag, size)| Change::Begin(etag, size)),
        6 => prop::collection::vec(any::<u8>(), 0..5).prop_map(Change::Add),
        1 => any::<bool>().prop_map(Change::End),
    ]
}

/// A download as a list of bytes.
#[derive(Default)]
struct Naive {
    etag: Option<u8>,
    size: Option<u64>,
    content: Vec<u8>,
    ended: Option<bool>,
    is_replaced: bool,
}

impl Naive {
    fn take(&mut self, change: &Change) {
        match change {
            Change::Begin(etag, size) => {
                let is_another = self.size.is_some() && self.etag != Some(*etag);
                self.is_replaced |= is_another || !self.content.is_empty();
                (self.etag, self.size) = (Some(*etag), size.map(u64::from));
                self.content.clear();
            }
            Change::Add(bytes) => self.content.extend_from_slice(bytes),
            Change::End(is_intact) => self.ended = Some(*is_intact),
        }
    }

    /// Result of a read; `None` if it has to wait.
    fn read(&self, offset: u64, len: u64) -> Option<Result<Vec<u8>, DownloadBroken>> {
        if self.is_replaced || self.ended == Some(false) {
            return Some(Err(DownloadBroken));
        }
        let end = (offset + len).min(self.size.unwrap_or(u64::MAX));
        let have = self.content.len() as u64;
        (have >= end).then(|| {
            let wanted = (offset.min(end)..end).map(|at| self.content[at as usize]);
            Ok(wanted.collect())
        })
    }
}

proptest! {
    #[test]
    fn readers_see_what_a_list_of_bytes_shows(
        changes in prop::collection::vec(change(), 0..20),
        reads in prop::collection::vec((0_u64..16, 0_u64..16), 1..6),
    ) {
        let (download, mut naive) = (ObjectDownload::default(), Naive::default());
        for change in &changes {
            naive.take(change);
            match change {
                Change::Begin(etag, size) => {
                    let size = size.map(u64::from);
                    download.begin(etag.to_string(), Default::default(), size);
                }
                Change::Add(bytes) => download.add(bytes),
                Change::End(is_intact) => download.end(*is_intact),
            }
            for (offset, len) in &reads {
                let read = download.read_at(*offset, *len).now_or_never();
                let read = read.map(|read| read.map(|bytes| bytes.to_vec()));
                prop_assert_eq!(read, naive.read(*offset, *len));
            }
            let finished = download.finished().now_or_never();
            prop_assert_eq!(finished, naive.ended.map(|is_intact| is_intact && !naive.is_replaced));
            let begun = download.begun().now_or_never().map(|begun| begun.map(|(size, _)| size));
            let expected = match (naive.size, naive.ended) {
                (Some(size), _) => Some(Some(size)),
                (None, Some(_)) => Some(None),
                (None, None) => None,
            };
            prop_assert_eq!(begun, expected);
        }
    }
}
