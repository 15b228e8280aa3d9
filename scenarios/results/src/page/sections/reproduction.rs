//! Section 2: command, version, seeds and digests that give the same results again.

use maud::{Markup, html};
use sha2::{Digest, Sha256};
use stayput_engine::record::hex;

use super::counted;
use crate::page::WallClock;
use crate::page::facts::Facts;
use crate::page::table::Table;

/// Bound of the listed trace hashes; the digest is over all.
const HASHES: usize = 2_000;

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let head = &facts.results.head;
    let mut digest = Sha256::new();
    for run in &facts.results.runs {
        digest.update(format!(
            "{} {:?} {} {}\n",
            run.key.scenario,
            run.key.settings,
            run.key.seed,
            run.trace_hash.as_deref().unwrap_or_default()
        ));
    }
    let digest = hex(&digest.finalize());
    html! {
        pre { code { (head.command) } }
        dl {
            dt { "Program" } dd { "stayput " (head.version) }
            dt { "Commit" } dd { (commit(facts)) }
            dt { "Seeds" } dd { (head.seeds) }
            dt { "Runs here" } dd { (counted(facts.results.runs.len(), "run")) ", " (counted(facts.points.len(), "point")) " of "
                (counted(facts.shown().len(), "scenario")) ", policies " (facts.policies.join(", ")) }
            @for (key, values) in &head.axes { dt { code { (key) } } dd { (values.join(", ")) } }
            dt { "Warm-up left out" } dd { (facts.warm_up_words()) }
            dt { "Digest of all traces" } dd { code { (digest) } }
        }
        details.long {
            summary { "Digests of the scenarios and of the runs' traces" }
            (hashes(facts))
        }
        (missing(facts))
    }
}

/// The commit that began the sweep, and another one that went on with it.
fn commit(facts: &Facts<'_>) -> Markup {
    let began = &facts.results.head.commit;
    let later = match &facts.results.wall {
        WallClock::Known(wall) => wall.commit.as_ref().filter(|commit| *commit != began),
        WallClock::None | WallClock::Broken(_) => None,
    };
    html! {
        @if began == "unknown" { "unknown: the program was built where no git could tell it" } @else { code { (began) } }
        @if let Some(later) = later { ", and gone on with from " code { (later) } ": that the two give the same \
            runs, nobody has checked" }
    }
}

fn hashes(facts: &Facts<'_>) -> Markup {
    let mut scenarios = Table::new(2, ["scenario", "digest of all that decides its runs"]);
    for (name, digest) in &facts.results.head.scenarios {
        scenarios.push([name.clone(), digest.clone()]);
    }
    let mut runs = Table::new(3, ["point", "seed", "trace hash"]);
    let all = facts.points.iter().flat_map(|point| point.runs.iter().map(move |run| (point, run)));
    for (point, run) in all.take(HASHES) {
        runs.push([
            point.name(),
            run.key.seed.to_string(),
            run.trace_hash.clone().unwrap_or_default(),
        ]);
    }
    html! {
        div.hash { (scenarios.show()) (runs.show()) }
        @if facts.results.runs.len() > HASHES { p.note { "The first " (HASHES) " of " (facts.results.runs.len())
            " are listed; all are in the directory's " code { "runs" } "." } }
    }
}

/// Runs that are missing, and runs without a result.
fn missing(facts: &Facts<'_>) -> Markup {
    let results = facts.results;
    html! {
        @if results.missing > 0 {
            p.no { (counted(results.missing, "run")) " that were asked for are not here: the sweep is not finished, or this is one \
                shard of it." }
        }
        @if !results.failed.is_empty() {
            p.no { (counted(results.failed.len(), "run")) " came to no result, and are in no figure of this page:" }
            ul {
                @for failed in results.failed.iter().take(20) { li { (failed.key.to_string()) ": " (failed.why) } }
                @if results.failed.len() > 20 { li { "and " (results.failed.len() - 20) " more" } }
            }
        }
    }
}
