//! Section 3: promises, kept and broken.

use std::collections::BTreeMap;

use maud::{Markup, html};
use stayput_engine::record::{JobEnd, PolicyRecord, RunRecord};

use super::counted;
use crate::page::facts::Facts;
use crate::page::table::Table;

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    html! {
        @if facts.results.runs.is_empty() { p.note { "Nothing ran, so nothing was kept or broken." } }
        @else {
            h3 { "Invariants, in every run" }
            (invariants(facts))
            h3 { "Expectations of the scenarios" }
            (expectations(facts))
            (faults(facts))
        }
    }
}

/// Runs in which an expectation held, did not, and was not judged; and the values that did not
/// hold.
type Held = (usize, usize, usize, Vec<String>);
/// Runs in which a fault was, and bit; and counts of what it touched.
type Bitten<'a> = (usize, usize, BTreeMap<&'a str, u64>);

fn check(holds: Option<bool>, words: &Markup) -> Markup {
    let (class, sign, name) = match holds {
        Some(true) => ("yes", "✓", "kept"),
        Some(false) => ("no", "✗", "broken"),
        None => ("open", "–", "not judged"),
    };
    html! { li { span class=(format!("check {class}")) role="img" aria-label=(name) { (sign) } (words) } }
}

fn invariants(facts: &Facts<'_>) -> Markup {
    let runs = &facts.results.runs;
    let records =
        || runs.iter().flat_map(|run| run.policies.iter().map(move |record| (run, record)));
    let places = |flawed: fn(&PolicyRecord) -> bool| -> Vec<String> {
        records()
            .filter(|(_, record)| flawed(record))
            .map(|(run, record)| place(run, &record.policy))
            .collect()
    };
    let wrong =
        places(|record| record.jobs.iter().any(|job| matches!(job.end, JobEnd::Wrong { .. })));
    let unbalanced = places(|record| !balanced(record));
    let split = places(|record| record.jobs.iter().any(|job| job.phases.total() != job.latency()));
    let broken: Vec<(String, &String)> = runs
        .iter()
        .flat_map(|run| run.broken.iter().map(move |words| (place(run, ""), words)))
        .collect();
    html! {
        ul.checks {
            (check(Some(wrong.is_empty()), &claim("every answer equals the reference", &wrong)))
            (check(Some(unbalanced.is_empty()), &claim("every ledger balances: sent = delivered + dropped + in flight", &unbalanced)))
            (check(Some(split.is_empty()), &claim("the parts of each job's latency are all of it", &split)))
            (check(Some(broken.is_empty()), &html! {
                "no promise is recorded as broken"
                @if !broken.is_empty() { ": " (counted(broken.len(), "promise")) }
            }))
        }
        @if !broken.is_empty() {
            details open[broken.len() <= 5] {
                summary { "What was broken" }
                ul { @for (place, words) in broken.iter().take(200) { li { (place) ": " (words) } } }
            }
        }
    }
}

fn claim(promise: &str, places: &[String]) -> Markup {
    html! {
        (promise)
        @if !places.is_empty() {
            ": not in " (counted(places.len(), "case")) " (" (places.iter().take(3).cloned().collect::<Vec<_>>().join("; "))
            @if places.len() > 3 { "; …" } ")"
        }
    }
}

fn place(run: &RunRecord, policy: &str) -> String {
    let settings: Vec<String> =
        run.key.settings.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    let policy = if policy.is_empty() { String::new() } else { format!(" {policy}") };
    format!("{}{} seed {}{policy}", run.key.scenario, settings.concat(), run.key.seed)
}

/// True if the ledger adds up: bytes that neither arrived nor were dropped were under way at the
/// end.
pub(super) fn balanced(record: &PolicyRecord) -> bool {
    let under_way: Option<u64> =
        record.ledger.iter().map(|row| row.sent.checked_sub(row.delivered + row.dropped)).sum();
    under_way.is_some()
        && record.bytes.in_flight.is_none_or(|in_flight| under_way == Some(in_flight))
}

fn expectations(facts: &Facts<'_>) -> Markup {
    // Figure and bound by scenario: runs that held, that did not, that were not judged, and what
    // was found where it did not hold.
    let mut tallies: BTreeMap<(&str, &str, &str), Held> = BTreeMap::new();
    for run in &facts.results.runs {
        for expect in &run.expect {
            let tally =
                tallies.entry((&run.key.scenario, &expect.figure, &expect.wanted)).or_default();
            match expect.holds {
                Some(true) => tally.0 += 1,
                Some(false) => {
                    tally.1 += 1;
                    tally.3.push(format!("{}: {}", place(run, ""), expect.found));
                }
                None => tally.2 += 1,
            }
        }
    }
    let any = !tallies.is_empty();
    // What held in each run of its scenario takes one line, so that what did not is not lost among
    // it.
    let mut kept: BTreeMap<&str, (Vec<String>, usize)> = BTreeMap::new();
    let mut others = Vec::new();
    for ((scenario, figure, wanted), tally) in tallies {
        let (held, failed, open, _) = &tally;
        match (failed, open, kept.get(scenario)) {
            (0, 0, before) if before.is_none_or(|(_, runs)| runs == held) => {
                let line = kept.entry(scenario).or_insert((Vec::new(), *held));
                line.0.push(format!("{figure} {wanted}"));
            }
            _ => others.push(((scenario, figure, wanted), tally)),
        }
    }
    html! {
        @if !any { p { "The scenarios expect nothing of their own." } }
        ul.checks {
            @for (scenario, (kept, runs)) in &kept {
                (check(Some(true), &html! {
                    (scenario) ": "
                    @for (at, words) in kept.iter().enumerate() { @if at > 0 { ", " } code { (words) } }
                    ", each in " @if *runs == 1 { "the one run" } @else { "all of " (counted(*runs, "run")) }
                }))
            }
            @for ((scenario, figure, wanted), (held, failed, open, found)) in &others {
                @let holds = if *failed > 0 { Some(false) } else if *held > 0 { Some(true) } else { None };
                (check(holds, &html! {
                    (scenario) ": " code { (figure) " " (wanted) } " held in " (held) " of " (counted(held + failed + open, "run"))
                    @if *open > 0 { ", not judged in " (open) }
                    @if !found.is_empty() { " (" (found.iter().take(3).cloned().collect::<Vec<_>>().join("; ")) @if found.len() > 3 {
                        "; …" } ")" }
                }))
            }
        }
    }
}

fn faults(facts: &Facts<'_>) -> Markup {
    let mut seen: BTreeMap<(&str, &str), Bitten<'_>> = BTreeMap::new();
    for run in &facts.results.runs {
        for (at, fault) in run.faults.iter().enumerate() {
            let tally = seen.entry((&run.key.scenario, &fault.what)).or_default();
            tally.0 += 1;
            tally.1 += usize::from(run.bit(at));
            for (what, count) in run.effects(at).flat_map(|(_, effect)| &effect.effect) {
                *tally.2.entry(what).or_default() += count;
            }
        }
    }
    let many = seen.len();
    let mut table = Table::new(
        3,
        ["scenario", "fault", "what it touched, over all runs and policies", "runs", "bit in"],
    );
    for ((scenario, what), (runs, bit, touched)) in seen.into_iter().take(60) {
        let touched: Vec<String> = touched
            .iter()
            .map(|(what, count)| format!("{} {count}", what.replace('_', " ")))
            .collect();
        table.push([
            scenario.to_owned(),
            what.to_owned(),
            touched.join(", "),
            runs.to_string(),
            bit.to_string(),
        ]);
    }
    html! {
        @if many > 0 {
            h3 { "Faults and whether they bit" }
            (table.show())
            @if many > 60 { p.note { "The first 60 of " (many) " faults." } }
        }
    }
}
