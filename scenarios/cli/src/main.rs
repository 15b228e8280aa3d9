//! The `stayput` command.

use std::process::ExitCode;

use stayput_jobs::placement::PolicyRegistry;
use stayput_results::export::EXPORTERS;

fn main() -> ExitCode {
    stayput::commands::main(&PolicyRegistry::built_in(), EXPORTERS)
}
