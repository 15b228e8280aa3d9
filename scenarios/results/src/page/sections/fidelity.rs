//! Section 11: speed of the simulation, its model, and the limits of that.

use maud::{Markup, html};

use super::counted;
use crate::page::WallClock;
use crate::page::facts::Facts;
use crate::page::show;

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let records = || facts.results.runs.iter().flat_map(|run| &run.policies);
    let jobs: usize = records().map(|record| record.jobs.len()).sum();
    let simulated: f64 = records().map(|record| record.makespan.as_secs_f64() * 1e6).sum();
    let sent: f64 = records().flat_map(|record| &record.ledger).map(|row| row.sent as f64).sum();
    html! {
        dl {
            dt { "Simulated here" }
            dd { (counted(jobs, "job")) " in " (show::micros(simulated)) " of the simulated world, " (show::size(sent))
                " over simulated network cards" }
            dt { "Events per second" }
            dd { (speed(facts)) }
            dt { "Determinism" }
            dd { (determinism()) }
        }
        h3 { "The model" }
        ul {
            li { "Jobs are real WebAssembly modules and their answers are compared with a reference. Fuel is the only clock of \
                compute: a job's time on a core is its fuel over the fuel rate that the scenario gives the core." }
            li { "Storage nodes, proxies and workers speak real HTTP/1.1 over simulated streams: cards and shared trunks serve their \
                flows round robin by chunks, each link class has a latency, jitter and loss; what is lost is sent again and counted \
                again." }
            li { "Disks have a rate for reading and writing and a seek time, and serve one request after the other." }
            li { "Faults are the world's: links that are cut, slowed or lossy, processes that crash, disks that are slow, full or fail." }
        }
        h3 { "What it leaves out" }
        ul {
            li { "Congestion control beyond a slow start, switches within a zone, and queues that overflow." }
            li { "Caches of the operating system and of processors, and what processes on one machine do to each other's memory \
                bandwidth." }
            li { "Encryption, and the processor time that the network and the store itself take: compute is what jobs compute." }
            li { "Whether the fuel rate is your processor's. Section 1 says what is known of how the verdict depends \
                on it." }
        }
    }
}

fn speed(facts: &Facts<'_>) -> String {
    let wall = match &facts.results.wall {
        WallClock::Known(wall) => wall,
        WallClock::None => {
            return "Not known: shards that were merged have no one speed, and the records hold nothing that the wall clock decides."
                .to_owned();
        }
        WallClock::Broken(why) => {
            return format!(
                "Not known: wall.json is there and cannot be read ({why}). No other figure of this page depends on it; the next run that \
                 the sweep's command makes writes it anew."
            );
        }
    };
    format!(
        "{} events of the simulated worlds and {} runs per second of the wall clock, over {} on {}.",
        show::plain(wall.events_per_second.round()),
        show::plain(wall.runs_per_second),
        counted(usize::try_from(wall.runs).unwrap_or(usize::MAX), "run"),
        counted(usize::try_from(wall.threads).unwrap_or(usize::MAX), "thread"),
    )
}

/// Directions for checking: a directory keeps each run once.
fn determinism() -> Markup {
    html! {
        "Each run has a hash of all its semantic events, in section 2, and the digest of all traces there is over all of them: the \
            same command gives the same, on any machine. "
        code { "stayput twice SCENARIO" } " runs a scenario in two processes and compares event by event; this page itself has \
            checked nothing of it."
    }
}
