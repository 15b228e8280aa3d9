//! The `stayput` command.

use std::process::ExitCode;

use clap::Parser;
use stayput::commands::{Cli, Exit};
use stayput_results::export::EXPORTERS;

fn main() -> ExitCode {
    match stayput::commands::execute(&Cli::parse(), EXPORTERS) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error}");
            Exit::of_error(&error).into()
        }
    }
}
