//! Charts as inline SVG, with legends, for the figures of the page.
//!
//! `plotters` would do most of it, but its SVG has fixed colours, no classes and no titles,
//! so that neither a dark page, nor paper, nor a screen reader could use it.
//! Here every mark has a class, the style sheet has the colours, each picture has a title and a
//! description, and each is drawn twice, for wide and for narrow pages, so that its words stay
//! readable. Leaves out everything that moves.

mod bars;
mod dots;
mod heat;
mod lines;
mod scale;

use maud::{Markup, html};

pub(super) use bars::{Bar, stacked_bars};
pub(super) use dots::{Dot, Ratios, dot_ranges};
pub(super) use heat::{Cell, Frontier, HeatMap, Tone, heat_map};
pub(super) use lines::{Band, Line, Plot, line_plot, step_path};
pub(super) use scale::{Scale, Unit};

use super::table::Table;

/// Width of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// For pages of a screen or on paper.
    Wide,
    /// For a phone.
    Narrow,
}

impl Width {
    /// Width in units of the picture, which are about pixels.
    pub(super) const fn px(self) -> f64 {
        match self {
            Self::Wide => 760.0,
            Self::Narrow => 344.0,
        }
    }

    /// Number of ticks that an axis along the width has room for.
    pub(super) const fn ticks(self) -> usize {
        match self {
            Self::Wide => 9,
            Self::Narrow => 4,
        }
    }
}

/// Number of series with a colour, dash, hatch and mark of their own; further series begin again.
pub(super) const SERIES: usize = 8;

/// A figure: caption, legend, the picture in both widths, and the figures behind it.
pub(super) fn figure(
    caption: &str,
    legend: &Markup,
    draw: impl Fn(Width) -> Markup,
    table: &Table,
) -> Markup {
    html! {
        figure {
            figcaption { (caption) }
            (legend)
            div.wide { (draw(Width::Wide)) }
            div.narrow { (draw(Width::Narrow)) }
            (table.behind())
        }
    }
}

/// The picture itself. Its title and description give the content in words.
pub(super) fn picture(
    title: &str,
    about: &str,
    (width, height): (f64, f64),
    marks: &Markup,
) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {} {}", n(width), n(height))) role="img" aria-label=(format!("{title}. {about}")) {
            title { (title) }
            desc { (about) }
            (marks)
        }
    }
}

/// Legend of areas: colour and hatch of each series.
pub(super) fn legend_of_areas<'a>(names: impl IntoIterator<Item = (usize, &'a str)>) -> Markup {
    html! {
        ul.legend {
            @for (series, name) in names {
                li {
                    svg.key viewBox="0 0 22 12" aria-hidden="true" { (area(series, (0.5, 0.5, 21.0, 11.0), "")) }
                    (name)
                }
            }
        }
    }
}

/// Legend of lines: dash and mark of each series.
pub(super) fn legend_of_lines<'a>(names: impl IntoIterator<Item = (usize, &'a str)>) -> Markup {
    html! {
        ul.legend {
            @for (series, name) in names {
                li {
                    svg.key viewBox="0 0 34 12" aria-hidden="true" {
                        path class=(format!("line s{}", series % SERIES)) d="M0 6H34" {}
                        (mark(series, 17.0, 6.0))
                    }
                    (name)
                }
            }
        }
    }
}

/// An area of a series with its hatch, and a tooltip unless that is empty.
pub(super) fn area(
    series: usize,
    (x, y, width, height): (f64, f64, f64, f64),
    tip: &str,
) -> Markup {
    let hatch = series % 4;
    html! {
        rect class=(format!("area f{}", series % SERIES)) x=(n(x)) y=(n(y)) width=(n(width)) height=(n(height)) {
            @if !tip.is_empty() { title { (tip) } }
        }
        @if hatch > 0 {
            rect.hatch x=(n(x)) y=(n(y)) width=(n(width)) height=(n(height)) fill=(format!("url(#hatch{hatch})")) {}
        }
    }
}

/// The mark of a series: a shape of its own, so that series differ without colour.
pub(super) fn mark(series: usize, x: f64, y: f64) -> Markup {
    let class = format!("mark f{}", series % SERIES);
    let polygon = |points: &[(f64, f64)]| {
        let points: Vec<String> =
            points.iter().map(|(dx, dy)| format!("{},{}", n(x + dx), n(y + dy))).collect();
        html! { polygon class=(class) points=(points.join(" ")) {} }
    };
    match series % SERIES {
        0 => html! { circle class=(class) cx=(n(x)) cy=(n(y)) r="3.6" {} },
        1 => polygon(&[(-3.4, -3.4), (3.4, -3.4), (3.4, 3.4), (-3.4, 3.4)]),
        2 => polygon(&[(0.0, -4.4), (4.2, 3.2), (-4.2, 3.2)]),
        3 => polygon(&[(0.0, -4.8), (4.8, 0.0), (0.0, 4.8), (-4.8, 0.0)]),
        4 => polygon(&[(0.0, 4.4), (4.2, -3.2), (-4.2, -3.2)]),
        5 => polygon(&[
            (-1.5, -4.5),
            (1.5, -4.5),
            (1.5, -1.5),
            (4.5, -1.5),
            (4.5, 1.5),
            (1.5, 1.5),
            (1.5, 4.5),
            (-1.5, 4.5),
            (-1.5, 1.5),
            (-4.5, 1.5),
            (-4.5, -1.5),
            (-1.5, -1.5),
        ]),
        6 => polygon(&[(-4.6, -2.2), (4.6, -2.2), (4.6, 2.2), (-4.6, 2.2)]),
        _ => polygon(&[(-2.2, -4.6), (2.2, -4.6), (2.2, 4.6), (-2.2, 4.6)]),
    }
}

/// The axis below a plot: ticks, grid lines up to `top`, and its name at the right end.
pub(super) fn axis_below(
    scale: &Scale,
    ticks: usize,
    (top, bottom): (f64, f64),
    (right, name): (f64, &str),
) -> Markup {
    html! {
        @for (value, words) in scale.ticks(ticks) {
            @let x = scale.at(value);
            line.grid x1=(n(x)) x2=(n(x)) y1=(n(top)) y2=(n(bottom)) {}
            text.tick x=(n(x)) y=(n(bottom + 17.0)) text-anchor="middle" { (words) }
        }
        text.axis x=(n(right)) y=(n(bottom + 33.0)) text-anchor="end" { (name) }
    }
}

/// The axis left of a plot: ticks, grid lines up to `right`, and its name above it.
pub(super) fn axis_left(
    scale: &Scale,
    ticks: usize,
    (left, right): (f64, f64),
    (top, name): (f64, &str),
) -> Markup {
    html! {
        @for (value, words) in scale.ticks(ticks) {
            @let y = scale.at(value);
            line.grid x1=(n(left)) x2=(n(right)) y1=(n(y)) y2=(n(y)) {}
            text.tick x=(n(left - 6.0)) y=(n(y + 4.0)) text-anchor="end" { (words) }
        }
        text.axis x="2" y=(n(top - 9.0)) { (name) }
    }
}

/// The hatches that areas refer to; once in a page.
pub(super) fn hatches() -> Markup {
    html! {
        svg.defs width="0" height="0" aria-hidden="true" {
            defs {
                pattern id="hatch1" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    path.ink d="M0 0V6" {}
                }
                pattern id="hatch2" width="5" height="5" patternUnits="userSpaceOnUse" { circle.spot cx="2.5" cy="2.5" r="1" {} }
                pattern id="hatch3" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)" {
                    path.ink d="M0 0V6M0 0H6" {}
                }
                pattern id="hatch4" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    path.fault-ink d="M0 0V8" {}
                }
            }
        }
    }
}

/// A coordinate with one place: more cannot be seen.
pub(super) fn n(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded.is_finite() { format!("{}", rounded + 0.0) } else { "0".to_owned() }
}

/// A text cut to what `px` have room for, in letters of 12 px: in its middle, since names of points
/// differ at their ends.
pub(super) fn fitted(text: &str, px: f64) -> String {
    let room = (px / 6.6).max(3.0) as usize;
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let end = (room - 1) * 3 / 5;
    let rest = text.chars().count() - end;
    text.chars().take(room - 1 - end).chain(['…']).chain(text.chars().skip(rest)).collect()
}
