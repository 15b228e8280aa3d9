//! The `stayput` command with this crate's policy and kinds of faults beside the built-in ones.

use std::process::ExitCode;

use stayput_results::export::EXPORTERS;

fn main() -> ExitCode {
    stayput::commands::main(&stayput_extended::catalog(), EXPORTERS)
}
