//! `stayput run`: plans, runs each policy, judges, exports.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::record::{PolicyRecord, RunKey};
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::{Scenario, ScenarioError};
use stayput_engine::timeline::{ChromeTrace, RunTimeline};
use stayput_results::export::{Exporter, RunOutput, TableExporter};
use stayput_results::judged;
use stayput_world::executor::TaskOrder;

use super::config::write_config;
use super::progress::Bar;
use super::wall::Wall;
use super::{CliError, Exit, ExportArg, OutputArgs, PlanArgs, RunArgs};

/// Runs the scenario and exports the results.
pub(super) fn run(args: &RunArgs, exporters: &[&dyn Exporter]) -> Result<Exit, CliError> {
    let wall = Wall::start();
    let exports = exports(&args.output, exporters)?;
    let plan = plan(&args.plan)?;
    let mut text = text_output(&exports);
    write_config(&plan, &mut text)?;
    let policies = run_policies(&plan, &args.output)?;
    let settings = plan.scenario.settings.iter();
    let settings = settings.map(|set| (set.key().to_owned(), set.value().to_owned()));
    let key = RunKey {
        scenario: plan.scenario.name.clone(),
        settings: settings.collect::<BTreeMap<_, _>>(),
        seed: plan.seed,
    };
    let run = judged(key, &plan, policies, args.plan.warm_up);
    let command = repeat_command(&args.plan);
    let output = RunOutput {
        run: &run,
        command: &command,
        warm_up: args.plan.warm_up,
        wall: wall.elapsed(),
    };
    TableExporter.write(&output, &mut text)?;
    for (exporter, ExportArg { file, .. }) in &exports {
        if file.as_os_str() == "-" {
            exporter.write(&output, &mut io::stdout())?;
            continue;
        }
        let mut out = BufWriter::new(create(file)?);
        let written = exporter.write(&output, &mut out).and_then(|()| out.flush());
        written.map_err(|e| write_error(file, e))?;
    }
    Ok(Exit::of_run(&run))
}

/// The exporters that the options name, with their files.
///
/// # Errors
/// A format is not among `exporters`, or several exports go to standard output.
pub(super) fn exports<'a>(
    args: &OutputArgs,
    exporters: &[&'a dyn Exporter],
) -> Result<Vec<(&'a dyn Exporter, ExportArg)>, CliError> {
    let mut found = Vec::new();
    for export in args.exports() {
        let exporter = exporters.iter().find(|exporter| exporter.format() == export.format);
        let exporter = exporter.ok_or_else(|| CliError::Format {
            format: export.format.clone(),
            known: exporters.iter().map(|it| it.format()).collect::<Vec<_>>().join(", "),
        })?;
        found.push((*exporter, export));
    }
    if found.iter().filter(|(_, export)| export.to_stdout()).count() > 1 {
        return Err(CliError::Usage {
            why: "several exports go to standard output".to_owned(),
            fix: "give all but one a file",
        });
    }
    Ok(found)
}

/// Standard output for text, unless an export goes there: then it has that alone.
pub(super) fn text_output(exports: &[(&dyn Exporter, ExportArg)]) -> Box<dyn Write> {
    match exports.iter().any(|(_, export)| export.to_stdout()) {
        true => Box::new(io::stderr()),
        false => Box::new(io::stdout()),
    }
}

/// The plan of the command line.
pub(super) fn plan(args: &PlanArgs) -> Result<RunPlan, CliError> {
    let mut scenario = Scenario::load_with(&args.scenario, &args.set, &args.catalog)?;
    for data in &args.data {
        scenario.put_file(data.name.clone(), data.file.clone());
    }
    if !args.policy.is_empty() {
        scenario.policies = Vec::new();
        for policy in &args.policy {
            if !scenario.policies.contains(policy) {
                scenario.policies.push(*policy);
            }
        }
    }
    let unfit = |key: &str, why: &str, fix: &str| {
        Err(CliError::Scenario(ScenarioError {
            file: scenario.file.clone(),
            line: None,
            key: key.to_owned(),
            why: why.to_owned(),
            fix: fix.to_owned(),
        }))
    };
    let idle = scenario.policies.iter().find(|policy| policy.placement().needs_workers());
    if let Some(policy) = idle.filter(|_| scenario.cluster.workers == 0) {
        return unfit(
            "cluster.workers",
            &format!("is 0, and the policy {policy} runs jobs on workers"),
            &format!("ask for a worker, or leave --policy {policy} out"),
        );
    }
    let has_faults = !scenario.faults.is_empty() || !scenario.drawn_faults.is_empty();
    if args.net != Net::Fabric && !args.no_faults && has_faults {
        return unfit(
            "fault",
            &format!("the network {} has no faults", args.net),
            &format!("add --no-faults, or leave --net {} out", args.net),
        );
    }
    if args.net != Net::Fabric && args.shuffle.is_some() {
        return Err(CliError::Usage {
            why: format!("the network {} has an order of its own", args.net),
            fix: "leave --shuffle out, or take --net fabric",
        });
    }
    let order = args.shuffle.map_or(TaskOrder::Fixed, TaskOrder::Shuffled);
    Ok(RunPlan { order, ..RunPlan::build(scenario, args.seed, args.net, !args.no_faults)? })
}

fn run_policies(plan: &RunPlan, args: &OutputArgs) -> Result<Vec<PolicyRecord>, CliError> {
    let mut events = match &args.events {
        Some(path) => Some((path, BufWriter::new(create(path)?))),
        None => None,
    };
    let mut trace = match &args.trace {
        Some(path) => {
            let trace = ChromeTrace::begin(BufWriter::new(create(path)?));
            Some((path, trace.map_err(|e| write_error(path, e))?))
        }
        None => None,
    };
    let mut runs = Vec::new();
    let mut failed = None;
    for policy in &plan.scenario.policies {
        let bar = Bar::new(*policy);
        let mut progress = |progress| bar.show(progress);
        let mut wanted = Wanted::default();
        if let Some((path, file)) = &mut events {
            writeln!(file, "policy {policy}").map_err(|e| write_error(path, e))?;
            wanted.events = Some(file);
        }
        let mut show;
        if let Some((_, trace)) = &mut trace {
            show = |timeline: &RunTimeline| trace.add(timeline);
            wanted.timeline = Some(&mut show);
        }
        let run = run_policy(plan, *policy, &mut progress, wanted);
        bar.finish();
        match run {
            Ok(run) => runs.push(run),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    if let Some((path, mut file)) = events {
        file.flush().map_err(|e| write_error(path, e))?;
    }
    if let Some((path, trace)) = trace {
        trace.end().map_err(|e| write_error(path, e))?;
    }
    failed.map_or(Ok(runs), |error| Err(error.into()))
}

fn create(path: &Path) -> Result<File, CliError> {
    File::create(path).map_err(|e| write_error(path, e))
}

fn write_error(path: &Path, source: io::Error) -> CliError {
    CliError::File { path: path.to_owned(), action: "write it", source }
}

/// The command that repeats the run, to be pasted into a shell.
pub(super) fn repeat_command(args: &PlanArgs) -> String {
    pasteable(&args.deciding_words())
}

/// The command with these arguments, quoted for a shell.
pub(super) fn pasteable(words: &[OsString]) -> String {
    // Cargo sets variables for its children; an installed command runs without cargo.
    let command = match (std::env::var_os("CARGO"), cfg!(debug_assertions)) {
        (Some(_), true) => "cargo run --",
        (Some(_), false) => "cargo run --release --",
        (None, _) => "stayput",
    };
    let words = words.iter().map(|word| format!(" {}", quoted(word)));
    words.fold(command.to_owned(), |command, word| command + &word)
}

/// A word, quoted for a POSIX shell.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:~+,%@".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
