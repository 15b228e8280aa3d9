//! The `stayput` command.

use std::process::ExitCode;

use stayput_engine::scenario::ScenarioCatalog;
use stayput_results::export::EXPORTERS;

fn main() -> ExitCode {
    stayput::commands::main(&ScenarioCatalog::default(), EXPORTERS)
}
