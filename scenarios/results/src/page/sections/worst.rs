//! Section 10: the job that took longest, beside the usual one.

use maud::{Markup, html};

use super::policies::PARTS;
use crate::page::chart::{Bar, Unit, figure, legend_of_areas, stacked_bars};
use crate::page::facts::{Facts, NEAR, Point, completed, latency_us};
use crate::page::show;
use crate::page::table::Table;
use crate::{JobRow, PolicyRecord, RunRecord};

/// The section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let near = facts.policies.iter().find(|policy| *policy == NEAR).or(facts.policies.first());
    let Some(policy) = near else { return html! { p.note { "There is no job." } } };
    let all = facts.points.iter().flat_map(|point| {
        point
            .of_policy(policy)
            .flat_map(move |(run, record)| record.jobs.iter().map(move |job| (point, run, job)))
    });
    let Some((point, run, job)) = all.max_by_key(|(_, run, job)| {
        (latency_us(job), std::cmp::Reverse((run.key.seed, job.index)))
    }) else {
        return html! { p.note { "There is no job under " (policy) "." } };
    };
    html! {
        p {
            "The longest job under " strong { (policy) } " was job " (job.index) " of " (point.name()) ", seed " (run.key.seed) ": it took "
                strong { (show::micros(latency_us(job) as f64)) } " and ended " (ending(job)) "."
        }
        (told(run, job))
        (beside_others(point, run, policy, job))
        (steps(run, policy, job))
        p.note {
            "To look closer: " code { (again(&facts.results.head.command, run, policy)) } ", and open the file at ui.perfetto.dev."
        }
    }
}

/// The command that draws the run's timeline; where the scenario's file is, the sweep's own command says.
fn again(sweep: &str, run: &RunRecord, policy: &str) -> String {
    let own = format!("{}.toml", run.key.scenario);
    let is_its = |word: &&str| word.rsplit('/').next() == Some(own.as_str());
    let file = sweep.split_whitespace().find(is_its).unwrap_or(&own);
    let no_faults = if sweep.contains(" --no-faults") { " --no-faults" } else { "" };
    let set = run.key.settings.iter().map(|(key, value)| format!(" --set '{key}={value}'"));
    let set: String = set.collect();
    let seed = run.key.seed;
    format!("stayput run {file} --seed {seed}{set}{no_faults} --policy {policy} --trace worst.json")
}

fn ending(job: &JobRow) -> String {
    match job.end.as_str() {
        "ok" => "with the right answer".to_owned(),
        end if job.reason.is_empty() => end.to_owned(),
        end => format!("{end}: {}", job.reason),
    }
}

fn told(run: &RunRecord, job: &JobRow) -> Markup {
    let on = |fault: &&crate::FaultRecord| {
        fault.at_us < job.finished_us && fault.at_us + fault.for_us > job.intended_us
    };
    let faults: Vec<&str> = run.faults.iter().filter(on).map(|fault| fault.what.as_str()).collect();
    let named =
        |word: &str, none: &str| if word.is_empty() { none.to_owned() } else { word.to_owned() };
    html! {
        dl {
            dt { "Object" } dd { (job.object) ", " (show::size(job.object_bytes as f64)) }
            dt { "Sent by" } dd { "client:" (job.client) ", work " (job.work) }
            dt { "Ran at" } dd { (named(&job.place, "nowhere")) }
            dt { "Reason for the place" } dd { (named(&job.decision, "none told")) }
            dt { "Answer" } dd { (show::size(job.answer_bytes as f64)) }
            dt { "Faults meanwhile" } dd { (if faults.is_empty() { "none".to_owned() } else { faults.join("; ") }) }
        }
    }
}

/// The worst job beside itself under the other policies, and beside the usual one.
fn beside_others(point: &Point<'_>, run: &RunRecord, policy: &str, job: &JobRow) -> Markup {
    let mut done: Vec<&JobRow> = point
        .of_policy(policy)
        .flat_map(|(_, record)| &record.jobs)
        .filter(|job| completed(job))
        .collect();
    done.sort_by_key(|job| latency_us(job));
    let median = done.get(done.len().saturating_sub(1) / 2).copied();
    let same = |record: &&PolicyRecord| record.policy != policy;
    let elsewhere = run.policies.iter().filter(same).filter_map(|record| {
        let same = record.jobs.iter().find(|other| other.index == job.index)?;
        let end = if completed(same) { String::new() } else { format!(", {}", same.end) };
        Some((format!("the same job under {}{end}", record.policy), same))
    });
    let mut jobs = vec![(format!("the worst job, under {policy}"), job)];
    jobs.extend(elsewhere);
    jobs.extend(median.map(|median| (format!("the median job under {policy}"), median)));
    let mut table =
        Table::new(1, ["job"].into_iter().chain(PARTS.map(|part| part.0)).chain(["all"]));
    let mut bars = Vec::new();
    for (name, job) in jobs {
        let parts: Vec<(usize, String, f64)> = PARTS
            .iter()
            .enumerate()
            .map(|(at, (part, of))| (at, (*part).to_owned(), of(&job.split) as f64))
            .collect();
        table.push(
            [name.clone()]
                .into_iter()
                .chain(parts.iter().map(|part| show::micros(part.2)))
                .chain([show::micros(latency_us(job) as f64)]),
        );
        bars.push(Bar { name, parts, interval: None });
    }
    let legend = legend_of_areas(PARTS.iter().enumerate().map(|(at, part)| (at, part.0)));
    let caption = "What the time of the worst job went to, beside the same job of the same run under the other policies, and the job in \
        the middle of the same policy and point.";
    figure(
        caption,
        &legend,
        |width| {
            stacked_bars(
                "The worst job and the median one",
                (Unit::Micros, "latency"),
                &bars,
                width,
            )
        },
        &table,
    )
}

/// The job's story in order of time, as far as the record tells it.
fn steps(run: &RunRecord, policy: &str, job: &JobRow) -> Markup {
    let others = run.policies.iter().find(|record| record.policy == policy).map_or(0, |record| {
        let on = |other: &&JobRow| {
            other.intended_us <= job.intended_us && other.finished_us > job.intended_us
        };
        record.jobs.iter().filter(on).filter(|other| other.index != job.index).count()
    });
    let mut steps: Vec<(u64, String)> = vec![
        (
            job.intended_us,
            format!(
                "client:{} is due to send it; {} in progress",
                job.client,
                super::counted(others, "other job")
            ),
        ),
        (job.finished_us, format!("it ends {}", ending(job))),
    ];
    for fault in &run.faults {
        let end = fault.at_us + fault.for_us;
        for (at, word) in [(fault.at_us, "begins"), (end, "is over")] {
            if (job.intended_us..=job.finished_us).contains(&at) {
                steps.push((at, format!("{}: {word}", fault.what)));
            }
        }
    }
    steps.sort();
    let spent = PARTS.iter().map(|(name, of)| (name, of(&job.split))).filter(|(_, us)| *us > 0);
    let spent: Vec<String> =
        spent.map(|(name, us)| format!("{name} {}", show::micros(us as f64))).collect();
    let mut table = Table::new(2, ["time", "what happens"]);
    for (at, what) in steps {
        table.push([show::micros(at as f64), what]);
    }
    html! {
        (table.show())
        @if !spent.is_empty() { p { "In between it spent " (spent.join(", ")) "." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunKey;
    use crate::fixtures::record;

    #[test]
    fn the_command_for_a_closer_look_names_the_file_and_the_settings_of_the_sweep() {
        let settings = [("node.cores".to_owned(), "2".to_owned())].into();
        let run = record(RunKey { scenario: "quiet".to_owned(), settings, seed: 3 }, &[]);
        let sweep = "stayput sweep scenarios/locality/quiet.toml --seeds 0..6 --no-faults --out d";
        assert_eq!(
            again(sweep, &run, "download"),
            "stayput run scenarios/locality/quiet.toml --seed 3 --set 'node.cores=2' --no-faults --policy download \
             --trace worst.json"
        );
    }
}
