//! Tools for authors of jobs: starter directories, explanations of descriptions, and flaws with
//! line and column.
//!
//! Leaves out the state of a store: which objects exist, and on which nodes.

mod explain;
mod finding;
mod place;
mod starter;

use std::path::Path;

use stayput_runtime::job::{self, DescriptionError, ExecPath, Job, JobGraph, Matches};

pub use finding::{Finding, Severity};
pub use starter::{JobName, Language, begin};

/// Result of checking a description without a store.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Explanation of the job, as lines of text; `None` if the description is flawed.
    pub plan: Option<String>,
    /// Flaws, then warnings.
    pub findings: Vec<Finding>,
}

/// Checks a description. `file` is its name in findings.
#[must_use]
pub fn check(file: &Path, description: &[u8]) -> Checked {
    let places = place::Places::of(description);
    let mut findings = Vec::new();
    let mut report = |severity, error: &DescriptionError| {
        findings.extend(finding::of_error(file, &places, severity, error));
    };
    let plan = match read(description) {
        Ok((job, graph)) => {
            if let Err(error) = job.check_without_body() {
                report(Severity::Warning, &error);
            }
            Some((explain::explain(&job, &graph), odd_executables(&job)))
        }
        Err(error) => {
            report(Severity::Flaw, &error);
            None
        }
    };
    let unknown = job::unknown_fields(description).unwrap_or_default();
    findings.extend(
        unknown.iter().map(|flaw| finding::of_flaw(file, &places, Severity::Warning, flaw)),
    );
    findings.extend(finding::of_repeated(file, &places));
    let (plan, odd) = plan.unzip();
    let odd = odd.into_iter().flatten();
    findings.extend(odd.map(|why| Finding::of_file(file, Severity::Warning, why)));
    Checked { plan, findings }
}

/// The job and its sessions. Each wildcard stands for itself, as if it had matched one object of
/// its own name.
fn read(description: &[u8]) -> Result<(Job, JobGraph), DescriptionError> {
    let job = job::parse(description)?;
    let mut matches = Matches::default();
    for pattern in job.wildcards() {
        matches.insert(pattern.clone(), vec![pattern.clone()]);
    }
    let graph = job.graph(&matches)?;
    Ok((job, graph))
}

/// Executables in images that their nodes do not have, which only a run can refuse.
fn odd_executables(job: &Job) -> Vec<String> {
    let odd = |node: &job::JobNode| {
        let images = || node.devices.iter().filter(|device| device.class.kind().is_none());
        match &node.exec.path {
            ExecPath::Image { image: Some(image), .. } if node.device(image).is_none() => {
                Some(format!(
                    "node \"{}\", field `exec.path`: the image \"{image}\" is no device of the node: add {{\"name\": \"{image}\"}}",
                    node.name
                ))
            }
            ExecPath::Image { image: None, path } if images().next().is_none() => Some(format!(
                "node \"{}\", field `exec.path`: \"{path}\" is a file of an image, and the node has none: \
                 add a device `image`, or name an object as swift://account/container/object",
                node.name
            )),
            _ => None,
        }
    };
    job.nodes.iter().filter_map(odd).collect()
}

#[cfg(test)]
mod tests;
