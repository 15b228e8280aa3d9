//! Tables of words and figures.

use maud::{Markup, html};

/// A table; its first columns are words, the others figures.
#[derive(Clone, Debug)]
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    words: usize,
}

impl Table {
    /// A table whose first `words` columns are words.
    pub(super) fn new<S: Into<String>>(words: usize, columns: impl IntoIterator<Item = S>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new(), words }
    }

    /// Adds a row.
    pub(super) fn push<S: Into<String>>(&mut self, row: impl IntoIterator<Item = S>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    /// The table in a box that it scrolls in, so that the page never does.
    pub(super) fn show(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label=(self.columns.join(", ")) {
                table {
                    thead { tr { @for (at, name) in self.columns.iter().enumerate() { th.num[at >= self.words] scope="col" { (name) } } } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (at, cell) in row.iter().enumerate() {
                                    @if at == 0 { th scope="row" { (cell) } }
                                    @else if at < self.words { td { (cell) } }
                                    @else { td.num { (figure(cell)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The table, folded, beneath the chart of its figures.
    pub(super) fn behind(&self) -> Markup {
        html! { details.behind { summary { "The figures behind it" } (self.show()) } }
    }
}

/// A figure that is not torn, with its interval behind or below it.
fn figure(cell: &str) -> Markup {
    match cell.split_once(" (") {
        Some((figure, rest)) if rest.ends_with(')') => {
            html! { span.figure { (figure) } " " span.interval { "(" (rest) } }
        }
        _ => html! { span.figure { (cell) } },
    }
}
