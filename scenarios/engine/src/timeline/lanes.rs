//! Tracks of a host, and the lanes that each needs so that no two of a lane's spans overlap.
//!
//! Leaves out nesting, which would need fewer lanes: a lane that shows one thing at a time says how
//! many there were.

use std::collections::BTreeMap;
use std::sync::Arc;

use stayput_host::{AttemptKind, Span, SpanKind, Time};

/// Group of lanes: spans of a kind on a device.
pub(super) type Track = (SpanKind, Option<Arc<str>>);

/// A span with its times in whole microseconds since the start: what is shown. Rounding down keeps
/// apart what does not overlap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) span: &'a Span,
    pub(super) begin_us: u64,
    pub(super) end_us: u64,
}

impl<'a> Shown<'a> {
    pub(super) fn of(span: &'a Span, start: Time) -> Self {
        let us = |at: Time| at.since(start).as_nanos() as u64 / 1_000;
        Self { span, begin_us: us(span.begin), end_us: us(span.end) }
    }
}

/// The spans by track, and within it by lane.
pub(super) fn by_track(mut shown: Vec<Shown<'_>>) -> BTreeMap<Track, Vec<Vec<Shown<'_>>>> {
    shown.sort_by_key(|one| (one.begin_us, one.end_us));
    let mut tracks: BTreeMap<Track, Vec<Vec<Shown<'_>>>> = BTreeMap::new();
    for one in shown {
        let lanes = tracks.entry((one.span.kind, one.span.on.clone())).or_default();
        let is_free =
            |lane: &&mut Vec<Shown<'_>>| lane.last().is_none_or(|last| last.end_us <= one.begin_us);
        match lanes.iter_mut().find(is_free) {
            Some(lane) => lane.push(one),
            None => lanes.push(vec![one]),
        }
    }
    tracks
}

/// A track's name.
pub(super) fn name((kind, on): &Track) -> String {
    let kind = match kind {
        SpanKind::Job => "jobs",
        SpanKind::Request => "requests",
        SpanKind::Queue => "queue",
        SpanKind::Compute => "cores",
        SpanKind::DiskQueue => "waiting for disk",
        SpanKind::Disk => "disk",
        SpanKind::Transfer => "transfers",
        SpanKind::Attempt => "attempts",
        SpanKind::Retry(AttemptKind::Job) => "lost and begun anew",
        SpanKind::Retry(AttemptKind::Session) => "lost sessions",
        SpanKind::Retry(AttemptKind::Request | AttemptKind::Replica) => "lost requests",
        SpanKind::Fault => "faults",
    };
    on.as_ref().map_or_else(|| kind.to_owned(), |device| format!("{kind} {device}"))
}
