//! Section 10: the job that took longest, beside the usual one.

use maud::{Markup, html};
use stayput_engine::record::{
    FaultRecord, JobEnd, JobRecord, LatencyPhase, PolicyRecord, RunRecord,
};

use super::policies::phase_names;
use crate::page::chart::{Bar, Unit, figure, legend_of_areas, stacked_bars};
use crate::page::facts::{Facts, Point};
use crate::page::show;
use crate::page::table::Table;
use crate::stats::ON_STORAGE;

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let near =
        facts.policies.iter().find(|policy| *policy == ON_STORAGE).or(facts.policies.first());
    let Some(policy) = near else { return html! { p.note { "There is no job." } } };
    let all = facts.points.iter().flat_map(|point| {
        point
            .of_policy(policy)
            .flat_map(move |(run, record)| record.jobs.iter().map(move |job| (point, run, job)))
    });
    let Some((point, run, job)) = all
        .max_by_key(|(_, run, job)| (job.latency(), std::cmp::Reverse((run.key.seed, job.index))))
    else {
        return html! { p.note { "There is no job under " (policy) "." } };
    };
    html! {
        p {
            "The longest job under " strong { (policy) } " was job " (job.index) " of " (point.name()) ", seed " (run.key.seed) ": it took "
                strong { (show::micros(job.latency_us() as f64)) } " and ended " (ending(job)) "."
        }
        (described(run, job))
        (beside_others(point, run, policy, job))
        (steps(run, policy, job))
        p.note {
            "To look closer: " code { (again(&facts.results.head.command, run, policy)) } ", and open the file at ui.perfetto.dev."
        }
    }
}

/// The command that draws the run's timeline; the path of the scenario's file stands in the sweep's
/// own command.
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

fn ending(job: &JobRecord) -> String {
    match &job.end {
        JobEnd::Ok => "with the right answer".to_owned(),
        JobEnd::Wrong { .. } => "with a wrong answer".to_owned(),
        JobEnd::Failed { error } => format!("failed: {error}"),
    }
}

fn described(run: &RunRecord, job: &JobRecord) -> Markup {
    let on =
        |fault: &&FaultRecord| fault.at < job.finished && fault.at + fault.lasts > job.intended;
    let faults: Vec<&str> = run.faults.iter().filter(on).map(|fault| fault.what.as_str()).collect();
    let placement = job.placement.as_ref();
    let reason = placement.map_or("", |placement| &placement.reason);
    html! {
        dl {
            dt { "Object" } dd { (job.object) ", " (show::size(job.object_bytes as f64)) }
            dt { "Sent by" } dd { "client:" (job.client) ", work " (job.work) }
            dt { "Ran at" } dd { (placement.map_or("nowhere", |placement| placement.place.name())) }
            dt { "Reason for the place" } dd { (if reason.is_empty() { "none given" } else { reason }) }
            dt { "Answer" } dd { (show::size(job.answer_bytes as f64)) }
            dt { "Faults meanwhile" } dd { (if faults.is_empty() { "none".to_owned() } else { faults.join("; ") }) }
        }
    }
}

/// The worst job beside itself under the other policies, and beside the usual one.
fn beside_others(point: &Point<'_>, run: &RunRecord, policy: &str, job: &JobRecord) -> Markup {
    let mut done: Vec<&JobRecord> = point
        .of_policy(policy)
        .flat_map(|(_, record)| &record.jobs)
        .filter(|job| job.completed())
        .collect();
    done.sort_by_key(|job| job.latency());
    let median = done.get(done.len().saturating_sub(1) / 2).copied();
    let same = |record: &&PolicyRecord| record.policy != policy;
    let elsewhere = run.policies.iter().filter(same).filter_map(|record| {
        let same = record.jobs.iter().find(|other| other.index == job.index)?;
        let end = if same.completed() { String::new() } else { format!(", {}", same.end.name()) };
        Some((format!("the same job under {}{end}", record.policy), same))
    });
    let mut jobs = vec![(format!("the worst job, under {policy}"), job)];
    jobs.extend(elsewhere);
    jobs.extend(median.map(|median| (format!("the median job under {policy}"), median)));
    let mut table = Table::new(1, ["job"].into_iter().chain(phase_names()).chain(["all"]));
    let mut bars = Vec::new();
    for (name, job) in jobs {
        let parts: Vec<(usize, String, f64)> = LatencyPhase::ALL
            .into_iter()
            .enumerate()
            .map(|(at, phase)| (at, phase.name().to_owned(), job.phases.get_us(phase) as f64))
            .collect();
        table.push(
            [name.clone()]
                .into_iter()
                .chain(parts.iter().map(|part| show::micros(part.2)))
                .chain([show::micros(job.latency_us() as f64)]),
        );
        bars.push(Bar { name, parts, interval: None });
    }
    let legend = legend_of_areas(phase_names().into_iter().enumerate());
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

/// The job's events in order of time, as far as the record has them.
fn steps(run: &RunRecord, policy: &str, job: &JobRecord) -> Markup {
    let others = run.policy(policy).map_or(0, |record| {
        let on =
            |other: &&JobRecord| other.intended <= job.intended && other.finished > job.intended;
        record.jobs.iter().filter(on).filter(|other| other.index != job.index).count()
    });
    let mut steps: Vec<(u64, String)> = vec![
        (
            job.intended_us(),
            format!(
                "client:{} is due to send it; {} in progress",
                job.client,
                super::counted(others, "other job")
            ),
        ),
        (job.finished_us(), format!("it ends {}", ending(job))),
    ];
    for fault in &run.faults {
        for (at, word) in [(fault.at, "begins"), (fault.at + fault.lasts, "is over")] {
            if (job.intended..=job.finished).contains(&at) {
                let us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
                steps.push((us, format!("{}: {word}", fault.what)));
            }
        }
    }
    steps.sort();
    let spent = LatencyPhase::ALL.map(|phase| (phase.name(), job.phases.get_us(phase)));
    let spent = spent.into_iter().filter(|(_, us)| *us > 0);
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
    use crate::fixtures::record;
    use stayput_engine::record::RunKey;

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
