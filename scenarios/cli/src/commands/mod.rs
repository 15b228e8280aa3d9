//! The command: arguments, files, progress, exit codes.
//!
//! Everything that it prints about a result comes from `report`; it adds the
//! destinations of the results.

mod args;
mod argument_error;
mod cluster;
mod config;
mod exit;
mod image;
mod job;
mod job_run;
mod progress;
mod report;
mod run;
mod serve;
mod sweep;
#[cfg(test)]
mod tests;
mod twice;
mod wall;
mod warm_up;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

pub use args::{
    CheckArgs, Cli, Command, DataArg, ExportArg, FileArg, ImageArgs, ImageKind, JobCommand,
    JobRunArgs, NewArgs, OutputArgs, PlanArgs, ReportArgs, RunArgs,
};
pub use cluster::{ClusterCommand, NewClusterArgs};
pub use exit::Exit;
pub use serve::{Role, ServeArgs};
pub use sweep::{Axis, CompareArgs, MergeArgs, Shard, SweepArgs};

use stayput_engine::run::RunError;
use stayput_engine::scenario::{ScenarioCatalog, ScenarioError};
use stayput_images::ImageBuildError;
use stayput_results::export::Exporter;
use stayput_results::sweep::SweepFolderError;
use stayput_server::StartError;

use crate::serve::{ClusterDataError, TlsFileError, UsersError};

/// Error of a command.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The scenario or one of its files is at fault.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The run failed as a whole.
    #[error(transparent)]
    Run(#[from] RunError),
    /// An image cannot be built.
    #[error(transparent)]
    Image(#[from] ImageBuildError),
    /// A sweep's directory cannot be used.
    #[error(transparent)]
    SweepFolder(#[from] SweepFolderError),
    /// The directory of a served cluster cannot be used.
    #[error(transparent)]
    ClusterData(#[from] ClusterDataError),
    /// The users of a served cluster cannot be read, or are invalid.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// A certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFileError),
    /// A server cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A result cannot be written or read back.
    #[error("{}: cannot {action}: {source} (name a file in a folder that exists and is writable)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Attempted action, such as `read`.
        action: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Standard output or standard error is gone.
    #[error("cannot write the report: {0}")]
    Output(#[from] io::Error),
    /// Options that do not go together.
    #[error("{why} ({fix})")]
    Usage {
        /// Description of the error.
        why: String,
        /// Hint for a fix.
        fix: &'static str,
    },
    /// A format of `--export` that no exporter has.
    #[error("there is no format `{format}` to export to (the formats are {known})")]
    Format {
        /// The name.
        format: String,
        /// The names of the formats.
        known: String,
    },
    /// A process of `twice` did not end as a run does.
    #[error("run {number} of two: {why}")]
    Child {
        /// Number of the process, 1 or 2.
        number: u32,
        /// Description of its end.
        why: String,
    },
}

/// Main function of a command with the policies and the kinds of faults of `catalog` and the
/// formats of `exporters`: parses the process's own words, executes them, and prints errors.
#[must_use]
pub fn main(catalog: &ScenarioCatalog, exporters: &[&dyn Exporter]) -> ExitCode {
    let cli = match Cli::parse_with(catalog, std::env::args_os()) {
        Ok(cli) => cli,
        Err(usage) => usage.exit(),
    };
    match execute(&cli, exporters) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error}");
            Exit::of_error(&error).into()
        }
    }
}

/// Executes a command line. `run` and `twice` export to the formats of `exporters`: a command of
/// your own may pass more than the built-in ones.
///
/// # Errors
/// There is no result; a broken promise is an exit code.
pub fn execute(cli: &Cli, exporters: &[&dyn Exporter]) -> Result<Exit, CliError> {
    match &cli.command {
        Command::Run(args) => run::run(args, exporters),
        Command::Twice(args) => twice::twice(args, exporters),
        Command::Sweep(args) => sweep::sweep(args),
        Command::Merge(args) => sweep::merge(args),
        Command::Compare(args) => sweep::compare(args),
        Command::Job(command) => job::job(command),
        Command::Image(args) => image::image(args),
        Command::Report(args) => report::report(args),
        Command::Serve(args) => serve::serve(args),
        Command::Cluster(command) => cluster::cluster(command),
    }
}
