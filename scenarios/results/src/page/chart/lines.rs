//! Lines and marks over two axes, with bands behind them.

use maud::{Markup, html};

use super::{SERIES, Scale, Width, axis_below, axis_left, fitted, mark, n, picture};

/// A line, its marks, or both.
#[derive(Clone, Debug, Default)]
pub(in crate::page) struct Line {
    /// The series.
    pub(in crate::page) series: usize,
    /// Vertices of the line; empty for marks alone.
    pub(in crate::page) points: Vec<(f64, f64)>,
    /// Positions of the marks.
    pub(in crate::page) marks: Vec<(f64, f64)>,
    /// Intervals, each from one place to another.
    pub(in crate::page) spans: Vec<[(f64, f64); 2]>,
}

/// A marked interval of the axis below, such as the time of a fault.
#[derive(Clone, Debug)]
pub(in crate::page) struct Band {
    /// Start and end, in figures of the axis.
    pub(in crate::page) span: (f64, f64),
    /// Its label.
    pub(in crate::page) name: String,
}

/// Title, axes and height of a line plot.
#[derive(Clone, Copy, Debug)]
pub(in crate::page) struct Plot<'a> {
    /// Its title.
    pub(in crate::page) title: &'a str,
    /// Description for screen readers.
    pub(in crate::page) about: &'a str,
    /// The name of the axis below.
    pub(in crate::page) below: &'a str,
    /// The name of the axis at the left.
    pub(in crate::page) left: &'a str,
    /// Its height without the axis below.
    pub(in crate::page) height: f64,
    /// Value of a horizontal reference line, such as no difference.
    pub(in crate::page) level: Option<f64>,
}

/// A plot of lines. The scales get their places from `axes`: the span on paper along and up.
pub(in crate::page) fn line_plot(
    plot: Plot<'_>,
    axes: impl Fn((f64, f64), (f64, f64)) -> (Scale, Scale),
    lines: &[Line],
    bands: &[Band],
    width: Width,
) -> Markup {
    let px = width.px();
    let (left, right) = (64.0, px - 16.0);
    let (top, bottom) = (26.0 + 13.0 * bands.len() as f64, plot.height + 13.0 * bands.len() as f64);
    let (along, up) = axes((left, right), (bottom, top));
    let marks = html! {
        @for (at, band) in bands.iter().enumerate() {
            @let (x0, x1) = (along.at(band.span.0), along.at(band.span.1));
            @let y = 24.0 + 13.0 * at as f64;
            rect.fault x=(n(x0)) y=(n(y)) width=(n((x1 - x0).max(1.0))) height=(n(bottom - y)) fill="url(#hatch4)" { title { (band.name) } }
            path.fault-edge d=(format!("M{} {y0}V{y1}M{} {y0}V{y1}", n(x0), n(x1), y0 = n(y), y1 = n(bottom))) {}
            // Near the right edge the words end where the band does.
            @let late = x0 > px * 0.6;
            text.fault-name.halo x=(n(if late { x1 - 3.0 } else { x0 + 3.0 })) y=(n(y + 10.0)) text-anchor=(if late { "end" } else {
                "start" }) {
                (fitted(&band.name, if late { x1 - left } else { right - x0 }))
            }
        }
        (axis_below(&along, width.ticks(), (top, bottom), (right, plot.below)))
        (axis_left(&up, 6, (left, right), (16.0, plot.left)))
        path.frame d=(format!("M{} {}V{}H{}", n(left), n(top), n(bottom), n(right))) {}
        @if let Some(level) = plot.level {
            line.zero x1=(n(left)) x2=(n(right)) y1=(n(up.at(level))) y2=(n(up.at(level))) {}
        }
        @for line in lines {
            @for [from, to] in &line.spans {
                path class=(format!("span s{}", line.series % SERIES)) d=(format!("M{} {}L{} {}", n(along.at(from.0)), n(up.at(from.1)),
                    n(along.at(to.0)), n(up.at(to.1)))) {}
            }
            @if !line.points.is_empty() {
                path class=(format!("line s{}", line.series % SERIES)) d=(path_of(line, &along, &up)) {}
            }
            @for (x, y) in &line.marks { (mark(line.series, along.at(*x), up.at(*y))) }
        }
    };
    picture(plot.title, plot.about, (px, bottom + 38.0), &marks)
}

fn path_of(line: &Line, along: &Scale, up: &Scale) -> String {
    let mut path = String::new();
    for (at, (x, y)) in line.points.iter().enumerate() {
        path.push(if at == 0 { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", n(along.at(*x)), n(up.at(*y))));
    }
    path
}

/// The corners of a line that keeps its height until the next point.
pub(in crate::page) fn step_path(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::with_capacity(points.len() * 2);
    for (x, y) in points {
        if let Some((_, before)) = corners.last().copied() {
            corners.push((*x, before));
        }
        corners.push((*x, *y));
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_keeps_its_height_until_the_next_point() {
        assert_eq!(step_path(&[(0.0, 1.0), (2.0, 3.0)]), [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0)]);
        assert_eq!(step_path(&[]), []);
    }
}
