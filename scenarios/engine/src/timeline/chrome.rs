//! Timelines as Chrome's trace events in JSON, which <https://ui.perfetto.dev> opens.
//!
//! A process for each host under each policy, and one for the policy's faults; times in
//! microseconds from the first job's intended arrival, so that the policies of a run lie above each
//! other. The format: "Trace Event Format", Google, 2016. Leaves out flows between slices: the
//! job's number in their arguments connects them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};
use stayput_host::topology::HostKey;
use stayput_host::{Span, SpanKind};

use super::RunTimeline;
use super::lanes::{Shown, by_track, name};

/// Writes timelines one after the other into one file.
pub struct ChromeTrace<W> {
    out: W,
    is_first: bool,
    next_pid: u64,
    left_out: u64,
}

impl<W: Write> ChromeTrace<W> {
    /// Begins the file.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn begin(mut out: W) -> io::Result<Self> {
        write!(out, "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        Ok(Self { out, is_first: true, next_pid: 1, left_out: 0 })
    }

    /// Adds a policy's timeline.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, run: &RunTimeline) -> io::Result<()> {
        let mut hosts: BTreeMap<Option<HostKey>, Vec<Shown<'_>>> = BTreeMap::new();
        for (host, span) in &run.spans {
            // Faults are the world's, whichever host they name.
            let host = host.filter(|_| span.kind != SpanKind::Fault);
            hosts.entry(host).or_default().push(Shown::of(span, run.start));
        }
        for (host, shown) in hosts {
            let number = host.map_or(0, |host| u64::from(host.0) + 1);
            let (named, rank) = match host {
                Some(host) => {
                    let name = run.hosts.get(host.0 as usize).map_or("?", String::as_str);
                    (name, rank(name))
                }
                None => ("faults", 0),
            };
            let pid = self.next_pid + number;
            self.metadata(pid, 0, "process_name", json!(format!("{} {named}", run.policy)))?;
            let place = rank * (run.hosts.len() as u64 + 1) + number;
            let sort_index = self.next_pid * RANKS + place;
            self.metadata(pid, 0, "process_sort_index", json!(sort_index))?;
            self.tracks(pid, shown)?;
        }
        self.next_pid += run.hosts.len() as u64 + 1;
        self.left_out += run.left_out;
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(mut self) -> io::Result<()> {
        writeln!(self.out, "\n],\"otherData\":{{\"spans_left_out\":{}}}}}", self.left_out)?;
        self.out.flush()
    }

    /// The tracks of a process, each lane as a thread.
    fn tracks(&mut self, pid: u64, shown: Vec<Shown<'_>>) -> io::Result<()> {
        let mut tid = 0;
        for (track, lanes) in by_track(shown) {
            for (number, lane) in lanes.into_iter().enumerate() {
                tid += 1;
                let mut title = name(&track);
                if number > 0 {
                    title += &format!(" ({})", number + 1);
                }
                self.metadata(pid, tid, "thread_name", json!(title))?;
                self.metadata(pid, tid, "thread_sort_index", json!(tid))?;
                for one in lane {
                    self.slice(pid, tid, one)?;
                }
            }
        }
        Ok(())
    }

    fn slice(&mut self, pid: u64, tid: u64, shown: Shown<'_>) -> io::Result<()> {
        let Shown { span, begin_us, end_us } = shown;
        let (name, args) = (&span.name, args(span));
        let is_instant = span.kind == SpanKind::Fault && begin_us == end_us;
        self.event(&if is_instant {
            json!({"ph": "i", "s": "g", "name": name, "pid": pid, "tid": tid, "ts": begin_us, "args": args})
        } else {
            let dur = end_us - begin_us;
            json!({"ph": "X", "name": name, "pid": pid, "tid": tid, "ts": begin_us, "dur": dur, "args": args})
        })
    }

    fn metadata(&mut self, pid: u64, tid: u64, what: &str, value: Value) -> io::Result<()> {
        let key = if what.ends_with("sort_index") { "sort_index" } else { "name" };
        self.event(&json!({"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {key: value}}))
    }

    fn event(&mut self, event: &Value) -> io::Result<()> {
        let separator = if std::mem::take(&mut self.is_first) { "\n" } else { ",\n" };
        self.out.write_all(separator.as_bytes())?;
        serde_json::to_writer(&mut self.out, event)?;
        Ok(())
    }
}

/// Number of values of [`rank`].
const RANKS: u64 = 5;

/// The way of a job from top to bottom, below the faults: clients, proxies, nodes, workers.
fn rank(host: &str) -> u64 {
    let kinds = ["client:", "proxy:", "node:", "worker:"];
    let found = kinds.iter().position(|kind| host.starts_with(kind));
    found.map_or(RANKS - 1, |index| index as u64 + 1)
}

fn args(span: &Span) -> Map<String, Value> {
    let figures = span.figures.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    let job = span.job.map(|job| ("job".to_owned(), json!(job.0)));
    figures.chain(job).collect()
}
