//! Estimates over the seeds of each point of a sweep.
//!
//! A point is a scenario with its settings; its runs are the seeds. Leaves out the words
//! (`verdict`).

use std::collections::BTreeMap;

use serde::Serialize;
use stayput_engine::record::{PolicyRecord, RunRecord};

use super::pair::{PairOfRuns, Values, of_pair};
use super::pair_point::{PairFigure, PairPoint};
use super::{
    ComparedFigure, DOWNLOAD, Estimate, JobCounts, ON_STORAGE, WarmUp, figures_of_run, job_counts,
    verdict,
};

/// Estimates of one scenario with its settings, over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepPoint {
    /// The scenario's name.
    pub scenario: String,
    /// The values of the sweep's axes.
    pub settings: BTreeMap<String, String>,
    /// Number of seeds with a result.
    pub seeds: u64,
    /// True if clients wait for answers before they send more: then no time is compared.
    pub closed_loop: bool,
    /// Number of its runs that broke a promise.
    pub broken: u64,
    /// The policies by themselves, in the order of the runs.
    pub policies: Vec<PolicyPoint>,
    /// The policies in pairs, each two compared.
    pub pairs: Vec<PairPoint>,
    /// Verdict on `on-storage` beside `download`, or on the first two policies; empty for one
    /// alone.
    pub verdict: String,
}

/// Figures of one policy over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyPoint {
    /// The policy's name.
    pub policy: String,
    /// Its jobs over all seeds, those of the warm-up too.
    pub jobs: JobCounts,
    /// The median over the seeds of each figure that has one.
    pub figures: BTreeMap<&'static str, Estimate>,
}

/// Two policies over the runs that have both; `None` if none has.
pub fn pair_point<'a>(
    runs: impl IntoIterator<Item = &'a RunRecord>,
    (one, other): (&str, &str),
    warm_up: WarmUp,
) -> Option<PairPoint> {
    let (mut pair, mut closed_loop) = (PairGathered::default(), false);
    for run in runs {
        let (Some(one), Some(other)) = (run.policy(one), run.policy(other)) else { continue };
        pair.add(one, other, warm_up, !run.closed_loop);
        closed_loop |= run.closed_loop;
    }
    (!pair.runs.is_empty()).then(|| pair.point(one, other, closed_loop))
}

/// Gathers runs, in the order of the sweep, into its points.
#[derive(Debug)]
pub struct Gatherer {
    warm_up: WarmUp,
    points: Vec<Gathered>,
}

#[derive(Debug, Default)]
struct Gathered {
    scenario: String,
    settings: BTreeMap<String, String>,
    seeds: u64,
    closed_loop: bool,
    broken: u64,
    policies: Vec<(String, JobCounts, Vec<Values<u64>>)>,
    pairs: BTreeMap<(usize, usize), PairGathered>,
}

/// Two policies' runs, seed by seed.
#[derive(Debug, Default)]
pub(crate) struct PairGathered {
    runs: Vec<PairOfRuns>,
}

impl Gatherer {
    /// Gathers runs whose warm-up is left out.
    #[must_use]
    pub fn new(warm_up: WarmUp) -> Self {
        Self { warm_up, points: Vec::new() }
    }

    /// Adds a run.
    pub fn add(&mut self, run: &RunRecord) {
        let is_its = |point: &Gathered| {
            point.scenario == run.key.scenario && point.settings == run.key.settings
        };
        let at = self.points.iter().rposition(is_its).unwrap_or_else(|| {
            let (scenario, settings) = (run.key.scenario.clone(), run.key.settings.clone());
            self.points.push(Gathered { scenario, settings, ..Gathered::default() });
            self.points.len() - 1
        });
        self.points[at].add(run, self.warm_up);
    }

    /// The points, in the order in which their first runs came.
    #[must_use]
    pub fn points(&self) -> Vec<SweepPoint> {
        self.points.iter().map(Gathered::point).collect()
    }
}

impl Gathered {
    fn add(&mut self, run: &RunRecord, warm_up: WarmUp) {
        self.seeds += 1;
        self.closed_loop |= run.closed_loop;
        self.broken += u64::from(!run.broken.is_empty());
        let places: Vec<usize> =
            run.policies.iter().map(|policy| self.add_policy(policy, warm_up)).collect();
        for (first, one) in run.policies.iter().enumerate() {
            for (second, other) in run.policies.iter().enumerate().skip(first + 1) {
                let pair = self.pairs.entry((places[first], places[second])).or_default();
                pair.add(one, other, warm_up, !run.closed_loop);
            }
        }
    }

    /// Adds a policy's run and returns the policy's number.
    fn add_policy(&mut self, run: &PolicyRecord, warm_up: WarmUp) -> usize {
        let known = self.policies.iter().position(|(name, ..)| *name == run.policy);
        let place = known.unwrap_or_else(|| {
            self.policies.push((run.policy.clone(), JobCounts::default(), Vec::new()));
            self.policies.len() - 1
        });
        let (_, counts, values) = &mut self.policies[place];
        counts.add(job_counts(run));
        values.push(figures_of_run(run, warm_up));
        place
    }

    fn point(&self) -> SweepPoint {
        let policy = |(policy, jobs, runs): &(String, JobCounts, Vec<Values<u64>>)| {
            let estimate = |(at, figure): (usize, &ComparedFigure)| {
                let values = runs.iter().filter_map(|run| run[at]).map(|value| value as f64);
                Some((figure.key(), Estimate::of(values)?))
            };
            let figures = ComparedFigure::ALL.iter().enumerate().filter_map(estimate).collect();
            PolicyPoint { policy: policy.clone(), jobs: *jobs, figures }
        };
        let name = |at: usize| self.policies[at].0.as_str();
        let pairs: Vec<PairPoint> = self
            .pairs
            .iter()
            .map(|((one, other), pair)| pair.point(name(*one), name(*other), self.closed_loop))
            .collect();
        let headline = pairs.iter().find(|pair| {
            let names = [pair.one.as_str(), pair.other.as_str()];
            names.contains(&ON_STORAGE) && names.contains(&DOWNLOAD)
        });
        let verdict = headline.or(pairs.first()).map(|pair| pair.verdict.clone());
        SweepPoint {
            scenario: self.scenario.clone(),
            settings: self.settings.clone(),
            seeds: self.seeds,
            closed_loop: self.closed_loop,
            broken: self.broken,
            policies: self.policies.iter().map(policy).collect(),
            pairs,
            verdict: verdict.unwrap_or_default(),
        }
    }
}

impl PairGathered {
    /// Adds the two runs of a seed. `open_loop` is true if times can be compared.
    pub(crate) fn add(
        &mut self,
        one: &PolicyRecord,
        other: &PolicyRecord,
        warm_up: WarmUp,
        open_loop: bool,
    ) {
        self.runs.push(of_pair(one, other, warm_up, open_loop));
    }

    /// The estimates over all that was added.
    pub(crate) fn point(&self, one: &str, other: &str, closed_loop: bool) -> PairPoint {
        let figure = |(at, figure): (usize, &ComparedFigure)| {
            let values: Vec<(u64, u64)> =
                self.runs.iter().filter_map(|run| run.values[at]).collect();
            Some((figure.key(), PairFigure::of(&values)?))
        };
        let mut point = PairPoint {
            one: one.to_owned(),
            other: other.to_owned(),
            seeds: self.runs.len() as u64,
            seeds_with_same_jobs: self.runs.iter().filter(|run| run.same_jobs).count() as u64,
            jobs: self.runs.iter().map(|run| run.jobs).sum(),
            figures: ComparedFigure::ALL.iter().enumerate().filter_map(figure).collect(),
            verdict: String::new(),
        };
        point.verdict = verdict::of_pair(&point, closed_loop);
        point
    }
}

impl PairFigure {
    /// The estimates of the values of each seed; `None` without any.
    fn of(values: &[(u64, u64)]) -> Option<Self> {
        let one = values.iter().map(|(one, _)| *one as f64);
        let other = values.iter().map(|(_, other)| *other as f64);
        let differences = values.iter().map(|(one, other)| *one as f64 - *other as f64);
        let ratio = |(one, other): &(u64, u64)| (*other > 0).then(|| *one as f64 / *other as f64);
        let ratios: Option<Vec<f64>> = values.iter().map(ratio).collect();
        Some(Self {
            seeds: values.len() as u64,
            one: Estimate::of(one)?.median,
            other: Estimate::of(other)?.median,
            difference: Estimate::of(differences)?,
            ratio: ratios.and_then(Estimate::of),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{policy, record};
    use stayput_engine::record::RunKey;

    fn run(seed: u64, policies: &[PolicyRecord]) -> RunRecord {
        let settings = BTreeMap::from([("node.cores".to_owned(), "4".to_owned())]);
        record(RunKey { scenario: "banana".to_owned(), settings, seed }, policies)
    }

    /// On-storage takes 10 µs less than download for each seed, download between 100 and 190.
    fn ten_seeds() -> Gatherer {
        let mut gatherer = Gatherer::new(WarmUp::Percent(0));
        for seed in 0..10 {
            let far = 100 + 10 * seed;
            let policies =
                [policy("on-storage", &[Some(far - 10)]), policy("download", &[Some(far)])];
            gatherer.add(&run(seed, &policies));
        }
        gatherer
    }

    #[test]
    fn differences_are_taken_within_each_seed() {
        let points = ten_seeds().points();
        assert_eq!(points.len(), 1);
        let point = &points[0];
        assert_eq!((point.seeds, point.settings["node.cores"].as_str()), (10, "4"));
        let pair = &point.pairs[0];
        let latency = &pair.figures["latency_p50_us"];
        // The two spread over 90 µs and overlap; paired, they differ by exactly 10.
        assert_eq!((latency.one, latency.other), (135.0, 145.0));
        let wanted = Estimate { median: -10.0, low: Some(-10.0), high: Some(-10.0), count: 10 };
        assert_eq!(latency.difference, wanted);
        let ratio = latency.ratio.unwrap();
        // The second smallest and the second largest of 90/100, 100/110 … 180/190.
        assert_eq!((ratio.low, ratio.high), (Some(100.0 / 110.0), Some(170.0 / 180.0)));
        assert_eq!(pair.figures["failed"].ratio, None);
        assert_eq!(pair.jobs, 10);
        assert_eq!(point.policies[0].jobs, JobCounts { ok: 10, failed: 0, wrong: 0 });
        assert_eq!(point.policies[0].figures["latency_p50_us"].median, 135.0);
    }

    #[test]
    fn the_headline_is_on_storage_beside_download() {
        let mut gatherer = Gatherer::new(WarmUp::Percent(0));
        let policies = ["a", "download", "b", "on-storage"].map(|name| policy(name, &[Some(5)]));
        gatherer.add(&run(1, &policies));
        let point = &gatherer.points()[0];
        assert_eq!(point.pairs.len(), 6);
        assert!(point.verdict.starts_with("download beside on-storage"), "{}", point.verdict);
    }

    #[test]
    fn other_settings_are_another_point() {
        let mut gatherer = ten_seeds();
        let mut other = run(1, &[policy("on-storage", &[Some(5)])]);
        other.key.settings.insert("node.cores".to_owned(), "8".to_owned());
        other.broken.push("something".to_owned());
        gatherer.add(&other);
        let points = gatherer.points();
        assert_eq!(points.iter().map(|point| point.seeds).collect::<Vec<_>>(), [10, 1]);
        assert_eq!((points[1].broken, points[1].verdict.as_str()), (1, ""));
    }
}
