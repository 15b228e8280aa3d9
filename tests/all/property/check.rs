//! What must hold of every history: safety, durability, liveness, and the ledger. Only reads.
//!
//! Leaves out that each reader sees what the one before it saw: reads are eventually consistent, as in Swift.

use std::time::Duration;

use bytes::Bytes;
use stayput_sim::host::Time;
use stayput_sim::swift::Timestamp;
use stayput_sim::world::RunEnd;

use super::drive::path;
use super::history::{Counted, Did, History, Record, Version};

/// Six attempts of a connection and an answer each, the pauses between them, and stalls of a body.
const OP_MAX: Duration = Duration::from_secs(300);
/// As [`OP_MAX`], with the longer wait for a job.
const JOB_MAX: Duration = Duration::from_secs(800);

/// Everything that does not hold, in words.
pub(crate) fn violations(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for record in &history.records {
        let checks = [safety(history, record), liveness(record)];
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

/// Whether what was read is one version that was written, and what was counted is right for it.
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
    counted: &Counted,
) -> Option<String> {
    let Some(timestamp) = named_version(record.object, &counted.inputs) else {
        return Some(format!("the answer does not name the object's version: {}", counted.inputs));
    };
    let mut candidates = written_at(history, record, timestamp).into_iter();
    let fits = candidates.any(|content| counted.answer == reference(content, word).as_bytes());
    (!fits).then(|| format!("the count is not right for what was written at {timestamp}"))
}

/// The contents that a version of that time can have. A timestamp is given while a PUT is on its way, and only one
/// client writes, one after the other; what comes later is a request that lay frozen, of any PUT before.
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
    // A PUT that had not ended when this was read is in the history all the same.
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

/// Counts lines with a word in the plainest way there is.
fn reference(content: &[u8], word: &str) -> String {
    let text = String::from_utf8_lossy(content);
    format!("{}\n", text.lines().filter(|line| line.contains(word)).count())
}

/// Whether an object's last state is one that its writes can have left.
fn durability(history: &History, record: &Record) -> Option<String> {
    let Did::Read { newest: true, outcome: Ok(found) } = &record.did else { return None };
    let left = possible(history, record.object);
    let found = found.as_ref().map(|version| &version.content);
    (!left.contains(&found)).then(|| {
        let told: Vec<_> = left.iter().map(|state| state.map(Bytes::len)).collect();
        format!("neither the last acknowledged write nor a later one is there, but one of {told:?}")
    })
}

/// What an object can hold at the end, `None` for nothing: its last acknowledged write, or a later one of unknown outcome.
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

/// Whether it ended in time; and when all is mended and quiet, whether it worked.
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
    let error = error.filter(|_| record.last || record.begun == Time::MAX)?;
    Some(format!("liveness: all is mended and quiet, yet: {error}"))
}

/// Sent = delivered + dropped + in flight.
fn ledger(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    let mut sums = (0, 0, 0);
    for (way, label, counted) in history.ledger.rows() {
        if counted.sent < counted.delivered + counted.dropped {
            found.push(format!("ledger: {way:?} {label:?} got more than was sent: {counted:?}"));
        }
        sums.0 += counted.sent;
        sums.1 += counted.delivered;
        sums.2 += counted.dropped;
    }
    let (sent, delivered, dropped) = sums;
    match history.in_flight {
        Some(in_flight) if sent == delivered + dropped + in_flight => {}
        in_flight => found.push(format!(
            "ledger: {sent} bytes sent, {delivered} delivered, {dropped} dropped, {in_flight:?} in flight"
        )),
    }
    found
}
