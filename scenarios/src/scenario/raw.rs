//! The scenario file as it is written: keys and their TOML types, nothing checked yet.
//!
//! An unknown key is refused here. What a value means, and whether it makes sense together with
//! the others, is decided once, in `convert`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

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
    pub(super) data: Vec<RawData>,
    #[serde(default)]
    pub(super) work: Vec<RawWork>,
    #[serde(default)]
    pub(super) fault: Vec<RawFault>,
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
}

/// `[node]` and `[worker]`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMachine {
    pub(super) cores: Option<i64>,
    pub(super) fuel_per_second: Option<Text>,
    pub(super) nic: Option<Text>,
    pub(super) disk: RawDisk,
}

/// `disk = { … }`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawDisk {
    pub(super) read: Option<Text>,
    pub(super) write: Option<Text>,
    pub(super) seek: Option<Text>,
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
}

/// One class of links.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLink {
    pub(super) latency: Option<Text>,
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
    pub(super) file: Option<String>,
    pub(super) content_type: Option<String>,
}

/// `[[work]]`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWork {
    pub(super) job: String,
    pub(super) objects: String,
    pub(super) pick: Option<String>,
    pub(super) runs: Option<i64>,
    pub(super) arrivals: Option<String>,
}

/// `[[fault]]`, with the kinds of later versions, so that these can be told from a typing error.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFault {
    pub(super) at: Text,
    #[serde(rename = "for")]
    pub(super) for_: Text,
    pub(super) partition: Option<Vec<String>>,
    pub(super) between: Option<Vec<Vec<String>>>,
    pub(super) one_way: Option<bool>,
    pub(super) crash: Option<String>,
    pub(super) power: Option<String>,
    #[serde(default)]
    pub(super) may_miss: bool,
    pub(super) throttle: Option<toml::Value>,
    pub(super) latency: Option<toml::Value>,
    pub(super) loss: Option<toml::Value>,
    pub(super) flap: Option<toml::Value>,
    pub(super) slow_disk: Option<toml::Value>,
    pub(super) full_disk: Option<toml::Value>,
    pub(super) read_errors: Option<toml::Value>,
    pub(super) bit_flips: Option<toml::Value>,
    pub(super) clock: Option<toml::Value>,
}

impl RawFault {
    /// The first kind in it that only a later version has.
    pub(super) fn later_kind(&self) -> Option<&'static str> {
        let kinds = [
            ("throttle", &self.throttle),
            ("latency", &self.latency),
            ("loss", &self.loss),
            ("flap", &self.flap),
            ("slow_disk", &self.slow_disk),
            ("full_disk", &self.full_disk),
            ("read_errors", &self.read_errors),
            ("bit_flips", &self.bit_flips),
            ("clock", &self.clock),
        ];
        kinds.into_iter().find(|(_, value)| value.is_some()).map(|(name, _)| name)
    }
}

/// `[compare]`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCompare {
    pub(super) policies: Option<Vec<String>>,
}

/// `[expect]`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawExpect {
    pub(super) saved_ratio: Option<Text>,
    pub(super) wrong: Option<Text>,
    pub(super) failed: Option<Text>,
    pub(super) ok: Option<Text>,
}

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
