//! Figures of one run.

use std::collections::BTreeMap;

use stayput_engine::record::{LatencyPhase, PhaseTimes, RunKey};

use super::*;
use crate::fixtures::record;

/// Latencies in microseconds of the jobs that count, by looking at each.
fn counted(jobs: &[MadeJob], begin_us: u64) -> Vec<u64> {
    let mut due_us = 0;
    let mut counted = Vec::new();
    for job in jobs {
        due_us += 1_000 * job.after_ms;
        if due_us >= begin_us && job.end != 3 {
            counted.push(job.latency_us);
        }
    }
    counted
}

proptest! {
    #[test]
    fn the_figures_of_a_run_are_what_looking_at_each_job_says(
        jobs in made_jobs(), warm_up in warm_ups(), load in 0_u64..200,
    ) {
        let mut run = made_run("a", &jobs);
        run.bytes.by_purpose.insert("foreground".to_owned(), load);
        let begin = warm_until(&run, warm_up);
        let latencies = counted(&jobs, begin);
        let failed = run.jobs.iter().zip(&jobs).filter(|(record, job)| {
            record.intended.as_micros() >= u128::from(begin) && job.end == 3
        });
        let expected = [
            percentile(&latencies, 50),
            percentile(&latencies, 90),
            percentile(&latencies, 99),
            Some(100_u64.saturating_sub(load)),
            Some(0),
            Some(5_000_000),
            Some(failed.count() as u64),
        ];
        prop_assert_eq!(figures_of_run(&run, warm_up), expected);
        prop_assert_eq!(latencies_us(&run, warm_up), latencies.into_iter().collect::<Sample>());
    }

    #[test]
    fn every_job_is_counted_once_whatever_the_warm_up(jobs in made_jobs()) {
        let counts = job_counts(&made_run("a", &jobs));
        let of = |ends: &[u8]| jobs.iter().filter(|job| ends.contains(&job.end)).count() as u64;
        prop_assert_eq!(counts, JobCounts { ok: of(&[0, 1]), failed: of(&[3]), wrong: of(&[2]) });
        let mut twice = counts;
        twice.add(counts);
        prop_assert_eq!((twice.ok, twice.failed, twice.wrong),
            (2 * counts.ok, 2 * counts.failed, 2 * counts.wrong));
    }

    #[test]
    fn the_summary_of_latencies_is_over_completed_jobs_alone(jobs in made_jobs()) {
        let latencies = counted(&jobs, 0);
        let expected = (!latencies.is_empty()).then(|| LatencySummary {
            mean: latencies.iter().sum::<u64>() as f64 / latencies.len() as f64,
            p50: percentile(&latencies, 50).expect("there are some"),
            p90: percentile(&latencies, 90).expect("there are some"),
            p99: percentile(&latencies, 99).expect("there are some"),
            max: latencies.iter().copied().max().expect("there are some"),
        });
        prop_assert_eq!(latency_us(&made_run("a", &jobs), WarmUp::NONE), expected);
    }

    #[test]
    fn the_means_of_the_phases_add_up_to_the_mean_latency(
        phases in prop::collection::vec(prop::array::uniform5(0_u64..9_999_999), 1..20),
    ) {
        let mut run = policy("a", &vec![Some(0); phases.len()]);
        for (job, each) in run.jobs.iter_mut().zip(&phases) {
            let [queue, disk, transfer, compute, retry] = each.map(Duration::from_nanos);
            job.phases = PhaseTimes { queue, disk, transfer, compute, retry };
            job.finished = job.intended + job.phases.total();
        }
        let summaries = phases_us(&run, WarmUp::NONE).expect("jobs completed");
        let sum: f64 = LatencyPhase::ALL.into_iter().map(|phase| summaries.mean(phase)).sum();
        let mean = latency_us(&run, WarmUp::NONE).expect("jobs completed").mean;
        prop_assert!((sum - mean).abs() <= 1e-9 * mean.max(1.0), "{} and {}", sum, mean);
        let json = serde_json::to_value(&summaries).expect("it is plain data");
        for (at, phase) in ["queue", "disk", "transfer", "compute", "retry"].iter().enumerate() {
            let us: Vec<u64> = phases.iter().map(|each| each[at] / 1_000).collect();
            prop_assert_eq!(json[phase]["p50"].as_u64(), percentile(&us, 50), "{}", phase);
            prop_assert_eq!(json[phase]["p99"].as_u64(), percentile(&us, 99), "{}", phase);
        }
    }

    #[test]
    fn bytes_are_compared_if_the_same_jobs_completed_and_the_load_is_nobodys(
        near in made_jobs(), far in made_jobs(), is_same: bool,
        body in prop::array::uniform2(0_u64..5_000), load in prop::array::uniform2(0_u64..1_000),
    ) {
        let far = if is_same { near.clone() } else { far };
        let mut runs = [made_run(ON_STORAGE, &near), made_run(DOWNLOAD, &far)];
        for (at, run) in runs.iter_mut().enumerate() {
            run.bytes.body = body[at] + load[at];
            run.bytes.by_purpose.insert("foreground".to_owned(), load[at]);
        }
        let done = |jobs: &[MadeJob]| -> Vec<usize> {
            let ends = jobs.iter().enumerate().filter(|(_, job)| job.end != 3);
            ends.map(|(index, _)| index).collect()
        };
        let (near_done, far_done) = (done(&near), done(&far));
        let jobs = near_done.iter().filter(|index| far_done.contains(index)).count() as u64;
        let settings = BTreeMap::new();
        let key = RunKey { scenario: "banana".to_owned(), settings, seed: 1 };
        let saved = saved(&record(key, &runs)).expect("both ran");
        if near_done == far_done && jobs > 0 && body[1] > 0 {
            let [near_bytes, far_bytes] = body;
            prop_assert_eq!(&saved, &Saved::Comparable { near_bytes, far_bytes, jobs });
            let bytes = i128::from(far_bytes) - i128::from(near_bytes);
            prop_assert_eq!(saved.fraction(), Some((bytes, far_bytes)));
        } else {
            let Saved::NotComparable { why, jobs: both } = &saved else { panic!("{saved:?}") };
            prop_assert_eq!((*both, saved.bytes(), saved.fraction()), (jobs, None, None));
            prop_assert!(!why.is_empty());
        }
    }

    #[test]
    fn a_warm_up_is_read_as_it_is_shown(warm_up in warm_ups()) {
        prop_assert_eq!(WarmUp::parse(&warm_up.to_string()), Ok(warm_up));
    }
}

#[test]
fn reasons_are_counted_by_name_and_none_is_no_reason() {
    let mut run = policy("a", &[Some(1); 5]);
    let reasons = ["replica", "busy", "", "replica"];
    for (job, reason) in run.jobs.iter_mut().zip(reasons) {
        *job = placed(job.clone(), reason);
    }
    assert_eq!(place_reasons(&run), BTreeMap::from([("busy", 1), ("replica", 2)]));
}

#[test]
fn a_run_without_jobs_has_no_latency_and_no_phases() {
    let run = policy("a", &[]);
    assert_eq!((latency_us(&run, WarmUp::NONE), phases_us(&run, WarmUp::NONE)), (None, None));
    assert_eq!(figures_of_run(&run, WarmUp::default())[0], None);
}
