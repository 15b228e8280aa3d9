//! Section 11: how fast this was made, what the model is and what it leaves out.

use maud::{Markup, html};

use super::counted;
use crate::page::facts::Facts;
use crate::page::show;

/// The section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let records = || facts.results.runs.iter().flat_map(|run| &run.policies);
    let jobs: usize = records().map(|record| record.jobs.len()).sum();
    let simulated: u64 = records().map(|record| record.makespan_us).sum();
    let sent: f64 = records().flat_map(|record| &record.ledger).map(|row| row.sent as f64).sum();
    html! {
        dl {
            dt { "Simulated here" }
            dd { (counted(jobs, "job")) " in " (show::micros(simulated as f64)) " of the simulated world, " (show::size(sent)) " over simulated network cards" }
            dt { "Events per second" }
            dd { "Not known from the records: they hold nothing that the wall clock decides, so that they are the same wherever they were made." }
            dt { "Determinism" }
            dd { (determinism(facts)) }
        }
        h3 { "The model" }
        ul {
            li { "Jobs are real WebAssembly modules and their answers are compared with a reference. Fuel is the only clock of compute: a job's time on a core is its fuel over the fuel rate that the scenario gives the core." }
            li { "Storage nodes, proxies and workers speak real HTTP/1.1 over simulated streams: cards and shared trunks serve their flows round robin by chunks, each link class has a latency, jitter and loss; what is lost is sent again and counted again." }
            li { "Disks have a rate for reading and writing and a seek time, and serve one request after the other." }
            li { "Faults are the world's: links that are cut, slowed or lossy, processes that crash, disks that are slow, full or fail." }
        }
        h3 { "What it leaves out" }
        ul {
            li { "Congestion control beyond a slow start, switches within a zone, and queues that overflow." }
            li { "Caches of the operating system and of processors, and what processes on one machine do to each other's memory bandwidth." }
            li { "Encryption, and the processor time that the network and the store itself take: compute is what jobs compute." }
            li { "Whether the fuel rate is your processor's. If compute is a large part of section 5, sweep " code { "node.fuel_per_second" } " to see what depends on it." }
        }
    }
}

fn determinism(facts: &Facts<'_>) -> Markup {
    let mut same = 0usize;
    let mut other = 0usize;
    for pair in facts.results.runs.windows(2).filter(|pair| pair[0].key == pair[1].key) {
        if pair[0] == pair[1] { same += 1 } else { other += 1 }
    }
    html! {
        @if other > 0 { span.no { "Broken: " (counted(other, "run")) " stand here twice with different results." } }
        @else if same > 0 { (counted(same, "run")) " stand here twice, each time the same." }
        @else { "Not checked by this page: each run stands here once. Its trace hash is in section 2; " code { "stayput twice SCENARIO" } " runs a scenario in two processes and compares every event, and running the sweep again must give the same digest of all traces." }
    }
}
