//! The one conversion from raw tables to a validated scenario.
//!
//! Each section has its file; this one holds their order and the checks that they share.
//! Leaves out reading data files: a run that does not use a file does not want it either.

mod arrivals;
mod cluster;
mod data;
mod fault;
mod images;
pub mod limits;
mod load;
mod promises;
mod size;
mod work;

use std::path::Path;
use std::time::Duration;

use super::error::{Flaw, Lines};
use super::raw::{RawScenario, Text};
use super::setting::{self, Setting};
use super::{Scenario, ScenarioCatalog, ScenarioError};
use crate::quantity::{QuantityError, parse_duration};

pub(super) use data::content_type_of;

/// Parses and validates the text of `file`.
pub(super) fn parse(
    text: &str,
    file: &Path,
    settings: &[Setting],
    catalog: &ScenarioCatalog,
) -> Result<Scenario, ScenarioError> {
    let lines = Lines::new(text);
    let mut raw: RawScenario =
        toml::from_str(text).map_err(|error| syntax(&error, file, &lines))?;
    if !settings.is_empty() {
        raw = setting::apply(text, settings).map_err(|flaw| flaw.locate(file, &lines))?;
    }
    let mut scenario = convert(raw, file, &lines, catalog)
        .map_err(|flaw| setting::blame(flaw, settings).locate(file, &lines))?;
    // Files are read later: what a setting has named is the setting's then, too.
    let setting_of = |key: &str| settings.iter().rev().find(|setting| setting.decides(key));
    let data = scenario.data.iter_mut().map(|source| (&mut source.key, &mut source.line));
    let images = scenario.images.iter_mut().map(|source| (&mut source.key, &mut source.line));
    for (key, line) in data.chain(images) {
        if let Some(setting) = setting_of(key) {
            (*key, *line) = (setting.name(), None);
        }
    }
    scenario.settings = settings.to_vec();
    Ok(scenario)
}

fn syntax(error: &toml::de::Error, file: &Path, lines: &Lines<'_>) -> ScenarioError {
    let offset = error.span().map(|span| span.start);
    ScenarioError {
        file: file.to_owned(),
        line: offset.map(|at| lines.line_at(at)),
        key: offset.map(|at| lines.key_at(at)).unwrap_or_default(),
        why: error.message().replace('\n', ", "),
        fix: "see scenarios/banana.toml for every key and its form".to_owned(),
    }
}

fn convert(
    raw: RawScenario,
    file: &Path,
    lines: &Lines<'_>,
    catalog: &ScenarioCatalog,
) -> Result<Scenario, Flaw> {
    if raw.name.is_empty() || raw.name.chars().any(char::is_control) {
        return Err(Flaw::new("name", "is empty or has a control character", "name = \"banana\""));
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let cluster = cluster::cluster(&raw.cluster)?;
    let node = cluster::machine("node", &raw.node, None)?;
    let worker = cluster::machine("worker", &raw.worker, Some(&node))?;
    let network = cluster::network(&raw.network)?;
    let images = images::images(raw.images, folder, lines)?;
    let data = data::data(&raw.data, folder, lines)?;
    let work = work::work(&raw.work, folder, &data)?;
    let load = load::loads(&raw.load, &data)?;
    let (faults, drawn_faults) = fault::faults(&raw.fault, &catalog.faults, &cluster, lines)?;
    let policies = promises::policies(&raw.compare, &cluster, &catalog.policies)?;
    let expect = promises::expectations(&raw.expect, &catalog.policies)?;
    Ok(Scenario {
        file: file.to_owned(),
        settings: Vec::new(),
        name: raw.name,
        story: raw.story,
        cluster,
        node,
        worker,
        network,
        images,
        data,
        work,
        load,
        faults,
        drawn_faults,
        known_policies: catalog.policies.clone(),
        policies,
        expect,
    })
}

/// A whole number from `min` to `max`; `default` if it was left out.
fn bounded(key: &str, value: Option<i64>, default: u32, min: u32, max: u32) -> Result<u32, Flaw> {
    let Some(value) = value else { return Ok(default) };
    u32::try_from(value).ok().filter(|n| (min..=max).contains(n)).ok_or_else(|| {
        Flaw::new(
            key,
            format!("{value} is out of bounds"),
            format!("write a number from {min} to {max}"),
        )
    })
}

/// A quantity, or `default` if it was left out.
fn quantity<T>(
    key: &str,
    text: Option<&Text>,
    default: T,
    parse: impl Fn(&str) -> Result<T, QuantityError>,
) -> Result<T, Flaw> {
    text.map_or(Ok(default), |text| {
        parse(&text.0).map_err(|error| Flaw::new(key, error.to_string(), error.fix))
    })
}

/// A length of time up to [`limits::MAX_TIME_S`].
fn time(key: &str, text: Option<&Text>, default: Duration) -> Result<Duration, Flaw> {
    let length = quantity(key, text, default, parse_duration)?;
    if length > Duration::from_secs(limits::MAX_TIME_S) {
        return Err(Flaw::new(key, "is longer than a day", "write a shorter time, such as \"2s\""));
    }
    Ok(length)
}
