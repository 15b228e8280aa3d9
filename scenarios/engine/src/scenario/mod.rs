//! A scenario: the cluster, its data, the work, the faults and what is expected, all validated.
//!
//! A file is parsed into raw types and converted once; whatever holds a [`Scenario`] need not
//! check again. Leaves out how it runs (`engine`) and what is drawn for a seed (`plan`).

#[cfg(test)]
mod bounds_tests;
mod catalog;
mod convert;
mod data;
mod error;
mod expect;
mod fault;
#[cfg(test)]
mod fault_tests;
mod image;
mod load;
mod object;
mod policy;
mod raw;
#[cfg(test)]
mod reference_tests;
mod setting;
mod size;
#[cfg(test)]
mod tests;
mod work;
#[cfg(test)]
mod workload_tests;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use stayput_host::config::{ClusterConfig, MachineConfig, NetworkConfig};
use stayput_jobs::placement::PolicyRegistry;

pub use catalog::ScenarioCatalog;
pub use convert::limits;
pub use data::{Content, DataSource, Generator, TarMember};
pub use error::ScenarioError;
pub use expect::{Comparison, Expectation, Figure, Measure, Sign};
pub use fault::{DrawnFault, ScenarioFault};
pub use image::ImageSource;
pub use load::{LOAD_CONTAINER, Load};
pub use object::{OBJECT_NAME_FIX, ObjectName, ObjectNameError, ObjectPattern};
pub use policy::{Policy, UnknownPolicy};
pub use setting::{Setting, SettingError};
pub use size::Size;
pub use work::{Arrivals, Description, Pick, Work};

/// A scenario that can be run. Proxies have the node's network card.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file that it came from.
    pub file: PathBuf,
    /// Settings of the command line, in the place of the file's keys.
    pub settings: Vec<Setting>,
    /// Its name.
    pub name: String,
    /// Story, in a sentence.
    pub story: String,
    /// Counts of regions, zones, hosts and disks.
    pub cluster: ClusterConfig,
    /// A storage node.
    pub node: MachineConfig,
    /// A compute host outside the store.
    pub worker: MachineConfig,
    /// Latencies and trunks.
    pub network: NetworkConfig,
    /// The images that are installed on all nodes and workers, by name.
    pub images: Vec<ImageSource>,
    /// The objects that the store holds before the first job, each name once.
    pub data: Vec<DataSource>,
    /// The jobs, in groups.
    pub work: Vec<Work>,
    /// Reads and writes of clients beside the jobs.
    pub load: Vec<Load>,
    /// The faults, in the order of the file.
    pub faults: Vec<ScenarioFault>,
    /// Faults that the seed decides; in a planned run they have become faults like the others.
    pub drawn_faults: Vec<DrawnFault>,
    /// The policies that it could name.
    pub known_policies: PolicyRegistry,
    /// The policies to compare, each once.
    pub policies: Vec<Policy>,
    /// Expectations on the figures.
    pub expect: Vec<Expectation>,
}

impl Scenario {
    /// Reads and validates a scenario file and the job files that it names. Data files are
    /// read when the run is planned.
    ///
    /// # Errors
    /// The first flaw found, with its place.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        Self::load_with(file, &[], &ScenarioCatalog::default())
    }

    /// Reads a scenario file as [`Scenario::load`] does, with `settings` in the place of its keys,
    /// later ones over earlier ones; it can name what `catalog` has.
    ///
    /// # Errors
    /// The first flaw found, with its place: that of a setting is told as `--set KEY=VALUE`.
    pub fn load_with(
        file: &Path,
        settings: &[Setting],
        catalog: &ScenarioCatalog,
    ) -> Result<Self, ScenarioError> {
        let refuse = |why: String, fix: &str| ScenarioError {
            file: file.to_owned(),
            line: None,
            key: String::new(),
            why,
            fix: fix.to_owned(),
        };
        let bytes = read_bounded(file, limits::MAX_SCENARIO_BYTES).map_err(|e| {
            refuse(format!("cannot read the scenario: {e}"), "give an existing scenario file")
        })?;
        let bytes = bytes.ok_or_else(|| {
            refuse(
                "is larger than 1 MiB".to_owned(),
                "a scenario is a small file; data goes into files of its own",
            )
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|e| refuse(format!("is not UTF-8: {e}"), "save it as UTF-8"))?;
        Self::parse_with(&text, file, settings, catalog)
    }

    /// Validates the text of a scenario file; `file` is its path, from which others are resolved.
    ///
    /// # Errors
    /// The first flaw found, with its place.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        Self::parse_with(text, file, &[], &ScenarioCatalog::default())
    }

    /// Validates a scenario's text with `settings` in the place of its keys; it can name what
    /// `catalog` has.
    ///
    /// # Errors
    /// As [`Scenario::load_with`].
    pub fn parse_with(
        text: &str,
        file: &Path,
        settings: &[Setting],
        catalog: &ScenarioCatalog,
    ) -> Result<Self, ScenarioError> {
        convert::parse(text, file, settings, catalog)
    }

    /// Puts a file's bytes into the store as `name`, in place of what the scenario puts there.
    /// Work whose objects' pattern matches `name` then draws it too.
    pub fn put_file(&mut self, name: ObjectName, file: PathBuf) {
        let content = Content::File(file);
        let key = format!("--data {name}");
        if let Some(source) = self.data.iter_mut().find(|source| source.name == name) {
            *source = DataSource { content, key, line: None, ..source.clone() };
            return;
        }
        for work in &mut self.work {
            if work.pattern.matches(&name) {
                work.objects.push(name.clone());
            }
        }
        let content_type = convert::content_type_of(&name).to_owned();
        self.data.push(DataSource { name, content, content_type, key, line: None });
    }
}

/// The bytes of a file, or `None` if it is larger than `max`.
pub fn read_bounded(path: &Path, max: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= max).then_some(bytes))
}
