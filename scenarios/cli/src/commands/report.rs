//! `stayput report`: writes the page on a sweep.

use std::fs;
use std::io::{self, Write};

use stayput_engine::quantity;
use stayput_results::page::{ReportPage, SweepResults};

use super::{CliError, Exit, ReportArgs};

/// Reads the directory, writes the page and prints its verdict.
pub(super) fn report(args: &ReportArgs) -> Result<Exit, CliError> {
    let results = SweepResults::read(&args.dir)?;
    let page = ReportPage::of(&results);
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
