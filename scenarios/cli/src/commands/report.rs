//! `stayput report`: draws the page on a sweep.

use std::fs;
use std::io::{self, Write};

use stayput_engine::quantity;
use stayput_results::page::{Page, Results};

use super::{CliError, Exit, ReportArgs};

/// Reads the directory, writes the page and says its verdict.
pub(super) fn report(args: &ReportArgs) -> Result<Exit, CliError> {
    let results = Results::read(&args.dir)?;
    let page = Page::of(&results);
    let path = args.out.clone().unwrap_or_else(|| args.dir.join("report.html"));
    fs::write(&path, &page.html).map_err(|source| CliError::File {
        path: path.clone(),
        action: "write it",
        source,
    })?;
    let mut out = io::stdout();
    writeln!(out, "{}", path.display())?;
    writeln!(out, "{}", quantity::printable(&page.verdict))?;
    Ok(Exit::Kept)
}
