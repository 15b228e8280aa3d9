//! A planned run: everything that is drawn or read before a policy runs, so that all policies of a
//! run get the same objects, the same jobs at the same times, and the same faults.
//!
//! It depends on the scenario, its files and the seed, and on nothing else.

mod arrivals;
mod faults;
mod images;
mod load;
mod pick;
mod size;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stayput_host::{Entropy, KnownContents, Seed};
use stayput_jobs::system_images::SystemImages;
use stayput_world::executor::TaskOrder;

use crate::archive::Archive;
use crate::generate;
use crate::scenario::{
    Content, DataSource, Generator, ObjectName, Scenario, ScenarioError, TarMember, limits,
    read_bounded,
};

pub use load::{LoadKind, LoadPlan, MAX_REQUESTS as MAX_LOAD_REQUESTS, loads};

/// Plan of a run, shared by all its policies.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// The scenario, with the faults that were drawn behind those of the file.
    pub scenario: Scenario,
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// The network that the hosts talk over.
    pub net: Net,
    /// The images that are installed on nodes and workers.
    pub images: SystemImages,
    /// The objects to load before the first job, in the order of the scenario.
    pub objects: Vec<LoadedObject>,
    /// The bytes of the objects, for their checksums to be computed once.
    pub contents: KnownContents,
    /// The jobs, by index.
    pub jobs: Vec<PlannedJob>,
    /// True if the scenario's faults happen.
    pub faults: bool,
    /// Order of ready tasks: another one explores another schedule of the same run.
    pub order: TaskOrder,
}

/// A network backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Net {
    /// The simulator's own network: bandwidth, queueing, wire bytes.
    Fabric,
    /// The turmoil crate's: latency only.
    Turmoil,
    /// Real sockets on the loopback, in real time: two runs differ in all times.
    Tcp,
}

impl Net {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Fabric, Self::Turmoil, Self::Tcp];

    /// As the command line and results name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fabric => "fabric",
            Self::Turmoil => "turmoil",
            Self::Tcp => "tcp",
        }
    }

    /// True if the same seed gives the same run.
    #[must_use]
    pub const fn repeats(self) -> bool {
        !matches!(self, Self::Tcp)
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An object with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedObject {
    /// Its container.
    pub container: String,
    /// Its name in there.
    pub object: String,
    /// Its bytes.
    pub content: Bytes,
    /// Its content type.
    pub content_type: String,
}

/// A job to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedJob {
    /// Its number in the run, from 0.
    pub index: u32,
    /// The client that sends it, from 0.
    pub client: u32,
    /// The group of work that it belongs to, from 0.
    pub work: usize,
    /// Index of its description in the group, from 0.
    pub description: usize,
    /// The object that it works on.
    pub object: ObjectName,
    /// Arrival, after the first job's; `None` in a closed loop, where the client sends it
    /// when its last one has ended.
    pub arrival: Option<Duration>,
}

impl RunPlan {
    /// Reads or generates the objects and draws the jobs.
    ///
    /// # Errors
    /// When a data file or an image cannot be read, the data are too large in all, or too many
    /// faults are drawn.
    pub fn build(
        mut scenario: Scenario,
        seed: u64,
        net: Net,
        faults: bool,
    ) -> Result<Self, ScenarioError> {
        let images = images::load(&scenario)?;
        let objects = load(&scenario, seed)?;
        let contents = KnownContents::new(objects.iter().map(|object| object.content.clone()));
        let jobs = draw_jobs(&scenario, seed);
        let drawn = faults::draw(&scenario, seed)?;
        scenario.drawn_faults.clear();
        scenario.faults.extend(drawn);
        let order = TaskOrder::Fixed;
        Ok(Self { scenario, seed, net, images, objects, contents, jobs, faults, order })
    }

    /// The job description to post for `job`.
    #[must_use]
    pub fn job_text(&self, job: &PlannedJob) -> String {
        self.scenario.work[job.work].job_for(job.description, &job.object)
    }

    /// Sizes of the objects, by `container/object`.
    #[must_use]
    pub fn object_sizes(&self) -> BTreeMap<String, u64> {
        let size = |object: &LoadedObject| {
            (format!("{}/{}", object.container, object.object), object.content.len() as u64)
        };
        self.objects.iter().map(size).collect()
    }

    /// True if any client waits for its last job before it sends the next.
    #[must_use]
    pub fn has_closed_loop(&self) -> bool {
        self.jobs.iter().any(|job| job.arrival.is_none())
    }
}

/// The jobs of `scenario` for `seed`, group by group.
#[must_use]
pub fn draw_jobs(scenario: &Scenario, seed: u64) -> Vec<PlannedJob> {
    let mut jobs = Vec::new();
    for (group, work) in scenario.work.iter().enumerate() {
        let picker = pick::Picker::new(work.pick, work.objects.len());
        let descriptions = pick::Picker::weighing(work.jobs.iter().map(|job| job.weight.into()));
        let mut times = arrivals::Times::new(work.arrivals);
        for run in 0..work.runs {
            let stream = |purpose| stream(seed, purpose, group as u64, u64::from(run));
            let index = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
            // A draw that decides nothing is not made.
            let description =
                if work.jobs.len() > 1 { descriptions.pick(run, &mut stream("job")) } else { 0 };
            jobs.push(PlannedJob {
                index,
                client: index % scenario.cluster.clients,
                work: group,
                description,
                object: work.objects[picker.pick(run, &mut stream("pick"))].clone(),
                arrival: times.next(&stream),
            });
        }
    }
    jobs
}

/// The stream of the `nth` decision of this kind in a group or section.
fn stream(seed: u64, purpose: &str, section: u64, nth: u64) -> Entropy {
    Seed(seed).entropy(purpose, &section.to_le_bytes(), nth)
}

fn load(scenario: &Scenario, seed: u64) -> Result<Vec<LoadedObject>, ScenarioError> {
    let mut left = limits::MAX_DATA_BYTES;
    let mut objects = Vec::with_capacity(scenario.data.len());
    for source in &scenario.data {
        let flaw = |why: String, fix: &str| ScenarioError {
            file: scenario.file.clone(),
            line: source.line,
            key: source.key.clone(),
            why,
            fix: fix.to_owned(),
        };
        let content = read(source, seed, left)
            .map_err(|(path, error)| {
                let why = format!("cannot read {}: {error}", path.display());
                flaw(why, "name a file that can be read")
            })?
            .ok_or_else(|| {
                let why = format!("{} brings the data above 4 GiB in all", source.name);
                flaw(why, "use smaller or fewer objects")
            })?;
        left -= content.len() as u64;
        objects.push(LoadedObject {
            container: source.name.container().to_owned(),
            object: source.name.object().to_owned(),
            content,
            content_type: source.content_type.clone(),
        });
    }
    Ok(objects)
}

/// The bytes of one source, or `None` if they are more than `max`.
fn read(source: &DataSource, seed: u64, max: u64) -> Result<Option<Bytes>, (&Path, io::Error)> {
    match &source.content {
        Content::File(path) => {
            let bytes = read_bounded(path, max).map_err(|error| (path.as_path(), error))?;
            Ok(bytes.map(Bytes::from))
        }
        Content::Tar(members) => {
            let mut archive = Archive::default();
            let mut left = max;
            for TarMember { name, file } in members {
                let bytes = read_bounded(file, left).map_err(|error| (file.as_path(), error))?;
                let Some(bytes) = bytes else { return Ok(None) };
                left -= bytes.len() as u64;
                archive.file(name, bytes);
            }
            let tar = archive.tar();
            Ok((tar.len() as u64 <= max).then_some(tar))
        }
        Content::Generate { kind, size } => {
            let generate = match kind {
                Generator::Csv => generate::csv,
                Generator::Log => generate::log,
                Generator::Records => generate::records,
                Generator::Text => generate::text,
            };
            let name = source.name.to_string();
            let mut stream = Seed(seed).stream("size", name.as_bytes());
            let bytes = size::draw(*size, &mut stream, kind.unit_bytes());
            let bytes = usize::try_from(bytes).ok().filter(|_| bytes <= max);
            Ok(bytes.map(|bytes| generate(seed, &name, bytes)))
        }
    }
}
