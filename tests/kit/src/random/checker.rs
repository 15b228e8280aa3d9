//! Checker of histories: safety, durability, liveness, and the ledger. It only reads.
//!
//! Leaves out that each reader sees what the one before it saw: reads are eventually consistent, as
//! in Swift.

use stayput_host::RunEnd;
use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use stayput_store::swift::Timestamp;
use stayput_world::Ledger;

use super::clients::path;
use super::history::{Commit, Committed, Did, History, JobCount, Record, Version};

/// Six attempts of a connection and an answer each, the pauses between them, and stalls of a body.
const OP_MAX: Duration = Duration::from_secs(300);
/// As [`OP_MAX`], with the longer wait for a job.
const JOB_MAX: Duration = Duration::from_secs(800);

/// Violations of a history, in words; empty if it has none.
#[must_use]
pub fn violations(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for record in &history.records {
        let checks = [safety(history, record), quorum(history, record), liveness(record)];
        found.extend(checks.into_iter().flatten().map(|why| format!("{why}\n    in {record}")));
    }
    for record in history.records.iter().filter(|record| record.last) {
        let lost = durability(history, record);
        found.extend(lost.map(|why| format!("durability: {why}\n    in {record}")));
    }
    for (part, end) in &history.ends {
        if *end != RunEnd::Done {
            found.push(format!("liveness: the part {part:?} of the run ended as {end:?}"));
        }
    }
    found.extend(ledger(history));
    found
}

/// Safety: a body read is one version that was written, and a count is right for it.
fn safety(history: &History, record: &Record) -> Option<String> {
    match &record.did {
        Did::Put { .. } | Did::Delete { .. } => None,
        Did::Read { outcome, .. } => {
            let version = outcome.as_ref().ok()?.as_ref()?;
            wrong_body(history, record, version).map(|why| format!("safety: {why}"))
        }
        Did::Job { word, outcome, .. } => {
            let counted = outcome.as_ref().ok()?;
            wrong_count(history, record, word, counted).map(|why| format!("safety: {why}"))
        }
    }
}

fn wrong_body(history: &History, record: &Record, version: &Version) -> Option<String> {
    let Some(timestamp) = version.timestamp else {
        return Some("the answer does not say what it is a version of".to_owned());
    };
    let mut candidates = written_at(history, record, timestamp).into_iter();
    let fits = candidates.any(|content| *content == version.content);
    (!fits).then(|| format!("the body is not what was written at {timestamp}"))
}

fn wrong_count(
    history: &History,
    record: &Record,
    word: &str,
    counted: &JobCount,
) -> Option<String> {
    let Some(timestamp) = named_version(record.object, &counted.inputs) else {
        return Some(format!("the answer does not name the object's version: {}", counted.inputs));
    };
    let mut candidates = written_at(history, record, timestamp).into_iter();
    let fits = candidates.any(|content| counted.answer == reference(content, word).as_bytes());
    (!fits).then(|| format!("the count is not right for what was written at {timestamp}"))
}

/// The contents that a version of that time can have. A timestamp is given while a PUT is on its
/// way, and only one client writes, one after the other; what comes later is a request that lay
/// frozen, of any PUT before.
fn written_at<'a>(history: &'a History, reading: &Record, timestamp: Timestamp) -> Vec<&'a Bytes> {
    let puts = history
        .records
        .iter()
        .filter(|record| record.object == reading.object && record.begun <= reading.ended);
    let mut earlier = Vec::new();
    for put in puts {
        let Did::Put { content, .. } = &put.did else { continue };
        if (Timestamp::at(put.begun)..=Timestamp::at(put.ended)).contains(&timestamp) {
            return vec![content];
        }
        if Timestamp::at(put.ended) < timestamp {
            earlier.push(content);
        }
    }
    earlier
}

/// The timestamp that `path@timestamp,…` has for the object.
fn named_version(object: u32, inputs: &str) -> Option<Timestamp> {
    let wanted = path(object).encoded();
    let mut named = inputs.split(',').filter_map(|input| {
        let (path, timestamp) = input.trim().rsplit_once('@')?;
        (path == wanted).then(|| timestamp.parse().ok())?
    });
    let timestamp = named.next();
    if named.next().is_some() { None } else { timestamp }
}

/// Reference count of the lines with a word, in the plainest way there is.
fn reference(content: &[u8], word: &str) -> String {
    let text = String::from_utf8_lossy(content);
    format!("{}\n", text.lines().filter(|line| line.contains(word)).count())
}

/// Quorum: a majority of the copies of an acknowledged write was on disks when it was acknowledged.
/// Taken from the trace, since the nodes' claims are in question.
fn quorum(history: &History, record: &Record) -> Option<String> {
    let Did::Put { outcome: Ok(()), .. } = &record.did else { return None };
    let meanwhile = |commit: &&Commit| {
        commit.object == record.object && (record.begun..=record.ended).contains(&commit.at)
    };
    let mut written = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for commit in history.commits.iter().filter(meanwhile) {
        // A name is worth something only if the bytes were there before it.
        match commit.what {
            Committed::Bytes => written.insert(&commit.device),
            Committed::Names => written.contains(&commit.device) && kept.insert(&commit.device),
        };
    }
    let needed = history.replicas / 2 + 1;
    (kept.len() < needed).then(|| {
        format!("durability: acknowledged with {needed} copies to be kept, but only {kept:?} did")
    })
}

/// Durability: an object's last state is one that its writes can have left.
fn durability(history: &History, record: &Record) -> Option<String> {
    let Did::Read { newest: true, outcome: Ok(found) } = &record.did else { return None };
    let left = possible(history, record.object);
    let found = found.as_ref().map(|version| &version.content);
    (!left.contains(&found)).then(|| {
        let sizes: Vec<_> = left.iter().map(|state| state.map(Bytes::len)).collect();
        format!(
            "neither the last acknowledged write nor a later one is there, but one of {sizes:?}"
        )
    })
}

/// States that an object can have at the end, `None` for nothing: its last acknowledged write, or a
/// later one of unknown outcome.
fn possible(history: &History, object: u32) -> Vec<Option<&Bytes>> {
    let mut left = vec![None];
    let mut writes: Vec<&Record> =
        history.records.iter().filter(|record| record.object == object).collect();
    writes.sort_by_key(|record| record.begun);
    for write in writes {
        let (state, acknowledged) = match &write.did {
            Did::Put { content, outcome } => (Some(content), outcome.is_ok()),
            Did::Delete { outcome } => (None, outcome.is_ok()),
            Did::Read { .. } | Did::Job { .. } => continue,
        };
        if acknowledged {
            left.clear();
        }
        left.push(state);
    }
    left
}

/// Liveness: each operation ends in time, and succeeds when all faults are over and the cluster is
/// quiet.
fn liveness(record: &Record) -> Option<String> {
    let (limit, error) = match &record.did {
        Did::Put { outcome, .. } => (OP_MAX, outcome.as_ref().err()),
        Did::Delete { outcome } => (OP_MAX, outcome.as_ref().err()),
        Did::Read { outcome, .. } => (OP_MAX, outcome.as_ref().err()),
        Did::Job { outcome, .. } => (JOB_MAX, outcome.as_ref().err()),
    };
    let took = record.ended.since(record.begun);
    if took > limit {
        return Some(format!("liveness: it took {took:?}, more than {limit:?}"));
    }
    let error = error.filter(|_| record.last)?;
    Some(format!("liveness: all is mended and quiet, yet: {error}"))
}

/// Sent = delivered + dropped, for each way and label: nothing is in flight any more, and no
/// connection is left over.
fn ledger(history: &History) -> Vec<String> {
    unbalanced(&history.ledger, history.in_flight, history.connections)
}

/// Violations of byte conservation when all is over: sent = delivered + dropped for each way and
/// label, nothing in flight, no connection left.
#[must_use]
pub fn unbalanced(ledger: &Ledger, in_flight: u64, connections: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (way, label, counted) in ledger.rows() {
        if counted.sent != counted.delivered + counted.dropped {
            found.push(format!("ledger: {way:?} {label:?} does not add up: {counted:?}"));
        }
    }
    if in_flight > 0 {
        found.push(format!("ledger: all is over, yet {in_flight} bytes in flight"));
    }
    if connections > 0 {
        found.push(format!("leak: all is over, yet {connections} connections are"));
    }
    found
}
