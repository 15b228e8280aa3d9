//! The requests of a load, one after the other: when, and what they read or write.
//!
//! Each is drawn by its section and number, under labels of the load's own, so that a load shifts
//! no draw of the jobs and none of another load. Nobody knows beforehand how many there are: a load
//! lasts as long as the jobs.

use std::time::Duration;

use stayput_host::Entropy;
use stayput_host::config::Chance;

use super::arrivals::Times;
use super::{pick, size, stream};
use crate::scenario::{Load, ObjectName, Scenario};

/// The most requests of one section in a run; to need more breaks a promise, since the jobs then
/// ran without their load.
pub const MAX_REQUESTS: u64 = 1_000_000;

/// One section of load, for a seed.
pub struct LoadPlan {
    load: Load,
    section: u64,
    seed: u64,
    picker: Option<pick::Picker>,
}

/// Kind of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadKind {
    /// Reads an object.
    Get(ObjectName),
    /// Writes so many bytes.
    Put(u64),
}

/// The sections of a scenario's load for `seed`.
#[must_use]
pub fn loads(scenario: &Scenario, seed: u64) -> Vec<LoadPlan> {
    let plan = |(section, load): (usize, &Load)| LoadPlan {
        load: load.clone(),
        section: section as u64,
        seed,
        picker: (!load.objects.is_empty())
            .then(|| pick::Picker::new(load.pick, load.objects.len())),
    };
    scenario.load.iter().enumerate().map(plan).collect()
}

impl LoadPlan {
    /// Its number, from 0.
    #[must_use]
    pub const fn section(&self) -> u64 {
        self.section
    }

    /// True if it has writes.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.load.read.get() < Chance::BILLION
    }

    /// The times of its requests after the first job's, by their number from 0.
    pub fn times(&self) -> impl Iterator<Item = (u64, Duration)> + '_ {
        let mut times = Times::new(self.load.arrivals);
        (0..MAX_REQUESTS).map_while(move |number| {
            let stream = |purpose: &'static str| self.stream(purpose, number);
            Some((number, times.next(&stream)?))
        })
    }

    /// Request of this number.
    #[must_use]
    pub fn kind(&self, number: u64) -> LoadKind {
        if let (Some(picker), true) =
            (&self.picker, self.load.read.hits(&mut self.stream("read", number)))
        {
            // Going round has no use for more than its length.
            let turn = u32::try_from(number % u64::from(u32::MAX)).unwrap_or_default();
            return LoadKind::Get(
                self.load.objects[picker.pick(turn, &mut self.stream("pick", number))].clone(),
            );
        }
        LoadKind::Put(size::draw(self.load.size, &mut self.stream("size", number), 1))
    }

    fn stream(&self, purpose: &str, number: u64) -> Entropy {
        stream(self.seed, &format!("load {purpose}"), self.section, number)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::ScenarioCatalog;
    use rand::Rng;

    fn load(more: &str) -> LoadPlan {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml");
        let text = format!(
            "{}\n[[load]]\nrate = \"poisson 100/s\"\nobjects = \"swift://~/demo/log-*.txt\"\n{more}",
            include_str!("../../../banana.toml")
        );
        let scenario =
            Scenario::parse_with(&text, &file, &[], &ScenarioCatalog::default()).unwrap();
        loads(&scenario, 1).remove(0)
    }

    #[test]
    fn a_share_of_the_requests_reads_and_the_rest_writes() {
        let plan = load("read = 0.7\nsize = \"uniform 10 B..20 B\"");
        let kinds: Vec<LoadKind> = (0..4_000).map(|number| plan.kind(number)).collect();
        let reads = kinds.iter().filter(|kind| matches!(kind, LoadKind::Get(_))).count();
        assert!((2_700..2_900).contains(&reads), "{reads}");
        let fits = |kind: &LoadKind| matches!(kind, LoadKind::Get(_) | LoadKind::Put(10..=20));
        assert!(kinds.iter().all(fits));
        assert!(plan.writes() && !load("read = 1").writes());
    }

    #[test]
    fn its_times_are_a_poisson_process_of_its_own() {
        let plan = load("");
        let last = plan.times().nth(10_000).unwrap();
        assert_eq!(last.0, 10_000);
        assert!((97..103).contains(&last.1.as_secs()), "{last:?}");
        let jobs = stream(1, "arrival", 0, 1).next_u64();
        assert_ne!(plan.stream("arrival", 1).next_u64(), jobs, "no draw of the jobs is used again");
    }
}
