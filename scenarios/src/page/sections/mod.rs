//! The sections of the page, in the order in which a reader asks.

mod breakeven;
mod fidelity;
mod hosts;
mod latency;
mod ledger;
mod policies;
mod promises;
mod reproduction;
mod timeline;
mod verdict;
mod worst;

use maud::{Markup, html};

use super::facts::{Facts, Point};

#[cfg(test)]
pub(super) use policies::latencies;
pub(super) use verdict::in_words as verdict_in_words;

/// A section.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// Its anchor.
    pub(super) id: &'static str,
    /// Its title.
    pub(super) title: &'static str,
    /// What stands in it.
    pub(super) body: Markup,
}

/// All eleven. What the records do not hold is said in its section, which never is left out.
pub(super) fn all(facts: &Facts<'_>) -> Vec<Section> {
    let section = |id, title, body| Section { id, title, body };
    vec![
        section("verdict", "Verdict", verdict::body(facts)),
        section("reproduction", "Reproduction", reproduction::body(facts)),
        section("promises", "Expectations and invariants", promises::body(facts)),
        section("ledger", "Where the bytes went", ledger::body(facts)),
        section("policies", "The policies", policies::body(facts)),
        section("latency", "Distribution of latencies", latency::body(facts)),
        section("break-even", "Break-even map", breakeven::body(facts)),
        section("timeline", "Timeline of a run", timeline::body(facts)),
        section("hosts", "What the hosts were used for", hosts::body(facts)),
        section("worst", "The worst job, step by step", worst::body(facts)),
        section("fidelity", "Speed and fidelity", fidelity::body(facts)),
    ]
}

/// Something for each point that gets charts, under its name if there are several, and a word on the points that do not.
fn for_each_shown(facts: &Facts<'_>, body: impl Fn(&Point<'_>) -> Markup) -> Markup {
    let shown = facts.shown();
    html! {
        @if shown.is_empty() { p.note { "There are no runs in the directory yet." } }
        @for point in &shown {
            @if shown.len() > 1 || !point.settings.is_empty() { h3 { (point.name()) } }
            @if let Some(story) = story(facts, point) { p.note { (story) } }
            (body(point))
        }
        @if shown.len() < facts.points.len() {
            p.note { "Drawn for the first settings of each scenario. All " (facts.points.len())
                " points are in the tables of sections 1 and 5." }
        }
    }
}

/// The story of a point's scenario, where several are told apart.
fn story<'a>(facts: &'a Facts<'_>, point: &Point<'_>) -> Option<&'a String> {
    facts.results.head.stories.get(point.scenario).filter(|story| !story.is_empty())
}

/// "1 run", "20 runs".
fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
