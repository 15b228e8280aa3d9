//! Runs made by hand of the banana scenario, for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use stayput_engine::plan::{Net, RunPlan, draw_jobs};
use stayput_engine::record::{ByteCounts, FaultEffect, JobEnd, JobRecord, LatencySplit, PolicyRun};
use stayput_engine::scenario::{Policy, Scenario};
use stayput_host::{KnownContents, Time};
use stayput_jobs::system_images::SystemImages;
use stayput_world::executor::Order;

/// A plan of the banana scenario, without its data.
#[must_use]
pub fn plan() -> RunPlan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml");
    let scenario = Scenario::parse(include_str!("../../../banana.toml"), &file)
        .expect("the scenario has no flaw");
    let jobs = draw_jobs(&scenario, 1);
    RunPlan {
        scenario,
        seed: 1,
        net: Net::Fabric,
        images: SystemImages::default(),
        objects: Vec::new(),
        contents: KnownContents::default(),
        jobs,
        faults: true,
        order: Order::Fixed,
    }
}

/// A run in which all went well, with so many body bytes.
pub fn good_run(policy: Policy, body: u64) -> PolicyRun {
    let plan = plan();
    let record = |job: &stayput_engine::plan::PlannedJob| JobRecord {
        index: job.index,
        client: job.client,
        object: job.object.to_string(),
        intended: Time::ZERO + job.arrival.unwrap_or_default(),
        finished: Time::ZERO + job.arrival.unwrap_or_default() + Duration::from_millis(20),
        split: LatencySplit {
            queue: Duration::from_millis(1),
            disk: Duration::from_millis(2),
            transfer: Duration::from_millis(9),
            compute: Duration::from_millis(5),
            retry: Duration::from_millis(3),
        },
        end: JobEnd::Ok,
        exit_codes: vec![0],
        answer: Bytes::from_static(b"42\n"),
        version: "1704067200.00000".to_owned(),
        place: "node".to_owned(),
        decision: "replica".to_owned(),
        completed: true,
    };
    let count = |name: &str, n| BTreeMap::from([(name.to_owned(), n)]);
    let fault = |fault: &stayput_engine::scenario::Fault| FaultEffect {
        what: fault.to_string(),
        effect: count("dropped", 3),
        bit: true,
    };
    let bytes = ByteCounts {
        body,
        payload: body + 1_000,
        by_class: count("cross zone", body),
        by_purpose: count("object data", body),
        ..ByteCounts::default()
    };
    PolicyRun {
        policy,
        trace_hash: Some(format!("{policy}-hash")),
        schedule_hash: None,
        jobs: plan.jobs.iter().map(record).collect(),
        fuel: 12_345_678,
        effort: None,
        hosts: Vec::new(),
        memo: None,
        bytes,
        ledger: Vec::new(),
        loading: ByteCounts::default(),
        makespan: Duration::from_secs(4),
        foreground: None,
        faults: plan.scenario.faults.iter().map(fault).collect(),
        broken: Vec::new(),
    }
}

/// Both runs, with the bytes of the headline.
pub fn good_runs() -> Vec<PolicyRun> {
    vec![good_run(Policy::OnStorage, 3_400_000), good_run(Policy::Download, 1_100_000_000)]
}
