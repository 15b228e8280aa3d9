//! What another fuel rate does to the comparison: the same jobs at each rate that was swept.
//!
//! How much fuel a core burns in a second is the model's figure, not a measured one, and it decides how much computing weighs beside
//! the network. Leaves out rates between those that ran: between two of them a comparison turns somewhere, not at a known place.

use stayput_engine::quantity::parse_fuel_rate;

use super::{Estimate, Facts, Pairs, Sign, short_key};
use crate::statistics::FUEL_AXIS;

/// A point of the sweep without its fuel rate, and what came of it at each rate.
#[derive(Clone, Debug)]
pub(in crate::page) struct FuelLine {
    /// The scenario and the other settings.
    pub(in crate::page) name: String,
    /// Each rate as it was written and as a number, ascending, with the ratio of median latencies.
    pub(in crate::page) rates: Vec<(String, f64, Option<Estimate>)>,
}

impl FuelLine {
    /// The lines of a sweep that varied the fuel rate; none if it did not, or nothing is to be compared.
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
            let median = Pairs::of(point, near, far, facts.warm_up())
                .and_then(|pairs| pairs.metric("median latency").and_then(|metric| metric.change))
                .map(|change| change.shifted(1.0));
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

    /// Between which two rates the faster policy becomes the slower one: the last with one sign and the first with the other.
    pub(in crate::page) fn turns(&self) -> Vec<(&str, &str)> {
        let known: Vec<(&str, Sign)> =
            self.signs().filter(|(_, sign)| *sign != Sign::Open).collect();
        let pairs = known.windows(2).filter(|pair| pair[0].1 != pair[1].1);
        pairs.map(|pair| (pair[0].0, pair[1].0)).collect()
    }

    /// What follows, in words that the intervals carry.
    pub(in crate::page) fn says(&self, near: &str, far: &str) -> String {
        let at = |wanted: Sign| -> Vec<&str> {
            self.signs().filter(|(_, sign)| *sign == wanted).map(|(rate, _)| rate).collect()
        };
        let parts: Vec<String> = [
            (Sign::Less, format!("{near} faster")),
            (Sign::More, format!("{far} faster")),
            (Sign::Open, "no difference shown".to_owned()),
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

    fn signs(&self) -> impl Iterator<Item = (&str, Sign)> {
        self.rates.iter().map(|(text, _, ratio)| {
            (text.as_str(), ratio.map_or(Sign::Open, |ratio| ratio.shifted(-1.0).sign()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ratios: &[(&str, f64, f64)]) -> FuelLine {
        let rate = |(text, low, high): &(&str, f64, f64)| {
            let estimate =
                Estimate { n: 6, median: (low + high) / 2.0, interval: Some((*low, *high)) };
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
