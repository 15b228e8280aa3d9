//! A small scenario to change, plan and run: the banana job on few short logs.
//!
//! Leaves out judging runs: tests assert what they claim.

use std::path::{Path, PathBuf};

use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::scenario::{Scenario, ScenarioCatalog, ScenarioError, Setting};
use stayput_jobs::placement::PlacementPolicy;
use stayput_world::fault::FaultSpec;

/// Three zones of one node with one disk, three replicas, two proxies, two workers, four clients;
/// six logs of 256 KiB; 24 jobs, an object each in turn, 20 a second.
const BANANA: &str = r#"
name = "banana on less data"

[cluster]
zones = 3
nodes_per_zone = 1
devices_per_node = 1
replicas = 3
part_power = 6
proxies = 2
workers = 2
clients = 4

[node]
cores = 2
fuel_per_second = "1e9"

[[data]]
path = "swift://~/demo/log-*.txt"
count = 6
generate = "log"
size = "256 KiB"

[[data]]
path = "swift://~/demo/linecount.wasm"
file = "../runtime/guests/linecount.wasm"

[[work]]
job = "jobs/banana.json"
objects = "swift://~/demo/log-*.txt"
pick = "each"
runs = 24
arrivals = "poisson 20/s"
"#;

/// Text of a scenario with settings over it.
#[derive(Clone, Debug)]
pub struct SmallScenario {
    text: String,
    file: PathBuf,
    settings: Vec<Setting>,
    catalog: ScenarioCatalog,
}

impl SmallScenario {
    /// The banana job on few short logs.
    #[must_use]
    pub fn banana() -> Self {
        Self::of(BANANA)
    }

    /// Scenario of that text. Its files are looked up as if it lay in `scenarios`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::at(text, "small.toml")
    }

    /// Scenario of that text, as if it lay in `scenarios/locality`.
    #[must_use]
    pub fn of_suite(text: &str) -> Self {
        Self::at(text, "locality/small.toml")
    }

    fn at(text: &str, name: &str) -> Self {
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        Self {
            text: text.to_owned(),
            file: scenarios.join(name),
            settings: Vec::new(),
            catalog: ScenarioCatalog::default(),
        }
    }

    /// With a key set, as `--set KEY=VALUE` does.
    ///
    /// # Panics
    /// The key or the value is flawed.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        let setting = Setting::new(key, value);
        self.settings.push(setting.unwrap_or_else(|flaw| panic!("{key}: {flaw}")));
        self
    }

    /// With more text at its end, such as a `[[fault]]`.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.text.push('\n');
        self.text.push_str(text);
        self
    }

    /// With a policy beside the built-in ones that it can name.
    #[must_use]
    pub fn policy(mut self, policy: &'static dyn PlacementPolicy) -> Self {
        self.catalog.policies = self.catalog.policies.with(policy);
        self
    }

    /// With a kind of fault beside the built-in ones that it can name.
    #[must_use]
    pub fn fault(mut self, spec: &'static FaultSpec) -> Self {
        self.catalog.faults = self.catalog.faults.with(spec);
        self
    }

    /// Scenario, parsed.
    ///
    /// # Errors
    /// The text is flawed.
    pub fn try_parse(&self) -> Result<Scenario, ScenarioError> {
        Scenario::parse_with(&self.text, &self.file, &self.settings, &self.catalog)
    }

    /// Scenario, parsed.
    ///
    /// # Panics
    /// The text is flawed.
    #[must_use]
    pub fn parse(&self) -> Scenario {
        self.try_parse().unwrap_or_else(|flaw| panic!("{flaw}"))
    }

    /// Plan for a seed and a network, with the scenario's faults.
    ///
    /// # Panics
    /// The text is flawed, or a file that it names is missing.
    #[must_use]
    pub fn plan(&self, seed: u64, net: Net) -> RunPlan {
        let plan = RunPlan::build(self.parse(), seed, net, true);
        plan.unwrap_or_else(|flaw| panic!("{flaw}"))
    }
}
