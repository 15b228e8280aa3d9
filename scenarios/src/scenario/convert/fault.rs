//! `[[fault]]`: when, for how long, and what, checked against the cluster.

use std::time::Duration;

use stayput_sim::config::ClusterConfig;

use super::limits::MAX_FAULTS;
use super::time;
use crate::scenario::error::{Flaw, Lines};
use crate::scenario::raw::RawFault;
use crate::scenario::{Fault, FaultKind, Place};

pub(super) fn faults(
    raw: &[RawFault],
    cluster: &ClusterConfig,
    lines: &Lines<'_>,
) -> Result<Vec<Fault>, Flaw> {
    if raw.len() > MAX_FAULTS {
        return Err(Flaw::new("fault", format!("there are more than {MAX_FAULTS}"), "write fewer"));
    }
    let one = |(at, raw)| {
        let section = format!("fault[{}]", at + 1);
        let line = lines.line_of(&section);
        fault(&section, raw, cluster, line)
    };
    raw.iter().enumerate().map(one).collect()
}

fn fault(
    section: &str,
    raw: &RawFault,
    cluster: &ClusterConfig,
    line: Option<usize>,
) -> Result<Fault, Flaw> {
    if let Some(kind) = raw.later_kind() {
        return Err(Flaw::new(
            format!("{section}.{kind}"),
            format!("this version has no `{kind}` faults yet"),
            "use partition, crash or power",
        ));
    }
    let at = time(&format!("{section}.at"), Some(&raw.at), Duration::ZERO)?;
    let for_ = time(&format!("{section}.for"), Some(&raw.for_), Duration::ZERO)?;
    if for_.is_zero() {
        return Err(Flaw::new(
            format!("{section}.for"),
            "is zero",
            "write how long it lasts, such as \"2s\"",
        ));
    }
    let kind = kind(section, raw, cluster)?;
    Ok(Fault { at, for_, kind, may_miss: raw.may_miss, line })
}

fn kind(section: &str, raw: &RawFault, cluster: &ClusterConfig) -> Result<FaultKind, Flaw> {
    let one_way = raw.one_way.unwrap_or(false);
    let kinds =
        [raw.partition.is_some(), raw.between.is_some(), raw.crash.is_some(), raw.power.is_some()];
    if kinds.iter().filter(|given| **given).count() != 1 {
        return Err(Flaw::new(
            section,
            "wants exactly one of partition, between, crash and power",
            "give each fault a [[fault]] section of its own",
        ));
    }
    if raw.one_way.is_some() && raw.partition.is_none() && raw.between.is_none() {
        return Err(Flaw::new(
            format!("{section}.one_way"),
            "goes with partitions only",
            "leave it out",
        ));
    }
    if let Some(names) = &raw.partition {
        let side = side(&format!("{section}.partition"), names, cluster)?;
        return Ok(FaultKind::Partition { side, others: None, one_way });
    }
    if let Some(sides) = &raw.between {
        return between(&format!("{section}.between"), sides, one_way, cluster);
    }
    if let Some(name) = &raw.crash {
        return Ok(FaultKind::Crash(machine(&format!("{section}.crash"), name, cluster)?));
    }
    let name = raw.power.as_deref().unwrap_or_default();
    Ok(FaultKind::Power(machine(&format!("{section}.power"), name, cluster)?))
}

fn between(
    key: &str,
    sides: &[Vec<String>],
    one_way: bool,
    cluster: &ClusterConfig,
) -> Result<FaultKind, Flaw> {
    let [first, second] = sides else {
        return Err(Flaw::new(
            key,
            "wants two sides",
            "write between = [[\"zone:3\"], [\"zone:1\"]]",
        ));
    };
    let first = side(key, first, cluster)?;
    let second = side(key, second, cluster)?;
    if let Some(place) = first.iter().find(|place| second.contains(place)) {
        return Err(Flaw::new(key, format!("{place} is on both sides"), "leave it out of one"));
    }
    Ok(FaultKind::Partition { side: first, others: Some(second), one_way })
}

/// One side of a partition: places that have a network.
fn side(key: &str, names: &[String], cluster: &ClusterConfig) -> Result<Vec<Place>, Flaw> {
    if names.is_empty() {
        return Err(Flaw::new(key, "has an empty side", "name a place, such as \"zone:3\""));
    }
    let one = |name: &String| match place(key, name, cluster)? {
        Place::Device(_) => {
            Err(Flaw::new(key, format!("{name} is a disk, which has no network"), "name its node"))
        }
        other => Ok(other),
    };
    names.iter().map(one).collect()
}

/// A single machine that runs a process of the cluster.
fn machine(key: &str, name: &str, cluster: &ClusterConfig) -> Result<Place, Flaw> {
    match place(key, name, cluster)? {
        found @ (Place::Node(_) | Place::Proxy(_) | Place::Worker(_)) => Ok(found),
        _ => Err(Flaw::new(
            key,
            format!("{name} is not a single machine of the cluster"),
            "name a node, proxy or worker, such as \"node:2\"",
        )),
    }
}

fn place(key: &str, name: &str, cluster: &ClusterConfig) -> Result<Place, Flaw> {
    Place::parse(name, cluster).map_err(|error| {
        Flaw::new(
            key,
            error.to_string(),
            "write region:1, zone:2, node:5, proxy:1, worker:2 or client:3",
        )
    })
}
