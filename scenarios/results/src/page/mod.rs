//! The HTML page on a sweep (`stayput report`): one file that needs nothing else.
//!
//! `read` reads a sweep's directory, `facts` arranges the records, `sections` are words, tables and
//! charts, `chart` draws. The page works without a network and without scripts; its one script
//! opens the folded tables for printing. A claim in words stands only where an interval carries it.
//! Leaves out all that is not in the directory: the page runs nothing.

mod chart;
mod facts;
mod read;
mod sections;
pub(crate) mod show;
mod table;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, PreEscaped, html};

pub use read::{SweepResults, WallClock, WallFigures};

use facts::Facts;

/// The style sheet; all colours of page and charts are in it.
const STYLE: &str = include_str!("style.css");
/// Script that unfolds the tables for printing.
const SCRIPT: &str = include_str!("print.js");

/// The page on a sweep.
#[derive(Clone, Debug)]
pub struct ReportPage {
    /// The whole file.
    pub html: String,
    /// The verdict in one sentence, as plain text.
    pub verdict: String,
}

impl ReportPage {
    /// Makes the page.
    #[must_use]
    pub fn of(results: &SweepResults) -> Self {
        let facts = Facts::new(results);
        let verdict = sections::verdict_in_words(&facts);
        let names: Vec<&str> =
            results.head.scenarios.iter().map(|(name, _)| name.as_str()).collect();
        // Many names are no title.
        let subject = match names.as_slice() {
            [] => "A sweep".to_owned(),
            few @ ([_] | [_, _] | [_, _, _]) => few.join(", "),
            many => format!("{} scenarios", many.len()),
        };
        let title = format!("Stayput: {subject}");
        let sections = sections::all(&facts);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    // An icon of nothing, so that no browser asks for one.
                    link rel="icon" href="data:,";
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    (chart::hatches())
                    header {
                        p.brand { "Stayput" }
                        h1 { (subject) }
                        @if names.len() > 3 { p.names { (names.join(", ")) } }
                        p.lead { "Does the code go to the data, or the data to the code? What " (show::plain(results.runs.len() as
                            f64)) " simulated runs measured." }
                        nav aria-label="Sections" {
                            ol { @for section in &sections { li { a href=(format!("#{}", section.id)) { (section.title) } } } }
                        }
                    }
                    main {
                        @for (at, section) in sections.iter().enumerate() {
                            section id=(section.id) {
                                h2 { span.number { (at + 1) } " " (section.title) }
                                (section.body)
                            }
                        }
                    }
                    footer { p { "Made by " (results.head.version) " from the records of the sweep alone; schema " code {
                        (results.head.schema) } "." } }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        Self { html: page.into_string(), verdict }
    }
}
