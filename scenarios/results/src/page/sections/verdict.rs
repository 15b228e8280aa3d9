//! Section 1: the verdict in one sentence, and where locality loses.
//!
//! The sentence speaks of more or less only where the whole interval lies on one side of no difference.

use maud::{Markup, html};

use super::{counted, fuel};
use crate::page::chart::{Dot, Ratios, dot_ranges, figure, legend_of_lines};
use crate::page::facts::{Estimate, Facts, Metric, MetricKind, Pairs, Point, Sign, short_key};
use crate::page::show;
use crate::page::table::Table;

const BYTES: &str = "bytes moved";
const MEDIAN: &str = "median latency";
/// What is drawn of times, with its short names.
const LATENCIES: [(&str, &str); 2] = [(MEDIAN, "median latency"), ("p99 latency", "p99 latency")];
/// And of bytes.
const VOLUMES: [(&str, &str); 1] = [(BYTES, "bytes moved")];
/// At how many points losses are told one by one.
const LOSSES: usize = 20;

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
    facts
        .points
        .iter()
        .filter_map(|point| Some((point, Pairs::of(point, near, far, facts.warm_up())?)))
        .collect()
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

/// What the points' intervals say of one figure: the names of the points by what they show.
#[derive(Debug, Default)]
struct Tally {
    less: Vec<String>,
    more: Vec<String>,
    open: Vec<String>,
    /// Where too few runs make no interval.
    few: Vec<String>,
    /// Where it is not compared at all.
    none: Vec<String>,
}

impl Tally {
    fn of(all: &[(&Point<'_>, Pairs)], name: &str) -> Self {
        let mut tally = Self::default();
        for (point, pairs) in all {
            let change = pairs.metric(name).and_then(|metric| metric.change);
            let few = change.is_some_and(|change| change.interval.is_none());
            let list = match change.map(|change| change.sign()) {
                _ if few => &mut tally.few,
                Some(Sign::Less) => &mut tally.less,
                Some(Sign::More) => &mut tally.more,
                Some(Sign::Open) => &mut tally.open,
                None => &mut tally.none,
            };
            list.push(point.name());
        }
        tally
    }

    /// "fewer bytes at 3 points (a, b, c), more at none, and no difference is shown at 1 (d)".
    fn words(&self, less: &str, more: &str) -> String {
        let at = |points: &[String]| match points.len() {
            0 => "none".to_owned(),
            // More names than these are no sentence; the table below has them.
            count @ 1..=8 if points.iter().all(|point| !point.contains(", ")) => {
                format!("{count} ({})", points.join(", "))
            }
            count => count.to_string(),
        };
        let mut words = format!("{less} at {}, {more} at {}", at(&self.less), at(&self.more));
        if !self.open.is_empty() {
            words.push_str(&format!(", with no difference shown at {}", at(&self.open)));
        }
        if !self.few.is_empty() {
            words.push_str(&format!(", with too few runs for an interval at {}", at(&self.few)));
        }
        if !self.none.is_empty() {
            words.push_str(&format!(", and not compared at {}", at(&self.none)));
        }
        words
    }
}

fn of_many(all: &[(&Point<'_>, Pairs)], near: &str, far: &str) -> String {
    format!(
        "Of {} points, by 95 % intervals, {near} moved fewer bytes than {far} {}; its median job took less time {}.",
        all.len(),
        Tally::of(all, BYTES).words("", "more").trim_start(),
        Tally::of(all, MEDIAN).words("", "more").trim_start(),
    )
}

/// The section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let Some((near, far)) = facts.compared() else {
        return html! { p.verdict { (in_words(facts)) } };
    };
    let all = compared(facts, near, far);
    html! {
        p.verdict { (in_words(facts)) }
        h3 { "Where locality loses" }
        (losses(&all, near, far))
        @if !all.is_empty() {
            h3 { "By how much" }
            (ratios(&all, &LATENCIES, Ratios {
                title: &format!("Latency of {near} over that of {far}"), axis: "ratio of latencies (logarithmic)",
                sides: (&format!("{near} faster"), &format!("{far} faster")), centred: true,
            }))
            (ratios(&all, &VOLUMES, Ratios {
                title: &format!("Bytes moved by {near} over those by {far}"), axis: "ratio of bytes moved (logarithmic)",
                sides: (&format!("{near} moves less"), &format!("{far} moves less")), centred: false,
            }))
            (table(&all, near, far))
        }
        p.note {
            "A point is a scenario with its settings. Each seed gives one pair: the same jobs, arrivals and faults under both policies. \
                What is shown is the median of the \
                pairs' ratios, with the interval of the sign test (95 %; it needs six seeds, and of six it reaches from the least to the \
                greatest). Each interval holds by itself: among twenty figures without a true difference, one may seem to have one. \
             Latencies are over the jobs that both completed, without those due in the warm-up (" (facts.warm_up_words())
            "). Bytes and makespans are compared only where both completed the same jobs; bytes are hop bytes of bodies that the jobs \
                caused, without those of the load beside them."
        }
        (fuel::body(facts, near, far))
    }
}

/// For each point the figures whose whole interval is on the wrong side.
fn losses(all: &[(&Point<'_>, Pairs)], near: &str, far: &str) -> Markup {
    let worse = |metric: &&Metric| metric.change.is_some_and(|change| change.sign() == Sign::More);
    let lost: Vec<(String, Vec<String>)> = all
        .iter()
        .map(|(point, pairs)| {
            let words = |metric: &Metric| format!("{} {}", metric.name, change_of(metric));
            (point.name(), pairs.metrics.iter().filter(worse).map(words).collect())
        })
        .filter(|(_, figures): &(String, Vec<String>)| !figures.is_empty())
        .collect();
    html! {
        @if lost.is_empty() {
            p { "In no figure that is compared here does the interval show " (near) " to be worse than " (far) "." }
        } @else {
            p { "What the interval shows to be worse under " (near) ", as a multiple of " (far) "'s:" }
            ul {
                @for (point, figures) in lost.iter().take(LOSSES) { li { strong { (point) } ": " (figures.join("; ")) } }
            }
            @if lost.len() > LOSSES {
                p.note { "And at " (counted(lost.len() - LOSSES, "more point")) ": see the table of all compared figures." }
            }
        }
    }
}

/// A change as a ratio, of counts as a difference.
fn change_of(metric: &Metric) -> String {
    match metric.kind {
        MetricKind::Count => show::estimate(metric.change.as_ref(), |value| {
            if value > 0.0 { format!("+{}", show::plain(value)) } else { show::plain(value) }
        }),
        MetricKind::Bytes | MetricKind::Micros => {
            show::estimate(ratio(metric).as_ref(), show::times)
        }
    }
}

fn ratio(metric: &Metric) -> Option<Estimate> {
    metric.change.map(|change| change.shifted(1.0))
}

/// What the values in the points' names are of.
fn varied(all: &[(&Point<'_>, Pairs)]) -> String {
    let mut keys: Vec<String> = Vec::new();
    for key in all.iter().flat_map(|(point, _)| point.settings.keys()) {
        if !keys.contains(&short_key(key)) {
            keys.push(short_key(key));
        }
    }
    if keys.is_empty() {
        return String::new();
    }
    format!(" Rows are named by their values of {}.", keys.join(" and "))
}

fn ratios(all: &[(&Point<'_>, Pairs)], drawn: &[(&str, &str)], about: Ratios<'_>) -> Markup {
    const DOTS: usize = 90;
    let mut dots = Vec::new();
    let one_scenario =
        all.len() > 1 && all.iter().all(|(point, _)| point.scenario == all[0].0.scenario);
    for (point, pairs) in all {
        // Where all are of one scenario its name says nothing; what varies stands in the caption.
        let scenario = (!one_scenario).then_some(point.scenario);
        let values = point.settings.values().map(String::as_str);
        let name = scenario.into_iter().chain(values).collect::<Vec<_>>().join(", ");
        for (series, (figure, _)) in drawn.iter().enumerate() {
            if let Some(estimate) = pairs.metric(figure).and_then(ratio) {
                dots.push(Dot { name: name.clone(), series, estimate });
            }
        }
    }
    let more = dots.len().saturating_sub(DOTS);
    dots.truncate(DOTS);
    let few = dots.iter().any(|dot| dot.estimate.interval.is_none());
    let caption = format!(
        "{}: median of the paired ratios and its 95 % interval. Left of the line: {}.{}{}",
        about.title,
        about.sides.0,
        if few { " A mark without a line has no interval, and carries no claim." } else { "" },
        varied(all)
    );
    let legend = drawn.iter().enumerate().map(|(series, (_, label))| (series, *label));
    let mut figures = Table::new(2, ["point", "figure", "ratio", "runs"]);
    for dot in &dots {
        figures.push([
            dot.name.clone(),
            drawn[dot.series].1.to_owned(),
            show::estimate(Some(&dot.estimate), show::times),
            dot.estimate.n.to_string(),
        ]);
    }
    html! {
        @if !dots.is_empty() {
            (figure(&caption, &legend_of_lines(legend), |width| dot_ranges(about, &dots, width), &figures))
        }
        @if more > 0 { p.note { "The other " (more) " marks are left out here; the table below has all." } }
    }
}

fn table(all: &[(&Point<'_>, Pairs)], near: &str, far: &str) -> Markup {
    let mut table =
        Table::new(2, ["point", "figure", near, far, "ratio (counts: difference)", "runs"]);
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
