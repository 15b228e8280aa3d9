//! Scales and ticks of axes: figures to coordinates, and the labels of ticks.
//!
//! Leaves out dates and negative logarithms: no axis of the page has any.

use crate::page::show;

/// Unit of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::page) enum Unit {
    /// Bytes.
    Bytes,
    /// Microseconds.
    Micros,
    /// Fractions, shown in percent.
    Fraction,
    /// Whole numbers.
    Count,
    /// Factors, beside 1 for no difference.
    Ratio,
    /// Fuel per second, written as scenarios write it.
    Fuel,
}

impl Unit {
    /// A figure as the tables show it.
    pub(in crate::page) fn show(self, value: f64) -> String {
        match self {
            Self::Bytes => show::size(value),
            Self::Micros => show::micros(value),
            Self::Fraction => show::percent(value),
            Self::Count => show::plain(value),
            Self::Ratio => show::times(value),
            Self::Fuel => format!("{value:e}"),
        }
    }

    /// Lower bound of a logarithmic axis; figures below are drawn there.
    const fn least(self) -> f64 {
        match self {
            Self::Ratio => 1e-6,
            _ => 1.0,
        }
    }

    /// Label of a tick: a round figure without decimal places.
    fn tick(self, value: f64) -> String {
        if value == 0.0 && self != Self::Fraction {
            return "0".to_owned();
        }
        let text = self.show(value);
        if self == Self::Ratio {
            let number = text.trim_end_matches('×');
            let short = number.trim_end_matches('0').trim_end_matches('.');
            return format!("{}×", if number.contains('.') { short } else { number });
        }
        text.replace(".0 ", " ")
    }
}

/// Upper bound beyond every measured figure; larger ones are drawn here, so that every coordinate
/// is finite.
const VAST: f64 = 1e15;

/// Mapping from figures of an axis to coordinates.
#[derive(Clone, Copy, Debug)]
pub(in crate::page) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
    unit: Unit,
}

impl Scale {
    /// Equal steps of the figure are equal steps on paper. An empty or unfit range becomes one that
    /// has a length.
    pub(in crate::page) fn linear(
        unit: Unit,
        (low, high): (f64, f64),
        (from, to): (f64, f64),
    ) -> Self {
        let low = if low.is_finite() { low.clamp(-VAST, VAST) } else { 0.0 };
        let high = if high.is_finite() && high > low + low.abs() * 1e-9 {
            high.min(2.0 * VAST)
        } else {
            low + 1.0
        };
        Self { low, high, from, to, log: false, unit }
    }

    /// Equal factors of the figure are equal steps on paper. Figures below the unit's least are
    /// drawn there.
    pub(in crate::page) fn log(
        unit: Unit,
        (low, high): (f64, f64),
        (from, to): (f64, f64),
    ) -> Self {
        let least = unit.least();
        let low = if low.is_finite() { low.clamp(least, VAST) } else { least };
        let high =
            if high.is_finite() && high > low * 1.05 { high.min(2.0 * VAST) } else { low * 2.0 };
        Self { low, high, from, to, log: true, unit }
    }

    /// Coordinate of a figure; one outside the axis is drawn at its edge.
    pub(in crate::page) fn at(&self, value: f64) -> f64 {
        let value = if value.is_nan() { self.low } else { value.clamp(self.low, self.high) };
        let part = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + part * (self.to - self.from)
    }

    /// At most about `wanted` round figures within the scale, with what to write beside them.
    pub(in crate::page) fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let values = if self.log { self.log_ticks(wanted) } else { self.linear_ticks(wanted) };
        values.into_iter().map(|value| (value, self.unit.tick(value))).collect()
    }

    fn linear_ticks(&self, wanted: usize) -> Vec<f64> {
        let raw = (self.high - self.low) / wanted.max(1) as f64;
        let power = 10f64.powf(raw.log10().floor());
        let mut step = [1.0, 2.0, 5.0, 10.0]
            .map(|nice| nice * power)
            .into_iter()
            .find(|step| *step >= raw * 0.999);
        if self.unit == Unit::Count {
            // Half a job is no place on an axis.
            step = step.map(|step| step.max(1.0));
        }
        let step = step.unwrap_or(power * 10.0);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|at| at as f64 * step).collect()
    }

    fn log_ticks(&self, wanted: usize) -> Vec<f64> {
        if self.high < self.low * 4.0 {
            // Too short for the usual steps of a logarithmic axis.
            return self.linear_ticks(wanted);
        }
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        let within = |value: &f64| *value >= self.low * 0.999 && *value <= self.high * 1.001;
        let of = |nice: &[f64]| -> Vec<f64> {
            (first..=last)
                .flat_map(|power| nice.iter().map(move |n| n * 10f64.powi(power)))
                .filter(within)
                .collect()
        };
        // The finest of the usual steps that leaves room for what is written.
        let choices = [
            of(&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0]),
            of(&[1.0, 2.0, 5.0]),
            of(&[1.0, 3.0]),
            of(&[1.0]),
        ];
        let fits = choices.iter().find(|ticks| ticks.len() <= wanted);
        let ticks = fits.unwrap_or(&choices[3]);
        let every = ticks.len().div_ceil(wanted.max(1)).max(1);
        ticks.iter().copied().step_by(every).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_a_scale_lie_at_its_ends_on_paper() {
        let linear = Scale::linear(Unit::Bytes, (0.0, 10.0), (100.0, 200.0));
        assert_eq!((linear.at(0.0), linear.at(5.0), linear.at(10.0)), (100.0, 150.0, 200.0));
        let log = Scale::log(Unit::Micros, (10.0, 1_000.0), (0.0, 100.0));
        assert!((log.at(100.0) - 50.0).abs() < 1e-9, "{}", log.at(100.0));
        assert_eq!(log.at(1e9), 100.0);
    }

    #[test]
    fn a_scale_turned_round_still_finds_its_places() {
        let down = Scale::linear(Unit::Fraction, (0.0, 1.0), (200.0, 0.0));
        assert_eq!(down.at(0.25), 150.0);
    }

    #[test]
    fn ticks_are_round_and_within() {
        let ticks = Scale::linear(Unit::Count, (0.0, 37.0), (0.0, 1.0)).ticks(5);
        let values: Vec<f64> = ticks.iter().map(|tick| tick.0).collect();
        assert_eq!(values, [0.0, 10.0, 20.0, 30.0]);
        let ticks = Scale::log(Unit::Micros, (800.0, 60_000.0), (0.0, 1.0)).ticks(8);
        let words: Vec<&str> = ticks.iter().map(|tick| tick.1.as_str()).collect();
        assert_eq!(words, ["1 ms", "2 ms", "5 ms", "10 ms", "20 ms", "50 ms"]);
    }

    #[test]
    fn ratios_have_ticks_on_both_sides_of_one_and_one_in_the_middle() {
        let scale = Scale::log(Unit::Ratio, (0.1, 10.0), (0.0, 100.0));
        assert!((scale.at(1.0) - 50.0).abs() < 1e-9, "{}", scale.at(1.0));
        let words: Vec<String> = scale.ticks(9).into_iter().map(|tick| tick.1).collect();
        assert_eq!(words, ["0.1×", "0.2×", "0.5×", "1×", "2×", "5×", "10×"]);
        let short = Scale::log(Unit::Ratio, (0.8, 1.25), (0.0, 100.0)).ticks(9);
        assert!(short.iter().any(|tick| tick.1 == "1×") && short.len() >= 4, "{short:?}");
    }

    #[test]
    fn counts_have_no_ticks_between_whole_ones() {
        let ticks = Scale::linear(Unit::Count, (0.0, 2.0), (0.0, 1.0)).ticks(8);
        assert_eq!(ticks.iter().map(|tick| tick.1.as_str()).collect::<Vec<_>>(), ["0", "1", "2"]);
    }

    #[test]
    fn no_range_whatever_gives_a_place_that_is_no_number() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e-300, 1e300];
        for low in odd {
            for high in odd {
                for scale in [
                    Scale::linear(Unit::Bytes, (low, high), (0.0, 100.0)),
                    Scale::log(Unit::Micros, (low, high), (0.0, 100.0)),
                ] {
                    for value in odd {
                        assert!(scale.at(value).is_finite(), "{low} {high} {value}");
                    }
                }
            }
        }
        assert!(Scale::linear(Unit::Bytes, (f64::NAN, f64::NAN), (0.0, 1.0)).ticks(5).len() < 10);
    }
}
