//! What is wrong or odd with a description, as editors and people read it: `file:line:column: …`.

use std::fmt;
use std::path::{Path, PathBuf};

use stayput_engine::quantity::printable;
use stayput_runtime::job::{DescriptionError, Flaw};

use super::place::{Place, Places};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The description is refused.
    Flaw,
    /// It is accepted, and may not do what was meant.
    Warning,
}

/// One thing to say about a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Where in it, if that can be said.
    pub place: Option<Place>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, and what would be right.
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
            let told = flaws.listed().iter().map(|flaw| of_flaw(file, places, severity, flaw));
            let untold = (flaws.omitted() > 0)
                .then(|| Finding::of_file(file, severity, format!("and {} more", flaws.omitted())));
            told.chain(untold).collect()
        }
    }
}

/// Fields that come twice in one object.
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
