//! Records as they are kept: whatever a run may have to say comes back from JSON as it was, but for
//! what is not kept on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use stayput_host::Time;
use stayput_world::timeline::JobTimes;

use super::*;
use crate::plan::Net;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,10}", Just("\"\\\u{0}\n,".to_owned()), Just(String::new())]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..3)
}

/// Lengths that nanoseconds in 64 bits hold.
fn length() -> impl Strategy<Value = Duration> {
    prop_oneof![any::<u64>(), 0_u64..1_000, Just(u64::MAX)].prop_map(Duration::from_nanos)
}

fn counts() -> impl Strategy<Value = BTreeMap<String, u64>> {
    prop::collection::btree_map(text(), any::<u64>(), 0..3)
}

prop_compose! {
    fn phases()(each in [length(), length(), length(), length(), length()]) -> PhaseTimes {
        let [queue, disk, transfer, compute, retry] = each;
        PhaseTimes { queue, disk, transfer, compute, retry }
    }
}

fn end() -> impl Strategy<Value = JobEnd> {
    prop_oneof![
        Just(JobEnd::Ok),
        text().prop_map(|error| JobEnd::Failed { error }),
        Just(JobEnd::Wrong { expected: Bytes::from_static(b"right") }),
    ]
}

fn placement() -> impl Strategy<Value = Option<JobPlacement>> {
    let place = prop::sample::select(vec![JobPlace::Node, JobPlace::Proxy, JobPlace::Worker]);
    prop::option::of((place, text()).prop_map(|(place, reason)| JobPlacement { place, reason }))
}

prop_compose! {
    fn job()
        (numbers: (u32, u32, u32, u64), object in text(), times in (length(), length()),
         phases in phases(), end in end(), exit_codes: [Option<u32>; 2], answer in text(),
         version in text(), placement in placement())
        -> JobRecord {
        let (index, client, work, object_bytes) = numbers;
        JobRecord {
            index, client, work, object, object_bytes, phases, end, version, placement,
            intended: times.0,
            finished: times.1,
            exit_codes: exit_codes.into_iter().flatten().collect(),
            answer_bytes: answer.len() as u64,
            answer: answer.into(),
        }
    }
}

prop_compose! {
    fn bytes()
        (always: (u64, u64, u64), seen: [Option<u64>; 4], by_class in counts(),
         by_purpose in counts())
        -> ByteCounts {
        let (body, payload, cross_zone) = always;
        let [wire, lost, in_flight, end_to_end] = seen;
        ByteCounts {
            body, payload, wire, lost, in_flight, end_to_end, cross_zone, by_class, by_purpose,
        }
    }
}

prop_compose! {
    fn ledger_row()(names in [text(), text()], figures: [u64; 4]) -> LedgerRow {
        let ([class, purpose], [body, sent, delivered, dropped]) = (names, figures);
        LedgerRow { class, purpose, body, sent, delivered, dropped }
    }
}

prop_compose! {
    fn host_use()(host in text(), figures: [u64; 5], parts: (u32, u32)) -> HostUse {
        let [sent, received, compute_us, disk_us, nic_bits_per_second] = figures;
        let (cores, disks) = parts;
        HostUse { host, sent, received, compute_us, disk_us, cores, disks, nic_bits_per_second }
    }
}

prop_compose! {
    fn load()
        (reads in prop::collection::vec(length(), 0..3),
         writes in prop::collection::vec(length(), 0..3), ends: [u64; 3])
        -> LoadRecord {
        let [failed, wrong, unfinished] = ends;
        LoadRecord { reads, writes, failed, wrong, unfinished }
    }
}

prop_compose! {
    fn effect()(effect in counts(), bit: bool) -> FaultEffect {
        FaultEffect { effect, bit }
    }
}

prop_compose! {
    fn policy()
        (policy in text(), hashes in [prop::option::of(text()), prop::option::of(text())],
         makespan in length(), fuel: u64, both in [bytes(), bytes()],
         (ledger, hosts, jobs) in (prop::collection::vec(ledger_row(), 0..3),
                                   prop::collection::vec(host_use(), 0..3),
                                   prop::collection::vec(job(), 0..3)),
         load in prop::option::of(load()), faults in prop::collection::vec(effect(), 0..3),
         broken in texts())
        -> PolicyRecord {
        let ([trace_hash, schedule_hash], [bytes, loading]) = (hashes, both);
        PolicyRecord {
            policy, trace_hash, schedule_hash, makespan, fuel, bytes, ledger, loading, hosts, load,
            faults, broken, jobs,
            effort: None,
            memo: None,
        }
    }
}

prop_compose! {
    fn key()
        (scenario in text(), settings in prop::collection::btree_map(text(), text(), 0..3),
         seed: u64)
        -> RunKey {
        RunKey { scenario, settings, seed }
    }
}

prop_compose! {
    fn fault()(what in text(), times in (length(), length()), may_miss: bool) -> FaultRecord {
        FaultRecord { what, at: times.0, lasts: times.1, may_miss }
    }
}

prop_compose! {
    fn expectation()(texts in [text(), text(), text()], holds: Option<bool>) -> ExpectRecord {
        let [figure, wanted, found] = texts;
        ExpectRecord { figure, wanted, found, holds }
    }
}

prop_compose! {
    fn run()
        (key in key(), net in prop::sample::select(vec![Net::Fabric, Net::Turmoil, Net::Tcp]),
         trace_hash in prop::option::of(text()), workload in text(), closed_loop: bool,
         policies in prop::collection::vec(policy(), 0..3),
         faults in prop::collection::vec(fault(), 0..3),
         expect in prop::collection::vec(expectation(), 0..3), broken in texts())
        -> RunRecord {
        RunRecord {
            key, net, trace_hash, workload, closed_loop, policies, faults, expect, broken,
        }
    }
}

/// The record without what is not kept: answers, and the references of those that are wrong.
fn kept(mut record: RunRecord) -> RunRecord {
    for job in record.policies.iter_mut().flat_map(|policy| &mut policy.jobs) {
        job.answer = Bytes::new();
        if let JobEnd::Wrong { expected } = &mut job.end {
            *expected = Bytes::new();
        }
    }
    record
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_record_comes_back_from_json_as_it_was(record in run()) {
        let json = serde_json::to_string(&record).expect("it is plain data");
        let read: RunRecord = serde_json::from_str(&json).expect("it was written so");
        prop_assert_eq!(&read, &kept(record));
        prop_assert_eq!(serde_json::to_string(&read).expect("it is plain data"), json);
    }

    #[test]
    fn a_record_that_is_cut_anywhere_is_no_record(record in run(), at: prop::sample::Index) {
        let json = serde_json::to_string(&record).expect("it is plain data");
        let mut at = at.index(json.len());
        while !json.is_char_boundary(at) {
            at -= 1;
        }
        prop_assert!(serde_json::from_str::<RunRecord>(&json[..at]).is_err());
    }

    #[test]
    fn the_microseconds_of_a_job_add_up(job in job()) {
        let ns = job.finished.as_nanos().saturating_sub(job.intended.as_nanos());
        prop_assert_eq!(u128::from(job.latency_us()), ns / 1_000);
        prop_assert_eq!(u128::from(job.intended_us()), job.intended.as_nanos() / 1_000);
        prop_assert_eq!(job.finished_us() - job.intended_us(), job.latency_us());
        prop_assert_eq!(job.completed(), job.end.name() != "failed");
        prop_assert_eq!(job.end.error().is_some(), job.end.name() == "failed");
    }

    #[test]
    fn the_microseconds_of_phases_add_up_to_those_of_their_latency(
        begin in 0_u64..1_000_000, waits in prop::array::uniform4(0_u64..9_999), busy in 0_u64..9_999,
    ) {
        let at = |ns: u64| Time::from_nanos(begin + ns);
        let [first, second, third, last] = waits;
        let times = JobTimes {
            queue: vec![(at(first), at(first + busy))],
            disk: vec![(at(second), at(second + busy))],
            compute: vec![(at(third), at(third + busy))],
            ..JobTimes::default()
        };
        let phases = PhaseTimes::of(at(0), at(last), &times);
        let all: u64 = LatencyPhase::ALL.into_iter().map(|phase| phases.get_us(phase)).sum();
        prop_assert_eq!(all, last / 1_000);
    }

    #[test]
    fn keys_that_differ_have_digests_that_differ(one in key(), other in key()) {
        prop_assert_eq!(one == other, one.digest() == other.digest());
        prop_assert_eq!(one.digest().len(), 32);
        prop_assert!(one.digest().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[test]
fn times_beyond_what_is_kept_are_cut_and_not_wrapped() {
    let load = LoadRecord { reads: vec![Duration::MAX], ..LoadRecord::default() };
    let json = serde_json::to_string(&load).expect("it is plain data");
    assert!(json.starts_with("{\"reads_ns\":[18446744073709551615],"), "{json}");
}

#[test]
fn the_names_in_files_are_those_of_the_results() {
    for place in [JobPlace::Node, JobPlace::Proxy, JobPlace::Worker] {
        assert_eq!(JobPlace::named(place.name()), Some(place));
        let json = serde_json::to_value(place).expect("it is plain data");
        assert_eq!(json, place.name());
    }
    assert_eq!(JobPlace::named("moon"), None);
    for (end, json) in [
        (JobEnd::Ok, "\"ok\""),
        (JobEnd::Failed { error: "e".to_owned() }, r#"{"failed":{"error":"e"}}"#),
        (JobEnd::Wrong { expected: Bytes::from_static(b"x") }, r#"{"wrong":{}}"#),
    ] {
        assert_eq!(serde_json::to_string(&end).expect("it is plain data"), json);
    }
}
