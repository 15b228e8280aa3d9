//! The `stayput` command.

use std::process::ExitCode;

use clap::Parser;
use stayput::cli::{Cli, Exit};

fn main() -> ExitCode {
    match stayput::cli::execute(&Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error}");
            Exit::of_error(&error).into()
        }
    }
}
