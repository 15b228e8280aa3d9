//! The sections of the page, in the order in which a reader asks.

mod breakeven;
mod fidelity;
mod fuel;
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

pub(super) use verdict::in_words as verdict_in_words;

/// A section.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// Its anchor.
    pub(super) id: &'static str,
    /// Its title.
    pub(super) title: &'static str,
    /// Its content.
    pub(super) body: Markup,
}

/// The eleven sections. A section is never left out: it names the data that the records lack.
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

/// Maximum number of points without charts whose figures stand on the page.
const OTHERS: usize = 100;

/// Renderers of one point in a section.
struct PointViews<'a> {
    /// Its main figures in a line, for an overview of many points.
    glance: &'a dyn Fn(&Point<'_>) -> String,
    /// All of it, with charts.
    whole: &'a dyn Fn(&Point<'_>) -> Markup,
    /// The figures alone, for points that get no charts.
    figures: &'a dyn Fn(&Point<'_>) -> Markup,
}

/// Renders each point: the first settings of each scenario with charts, the others in figures
/// alone.
fn for_each_point(facts: &Facts<'_>, views: &PointViews<'_>) -> Markup {
    let shown = facts.shown();
    let drawn: Vec<String> = shown.iter().map(|point| point.name()).collect();
    let others: Vec<&Point<'_>> =
        facts.points.iter().filter(|point| !drawn.contains(&point.name())).collect();
    html! {
        @if shown.is_empty() { p.note { "There are no runs in the directory yet." } }
        @if !others.is_empty() {
            p.note {
                "The scenarios ran with several settings. The charts of this section are of the first settings of each ("
                (drawn.join("; ")) "); the figures of the other " (others.len()) " stand below them."
            }
        }
        @for (at, point) in shown.iter().enumerate() {
            @if shown.len() == 1 {
                @if !point.settings.is_empty() { h3 { (point.name()) } }
                (body(facts, point, views))
            } @else {
                details.point open[at == 0 || shown.len() <= 3] { (summary(point, views)) (body(facts, point, views)) }
            }
        }
        @if !others.is_empty() {
            h3 { "The other settings, in figures" }
            @for point in others.iter().take(OTHERS) {
                details.point.long { (summary(point, views)) ((views.figures)(point)) }
            }
            @if others.len() > OTHERS {
                p.note { "And " (others.len() - OTHERS) " more: " code { "summary.json" } ", " code { "runs.parquet" } " and "
                    code { "ledger.csv" } " have the figures of all." }
            }
        }
    }
}

fn body(facts: &Facts<'_>, point: &Point<'_>, views: &PointViews<'_>) -> Markup {
    html! {
        @if let Some(story) = story(facts, point) { p.note { (story) } }
        ((views.whole)(point))
    }
}

fn summary(point: &Point<'_>, views: &PointViews<'_>) -> Markup {
    html! { summary { strong { (point.name()) } " " span.glance { ((views.glance)(point)) } } }
}

/// A figure of each policy at a point in a line: "on-storage 836.3 kB, download 135.0 MB".
fn each_policy(facts: &Facts<'_>, point: &Point<'_>, figure: impl Fn(&str) -> String) -> String {
    let policies = facts.policies_of(point);
    let words: Vec<String> =
        policies.iter().take(4).map(|policy| format!("{policy} {}", figure(policy))).collect();
    format!("{}{}", words.join("; "), if policies.len() > 4 { "; …" } else { "" })
}

/// Description of a point's scenario; `None` if it has none.
fn story<'a>(facts: &'a Facts<'_>, point: &Point<'_>) -> Option<&'a String> {
    facts.results.head.stories.get(point.scenario).filter(|story| !story.is_empty())
}

/// "1 run", "20 runs".
fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
