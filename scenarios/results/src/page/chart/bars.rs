//! Bars that are made of parts, one above the other.

use maud::{Markup, html};

use super::{Scale, Unit, Width, area, axis_below, fitted, n, picture};

/// A bar.
#[derive(Clone, Debug)]
pub(in crate::page) struct Bar {
    /// Its name.
    pub(in crate::page) name: String,
    /// Its parts: series, name and figure.
    pub(in crate::page) parts: Vec<(usize, String, f64)>,
    /// The interval of its whole, if one is known.
    pub(in crate::page) interval: Option<(f64, f64)>,
}

impl Bar {
    fn whole(&self) -> f64 {
        self.parts.iter().map(|part| part.2).filter(|part| part.is_finite()).sum()
    }
}

/// Bars with their wholes written behind them.
pub(in crate::page) fn stacked_bars(
    title: &str,
    (unit, axis): (Unit, &str),
    bars: &[Bar],
    width: Width,
) -> Markup {
    let (row, px) = (46.0, width.px());
    let (left, right, top) = (2.0, px - 12.0, 4.0);
    let bottom = top + row * bars.len() as f64;
    let ends =
        bars.iter().map(|bar| bar.interval.map_or(0.0, |interval| interval.1).max(bar.whole()));
    let scale = Scale::linear(unit, (0.0, ends.fold(0.0, f64::max)), (left, right));
    let marks = html! {
        (axis_below(&scale, width.ticks() - 1, (top, bottom), (right, axis)))
        @for (at, bar) in bars.iter().enumerate() {
            @let y = top + row * at as f64;
            @let whole = unit.show(bar.whole());
            text.name x=(n(left + 4.0)) y=(n(y + 15.0)) { (fitted(&bar.name, px * 0.6)) ": " (whole) }
            (parts(bar, unit, &scale, y + 20.0))
            @if let Some((low, high)) = bar.interval {
                path.whisker d=(format!("M{} {y0}v8M{0} {yc}H{}M{1} {y0}v8", n(scale.at(low)), n(scale.at(high)), y0 = n(y + 26.0), yc
                    = n(y + 30.0))) {}
            }
        }
        path.frame d=(format!("M{} {}V{}", n(left), n(top), n(bottom))) {}
    };
    let about = bars
        .iter()
        .map(|bar| format!("{}: {}", bar.name, unit.show(bar.whole())))
        .collect::<Vec<_>>()
        .join("; ");
    picture(title, &about, (px, bottom + 38.0), &marks)
}

fn parts(bar: &Bar, unit: Unit, scale: &Scale, y: f64) -> Markup {
    let mut before = 0.0;
    html! {
        @for (series, name, figure) in &bar.parts {
            @if figure.is_finite() && *figure > 0.0 {
                @let x = scale.at(before);
                @let () = before += figure;
                (area(*series, (x, y, (scale.at(before) - x).max(0.4), 20.0), &format!("{}, {name}: {}", bar.name, unit.show(*figure))))
            }
        }
    }
}
