//! Records made by hand, for tests.

use std::collections::BTreeMap;

use stayput_engine::record::LedgerRow;

use super::statistics::WarmUp;
use crate::folder::SCHEMA;
use crate::{ByteRecord, JobRow, PolicyRecord, RunKey, RunRecord, SplitRecord, SweepHead};

/// Four seeds of one scenario under two policies.
pub fn head() -> SweepHead {
    SweepHead {
        schema: SCHEMA.to_owned(),
        command: "stayput sweep banana.toml --seeds 0..4".to_owned(),
        version: "0.0.0".to_owned(),
        scenarios: vec![("banana".to_owned(), "digest".to_owned())],
        stories: BTreeMap::new(),
        axes: Vec::new(),
        seeds: "0..4".to_owned(),
        policies: vec!["on-storage".to_owned(), "download".to_owned()],
        warm_up: WarmUp::default(),
        commit: "unknown".to_owned(),
    }
}

/// A run of these policies.
pub fn record(key: RunKey, policies: &[PolicyRecord]) -> RunRecord {
    RunRecord {
        key,
        trace_hash: "hash".to_owned(),
        workload: "work".to_owned(),
        closed_loop: false,
        policies: policies.to_vec(),
        faults: Vec::new(),
        expect: Vec::new(),
        broken: Vec::new(),
    }
}

/// A policy's run with a job for each of the latencies, a second apart; without one the job failed.
pub fn policy(name: &str, latencies_us: &[Option<u64>]) -> PolicyRecord {
    let job = |(index, latency): (usize, &Option<u64>)| {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let intended_us = u64::from(index) * 1_000_000;
        JobRow {
            index,
            client: 1,
            work: 1,
            object: "demo/log".to_owned(),
            object_bytes: 1_000,
            end: if latency.is_some() { "ok" } else { "failed" }.to_owned(),
            reason: if latency.is_some() { "" } else { "503" }.to_owned(),
            intended_us,
            finished_us: intended_us + latency.unwrap_or(9),
            split: SplitRecord { transfer_us: latency.unwrap_or(9), ..SplitRecord::default() },
            answer_bytes: 3,
            place: String::new(),
            decision: String::new(),
        }
    };
    PolicyRecord {
        policy: name.to_owned(),
        trace_hash: "hash".to_owned(),
        makespan_us: 5_000_000,
        fuel: 7,
        bytes: ByteRecord { body: 100, payload: 200, ..ByteRecord::default() },
        ledger: vec![LedgerRow {
            class: "cross zone".to_owned(),
            purpose: "object data".to_owned(),
            body: 100,
            sent: 200,
            delivered: 190,
            dropped: 10,
        }],
        hosts: Vec::new(),
        jobs: latencies_us.iter().enumerate().map(job).collect(),
    }
}
