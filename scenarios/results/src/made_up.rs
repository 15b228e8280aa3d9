//! A made-up sweep: records as a sweep would write them, drawn from a seed by a rough model of a cluster.
//!
//! Its figures mean nothing. It is for what reads records and need not wait for real runs, and is full of what is awkward: eight
//! policies, faults that bite, jobs that fail, names that are no HTML.

use std::collections::BTreeMap;

use stayput_engine::record::{HostUse, LedgerRow};

use crate::statistics::WarmUp;
use crate::{
    ByteRecord, ExpectRecord, FaultRecord, JobRow, PolicyRecord, RunKey, RunRecord, SplitRecord,
    SweepHead,
};

/// What the made-up sweep is over.
#[derive(Clone, Debug)]
pub struct MadeUp {
    /// The scenarios by name.
    pub scenarios: Vec<&'static str>,
    /// The axes.
    pub axes: Vec<(&'static str, Vec<&'static str>)>,
    /// How many seeds, from 0.
    pub seeds: u64,
    /// The policies.
    pub policies: Vec<&'static str>,
    /// Jobs of a run.
    pub jobs: u32,
    /// Whether no job ever ends well.
    pub all_fail: bool,
    /// Whether clients wait for answers.
    pub closed_loop: bool,
}

impl MadeUp {
    /// One scenario and two policies over twenty seeds.
    pub fn small() -> Self {
        Self {
            scenarios: vec!["banana"],
            axes: Vec::new(),
            seeds: 20,
            policies: vec!["on-storage", "download"],
            jobs: 64,
            all_fail: false,
            closed_loop: false,
        }
    }

    /// All policies over a bandwidth and an output ratio.
    pub fn wide() -> Self {
        let trunks =
            vec!["100 Mbit/s", "500 Mbit/s", "1 Gbit/s", "5 Gbit/s", "10 Gbit/s", "40 Gbit/s"];
        Self {
            axes: vec![
                ("network.worker.trunk", trunks),
                ("work.ratio", vec!["0.001", "0.05", "0.3", "0.7", "1.2"]),
            ],
            seeds: 12,
            policies: vec![
                "on-storage",
                "download",
                "proxy",
                "random",
                "two-choices",
                "hedged",
                "cost",
                "best-found",
            ],
            ..Self::small()
        }
    }

    /// What `sweep.json` would hold.
    pub fn head(&self) -> SweepHead {
        SweepHead {
            schema: "stayput.sweep/2".to_owned(),
            command: format!("stayput sweep scenarios/banana.toml --seeds 0..{}", self.seeds),
            version: "stayput 0.1.0 (made up)".to_owned(),
            scenarios: self
                .scenarios
                .iter()
                .map(|name| ((*name).to_owned(), format!("{:064x}", name.len())))
                .collect(),
            stories: self
                .scenarios
                .iter()
                .map(|name| {
                    (
                        (*name).to_owned(),
                        "Count the log lines that mention banana, where the log lies.".to_owned(),
                    )
                })
                .collect(),
            axes: self
                .axes
                .iter()
                .map(|(key, values)| {
                    ((*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
                })
                .collect(),
            seeds: format!("0..{}", self.seeds),
            policies: self.policies.iter().map(|name| (*name).to_owned()).collect(),
            warm_up: WarmUp::Percent(10),
            commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        }
    }

    /// All records.
    pub fn runs(&self) -> Vec<RunRecord> {
        let mut points: Vec<BTreeMap<String, String>> = vec![BTreeMap::new()];
        for (key, values) in &self.axes {
            let with = |point: &BTreeMap<String, String>, value: &str| {
                let mut point = point.clone();
                point.insert((*key).to_owned(), value.to_owned());
                point
            };
            points = points
                .iter()
                .flat_map(|point| values.iter().map(|value| with(point, value)).collect::<Vec<_>>())
                .collect();
        }
        let mut runs = Vec::new();
        for scenario in &self.scenarios {
            for settings in &points {
                for seed in 0..self.seeds {
                    runs.push(self.run(RunKey {
                        scenario: (*scenario).to_owned(),
                        settings: settings.clone(),
                        seed,
                    }));
                }
            }
        }
        runs
    }

    fn run(&self, key: RunKey) -> RunRecord {
        let policies: Vec<PolicyRecord> =
            self.policies.iter().map(|policy| self.policy(&key, policy)).collect();
        let touched = BTreeMap::from([("segments dropped".to_owned(), 40 + key.seed)]);
        let fault = |what: &str, at_us, for_us| FaultRecord {
            what: what.to_owned(),
            at_us,
            for_us,
            by_policy: self
                .policies
                .iter()
                .map(|policy| ((*policy).to_owned(), touched.clone()))
                .collect(),
            bit: true,
        };
        RunRecord {
            trace_hash: format!("{:064x}", u128::from(key.seed) << 64 | 0x5eed),
            workload: format!("{:064x}", key.seed),
            closed_loop: self.closed_loop,
            policies,
            faults: vec![
                fault("partition of zone:3", 500_000, 1_000_000),
                fault("crash of node:2", 1_200_000, 900_000),
            ],
            expect: vec![
                ExpectRecord {
                    figure: "saved_ratio".into(),
                    wanted: ">= 0.99".into(),
                    found: "0.998".into(),
                    holds: Some(!self.all_fail),
                },
                ExpectRecord {
                    figure: "failed".into(),
                    wanted: "0".into(),
                    found: "1".into(),
                    holds: Some(key.seed % 10 != 3),
                },
            ],
            broken: if key.seed % 10 == 3 {
                vec!["expectation failed = 0: found 1".to_owned()]
            } else {
                Vec::new()
            },
            key,
        }
    }

    fn policy(&self, key: &RunKey, policy: &str) -> PolicyRecord {
        let setting = |name: &str| key.settings.get(name).map(String::as_str);
        let bandwidth = match setting("network.worker.trunk") {
            Some("100 Mbit/s") => 12.5,
            Some("500 Mbit/s") => 62.5,
            Some("1 Gbit/s") => 125.0,
            Some("5 Gbit/s") => 625.0,
            Some("10 Gbit/s") => 1_250.0,
            Some("40 Gbit/s") => 5_000.0,
            _ => 250.0,
        };
        let ratio: f64 =
            setting("work.ratio").and_then(|ratio| ratio.parse().ok()).unwrap_or(0.000_01);
        let mut arrivals = Draw::new(key.seed, "arrivals");
        let mut draw = Draw::new(key.seed, policy);
        let mut due = 0.0;
        let mut jobs = Vec::new();
        for index in 0..self.jobs {
            let (object, bytes) = (
                (arrivals.unit().powi(2) * 16.0) as u32 + 1,
                8_388_608.0 * (0.9 + 0.2 * arrivals.unit()),
            );
            jobs.push(self.job(
                policy,
                (index, due as u64, object, bytes),
                (bandwidth, ratio),
                &mut draw,
            ));
            due += -arrivals.unit().max(1e-9).ln() * 50_000.0;
        }
        let moved: u64 =
            jobs.iter().map(|job| if job.place == "worker" { job.object_bytes } else { 0 }).sum();
        let answers: u64 = jobs.iter().map(|job| job.answer_bytes).sum();
        let ledger = self.ledger(policy, moved, answers, &mut draw);
        let body = ledger.iter().map(|row| row.body).sum();
        let makespan_us = jobs.iter().map(|job| job.finished_us).max().unwrap_or(0);
        PolicyRecord {
            policy: policy.to_owned(),
            trace_hash: format!("{:064x}", key.seed),
            makespan_us,
            fuel: u64::from(self.jobs) * 17_600_000,
            bytes: ByteRecord {
                body,
                payload: body + 84_000,
                wire: Some(body + body / 20),
                lost: Some(6_300),
                in_flight: Some(700),
                end_to_end: Some(moved + answers),
                cross_zone: moved + answers,
            },
            ledger,
            hosts: hosts(policy, moved, makespan_us, &mut draw),
            jobs,
        }
    }

    fn ledger(&self, policy: &str, moved: u64, answers: u64, draw: &mut Draw) -> Vec<LedgerRow> {
        let row = |class: &str, purpose: &str, body: u64| LedgerRow {
            class: class.into(),
            purpose: purpose.into(),
            body,
            sent: body + 12_000,
            delivered: body + 11_000,
            dropped: 900,
        };
        vec![
            row("cross-zone", "object-data", moved),
            row("worker", "object-data", moved),
            row("client", "job-result", answers),
            row("cross-zone", "job-result", answers),
            row("cross-zone", "job-code", 75_000 * u64::from(self.jobs) / 4),
            row(
                "same-zone",
                "retry",
                if policy == "hedged" { moved / 9 + 900_000 } else { 60_000 + draw.below(90_000) },
            ),
            row("same-zone", "control", 40_000 + draw.below(4_000)),
        ]
    }

    fn job(
        &self,
        policy: &str,
        (index, due, object, bytes): (u32, u64, u32, f64),
        (bandwidth, ratio): (f64, f64),
        draw: &mut Draw,
    ) -> JobRow {
        let at_worker = match policy {
            "download" => true,
            "random" => draw.unit() < 0.3,
            "cost" | "best-found" => 1.0 - bandwidth / 2_000.0 < ratio,
            _ => false,
        };
        let noise = 0.8 + 0.4 * draw.unit();
        let slow = if policy == "best-found" { 0.97 } else { 1.0 };
        let carried = if at_worker { bytes } else { bytes * ratio };
        let hit =
            (500_000..1_500_000).contains(&due) && draw.unit() < if at_worker { 0.1 } else { 0.3 };
        let split = SplitRecord {
            queue_us: (draw.unit().powi(4) * 20_000.0) as u64,
            disk_us: (bytes / 500.0 * 0.4 * noise) as u64,
            transfer_us: ((11_000.0 + carried / bandwidth * (1.0 + draw.unit())) * noise * slow)
                as u64,
            compute_us: (bytes / if at_worker { 480.0 } else { 430.0 }) as u64,
            retry_us: if hit { 300_000 + draw.below(700_000) } else { 0 },
        };
        let all =
            split.queue_us + split.disk_us + split.transfer_us + split.compute_us + split.retry_us;
        let failed = self.all_fail || (hit && draw.unit() < 0.01);
        JobRow {
            index,
            client: index % 4 + 1,
            work: 1,
            object: format!("demo/log-{object:02}.txt"),
            object_bytes: bytes as u64,
            end: if failed { "failed" } else { "ok" }.to_owned(),
            reason: if failed { "503: no replica answered" } else { "" }.to_owned(),
            intended_us: due,
            finished_us: due + all,
            split,
            answer_bytes: if failed { 0 } else { (bytes * ratio) as u64 + 6 },
            place: if at_worker { "worker" } else { "node" }.to_owned(),
            decision: match policy {
                "cost" if at_worker => "output-too-large".to_owned(),
                "cost" | "two-choices" => "less-loaded".to_owned(),
                _ => String::new(),
            },
        }
    }
}

fn hosts(policy: &str, moved: u64, makespan_us: u64, draw: &mut Draw) -> Vec<HostUse> {
    let mut hosts = Vec::new();
    for (kind, count, cores, disks) in
        [("node", 6, 4, 2), ("proxy", 2, 4, 0), ("worker", 2, 4, 0), ("client", 4, 0, 0)]
    {
        for at in 1..=count {
            let busy = match kind {
                "node" if policy != "download" => 0.5 / f64::from(at),
                "worker" if policy == "download" => 0.3,
                _ => 0.004,
            };
            let carried = if kind == "client" { 900 } else { moved / 5 + draw.below(90_000) };
            hosts.push(HostUse {
                host: format!("{kind}:{at}"),
                sent: carried,
                received: carried,
                compute_us: if cores == 0 {
                    0
                } else {
                    (busy * makespan_us as f64 * (0.8 + 0.4 * draw.unit())) as u64
                },
                disk_us: if disks == 0 {
                    0
                } else {
                    (0.08 * makespan_us as f64 * draw.unit()) as u64
                },
                cores,
                disks,
                nic_bits_per_second: 10_000_000_000,
            });
        }
    }
    hosts
}

/// A sequence of numbers from a seed and a purpose (SplitMix64).
struct Draw(u64);

impl Draw {
    fn new(seed: u64, purpose: &str) -> Self {
        Self(purpose.bytes().fold(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), |state, byte| {
            state.rotate_left(7) ^ u64::from(byte)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
