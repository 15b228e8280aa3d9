//! Estimates with their intervals beside a line of no difference.

use maud::{Markup, html};

use super::{SERIES, Scale, Unit, Width, axis_below, fitted, mark, n, picture};
use crate::page::facts::Estimate;

/// An estimate with its name.
#[derive(Clone, Debug)]
pub(in crate::page) struct Dot {
    /// Its name.
    pub(in crate::page) name: String,
    /// Its series.
    pub(in crate::page) series: usize,
    /// The estimate.
    pub(in crate::page) estimate: Estimate,
}

/// Between two dots of a row.
const STEP: f64 = 11.0;

/// Dots with their intervals, those of one name below each other; `sides` says what less and what more than nothing means.
pub(in crate::page) fn dot_ranges(
    title: &str,
    axis: &str,
    (less, more): (&str, &str),
    dots: &[Dot],
    width: Width,
) -> Markup {
    let (row, px) = (20.0, width.px());
    let rows = rows(dots);
    let (left, right, top) = (12.0, px - 24.0, 24.0);
    let bottom = top + rows.iter().map(|dots| row + STEP * dots.len() as f64).sum::<f64>();
    let ends =
        |dot: &Dot| dot.estimate.interval.unwrap_or((dot.estimate.median, dot.estimate.median));
    let low = dots.iter().map(|dot| ends(dot).0.min(dot.estimate.median)).fold(0.0, f64::min);
    let high = dots.iter().map(|dot| ends(dot).1.max(dot.estimate.median)).fold(0.0, f64::max);
    let pad = ((high - low) * 0.06).max(0.01);
    let scale = Scale::linear(Unit::Fraction, (low - pad, high + pad), (left, right));
    let zero = scale.at(0.0);
    let marks = html! {
        (axis_below(&scale, width.ticks() - 1, (top, bottom), (right, axis)))
        line.zero x1=(n(zero)) x2=(n(zero)) y1=(n(top - 6.0)) y2=(n(bottom)) {}
        @if zero - left > 90.0 { text.axis x=(n(zero - 8.0)) y=(n(top - 10.0)) text-anchor="end" { "← " (less) } }
        @if right - zero > 90.0 { text.axis x=(n(zero + 8.0)) y=(n(top - 10.0)) { (more) " →" } }
        @for (at, same) in rows.iter().enumerate() {
            @let y = top + rows[..at].iter().map(|dots| row + STEP * dots.len() as f64).sum::<f64>();
            // Words stand on the side where the zero line leaves more room.
            @let (text_x, anchor) = if zero > px / 2.0 { (left, "start") } else { (right + 10.0, "end") };
            text.name.halo x=(n(text_x)) y=(n(y + 13.0)) text-anchor=(anchor) { (fitted(&same[0].name, px * 0.9)) }
            @for (at, dot) in same.iter().enumerate() {
                @let y = y + row + STEP * (at as f64 + 0.4);
                @if let Some((low, high)) = dot.estimate.interval {
                    path class=(format!("range s{}", dot.series % SERIES)) d=(format!("M{} {y0}H{}", n(scale.at(low)),
                        n(scale.at(high)), y0 = n(y))) {}
                }
                (mark(dot.series, scale.at(dot.estimate.median), y))
            }
        }
    };
    let about = dots.iter().map(|dot| {
        format!(
            "{}: {}",
            dot.name,
            crate::page::show::estimate(Some(&dot.estimate), crate::page::show::change)
        )
    });
    picture(title, &about.collect::<Vec<_>>().join("; "), (px, bottom + 38.0), &marks)
}

/// Dots that follow each other and have the same name.
fn rows(dots: &[Dot]) -> Vec<&[Dot]> {
    dots.chunk_by(|one, other| one.name == other.name).collect()
}
