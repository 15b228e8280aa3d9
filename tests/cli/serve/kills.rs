//! A server that is killed while clients write: what it acknowledged is there.
//!
//! `STAYPUT_KILLS` says how often, 3 unless it is set.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use ureq::http::Method;

use super::server::{Client, Serving};

const WRITERS: u64 = 4;
/// Names of each writer's objects, so that some are overwritten and deleted.
const NAMES: u64 = 24;
/// So often all are looked at until they agree: nodes tell each other again and again of what was
/// cut off.
const LOOKS_MAX: usize = 20_000;
/// So often each thing is asked for in a look: proxies ask another replica each time.
const ASKS: usize = 6;
/// Nodes bring their replicas to the same more often than they usually do.
const WORDS: [&str; 2] = ["--replicate-interval", "1s"];

/// State of an object as its writer knows it: what was acknowledged last, and what was tried since
/// without an answer. `None` is none.
#[derive(Clone, Debug, Default)]
struct Known {
    acknowledged: Option<Vec<u8>>,
    tried: Vec<Option<Vec<u8>>>,
}

impl Known {
    fn may_be(&self, found: &Option<Vec<u8>>) -> bool {
        *found == self.acknowledged || self.tried.contains(found)
    }
}

type Book = BTreeMap<String, Known>;

/// A body that says by itself whether it is whole: its number, and then bytes that follow from it.
fn body(number: u64) -> Vec<u8> {
    let len = usize::try_from(number * 7919 % 90_000).expect("it is small");
    let mut body = format!("{number} {len}\n").into_bytes();
    body.extend((0..len).map(|at| (at as u64 * 31 + number) as u8));
    body
}

/// Writes until the server is gone, and says so each time that something was acknowledged.
fn write(client: &Client, writer: u64, numbers: &AtomicU64, book: &mut Book, told: &Sender<()>) {
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let path = format!("/demo/{writer}-{:02}", number * 2_654_435_761 % NAMES);
        let known = book.entry(path.clone()).or_default();
        let (method, sent) = match number % 7 {
            0 => (Method::DELETE, None),
            _ => (Method::PUT, Some(body(number))),
        };
        known.tried.push(sent.clone());
        let Ok(answer) = client.try_send(method, &path, &[], sent.as_deref().unwrap_or_default())
        else {
            return;
        };
        match answer.status {
            201 | 204 | 404 => {
                known.acknowledged = sent;
                known.tried.clear();
                // Who listens may have heard enough.
                let _heard = told.send(());
            }
            503 => {}
            status => panic!("{path}: {status} {}", answer.text()),
        }
    }
}

/// Looks at everything that was ever written: what was acknowledged is there, and soon all replicas
/// and all listings say so.
fn check(client: &Client, books: &[Book]) {
    let mut found = BTreeMap::new();
    for (path, known) in books.iter().flatten() {
        let is = read(client, path, &[("X-Newest", "true")]);
        let size = |body: &Option<Vec<u8>>| body.as_ref().map(Vec::len);
        assert!(
            known.may_be(&is),
            "{path} has {:?} bytes, not the {:?} that were acknowledged nor any that were tried since",
            size(&is),
            size(&known.acknowledged)
        );
        found.insert(path.clone(), is);
    }
    let mut looks = 1;
    while let Err(differs) = agree(client, &found) {
        assert!(looks < LOOKS_MAX, "after {looks} looks {differs}");
        looks += 1;
    }
}

fn read(client: &Client, path: &str, headers: &[(&str, &str)]) -> Option<Vec<u8>> {
    let answer = client.send(Method::GET, path, headers, b"");
    match answer.status {
        200 => Some(answer.body),
        404 => None,
        status => panic!("{path}: {status} {}", answer.text()),
    }
}

/// True if whatever replicas are asked have just what was found, and listings and counts as well.
fn agree(client: &Client, found: &BTreeMap<String, Option<Vec<u8>>>) -> Result<(), String> {
    let there = found.iter().filter_map(|(path, body)| body.as_ref().map(|body| (path, body)));
    let names: BTreeSet<&str> =
        there.clone().map(|(path, _)| path.trim_start_matches("/demo/")).collect();
    let bytes: usize = there.map(|(_, body)| body.len()).sum();
    let counts = (names.len().to_string(), bytes.to_string());
    for _ask in 0..ASKS {
        let listing = client.get("/demo");
        let text = listing.text();
        let listed: BTreeSet<&str> = text.lines().collect();
        if listed != names {
            let odd: Vec<_> = listed.symmetric_difference(&names).collect();
            return Err(format!("a listing differs in {odd:?}"));
        }
        let count = |name| listing.header(name).to_owned();
        let told = (count("x-container-object-count"), count("x-container-bytes-used"));
        if told != counts {
            return Err(format!("a container counts {told:?}, not {counts:?}"));
        }
        let account = client.send(Method::HEAD, "", &[], b"");
        let count = |name| account.header(name).to_owned();
        let told = (count("x-account-object-count"), count("x-account-bytes-used"));
        if told != counts {
            return Err(format!("an account counts {told:?}, not {counts:?}"));
        }
    }
    for (path, body) in found {
        for _ask in 0..ASKS {
            if read(client, path, &[]) != *body {
                return Err(format!("a replica has another {path}"));
            }
        }
    }
    Ok(())
}

fn kill_under_writers(dir: &Path, round: u64, numbers: &Arc<AtomicU64>, books: &mut Vec<Book>) {
    let serving = Serving::start(dir, &WORDS);
    let client = serving.client();
    if round == 0 {
        client.put("/demo", b"");
    }
    check(&client, books);
    let (told, heard) = channel();
    let mut writers = Vec::new();
    for (writer, mut book) in (0..).zip(std::mem::take(books)) {
        let (client, numbers, told) = (serving.client(), Arc::clone(numbers), told.clone());
        #[expect(clippy::disallowed_methods, reason = "real clients race")]
        writers.push(thread::spawn(move || {
            write(&client, writer, &numbers, &mut book, &told);
            book
        }));
    }
    // Another moment each round.
    for _ in 0..20 + round * 7919 % 211 {
        heard.recv().expect("the writers go on as long as the server does");
    }
    serving.kill();
    books.extend(writers.into_iter().map(|writer| writer.join().expect("it did not panic")));
}

#[test]
fn a_server_that_is_killed_has_lost_nothing_that_it_acknowledged() {
    let rounds = std::env::var("STAYPUT_KILLS").ok().map_or(3, |n| n.parse().expect("a number"));
    let dir = tempfile::tempdir().expect("a folder");
    let numbers = Arc::new(AtomicU64::new(1));
    let mut books: Vec<Book> = (0..WRITERS).map(|_| Book::new()).collect();
    for round in 0..rounds {
        kill_under_writers(dir.path(), round, &numbers, &mut books);
    }
    let serving = Serving::start(dir.path(), &WORDS);
    check(&serving.client(), &books);
    let written = numbers.load(Ordering::Relaxed);
    assert!(written > 20 * rounds, "clients wrote {written} times in {rounds} rounds");
}
