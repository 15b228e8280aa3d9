//! Ratios with their intervals beside a line of no difference.
//!
//! The axis is logarithmic, so that twice as much and half as much lie equally far from the line.

use maud::{Markup, html};

use super::{SERIES, Scale, Unit, Width, axis_below, fitted, mark, n, picture};
use crate::page::show;
use crate::stats::Estimate;

/// A ratio with its name.
#[derive(Clone, Debug)]
pub(in crate::page) struct Dot {
    /// Its name.
    pub(in crate::page) name: String,
    /// Its series.
    pub(in crate::page) series: usize,
    /// The ratio.
    pub(in crate::page) estimate: Estimate,
}

impl Dot {
    fn ends(&self) -> (f64, f64) {
        let (low, high) =
            self.estimate.interval().unwrap_or((self.estimate.median, self.estimate.median));
        (low.min(self.estimate.median), high.max(self.estimate.median))
    }
}

/// Title, axis and layout of a plot of ratios.
#[derive(Clone, Copy, Debug)]
pub(in crate::page) struct Ratios<'a> {
    /// Its title.
    pub(in crate::page) title: &'a str,
    /// The name of the axis.
    pub(in crate::page) axis: &'a str,
    /// Meaning of ratios below 1 and above 1.
    pub(in crate::page) sides: (&'a str, &'a str),
    /// True if 1 lies in the middle of the axis.
    pub(in crate::page) centred: bool,
}

/// Distance between two dots of a row.
const STEP: f64 = 12.0;
/// Width of the names at the left of a wide picture: minimum and maximum.
const GUTTER: (f64, f64) = (110.0, 260.0);

/// Dots with their intervals, those of one name below each other.
pub(in crate::page) fn dot_ranges(about: Ratios<'_>, dots: &[Dot], width: Width) -> Markup {
    let px = width.px();
    let wide = width == Width::Wide;
    let (before, after) = if wide { (8.0, 4.0) } else { (20.0, 2.0) };
    let rows: Vec<&[Dot]> = dots.chunk_by(|one, other| one.name == other.name).collect();
    let longest = rows.iter().map(|row| row[0].name.chars().count()).max().unwrap_or(0);
    let gutter = (longest as f64 * 6.7 + 16.0).clamp(GUTTER.0, GUTTER.1);
    let (left, right, top) = (if wide { gutter } else { 12.0 }, px - 24.0, 26.0);
    let high_of = |row: &&[Dot]| before + STEP * row.len() as f64 + after;
    let bottom = top + rows.iter().map(high_of).sum::<f64>();
    let scale = Scale::log(Unit::Ratio, span(dots, about.centred), (left, right));
    let one = scale.at(1.0);
    let room = |side: f64, words: &str| side > 7.0 * words.chars().count() as f64 + 20.0;
    let marks = html! {
        (axis_below(&scale, width.ticks(), (top, bottom), (right, about.axis)))
        line.zero x1=(n(one)) x2=(n(one)) y1=(n(top - 6.0)) y2=(n(bottom)) {}
        @if room(one, about.sides.0) { text.axis x=(n(one - 8.0)) y=(n(top - 10.0)) text-anchor="end" { "← " (about.sides.0) } }
        @if room(px - one, about.sides.1) { text.axis x=(n(one + 8.0)) y=(n(top - 10.0)) { (about.sides.1) " →" } }
        @for (at, same) in rows.iter().enumerate() {
            @let y = top + rows[..at].iter().map(high_of).sum::<f64>();
            line.rule x1="0" x2=(n(right)) y1=(n(y)) y2=(n(y)) {}
            @if wide {
                text.name x="0" y=(n(y + high_of(same) / 2.0 + 4.0)) { (fitted(&same[0].name, gutter - 12.0)) }
            } @else {
                text.name.halo x="0" y=(n(y + 14.0)) { (fitted(&same[0].name, px)) }
            }
            @for (at, dot) in same.iter().enumerate() {
                @let y = y + before + STEP * (at as f64 + 0.5);
                @if dot.estimate.interval().is_some() {
                    @let (low, high) = dot.ends();
                    path class=(format!("range s{}", dot.series % SERIES)) d=(format!("M{} {y0}H{}", n(scale.at(low)),
                        n(scale.at(high)), y0 = n(y))) {}
                }
                (mark(dot.series, scale.at(dot.estimate.median), y))
            }
        }
    };
    let described = dots
        .iter()
        .map(|dot| format!("{}: {}", dot.name, show::estimate(Some(&dot.estimate), show::times)));
    picture(about.title, &described.collect::<Vec<_>>().join("; "), (px, bottom + 38.0), &marks)
}

/// Range of the axis: it holds all positive figures, and 1.
fn span(dots: &[Dot], centred: bool) -> (f64, f64) {
    let ends = dots.iter().flat_map(|dot| [dot.ends().0, dot.ends().1]);
    let (low, high) = ends
        .filter(|end| *end > 0.0 && end.is_finite())
        .fold((1.0f64, 1.0f64), |(low, high), end| (low.min(end), high.max(end)));
    if centred {
        let far = high.max(1.0 / low).max(1.05).powf(1.08);
        return (1.0 / far, far);
    }
    let pad = (high / low).max(1.2).powf(0.06);
    (low / pad, high * pad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(low: f64, median: f64, high: f64) -> Dot {
        let estimate = Estimate { median, low: Some(low), high: Some(high), count: 6 };
        Dot { name: "a".to_owned(), series: 0, estimate }
    }

    #[test]
    fn a_centred_axis_reaches_as_far_below_one_as_above() {
        let (low, high) = span(&[dot(0.5, 2.0, 8.0)], true);
        assert!((low * high - 1.0).abs() < 1e-9 && high > 8.0, "{low} {high}");
    }

    #[test]
    fn nothing_at_all_does_not_stretch_the_axis() {
        let (low, high) = span(&[dot(0.0, 0.01, 0.02)], false);
        assert!(low > 0.001 && high > 1.0 && high < 2.0, "{low} {high}");
    }
}
