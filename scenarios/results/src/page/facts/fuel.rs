//! The comparison at each fuel rate that was swept.
//!
//! The fuel rate of a core is the model's figure, not a measured one, and it decides how much
//! computing weighs beside the network. Leaves out rates between those that ran: between two of
//! them a comparison turns somewhere, not at a known place.

use std::cmp::Ordering;

use stayput_engine::quantity::parse_fuel_rate;

use super::{Facts, ratio, short_key};
use crate::stats::{ComparedFigure, Estimate, FUEL_AXIS};

/// A point of the sweep without its fuel rate, with the comparison at each rate.
#[derive(Clone, Debug)]
pub(in crate::page) struct FuelLine {
    /// The scenario and the other settings.
    pub(in crate::page) name: String,
    /// Each rate as it was written and as a number, ascending, with the ratio of median latencies.
    pub(in crate::page) rates: Vec<(String, f64, Option<Estimate>)>,
}

impl FuelLine {
    /// The lines of a sweep that varied the fuel rate; none if it did not, or nothing is to be
    /// compared.
    pub(in crate::page) fn all(facts: &Facts<'_>, near: &str, far: &str) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::new();
        for point in &facts.points {
            let Some(text) = point.settings.get(FUEL_AXIS) else { continue };
            let Ok(rate) = parse_fuel_rate(text) else { continue };
            let others = point.settings.iter().filter(|(key, _)| *key != FUEL_AXIS);
            let mut name = point.scenario.to_owned();
            for (key, value) in others {
                name.push_str(&format!(", {} = {value}", short_key(key)));
            }
            let pair = point.pair(near, far, facts.warm_up());
            let median = pair.and_then(|pair| ratio(&pair, ComparedFigure::LatencyP50));
            let figure = (text.clone(), rate.get() as f64, median);
            match lines.iter_mut().find(|line| line.name == name) {
                Some(line) => line.rates.push(figure),
                None => lines.push(Self { name, rates: vec![figure] }),
            }
        }
        lines.retain(|line| line.rates.len() > 1);
        for line in &mut lines {
            line.rates.sort_by(|a, b| a.1.total_cmp(&b.1));
        }
        lines
    }

    /// Rates between which the faster policy becomes the slower one: the last of one sign, and the
    /// first of the other.
    pub(in crate::page) fn turns(&self) -> Vec<(&str, &str)> {
        let known: Vec<(&str, Ordering)> = self.signs().filter(|(_, sign)| sign.is_ne()).collect();
        let pairs = known.windows(2).filter(|pair| pair[0].1 != pair[1].1);
        pairs.map(|pair| (pair[0].0, pair[1].0)).collect()
    }

    /// The conclusion, in words that the intervals carry.
    pub(in crate::page) fn says(&self, near: &str, far: &str) -> String {
        let at = |wanted: Ordering| -> Vec<&str> {
            self.signs().filter(|(_, sign)| *sign == wanted).map(|(rate, _)| rate).collect()
        };
        let parts: Vec<String> = [
            (Ordering::Less, format!("{near} faster")),
            (Ordering::Greater, format!("{far} faster")),
            (Ordering::Equal, "no difference shown".to_owned()),
        ]
        .into_iter()
        .filter_map(|(sign, words)| match at(sign) {
            rates if rates.is_empty() => None,
            rates if rates.len() == self.rates.len() => Some(format!("{words} at each rate")),
            rates => Some(format!("{words} at {}", rates.join(", "))),
        })
        .collect();
        let turns: Vec<String> = self
            .turns()
            .iter()
            .map(|(one, other)| format!("turns between {one} and {other}"))
            .collect();
        [turns, parts].concat().join("; ")
    }

    /// The interval's side of 1 at each rate; `Equal` if it holds 1, or there is none.
    fn signs(&self) -> impl Iterator<Item = (&str, Ordering)> {
        self.rates.iter().map(|(text, _, ratio)| {
            let side = ratio.and_then(|ratio| ratio.beside(1.0));
            (text.as_str(), side.unwrap_or(Ordering::Equal))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ratios: &[(&str, f64, f64)]) -> FuelLine {
        let rate = |(text, low, high): &(&str, f64, f64)| {
            let (median, count) = ((low + high) / 2.0, 6);
            let estimate = Estimate { median, low: Some(*low), high: Some(*high), count };
            ((*text).to_owned(), text.parse().expect("it is a number"), Some(estimate))
        };
        FuelLine { name: "banana".to_owned(), rates: ratios.iter().map(rate).collect() }
    }

    #[test]
    fn a_comparison_turns_between_the_last_rate_of_one_sign_and_the_first_of_the_other() {
        let line = line(&[("1e8", 1.2, 1.4), ("3e8", 0.9, 1.1), ("1e9", 0.5, 0.6)]);
        assert_eq!(line.turns(), [("1e8", "1e9")]);
        assert_eq!(
            line.says("near", "far"),
            "turns between 1e8 and 1e9; near faster at 1e9; far faster at 1e8; no difference shown at 3e8"
        );
    }

    #[test]
    fn what_stays_is_said_to_stay_and_what_is_open_is_no_claim() {
        let stays = line(&[("1e8", 0.7, 0.8), ("1e9", 0.5, 0.6)]);
        assert_eq!(
            (stays.turns(), stays.says("near", "far")),
            (vec![], "near faster at each rate".to_owned())
        );
        let open = line(&[("1e8", 0.7, 1.8), ("1e9", 0.5, 1.6)]);
        assert_eq!(open.says("near", "far"), "no difference shown at each rate");
    }
}
