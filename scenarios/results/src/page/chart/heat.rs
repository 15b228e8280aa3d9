//! Heat maps: a colour for each cell, with its figure in words where there is room.

use maud::{Markup, html};

use super::{fitted, n, picture};

/// Colour scale of a heat map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::page) enum Tone {
    /// From 0 to 1: seven steps of one colour.
    Share,
    /// From loss to gain: four steps of each of two colours that the colour-blind distinguish, and
    /// a middle.
    Gain,
}

impl Tone {
    /// The class of a fraction: of 0 to 1, or of −1 to 1.
    fn class(self, value: f64) -> String {
        match self {
            Self::Share => {
                // Narrower steps at the low end: most hosts of a cluster are used little.
                let steps = [0.01, 0.05, 0.1, 0.2, 0.4, 0.7];
                format!("q{}", steps.iter().filter(|step| value >= **step).count())
            }
            Self::Gain => {
                let strength =
                    [0.02, 0.1, 0.3, 0.6].iter().filter(|step| value.abs() >= **step).count();
                if strength == 0 {
                    "d0".to_owned()
                } else {
                    format!("{}{strength}", if value > 0.0 { "g" } else { "l" })
                }
            }
        }
    }

    /// Its legend.
    pub(in crate::page) fn legend(self, words: (&str, &str)) -> Markup {
        let steps: Vec<(String, String)> = match self {
            Self::Share => [
                (0.0, "< 1 %"),
                (0.02, "1 %"),
                (0.07, "5 %"),
                (0.15, "10 %"),
                (0.3, "20 %"),
                (0.5, "40 %"),
                (0.8, "≥ 70 %"),
            ]
            .map(|(value, name)| (self.class(value), name.to_owned()))
            .to_vec(),
            Self::Gain => [-0.8, -0.4, -0.2, -0.05, 0.0, 0.05, 0.2, 0.4, 0.8]
                .map(|value: f64| {
                    let from = [0.6, 0.3, 0.1, 0.02].into_iter().find(|step| value.abs() >= *step);
                    let sign = if value < 0.0 { "−" } else { "+" };
                    (
                        self.class(value),
                        from.map_or("±2 %".to_owned(), |from| format!("{sign}{} %", from * 100.0)),
                    )
                })
                .to_vec(),
        };
        html! {
            div.steps {
                span { (words.0) }
                @for (class, name) in steps { span.step { svg.key viewBox="0 0 22 12" aria-hidden="true" { rect class=(class)
                    width="22" height="12" {} } (name) } }
                span { (words.1) }
            }
        }
    }
}

/// A cell.
#[derive(Clone, Debug)]
pub(in crate::page) struct Cell {
    /// Its figure; `None` where none was measured.
    pub(in crate::page) value: Option<f64>,
    /// Its label, drawn where there is room.
    pub(in crate::page) words: String,
    /// A mark at its corner, such as `?` for an interval that holds nothing.
    pub(in crate::page) flag: &'static str,
}

/// A line over the map: for each column the height as a row's number from 0, with fractions,
/// between −0.5 and rows − 0.5.
#[derive(Clone, Debug)]
pub(in crate::page) struct Frontier {
    /// `solid` or `dashed`.
    pub(in crate::page) class: &'static str,
    /// The heights.
    pub(in crate::page) heights: Vec<f64>,
}

/// A heat map.
#[derive(Clone, Debug)]
pub(in crate::page) struct HeatMap {
    /// Its title.
    pub(in crate::page) title: String,
    /// Names of the row axis and the column axis.
    pub(in crate::page) axes: (String, String),
    /// The rows, from above.
    pub(in crate::page) rows: Vec<String>,
    /// The columns.
    pub(in crate::page) columns: Vec<String>,
    /// The cells, row by row.
    pub(in crate::page) cells: Vec<Vec<Cell>>,
    /// Lines drawn over the cells.
    pub(in crate::page) frontiers: Vec<Frontier>,
    /// Colour scale.
    pub(in crate::page) tone: Tone,
}

/// Draws a map `px` wide with rows of a height.
pub(in crate::page) fn heat_map(map: &HeatMap, px: f64, row: f64) -> Markup {
    let longest = map.rows.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let left = (longest as f64 * 6.8 + 10.0).min(px * 0.42);
    let wide = (px - left - 4.0) / map.columns.len().max(1) as f64;
    let widest =
        map.columns.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f64 * 6.8;
    let slanted = widest > wide - 2.0;
    let top = if slanted { 24.0 + (widest * 0.72).min(96.0) } else { 40.0 };
    let bottom = top + row * map.rows.len() as f64;
    let marks = html! {
        text.axis x="2" y="13" { (map.axes.0) " ↓" }
        text.axis x=(n(px - 2.0)) y="13" text-anchor="end" { (map.axes.1) " →" }
        @for (at, name) in map.columns.iter().enumerate() {
            @let x = left + wide * (at as f64 + 0.5);
            @if slanted {
                text.tick transform=(format!("translate({} {}) rotate(-46)", n(x), n(top - 5.0))) { (fitted(name, 120.0)) }
            } @else {
                text.tick x=(n(x)) y=(n(top - 6.0)) text-anchor="middle" { (name) }
            }
        }
        @for (at, name) in map.rows.iter().enumerate() {
            text.tick x=(n(left - 6.0)) y=(n(top + row * (at as f64 + 0.5) + 4.0)) text-anchor="end" { (fitted(name, left - 6.0)) }
        }
        @for (at, cells) in map.cells.iter().enumerate() {
            @for (column, cell) in cells.iter().enumerate() {
                (draw_cell(map, cell, (at, column), (left + wide * column as f64, top + row * at as f64, wide, row)))
            }
        }
        @for frontier in &map.frontiers {
            @let path = frontier_path(frontier, (left, top), (wide, row));
            path.frontier-halo d=(path) {}
            path class=(format!("frontier {}", frontier.class)) d=(path) {}
        }
        // Above the lines, and in the part of the cell that they leave free, so that no line
        // strikes a figure out.
        @for (at, cells) in map.cells.iter().enumerate() {
            @for (column, cell) in cells.iter().enumerate() {
                @let (from, to) = free_part(map, at, column);
                (words_of_cell(map, cell, (left + wide * column as f64, top + row * (at as f64 + from), wide, row * (to - from))))
            }
        }
    };
    let about = format!(
        "A map of {} rows and {} columns; its figures stand in the table below it",
        map.rows.len(),
        map.columns.len()
    );
    // Slanted names of the last column reach beyond it.
    let room = if slanted { (widest * 0.72).min(86.0) - wide / 2.0 } else { 0.0 };
    picture(&map.title, &about, (px + room.max(0.0), bottom + 6.0), &marks)
}

fn class_of(map: &HeatMap, cell: &Cell) -> String {
    cell.value.map_or("none".to_owned(), |value| map.tone.class(value))
}

fn draw_cell(
    map: &HeatMap,
    cell: &Cell,
    (row, column): (usize, usize),
    (x, y, wide, high): (f64, f64, f64, f64),
) -> Markup {
    let tip = format!("{}, {}: {}", map.rows[row], map.columns[column], cell.words);
    html! {
        rect class=(format!("cell {}", class_of(map, cell))) x=(n(x)) y=(n(y)) width=(n(wide)) height=(n(high)) { title { (tip) } }
    }
}

fn words_of_cell(map: &HeatMap, cell: &Cell, (x, y, wide, high): (f64, f64, f64, f64)) -> Markup {
    let class = class_of(map, cell);
    let words = match cell.flag {
        "" => cell.words.clone(),
        flag => format!("{} {flag}", cell.words),
    };
    let room = |words: &str| words.chars().count() as f64 * 6.6 <= wide - 2.0 && high >= 12.0;
    // Where there is no room for the figure its flag may still have some.
    let shown = [words.as_str(), cell.flag].into_iter().find(|words| room(words)).unwrap_or("");
    html! {
        @if !shown.is_empty() {
            text class=(format!("in t-{class} h-{class}")) x=(n(x + wide / 2.0)) y=(n(y + high / 2.0 + 4.0)) text-anchor="middle" {
                (shown) }
        }
    }
}

/// Largest part of a cell that no line crosses: its ends, as parts of the cell's height.
fn free_part(map: &HeatMap, row: usize, column: usize) -> (f64, f64) {
    let within = map.frontiers.iter().filter_map(|frontier| frontier.heights.get(column));
    let mut cuts: Vec<f64> = within
        .map(|height| height + 0.5 - row as f64)
        .filter(|cut| (0.0..=1.0).contains(cut))
        .chain([0.0, 1.0])
        .collect();
    cuts.sort_by(f64::total_cmp);
    let parts = cuts.windows(2).map(|ends| (ends[0], ends[1]));
    parts.max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0))).unwrap_or((0.0, 1.0))
}

fn frontier_path(frontier: &Frontier, (left, top): (f64, f64), (wide, row): (f64, f64)) -> String {
    let mut path = String::new();
    for (at, height) in frontier.heights.iter().enumerate() {
        let y = n(top + row * (height + 0.5));
        let x = left + wide * at as f64;
        // Level across its column, so that a cell lies above or below it as the rule says.
        path.push_str(&format!(
            "{}{} {y}L{} {y}",
            if at == 0 { "M" } else { "L" },
            n(x),
            n(x + wide)
        ));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_and_loss_of_the_same_size_differ_in_more_than_strength() {
        assert_eq!(
            (Tone::Gain.class(0.5), Tone::Gain.class(-0.5), Tone::Gain.class(0.0)),
            ("g3".into(), "l3".into(), "d0".into())
        );
    }

    #[test]
    fn figures_stand_in_the_part_of_a_cell_that_the_lines_leave_free() {
        let line = |height| Frontier { class: "solid", heights: vec![height] };
        let map = |frontiers| HeatMap {
            title: String::new(),
            axes: (String::new(), String::new()),
            rows: vec!["a".to_owned(), "b".to_owned()],
            columns: vec!["c".to_owned()],
            cells: Vec::new(),
            frontiers,
            tone: Tone::Gain,
        };
        assert_eq!(free_part(&map(vec![line(0.75)]), 1, 0), (0.25, 1.0));
        assert_eq!(free_part(&map(vec![line(0.75)]), 0, 0), (0.0, 1.0));
        assert_eq!(free_part(&map(vec![line(0.75), line(1.25)]), 1, 0), (0.25, 0.75));
    }

    #[test]
    fn shares_darken_with_use() {
        assert_eq!(
            (Tone::Share.class(0.0), Tone::Share.class(0.3), Tone::Share.class(1.0)),
            ("q0".into(), "q4".into(), "q6".into())
        );
    }
}
