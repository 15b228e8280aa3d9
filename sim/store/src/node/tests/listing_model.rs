//! Random requests for one container and its rows, in any order of their times, against a naive
//! model of a container server.
//!
//! Leaves out queries of listings, which are held beside their code, and accounts.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::world::{Cluster, Reply, run};
use crate::http::Method;
use crate::swift::Service;

#[derive(Clone, Debug)]
enum Asked {
    /// A PUT or POST of the container with a metadata item; an empty value removes it.
    Put {
        second: u8,
        item: Option<(u8, u8)>,
    },
    Post {
        second: u8,
        item: (u8, u8),
    },
    Delete {
        second: u8,
    },
    /// A row of that name at that time, as [`size_of`] has it.
    Row {
        name: u8,
        second: u8,
    },
    Get,
}

fn any_request() -> impl Strategy<Value = Asked> {
    let second = || 1_u8..14;
    let item = || (0_u8..2, 0_u8..3);
    prop_oneof![
        2 => (second(), prop::option::of(item()))
            .prop_map(|(second, item)| Asked::Put { second, item }),
        1 => (second(), item()).prop_map(|(second, item)| Asked::Post { second, item }),
        1 => second().prop_map(|second| Asked::Delete { second }),
        5 => (0_u8..4, second()).prop_map(|(name, second)| Asked::Row { name, second }),
        1 => Just(Asked::Get),
    ]
}

/// Size of an object of that name and time; `None` if it was deleted then. A time of a name is one
/// change: proxies give each change a time of its own.
fn size_of(name: u8, second: u8) -> Option<u64> {
    (!second.is_multiple_of(3)).then(|| u64::from(second) * 10 + u64::from(name))
}

#[derive(Debug, Default)]
struct Naive {
    put: u8,
    deleted: u8,
    /// Metadata by name: its time and value.
    items: BTreeMap<u8, (u8, String)>,
    /// Time of each name's newest row.
    rows: BTreeMap<u8, u8>,
}

impl Naive {
    /// Rows that are no deletions, with their sizes.
    fn live(&self) -> Vec<(u8, u64)> {
        let size = |(name, second): (&u8, &u8)| size_of(*name, *second).map(|size| (*name, size));
        self.rows.iter().filter_map(size).collect()
    }

    fn is_live(&self) -> bool {
        self.put > self.deleted || !self.live().is_empty()
    }

    fn merge(&mut self, second: u8, item: Option<(u8, u8)>) {
        let Some((name, value)) = item else { return };
        let new = (second, value_of(value));
        let old = self.items.entry(name).or_insert_with(|| new.clone());
        *old = new.max(old.clone());
    }

    fn answer(&mut self, asked: &Asked) -> u16 {
        match asked {
            Asked::Put { second, .. } if *second <= self.deleted => 409,
            Asked::Put { second, item } => {
                let status = if self.is_live() { 202 } else { 201 };
                self.put = self.put.max(*second);
                self.merge(*second, *item);
                status
            }
            _ if !self.is_live() => 404,
            Asked::Post { second, item } => {
                self.merge(*second, Some(*item));
                204
            }
            Asked::Delete { .. } if !self.live().is_empty() => 409,
            Asked::Delete { second } if *second <= self.put => 409,
            Asked::Delete { second } => {
                self.deleted = *second;
                self.items.clear();
                204
            }
            Asked::Row { name, second } => {
                let newest = self.rows.entry(*name).or_insert(*second);
                *newest = (*newest).max(*second);
                if size_of(*name, *second).is_some() { 201 } else { 204 }
            }
            Asked::Get if self.live().is_empty() => 204,
            Asked::Get => 200,
        }
    }
}

fn value_of(number: u8) -> String {
    ["", "red", "blue"][usize::from(number)].to_owned()
}

fn header_of(name: u8) -> &'static str {
    ["x-container-meta-one", "x-container-meta-two"][usize::from(name)]
}

async fn ask(cluster: &Cluster, asked: &Asked) -> Reply {
    let mut headers: Vec<(&str, String)> = Vec::new();
    let mut path = "/a/c".to_owned();
    let timestamp = |second: &u8| ("x-timestamp", format!("{second}.0"));
    let item = |(name, value): (u8, u8)| (header_of(name), value_of(value));
    let method = match asked {
        Asked::Put { second, item: with } => {
            headers.push(timestamp(second));
            headers.extend(with.map(item));
            Method::PUT
        }
        Asked::Post { second, item: with } => {
            headers.extend([timestamp(second), item(*with)]);
            Method::POST
        }
        Asked::Delete { second } => {
            headers.push(timestamp(second));
            Method::DELETE
        }
        Asked::Row { name, second } => {
            path = format!("/a/c/{name}");
            headers.push(timestamp(second));
            match size_of(*name, *second) {
                Some(size) => {
                    headers.push(("x-size", size.to_string()));
                    headers.push(("x-etag", format!("e{size}")));
                    headers.push(("x-content-type", "text/x".to_owned()));
                    Method::PUT
                }
                None => Method::DELETE,
            }
        }
        Asked::Get => Method::GET,
    };
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    cluster.ask(Service::Container, method, &path, &headers, b"").await
}

fn assert_listed(reply: &Reply, naive: &Naive) {
    if !naive.is_live() {
        let deleted = match naive.deleted {
            0 => String::new(),
            second => format!("{second:010}.00000"),
        };
        assert_eq!(reply.header("x-backend-timestamp"), deleted);
        return;
    }
    let live = naive.live();
    let names: String = live.iter().map(|(name, _)| format!("{name}\n")).collect();
    assert_eq!(reply.text(), names);
    assert_eq!(reply.header("x-container-object-count"), live.len().to_string());
    let bytes: u64 = live.iter().map(|(_, size)| size).sum();
    assert_eq!(reply.header("x-container-bytes-used"), bytes.to_string());
    assert_eq!(reply.header("x-put-timestamp"), format!("{:010}.00000", naive.put));
    for name in 0..2 {
        let value = naive.items.get(&name).map_or("", |(_, value)| value);
        assert_eq!(reply.header(header_of(name)), value, "{naive:?}");
    }
}

async fn compare(cluster: Cluster, requests: Vec<Asked>) {
    let mut naive = Naive::default();
    for asked in requests.iter().chain([&Asked::Get]) {
        let reply = ask(&cluster, asked).await;
        let before = format!("{naive:?}");
        assert_eq!(reply.status, naive.answer(asked), "{asked:?} after {before}");
        if let Asked::Get = asked {
            assert_listed(&reply, &naive);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_container_server_answers_as_a_naive_one_does(requests in vec(any_request(), 1..40)) {
        run(1, vec![], move |cluster| compare(cluster, requests.clone()));
    }
}
