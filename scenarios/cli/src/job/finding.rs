//! Findings in a description (flaws and warnings), formatted for editors and people:
//! `file:line:column: …`.

use std::fmt;
use std::path::{Path, PathBuf};

use stayput_engine::quantity::printable;
use stayput_runtime::job::{DescriptionError, Flaw};

use super::place::{Place, Places};

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The description is refused.
    Flaw,
    /// The description is accepted, and may not do what was meant.
    Warning,
}

/// A flaw of a description, or a warning about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Position in the file; `None` if the whole file is concerned or the position is unknown.
    pub place: Option<Place>,
    /// Its severity.
    pub severity: Severity,
    /// Description of the problem, and of its fix where there is one.
    pub why: String,
}

impl Finding {
    pub(super) fn of_file(file: &Path, severity: Severity, why: String) -> Self {
        Self { file: file.to_owned(), place: None, severity, why }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        let word = match self.severity {
            Severity::Flaw => "error",
            Severity::Warning => "warning",
        };
        write!(f, " {word}: {}", printable(&self.why))
    }
}

pub(super) fn of_flaw(
    file: &Path,
    places: &Places<'_>,
    severity: Severity,
    flaw: &Flaw,
) -> Finding {
    let place = places.of_flaw(flaw);
    Finding { file: file.to_owned(), place, severity, why: flaw.to_string() }
}

pub(super) fn of_error(
    file: &Path,
    places: &Places<'_>,
    severity: Severity,
    error: &DescriptionError,
) -> Vec<Finding> {
    let whole = |place| Finding { file: file.to_owned(), place, severity, why: error.to_string() };
    match error {
        DescriptionError::TooLarge { .. } => vec![whole(None)],
        DescriptionError::NotJson { line, column, .. } => {
            vec![whole(Some(Place { line: (*line).max(1), column: (*column).max(1) }))]
        }
        DescriptionError::Flawed(flaws) => {
            let listed = flaws.listed().iter().map(|flaw| of_flaw(file, places, severity, flaw));
            let omitted = (flaws.omitted() > 0)
                .then(|| Finding::of_file(file, severity, format!("and {} more", flaws.omitted())));
            listed.chain(omitted).collect()
        }
    }
}

/// Findings of duplicate fields in one object.
pub(super) fn of_repeated(file: &Path, places: &Places<'_>) -> Vec<Finding> {
    let finding = |(name, place)| Finding {
        file: file.to_owned(),
        place: Some(place),
        severity: Severity::Warning,
        why: format!(
            "field `{name}` is here for the second time, and only this one counts: keep one"
        ),
    };
    places.repeated().into_iter().map(finding).collect()
}
