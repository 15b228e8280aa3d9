//! Sensitivity of the comparison to the fuel rate.
//!
//! Fuel per second is a model's figure, and it decides how much computing weighs beside the
//! network.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{ComparedFigure, Estimate, SweepPoint};

/// The axis that varies how fast nodes compute; workers follow unless they have a rate of their
/// own.
pub const FUEL_AXIS: &str = "node.fuel_per_second";

/// Effect of varying the fuel rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FuelSensitivity {
    /// True if it was an axis of the sweep with more than one value.
    pub varied: bool,
    /// The conclusion, in words.
    pub says: String,
    /// A row for each point and pair of policies; empty if it was not varied.
    pub rows: Vec<FuelRow>,
}

/// Two policies at one fuel rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FuelRow {
    /// The scenario's name.
    pub scenario: String,
    /// The values of the other axes.
    pub settings: BTreeMap<String, String>,
    /// The one policy.
    pub one: String,
    /// The other.
    pub other: String,
    /// The fuel rate, as it was written.
    pub fuel_per_second: String,
    /// The difference of median latencies in microseconds, the one less the other; `None` if it
    /// cannot be compared.
    pub latency_p50_us: Option<Estimate>,
    /// The difference of makespans in microseconds.
    pub makespan_us: Option<Estimate>,
}

impl FuelSensitivity {
    /// The sensitivity over the points of a sweep.
    #[must_use]
    pub fn of(points: &[SweepPoint]) -> Self {
        let rates: BTreeSet<&String> =
            points.iter().filter_map(|point| point.settings.get(FUEL_AXIS)).collect();
        if rates.len() < 2 {
            let says = format!(
                "{FUEL_AXIS} was not varied: that the comparison holds at another fuel rate is not shown"
            );
            return Self { varied: false, says, rows: Vec::new() };
        }
        let rows: Vec<FuelRow> = points.iter().flat_map(rows).collect();
        let says = says(&rows, rates.len());
        Self { varied: true, says, rows }
    }
}

fn rows(point: &SweepPoint) -> Vec<FuelRow> {
    let mut settings = point.settings.clone();
    let Some(rate) = settings.remove(FUEL_AXIS) else { return Vec::new() };
    let row = |pair: &super::PairPoint| {
        let difference = |figure: ComparedFigure| Some(pair.figures.get(figure.key())?.difference);
        FuelRow {
            scenario: point.scenario.clone(),
            settings: settings.clone(),
            one: pair.one.clone(),
            other: pair.other.clone(),
            fuel_per_second: rate.clone(),
            latency_p50_us: difference(ComparedFigure::LatencyP50),
            makespan_us: difference(ComparedFigure::Makespan),
        }
    };
    point.pairs.iter().map(row).collect()
}

/// Counts the comparisons of median latency that come out the same way at all rates.
fn says(rows: &[FuelRow], rates: usize) -> String {
    let mut ways: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        let way = row.latency_p50_us.and_then(|difference| difference.beside(0.0));
        let group = (&row.scenario, &row.settings, &row.one, &row.other);
        ways.entry(group).or_default().push(way);
    }
    let all = ways.len();
    let open = ways.values().filter(|ways| ways.contains(&None)).count();
    let same =
        ways.values().filter(|ways| ways[0].is_some() && ways.iter().all(|way| *way == ways[0]));
    let same = same.count();
    let turned = all - same - open;
    format!(
        "over {rates} fuel rates, {same} of {all} comparisons of median latency come out the same way at each, \
         {turned} depend on the rate, {open} have no interval at some rate"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Gatherer, WarmUp};
    use super::*;
    use crate::fixtures::{policy, record};
    use stayput_engine::record::RunKey;

    /// Points at each of these rates, with the latencies of `a` and `b` there.
    fn points(rates: &[(&str, u64, u64)]) -> Vec<SweepPoint> {
        let mut gatherer = Gatherer::new(WarmUp::Percent(0));
        for (rate, one, other) in rates {
            for seed in 0..6 {
                let settings = BTreeMap::from([(FUEL_AXIS.to_owned(), (*rate).to_owned())]);
                let key = RunKey { scenario: "banana".to_owned(), settings, seed };
                let policies = [policy("a", &[Some(*one)]), policy("b", &[Some(*other)])];
                gatherer.add(&record(key, &policies));
            }
        }
        gatherer.points()
    }

    #[test]
    fn one_rate_is_said_to_show_nothing() {
        let fuel = FuelSensitivity::of(&points(&[("1e9", 5, 9)]));
        assert!(!fuel.varied && fuel.rows.is_empty());
        assert!(fuel.says.contains("was not varied"), "{}", fuel.says);
    }

    #[test]
    fn a_comparison_that_turns_is_said_to_depend_on_the_rate() {
        let fuel = FuelSensitivity::of(&points(&[("1e8", 9, 5), ("1e9", 5, 9)]));
        assert!(fuel.varied);
        assert_eq!(fuel.rows.len(), 2);
        assert_eq!(fuel.rows[0].latency_p50_us.unwrap().median, 4.0);
        assert_eq!(fuel.rows[1].fuel_per_second, "1e9");
        assert!(fuel.says.contains("0 of 1 comparisons"), "{}", fuel.says);
        assert!(fuel.says.contains("1 depend on the rate"), "{}", fuel.says);
    }

    #[test]
    fn a_comparison_that_stays_is_said_to_stay() {
        let fuel = FuelSensitivity::of(&points(&[("1e8", 6, 9), ("1e9", 5, 9)]));
        assert!(fuel.says.contains("1 of 1 comparisons"), "{}", fuel.says);
    }
}
