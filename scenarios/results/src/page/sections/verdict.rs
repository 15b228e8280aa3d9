//! Section 1: the verdict in one sentence, and the figures in which locality loses.
//!
//! The sentence claims more or less only where the whole interval lies on one side of no
//! difference.

use std::cmp::Ordering::{Equal, Greater, Less};

use maud::{Markup, html};

use super::{counted, fuel};
use crate::page::chart::{Dot, Ratios, dot_ranges, figure, legend_of_lines};
use crate::page::facts::{
    Facts, Point, change, change_words, figure_name, figure_value, ratio, short_key,
};
use crate::page::show;
use crate::page::table::Table;
use crate::stats::{ComparedFigure, Estimate, PairPoint};

/// Figures of the chart of times, with short names.
const LATENCIES: [(ComparedFigure, &str); 2] =
    [(ComparedFigure::LatencyP50, "median latency"), (ComparedFigure::LatencyP99, "p99 latency")];
/// Figures of the chart of bytes.
const VOLUMES: [(ComparedFigure, &str); 1] = [(ComparedFigure::BodyBytes, "bytes moved")];
/// Bound of the points whose losses are named.
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
        [(point, pair)] => of_one(point, pair, near, far),
        all => of_many(all, near, far),
    }
}

fn compared<'a, 'b>(
    facts: &'b Facts<'a>,
    near: &str,
    far: &str,
) -> Vec<(&'b Point<'a>, PairPoint)> {
    facts
        .points
        .iter()
        .filter_map(|point| Some((point, point.pair(near, far, facts.warm_up())?)))
        .collect()
}

fn of_one(point: &Point<'_>, pair: &PairPoint, near: &str, far: &str) -> String {
    let bytes = match change(pair, ComparedFigure::BodyBytes) {
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
    let median = match change(pair, ComparedFigure::LatencyP50) {
        None if point.closed_loop() => {
            "; latencies are not compared, since clients wait for answers".to_owned()
        }
        None => "; no job completed under both, so latencies are not compared".to_owned(),
        Some(change) => format!(
            ", and its median job took {}",
            difference(&change, "less time", "more time", "neither clearly more nor less time")
        ),
    };
    let runs = counted(count(pair.seeds), "run");
    format!("Over {runs} of {}, {bytes}{median}.", point.name())
}

fn count(seeds: u64) -> usize {
    usize::try_from(seeds).unwrap_or(usize::MAX)
}

/// "87.2 % less time (95 % interval 85.0 % to 88.1 %)".
fn difference(change: &Estimate, less: &str, more: &str, open: &str) -> String {
    let size = |value: f64| show::percent(value.abs());
    match (change.beside(0.0), change.interval()) {
        (Some(Less), Some((low, high))) => format!(
            "{} {less} (95 % interval {} to {})",
            size(change.median),
            size(high),
            size(low)
        ),
        (Some(Greater), Some((low, high))) => format!(
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
            counted(change.count, "run"),
            show::change(change.median)
        ),
    }
}

/// Names of the points by the side of their interval of one figure.
#[derive(Debug, Default)]
struct Tally {
    less: Vec<String>,
    more: Vec<String>,
    open: Vec<String>,
    /// Points with too few runs for an interval.
    few: Vec<String>,
    /// Points at which it is not compared.
    none: Vec<String>,
}

impl Tally {
    fn of(all: &[(&Point<'_>, PairPoint)], figure: ComparedFigure) -> Self {
        let mut tally = Self::default();
        for (point, pair) in all {
            let list = match change(pair, figure).map(|change| change.beside(0.0)) {
                Some(None) => &mut tally.few,
                Some(Some(Less)) => &mut tally.less,
                Some(Some(Greater)) => &mut tally.more,
                Some(Some(Equal)) => &mut tally.open,
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

fn of_many(all: &[(&Point<'_>, PairPoint)], near: &str, far: &str) -> String {
    let bytes = Tally::of(all, ComparedFigure::BodyBytes);
    let median = Tally::of(all, ComparedFigure::LatencyP50);
    let (points, intervals) = (all.len(), "(95 % intervals)");
    let bytes = match bytes.less.len() == points {
        true => format!("{near} moved fewer bytes than {far} at all {points} points"),
        false => format!(
            "Of {points} points, {near} moved {}",
            bytes.words(&format!("fewer bytes than {far}"), "more")
        ),
    };
    let median = match median.less.len() == points {
        true => format!("its median job took less time at all {points}"),
        false => format!("its median job took {}", median.words("less time", "more")),
    };
    format!("{bytes}; {median} {intervals}.")
}

/// Renders the section.
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
fn losses(all: &[(&Point<'_>, PairPoint)], near: &str, far: &str) -> Markup {
    let worse = |pair: &PairPoint, figure: ComparedFigure| {
        change(pair, figure).and_then(|change| change.beside(0.0)) == Some(Greater)
    };
    let lost: Vec<(String, Vec<String>)> = all
        .iter()
        .map(|(point, pair)| {
            let words = |figure| format!("{} {}", figure_name(figure), change_words(pair, figure));
            let lost = ComparedFigure::ALL.into_iter().filter(|figure| worse(pair, *figure));
            (point.name(), lost.map(words).collect())
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

/// Names of the settings whose values name the rows.
fn varied(all: &[(&Point<'_>, PairPoint)]) -> String {
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

fn ratios(
    all: &[(&Point<'_>, PairPoint)],
    drawn: &[(ComparedFigure, &str)],
    about: Ratios<'_>,
) -> Markup {
    const DOTS: usize = 90;
    let mut dots = Vec::new();
    let one_scenario =
        all.len() > 1 && all.iter().all(|(point, _)| point.scenario == all[0].0.scenario);
    for (point, pair) in all {
        // The name of the only scenario adds nothing; the varied settings stand in the caption.
        let scenario = (!one_scenario).then_some(point.scenario);
        let values = point.settings.values().map(String::as_str);
        let name = scenario.into_iter().chain(values).collect::<Vec<_>>().join(", ");
        for (series, (figure, _)) in drawn.iter().enumerate() {
            if let Some(estimate) = ratio(pair, *figure) {
                dots.push(Dot { name: name.clone(), series, estimate });
            }
        }
    }
    let more = dots.len().saturating_sub(DOTS);
    dots.truncate(DOTS);
    let few = dots.iter().any(|dot| dot.estimate.interval().is_none());
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
            dot.estimate.count.to_string(),
        ]);
    }
    html! {
        @if !dots.is_empty() {
            (figure(&caption, &legend_of_lines(legend), |width| dot_ranges(about, &dots, width), &figures))
        }
        @if more > 0 { p.note { "The other " (more) " marks are left out here; the table below has all." } }
    }
}

fn table(all: &[(&Point<'_>, PairPoint)], near: &str, far: &str) -> Markup {
    let mut table =
        Table::new(2, ["point", "figure", near, far, "ratio (counts: difference)", "runs"]);
    for (point, pair) in all {
        for figure in ComparedFigure::ALL {
            let Some(found) = pair.figures.get(figure.key()) else { continue };
            table.push([
                point.name(),
                figure_name(figure).to_owned(),
                figure_value(figure, found.one),
                figure_value(figure, found.other),
                change_words(pair, figure),
                found.seeds.to_string(),
            ]);
        }
    }
    let few = all.iter().filter(|(_, pair)| pair.seeds_with_same_jobs < pair.seeds);
    html! {
        details open[all.len() == 1] { summary { "All compared figures" } (table.show()) }
        @for (point, pair) in few {
            p.note { (point.name()) ": in " (pair.seeds - pair.seeds_with_same_jobs) " of "
                (counted(count(pair.seeds), "run"))
                " the two completed different jobs, so that bytes and makespan are not compared there." }
        }
    }
}
