//! `stayput job`: tools for authors of jobs. Plans go to standard output, flaws to standard error.

use std::io::{self, Write};
use std::path::Path;

use super::{CheckArgs, CliError, Exit, JobCommand, NewArgs, job_run};
use crate::job;
use crate::job::Severity;

/// Executes a `job` command.
pub(super) fn job(command: &JobCommand) -> Result<Exit, CliError> {
    match command {
        JobCommand::Check(args) => check(args),
        JobCommand::Schema => {
            io::stdout().write_all(stayput_runtime::job::SCHEMA.as_bytes())?;
            Ok(Exit::Kept)
        }
        JobCommand::New(args) => new(args),
        JobCommand::Run(args) => job_run::run(args),
    }
}

fn new(args: &NewArgs) -> Result<Exit, CliError> {
    let name = args.name.as_str();
    job::begin(Path::new("."), &args.name, args.lang).map_err(|error| CliError::Usage {
        why: format!("{name}: cannot make it: {error}"),
        fix: "give another name, or go where you may write",
    })?;
    let run = args.lang.run_command(&args.name);
    writeln!(io::stdout(), "{name}/ is there. From within it:\n    sh build.sh\n    {run}")?;
    Ok(Exit::Kept)
}

fn check(args: &CheckArgs) -> Result<Exit, CliError> {
    let file = &args.file;
    let description = std::fs::read(file).map_err(|error| CliError::Usage {
        why: format!("{}: cannot read: {error}", file.display()),
        fix: "name the file of a job's description",
    })?;
    let checked = job::check(file, &description);
    let mut err = io::stderr().lock();
    for finding in &checked.findings {
        writeln!(err, "{finding}")?;
    }
    if let Some(plan) = &checked.plan {
        write!(io::stdout(), "{}: a good job\n{plan}", file.display())?;
    }
    let is_flawed = checked.findings.iter().any(|finding| finding.severity == Severity::Flaw);
    Ok(if is_flawed { Exit::Usage } else { Exit::Kept })
}
