//! Two policies over the same seeds: which jobs are compared, their differences, and the words that
//! the intervals carry.

use std::collections::BTreeMap;

use stayput_engine::record::{RunKey, RunRecord};

use super::*;
use crate::fixtures::record;

fn run(seed: u64, policies: &[PolicyRecord]) -> RunRecord {
    let settings = BTreeMap::new();
    record(RunKey { scenario: "banana".to_owned(), settings, seed }, policies)
}

fn intended_us(jobs: &[MadeJob]) -> Vec<u64> {
    let mut due = 0;
    let next = |job: &MadeJob| {
        due += 1_000 * job.after_ms;
        due
    };
    jobs.iter().map(next).collect()
}

/// Values of the figures of one pair of runs, by looking at each job.
fn naive(
    one: &[MadeJob],
    other: &[MadeJob],
    begin_us: u64,
    is_open: bool,
) -> (u64, BTreeMap<&'static str, (u64, u64)>) {
    let (due, other_due) = (intended_us(one), intended_us(other));
    let both = one.len().min(other.len());
    let counted: Vec<usize> =
        (0..both).filter(|at| due[*at] >= begin_us && other_due[*at] >= begin_us).collect();
    let compared: Vec<usize> =
        counted.iter().copied().filter(|at| one[*at].end != 3 && other[*at].end != 3).collect();
    let times =
        |jobs: &[MadeJob]| -> Vec<u64> { compared.iter().map(|at| jobs[*at].latency_us).collect() };
    let failures =
        |jobs: &[MadeJob]| counted.iter().filter(|at| jobs[**at].end == 3).count() as u64;
    let mut values = BTreeMap::from([("failed", (failures(one), failures(other)))]);
    if is_open && !compared.is_empty() {
        let names = [("latency_p50_us", 50), ("latency_p90_us", 90), ("latency_p99_us", 99)];
        for (name, percent) in names {
            let at = |jobs| percentile(&times(jobs), percent).expect("there are some");
            values.insert(name, (at(one), at(other)));
        }
    }
    let done = |jobs: &[MadeJob]| -> Vec<usize> {
        let ends = jobs.iter().enumerate().filter(|(_, job)| job.end != 3);
        ends.map(|(index, _)| index).collect()
    };
    if done(one) == done(other) && !done(one).is_empty() {
        values.insert("body_bytes", (100, 100));
        values.insert("cross_zone_bytes", (0, 0));
        if is_open {
            values.insert("makespan_us", (5_000_000, 5_000_000));
        }
    }
    (compared.len() as u64, values)
}

proptest! {
    #[test]
    fn a_pair_compares_what_looking_at_each_job_compares(
        one in made_jobs(), other in made_jobs(), is_same: bool, warm_up in warm_ups(),
        closed_loop: bool,
    ) {
        let other = if is_same {
            // The same jobs at the same times, with latencies of their own.
            let latencies = other.iter().map(|job| job.latency_us).chain(std::iter::repeat(7));
            let with = |(job, latency_us): (&MadeJob, u64)| MadeJob { latency_us, ..job.clone() };
            one.iter().zip(latencies).map(with).collect()
        } else {
            other
        };
        let runs = [made_run("a", &one), made_run("b", &other)];
        let begin = warm_until(&runs[0], warm_up).max(warm_until(&runs[1], warm_up));
        let (jobs, expected) = naive(&one, &other, begin, !closed_loop);
        let record = RunRecord { closed_loop, ..run(1, &runs) };
        let point = pair_point([&record], ("a", "b"), warm_up).expect("both ran");
        prop_assert_eq!((point.seeds, point.jobs), (1, jobs));
        let found: BTreeMap<&str, (f64, f64)> =
            point.figures.iter().map(|(key, figure)| (*key, (figure.one, figure.other))).collect();
        let expected: BTreeMap<&str, (f64, f64)> = expected
            .into_iter()
            .map(|(key, (one, other))| (key, (one as f64, other as f64)))
            .collect();
        prop_assert_eq!(found, expected);
        let same = point.figures.contains_key("body_bytes");
        prop_assert_eq!(point.seeds_with_same_jobs, u64::from(same));
    }

    #[test]
    fn differences_and_ratios_are_taken_seed_by_seed(
        latencies in prop::collection::vec((0_u64..9_999, 0_u64..9_999), 1..25),
    ) {
        let runs: Vec<RunRecord> = (0..)
            .zip(&latencies)
            .map(|(seed, (one, other))| {
                run(seed, &[policy("a", &[Some(*one)]), policy("b", &[Some(*other)])])
            })
            .collect();
        let point = pair_point(&runs, ("a", "b"), WarmUp::NONE).expect("both ran");
        let figure = &point.figures["latency_p50_us"];
        let differences = latencies.iter().map(|(one, other)| *one as f64 - *other as f64);
        prop_assert_eq!(Some(figure.difference), Estimate::of(differences));
        let has_zero = latencies.iter().any(|(_, other)| *other == 0);
        let ratios = latencies.iter().map(|(one, other)| *one as f64 / *other as f64);
        prop_assert_eq!(figure.ratio, if has_zero { None } else { Estimate::of(ratios) });
        let median = |of: &dyn Fn(&(u64, u64)) -> u64| {
            Estimate::of(latencies.iter().map(|pair| of(pair) as f64)).map(|it| it.median)
        };
        prop_assert_eq!(Some(figure.one), median(&|(one, _)| *one));
        prop_assert_eq!(Some(figure.other), median(&|(_, other)| *other));
    }

    #[test]
    fn the_other_way_round_a_pair_has_the_other_sign(
        latencies in prop::collection::vec((1_u64..9_999, 1_u64..9_999), 1..12),
    ) {
        let runs: Vec<RunRecord> = (0..)
            .zip(&latencies)
            .map(|(seed, (one, other))| {
                run(seed, &[policy("a", &[Some(*one)]), policy("b", &[Some(*other)])])
            })
            .collect();
        let of = |pair| pair_point(&runs, pair, WarmUp::NONE).expect("both ran");
        let (one, other) = (of(("a", "b")), of(("b", "a")));
        for (key, figure) in &one.figures {
            prop_assert_eq!(figure.difference.negated(), other.figures[key].difference);
            prop_assert_eq!((figure.one, figure.other),
                (other.figures[key].other, other.figures[key].one));
        }
        let claims = |verdict: &str, word: &str| verdict.matches(word).count();
        prop_assert_eq!(claims(&one.verdict, " lower"), claims(&other.verdict, " higher"));
        prop_assert_eq!(claims(&one.verdict, " higher"), claims(&other.verdict, " lower"));
    }

    #[test]
    fn a_verdict_claims_exactly_what_its_intervals_carry(
        latencies in prop::collection::vec((1_u64..60, 1_u64..60), 1..14), closed_loop: bool,
    ) {
        let runs: Vec<RunRecord> = (0..)
            .zip(&latencies)
            .map(|(seed, (one, other))| RunRecord {
                closed_loop,
                ..run(seed, &[policy("a", &[Some(*one)]), policy("b", &[Some(*other)])])
            })
            .collect();
        let point = pair_point(&runs, ("a", "b"), WarmUp::NONE).expect("both ran");
        let verdict = &point.verdict;
        let begin = format!("a beside b over {} seeds: ", latencies.len());
        prop_assert!(verdict.starts_with(&begin), "{}", verdict);
        let interval = point.figures.get("latency_p50_us").map(|it| it.difference.interval());
        let (lower, higher) =
            (verdict.contains("median latency lower"), verdict.contains("median latency higher"));
        match interval {
            None => prop_assert!(!verdict.contains("latency"), "{}", verdict),
            Some(None) => prop_assert!(
                verdict.contains("nothing claimed of median latency") && !lower && !higher,
                "{}", verdict
            ),
            Some(Some((low, high))) => {
                prop_assert_eq!((lower, higher), (high < 0.0, low > 0.0), "{}", verdict);
                let is_even = verdict.contains("no difference shown in median latency");
                prop_assert_eq!(is_even, low <= 0.0 && high >= 0.0, "{}", verdict);
            }
        }
        prop_assert_eq!(verdict.contains("no claim about times"), closed_loop);
    }

    #[test]
    fn points_are_scenarios_with_settings_and_count_their_seeds(
        keys in prop::collection::vec((0_u8..2, 0_u8..2, any::<bool>()), 1..12),
    ) {
        let mut gatherer = Gatherer::new(WarmUp::NONE);
        for (seed, (scenario, cores, is_broken)) in (0..).zip(&keys) {
            let settings = BTreeMap::from([("node.cores".to_owned(), cores.to_string())]);
            let key = RunKey { scenario: scenario.to_string(), settings, seed };
            let mut run = record(key, &[policy("a", &[Some(1), None])]);
            if *is_broken {
                run.broken.push("promise".to_owned());
            }
            gatherer.add(&run);
        }
        let mut expected: Vec<((u8, u8), u64, u64)> = Vec::new();
        for (scenario, cores, is_broken) in &keys {
            let at = expected.iter().position(|(key, ..)| *key == (*scenario, *cores));
            let at = at.unwrap_or_else(|| {
                expected.push(((*scenario, *cores), 0, 0));
                expected.len() - 1
            });
            expected[at].1 += 1;
            expected[at].2 += u64::from(*is_broken);
        }
        let points = gatherer.points();
        prop_assert_eq!(points.len(), expected.len());
        for (point, ((scenario, cores), seeds, broken)) in points.iter().zip(expected) {
            prop_assert_eq!(&point.scenario, &scenario.to_string());
            prop_assert_eq!(&point.settings["node.cores"], &cores.to_string());
            prop_assert_eq!((point.seeds, point.broken), (seeds, broken));
            let jobs = JobCounts { ok: seeds, failed: seeds, wrong: 0 };
            prop_assert_eq!(point.policies[0].jobs, jobs);
            prop_assert!(point.pairs.is_empty() && point.verdict.is_empty());
        }
    }
}

#[test]
fn runs_that_lack_a_policy_are_no_part_of_its_pair() {
    let both = [policy("a", &[Some(1)]), policy("b", &[Some(2)])];
    let runs = [run(1, &both), run(2, &both[..1]), run(3, &both[1..]), run(4, &both)];
    let point = pair_point(&runs, ("a", "b"), WarmUp::NONE).expect("two have both");
    assert_eq!((point.seeds, point.jobs), (2, 2));
    assert_eq!(pair_point(&runs, ("a", "c"), WarmUp::NONE), None);
    assert_eq!(pair_point(&[], ("a", "b"), WarmUp::NONE), None);
}
