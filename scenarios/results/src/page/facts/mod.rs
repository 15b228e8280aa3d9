//! The records arranged for the page: points of the sweep, their runs and policies.
//!
//! Leaves out words and pictures, which are the sections', and figures, which are `stats`'.

mod breakeven;
mod figures;
mod fuel;

use std::collections::BTreeMap;

pub(super) use breakeven::{BreakEven, Point as BreakEvenPoint};
pub(super) use figures::{change, change_words, figure_name, figure_value, ratio};
pub(super) use fuel::FuelLine;

use stayput_engine::record::{PolicyRecord, RunRecord};

use super::read::SweepResults;
use crate::stats::{DOWNLOAD, ON_STORAGE, PairPoint, WarmUp, pair_point};

/// Point of the sweep: a scenario with one choice of settings, and its runs over the seeds.
#[derive(Clone, Debug)]
pub(super) struct Point<'a> {
    /// The scenario's name.
    pub(super) scenario: &'a str,
    /// The values of the axes.
    pub(super) settings: &'a BTreeMap<String, String>,
    /// The runs by seed.
    pub(super) runs: Vec<&'a RunRecord>,
}

impl Point<'_> {
    /// Its name: the scenario, and the settings if there are any.
    pub(super) fn name(&self) -> String {
        if self.settings.is_empty() {
            return self.scenario.to_owned();
        }
        let settings: Vec<String> = self
            .settings
            .iter()
            .map(|(key, value)| format!("{} = {value}", short_key(key)))
            .collect();
        format!("{}, {}", self.scenario, settings.join(", "))
    }

    /// The runs of a policy, each with the record of the whole.
    pub(super) fn of_policy<'b>(
        &'b self,
        policy: &'b str,
    ) -> impl Iterator<Item = (&'b RunRecord, &'b PolicyRecord)> {
        self.runs.iter().flat_map(move |run| run.policy(policy).map(|record| (*run, record)))
    }

    /// Two policies over the runs that have both; `None` if none has.
    pub(super) fn pair(&self, one: &str, other: &str, warm_up: WarmUp) -> Option<PairPoint> {
        pair_point(self.runs.iter().copied(), (one, other), warm_up)
    }

    /// True if clients of any run wait for answers before they send more.
    pub(super) fn closed_loop(&self) -> bool {
        self.runs.iter().any(|run| run.closed_loop)
    }
}

/// The last part of a setting's key, which names it well enough in a chart.
pub(super) fn short_key(key: &str) -> String {
    let parts: Vec<&str> = key.split('.').collect();
    parts[parts.len().saturating_sub(2)..].join(".")
}

/// Records of a sweep, arranged by point and policy for the page.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    /// The directory.
    pub(super) results: &'a SweepResults,
    /// The points: by scenario and setting in the order that was asked for.
    pub(super) points: Vec<Point<'a>>,
    /// The policies that ran, in the order that was asked for.
    pub(super) policies: Vec<String>,
}

impl<'a> Facts<'a> {
    /// Arranges the records of a directory.
    pub(super) fn new(results: &'a SweepResults) -> Self {
        let mut policies: Vec<String> = results.head.policies.clone();
        let mut points: BTreeMap<_, Point<'a>> = BTreeMap::new();
        for run in &results.runs {
            let rank = rank(results, run);
            let point = Point {
                scenario: &run.key.scenario,
                settings: &run.key.settings,
                runs: Vec::new(),
            };
            points
                .entry((rank, &run.key.scenario, &run.key.settings))
                .or_insert(point)
                .runs
                .push(run);
            for record in &run.policies {
                if !policies.contains(&record.policy) {
                    policies.push(record.policy.clone());
                }
            }
        }
        policies.retain(|policy| results.runs.iter().any(|run| run.policy(policy).is_some()));
        let mut points: Vec<Point<'a>> = points.into_values().collect();
        for point in &mut points {
            point.runs.sort_by_key(|run| run.key.seed);
        }
        Self { results, points, policies }
    }

    /// The number of a policy, which decides its colour and mark wherever it is drawn.
    pub(super) fn series(&self, policy: &str) -> usize {
        self.policies.iter().position(|name| name == policy).unwrap_or(0)
    }

    /// The part of each run that figures leave out.
    pub(super) fn warm_up(&self) -> WarmUp {
        self.results.head.warm_up
    }

    /// The warm-up in words.
    pub(super) fn warm_up_words(&self) -> String {
        self.warm_up().words().unwrap_or_else(|| "none is left out".to_owned())
    }

    /// The policies of a point.
    pub(super) fn policies_of(&self, point: &Point<'_>) -> Vec<&str> {
        let ran = |policy: &&String| point.of_policy(policy).next().is_some();
        self.policies.iter().filter(ran).map(String::as_str).collect()
    }

    /// `on-storage` and `download`, if both ran.
    pub(super) fn compared(&self) -> Option<(&str, &str)> {
        let has = |name: &str| self.policies.iter().any(|policy| policy == name);
        (has(ON_STORAGE) && has(DOWNLOAD)).then_some((ON_STORAGE, DOWNLOAD))
    }

    /// The points that get charts of their own: the first of each scenario. The tables have all of
    /// them.
    pub(super) fn shown(&self) -> Vec<&Point<'a>> {
        let mut shown: Vec<&Point<'a>> = Vec::new();
        for point in &self.points {
            if !shown.iter().any(|other| other.scenario == point.scenario) {
                shown.push(point);
            }
        }
        shown
    }
}

/// Rank of a run in the order that was asked for; others come last.
fn rank(results: &SweepResults, run: &RunRecord) -> Vec<usize> {
    let scenarios = &results.head.scenarios;
    let scenario = scenarios.iter().position(|(name, _)| *name == run.key.scenario);
    let axes = results.head.axes.iter().map(|(key, values)| {
        let value = run.key.settings.get(key);
        values.iter().position(|known| Some(known) == value).unwrap_or(values.len())
    });
    std::iter::once(scenario.unwrap_or(scenarios.len())).chain(axes).collect()
}
