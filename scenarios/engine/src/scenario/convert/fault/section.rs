//! One `[[fault]]` section: typed reads of its keys, for the fault kinds.
//!
//! Leaves out which keys there may be, which is the catalog's.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;
use stayput_host::config::{ByteRate, Chance, ClusterConfig};
use stayput_world::fault::{ClusterPlace, FaultKeyError, FaultSection, Sides};

use crate::quantity::{parse_byte_rate, parse_chance};
use crate::scenario::convert::{bounded, time};
use crate::scenario::error::Flaw;
use crate::scenario::raw::{Names, Text};

/// A section, for messages that name its keys.
pub(super) struct Section<'a> {
    name: String,
    raw: &'a toml::Table,
    pub(super) cluster: &'a ClusterConfig,
    /// The places that its target is drawn from, once they are read.
    drawn: RefCell<Vec<ClusterPlace>>,
}

impl<'a> Section<'a> {
    pub(super) fn new(name: String, raw: &'a toml::Table, cluster: &'a ClusterConfig) -> Self {
        Self { name, raw, cluster, drawn: RefCell::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.raw.keys().map(String::as_str)
    }

    pub(super) fn is_written(&self, key: &str) -> bool {
        self.raw.contains_key(key)
    }

    /// The key's full path.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    pub(super) fn flaw(&self, key: &str, why: impl Into<String>, fix: impl Into<String>) -> Flaw {
        Flaw::new(self.key(key), why, fix)
    }

    /// The places that the kind's target is drawn from; empty if its place is written.
    pub(super) fn drawn_targets(&self) -> Vec<ClusterPlace> {
        self.drawn.borrow().clone()
    }

    pub(super) fn set_drawn_targets(&self, places: Vec<ClusterPlace>) {
        *self.drawn.borrow_mut() = places;
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<Text>, Flaw> {
        self.value(key)
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, Flaw> {
        self.value(key)
    }

    pub(super) fn may_miss(&self) -> Result<bool, Flaw> {
        Ok(self.value("may_miss")?.unwrap_or(false))
    }

    /// The key's value in the form that it must have.
    fn value<T: for<'de> Deserialize<'de>>(&self, key: &str) -> Result<Option<T>, Flaw> {
        let parsed = self.raw.get(key).map(|value| T::deserialize(value.clone())).transpose();
        parsed.map_err(|error| {
            let why = error.message().replace('\n', ", ");
            self.flaw(key, why, "see scenarios/banana.toml for every key and its form")
        })
    }

    /// As [`Section::value`], for a kind.
    pub(super) fn read<T: for<'de> Deserialize<'de>>(
        &self,
        key: &str,
    ) -> Result<Option<T>, FaultKeyError> {
        self.value(key).map_err(|flaw| FaultKeyError::new(key, flaw.why, flaw.fix))
    }

    fn required<T: for<'de> Deserialize<'de>>(
        &self,
        key: &str,
        fix: &str,
    ) -> Result<T, FaultKeyError> {
        self.read(key)?.ok_or_else(|| FaultKeyError::new(key, "is missing", fix))
    }

    /// The names of places that a key lists.
    pub(super) fn names(&self, key: &str) -> Result<Option<Names>, FaultKeyError> {
        self.read(key)
    }

    /// The one name of a place that a key has.
    fn place_name(&self, key: &str) -> Result<String, FaultKeyError> {
        self.required(key, "name a place, such as \"node:2\"")
    }
}

impl FaultSection for Section<'_> {
    fn has(&self, key: &str) -> bool {
        self.is_written(key)
    }

    fn duration(&self, key: &str, example: &str) -> Result<Duration, FaultKeyError> {
        let fix = format!("write how long, such as \"{example}\"");
        let text: Text = self.required(key, &fix)?;
        let length = time(key, Some(&text), Duration::ZERO)
            .map_err(|flaw| FaultKeyError::new(key, flaw.why, flaw.fix))?;
        if length.is_zero() {
            return Err(FaultKeyError::new(key, "is zero", fix));
        }
        Ok(length)
    }

    fn chance(&self, key: &str) -> Result<Chance, FaultKeyError> {
        let fix = "write how likely it is, such as \"1 %\"";
        let text: Text = self.required(key, fix)?;
        let chance = parse_chance(&text.0)
            .map_err(|error| FaultKeyError::new(key, error.to_string(), error.fix))?;
        if chance == Chance::NEVER {
            return Err(FaultKeyError::new(key, "is zero", fix));
        }
        Ok(chance)
    }

    fn byte_rate(&self, key: &str) -> Result<ByteRate, FaultKeyError> {
        let text: Text = self.required(key, "write how fast, such as \"100 Mbit/s\"")?;
        parse_byte_rate(&text.0)
            .map_err(|error| FaultKeyError::new(key, error.to_string(), error.fix))
    }

    fn number(
        &self,
        key: &str,
        bounds: RangeInclusive<u32>,
        fix: &str,
    ) -> Result<u32, FaultKeyError> {
        let (min, max) = bounds.into_inner();
        bounded(key, Some(self.required(key, fix)?), min, min, max)
            .map_err(|flaw| FaultKeyError::new(key, flaw.why, flaw.fix))
    }

    fn sides(&self, key: &str) -> Result<Sides<ClusterPlace>, FaultKeyError> {
        self.read_sides(key)
    }

    fn trunk(&self) -> Result<[ClusterPlace; 2], FaultKeyError> {
        self.read_trunk()
    }

    fn card(&self, key: &str) -> Result<ClusterPlace, FaultKeyError> {
        let names: Names = self.required(key, "name a machine, such as on = \"node:5\"")?;
        self.read_card(key, &names)
    }

    fn machine(&self, key: &str) -> Result<ClusterPlace, FaultKeyError> {
        self.read_machine(key, &self.place_name(key)?)
    }

    fn disk(&self, key: &str) -> Result<ClusterPlace, FaultKeyError> {
        self.read_disk(key, &self.place_name(key)?)
    }
}
