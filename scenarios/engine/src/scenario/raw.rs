//! The scenario file as it is written: keys and their TOML types, nothing checked yet.
//!
//! An unknown key is refused here. What a value means, and whether it makes sense together with
//! the others, is decided once, in `convert`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// The whole file.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScenario {
    pub(super) name: String,
    #[serde(default)]
    pub(super) story: String,
    #[serde(default)]
    pub(super) cluster: RawCluster,
    #[serde(default)]
    pub(super) node: RawMachine,
    #[serde(default)]
    pub(super) worker: RawMachine,
    #[serde(default)]
    pub(super) network: RawNetwork,
    #[serde(default)]
    pub(super) images: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) data: Vec<RawData>,
    #[serde(default)]
    pub(super) work: Vec<RawWork>,
    #[serde(default)]
    pub(super) load: Vec<RawLoad>,
    #[serde(default)]
    /// Their keys are those of the fault kinds in the catalog.
    pub(super) fault: Vec<toml::Table>,
    #[serde(default)]
    pub(super) compare: RawCompare,
    #[serde(default)]
    pub(super) expect: RawExpect,
}

/// `[cluster]`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCluster {
    pub(super) regions: Option<i64>,
    pub(super) zones: Option<i64>,
    pub(super) nodes_per_zone: Option<i64>,
    pub(super) devices_per_node: Option<i64>,
    pub(super) replicas: Option<i64>,
    pub(super) part_power: Option<i64>,
    pub(super) proxies: Option<i64>,
    pub(super) workers: Option<i64>,
    pub(super) workers_zone: Option<i64>,
    pub(super) clients: Option<i64>,
    pub(super) replicate: Option<Text>,
}

/// `[node]` and `[worker]`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMachine {
    pub(super) cores: Option<i64>,
    pub(super) fuel_per_second: Option<Text>,
    pub(super) nic: Option<Text>,
    pub(super) disk: RawDisk,
    pub(super) sessions: Option<i64>,
    pub(super) queued: Option<i64>,
    pub(super) start: Option<Text>,
    pub(super) compile: Option<Text>,
}

/// `disk = { … }`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawDisk {
    pub(super) read: Option<Text>,
    pub(super) write: Option<Text>,
    pub(super) seek: Option<Text>,
    pub(super) capacity: Option<Text>,
}

/// `[network]`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawNetwork {
    pub(super) same_zone: Option<RawLink>,
    pub(super) cross_zone: Option<RawLink>,
    pub(super) cross_region: Option<RawLink>,
    pub(super) client: Option<RawLink>,
    pub(super) worker: Option<RawLink>,
    pub(super) slow_start: Option<bool>,
}

/// One class of links.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLink {
    pub(super) latency: Option<Text>,
    pub(super) jitter: Option<Text>,
    pub(super) loss: Option<Text>,
    pub(super) trunk: Option<Text>,
}

/// `[[data]]`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawData {
    pub(super) path: String,
    pub(super) count: Option<i64>,
    pub(super) generate: Option<String>,
    pub(super) size: Option<Text>,
    pub(super) size_max: Option<Text>,
    pub(super) file: Option<String>,
    pub(super) tar: Option<Vec<String>>,
    pub(super) content_type: Option<String>,
}

/// `[[work]]`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWork {
    pub(super) job: Option<String>,
    pub(super) jobs: Option<Vec<RawJob>>,
    #[serde(default)]
    pub(super) with: BTreeMap<String, Text>,
    pub(super) objects: String,
    pub(super) pick: Option<String>,
    pub(super) runs: Option<i64>,
    pub(super) arrivals: Option<String>,
}

/// An item of `jobs = [ … ]`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJob {
    pub(super) job: String,
    pub(super) weight: Option<i64>,
    #[serde(default)]
    pub(super) with: BTreeMap<String, Text>,
}

/// `[[load]]`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLoad {
    pub(super) read: Option<toml::Value>,
    pub(super) rate: String,
    pub(super) objects: Option<String>,
    pub(super) pick: Option<String>,
    pub(super) size: Option<Text>,
    pub(super) size_max: Option<Text>,
}

/// `[compare]`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCompare {
    pub(super) policies: Option<Vec<String>>,
}

/// `[expect]`: figures by name, which may have dots in them, quoted or not.
pub(super) type RawExpect = toml::Table;

/// A quantity or comparison: a string, or a bare whole number, which reads as its digits.
#[derive(Clone, Debug)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text such as \"8 MiB\" or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Text, E> {
        Ok(Text(n.to_string()))
    }
}

/// Names of places: a list of texts, or one text.
#[derive(Clone, Debug)]
pub(super) struct Names(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a place such as \"zone:3\", or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Names, E> {
        Ok(Names(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Names, A::Error> {
        let mut all = Vec::new();
        while let Some(name) = names.next_element()? {
            all.push(name);
        }
        Ok(Names(all))
    }
}
