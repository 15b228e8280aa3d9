//! Exit codes, by cause.

use std::process::ExitCode;

use stayput_engine::record::RunRecord;
use stayput_engine::run::RunError;

use super::CliError;

/// Outcome of the command, by cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All promises were kept; jobs that failed honestly are no broken promise.
    Kept,
    /// A promise was broken: a wrong answer, an invariant, an expectation, a fault without
    /// effect, or two runs of one seed that differ.
    Broken,
    /// The command line or a file is at fault.
    Usage,
    /// The simulated world made no progress.
    NoProgress,
    /// The exit code of a guest that ran here.
    Guest(u8),
}

impl Exit {
    /// The exit for a judged run.
    #[must_use]
    pub fn of_run(run: &RunRecord) -> Self {
        if run.broken.is_empty() { Self::Kept } else { Self::Broken }
    }

    /// The exit for a run without a result.
    #[must_use]
    pub fn of_error(error: &CliError) -> Self {
        match error {
            CliError::Run(RunError::NoProgress { .. }) => Self::NoProgress,
            _ => Self::Usage,
        }
    }

    /// Exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Kept => 0,
            Self::Broken => 1,
            Self::Usage => 2,
            Self::NoProgress => 3,
            Self::Guest(code) => code,
        }
    }

    /// The exit that a child process's code stands for.
    #[must_use]
    pub fn of_code(code: Option<i32>) -> Option<Self> {
        [Self::Kept, Self::Broken, Self::Usage, Self::NoProgress]
            .into_iter()
            .find(|exit| Some(i32::from(exit.code())) == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
