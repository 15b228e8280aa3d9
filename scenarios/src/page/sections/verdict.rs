//! Section 1: the verdict in one sentence, and where locality loses.
//!
//! The sentence speaks of more or less only where the whole interval lies on one side of no difference.

use maud::{Markup, html};

use super::counted;
use crate::page::chart::{Dot, dot_ranges, figure, legend_of_lines};
use crate::page::facts::{Estimate, Facts, Metric, MetricKind, Pairs, Point, Sign};
use crate::page::show;
use crate::page::table::Table;

const BYTES: &str = "bytes moved";
const MEDIAN: &str = "latency, median";
/// What is drawn, with its short names.
const DRAWN: [(&str, &str); 3] =
    [(BYTES, "bytes moved"), (MEDIAN, "median latency"), ("latency, p99", "p99 latency")];

/// The verdict as plain text.
pub(in crate::page) fn in_words(facts: &Facts<'_>) -> String {
    if facts.results.runs.is_empty() {
        return "There is no verdict: the directory holds no runs yet.".to_owned();
    }
    let Some((near, far)) = facts.compared() else {
        let ran = facts.policies.join(", ");
        return format!(
            "There is no verdict: it needs on-storage and download in the same runs, and what ran is {ran}."
        );
    };
    let all = compared(facts, near, far);
    match all.as_slice() {
        [] => format!("There is no verdict: no run has both {near} and {far}."),
        [(point, pairs)] => of_one(point, pairs, near, far),
        all => of_many(all, near, far),
    }
}

fn compared<'a, 'b>(facts: &'b Facts<'a>, near: &str, far: &str) -> Vec<(&'b Point<'a>, Pairs)> {
    facts.points.iter().filter_map(|point| Some((point, Pairs::of(point, near, far)?))).collect()
}

fn of_one(point: &Point<'_>, pairs: &Pairs, near: &str, far: &str) -> String {
    let change = |name| pairs.metric(name).and_then(|metric| metric.change);
    let bytes = match change(BYTES) {
        None => format!(
            "the bytes of {near} and {far} cannot be compared, since no run completed the same jobs under both"
        ),
        Some(change) => format!(
            "{near} moved {} than {far}",
            difference(
                &change,
                "fewer bytes",
                "more bytes",
                "neither clearly more nor fewer bytes"
            )
        ),
    };
    let median = match change(MEDIAN) {
        None if point.closed_loop() => {
            "; latencies are not compared, since clients wait for answers".to_owned()
        }
        None => "; no job completed under both, so latencies are not compared".to_owned(),
        Some(change) => format!(
            ", and its median job took {}",
            difference(&change, "less time", "more time", "neither clearly more nor less time")
        ),
    };
    let runs = counted(pairs.runs, "run");
    format!("Over {runs} of {}, {bytes}{median}.", point.name())
}

/// "87.2 % less time (95 % interval 85.0 % to 88.1 %)".
fn difference(change: &Estimate, less: &str, more: &str, open: &str) -> String {
    let size = |value: f64| show::percent(value.abs());
    match (change.sign(), change.interval) {
        (Sign::Less, Some((low, high))) => format!(
            "{} {less} (95 % interval {} to {})",
            size(change.median),
            size(high),
            size(low)
        ),
        (Sign::More, Some((low, high))) => format!(
            "{} {more} (95 % interval {} to {})",
            size(change.median),
            size(low),
            size(high)
        ),
        (_, Some((low, high))) => format!(
            "{open} (95 % interval of the change {} to {})",
            show::change(low),
            show::change(high)
        ),
        (_, None) => format!(
            "{open}, as far as {} can tell (median change {}; six runs are needed for an interval)",
            counted(change.n, "run"),
            show::change(change.median)
        ),
    }
}

fn of_many(all: &[(&Point<'_>, Pairs)], near: &str, far: &str) -> String {
    let tally = |name| {
        let signs: Vec<Sign> = all
            .iter()
            .map(|(_, pairs)| {
                pairs
                    .metric(name)
                    .and_then(|metric| metric.change)
                    .map_or(Sign::Open, |change| change.sign())
            })
            .collect();
        let count = |wanted| signs.iter().filter(|sign| **sign == wanted).count();
        (count(Sign::Less), count(Sign::More), count(Sign::Open))
    };
    let (fewer, more, _) = tally(BYTES);
    let (faster, slower, _) = tally(MEDIAN);
    let n = all.len();
    let open = |less: usize, more: usize| match n - less - more {
        0 => String::new(),
        open => format!(", and at {open} neither is shown"),
    };
    format!(
        "By 95 % intervals, {near} moved fewer bytes than {far} at {fewer} of {n} points and more at {more}{}; \
         its median job was faster at {faster} and slower at {slower}{}.",
        open(fewer, more),
        open(faster, slower),
    )
}

/// The section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let Some((near, far)) = facts.compared() else {
        return html! { p.verdict { (in_words(facts)) } };
    };
    let all = compared(facts, near, far);
    let losses: Vec<(String, &Metric)> =
        all.iter().flat_map(|(point, pairs)| lost(point, pairs)).collect();
    html! {
        p.verdict { (in_words(facts)) }
        h3 { "Where locality loses" }
        (losses_list(&losses, near, far))
        @if !all.is_empty() { (changes(&all, near, far)) (table(&all, near, far)) }
        p.note {
            "Each seed gives one pair: the same jobs, arrivals and faults under both policies. What is shown is the median of the \
                pairs' differences, with the \
             interval of the sign test (95 %). Latencies are over the jobs that both completed, without those due in the warm-up, the \
             first 10 % of the arrivals' time. Bytes and makespans count only where both completed the same jobs."
        }
    }
}

fn lost<'a>(point: &Point<'_>, pairs: &'a Pairs) -> Vec<(String, &'a Metric)> {
    let worse = |metric: &&Metric| metric.change.is_some_and(|change| change.sign() == Sign::More);
    pairs.metrics.iter().filter(worse).map(|metric| (point.name(), metric)).collect()
}

fn losses_list(losses: &[(String, &Metric)], near: &str, far: &str) -> Markup {
    const SHOWN: usize = 12;
    html! {
        @if losses.is_empty() {
            p { "In no figure that is compared here does the interval show " (near) " to be worse than " (far) "." }
        } @else {
            ul {
                @for (point, metric) in losses.iter().take(SHOWN) {
                    li { (point) ": " (metric.name) " " strong { (change_of(metric)) } }
                }
            }
            @if losses.len() > SHOWN { p.note { "And " (losses.len() - SHOWN) " more: see the table below." } }
        }
    }
}

fn change_of(metric: &Metric) -> String {
    match metric.kind {
        MetricKind::Count => show::estimate(metric.change.as_ref(), show::plain),
        MetricKind::Bytes | MetricKind::Micros => {
            show::estimate(metric.change.as_ref(), show::change)
        }
    }
}

fn changes(all: &[(&Point<'_>, Pairs)], near: &str, far: &str) -> Markup {
    const DOTS: usize = 90;
    let mut dots = Vec::new();
    for (point, pairs) in all {
        for (series, (name, label)) in DRAWN.into_iter().enumerate() {
            if let Some(estimate) = pairs.metric(name).and_then(|metric| metric.change) {
                let name = if all.len() == 1 { label.to_owned() } else { point.name() };
                dots.push(Dot { name, series, estimate });
            }
        }
    }
    let more = dots.len().saturating_sub(DOTS);
    dots.truncate(DOTS);
    let caption = format!(
        "Change from {far} to {near}: median of the paired differences, and its 95 % interval. Left of the line {near} is better."
    );
    let legend =
        legend_of_lines(DRAWN.into_iter().enumerate().map(|(series, (_, label))| (series, label)));
    let mut figures = Table::new(2, ["figure", "point", "change", "runs"]);
    for dot in &dots {
        let kind = DRAWN[dot.series.min(2)].1;
        figures.push([
            kind.to_owned(),
            dot.name.clone(),
            show::estimate(Some(&dot.estimate), show::change),
            dot.estimate.n.to_string(),
        ]);
    }
    html! {
        @if !dots.is_empty() {
            (figure(&caption, &legend, |width| dot_ranges(&format!("Change from {far} to {near}"), "change", ("less", "more"), &dots,
                width), &figures))
        }
        @if more > 0 { p.note { "The other " (more) " marks are left out here; the table below has all." } }
    }
}

fn table(all: &[(&Point<'_>, Pairs)], near: &str, far: &str) -> Markup {
    let mut table = Table::new(2, ["point", "figure", near, far, "change", "runs"]);
    for (point, pairs) in all {
        for metric in &pairs.metrics {
            let unit = |value| match metric.kind {
                MetricKind::Bytes => show::size(value),
                MetricKind::Micros => show::micros(value),
                MetricKind::Count => show::plain(value),
            };
            let side = |side: Option<Estimate>| {
                side.map_or(show::NONE.to_owned(), |side| unit(side.median))
            };
            let runs = metric.change.map_or(0, |change| change.n);
            table.push([
                point.name(),
                metric.name.to_owned(),
                side(metric.near),
                side(metric.far),
                change_of(metric),
                runs.to_string(),
            ]);
        }
    }
    let few = all.iter().filter(|(_, pairs)| pairs.comparable < pairs.runs);
    html! {
        details open[all.len() == 1] { summary { "All compared figures" } (table.show()) }
        @for (point, pairs) in few {
            p.note { (point.name()) ": in " (pairs.runs - pairs.comparable) " of " (counted(pairs.runs, "run"))
                " the two completed different jobs, so that bytes and makespan are not compared there." }
        }
    }
}
