//! `[cluster]`, `[node]`, `[worker]` and `[network]`. What is left out is as in the banana
//! scenario.

use std::time::Duration;

use stayput_host::config::{
    ByteRate, Chance, ClusterConfig, DiskConfig, FuelRate, Jitter, LinkConfig, MachineConfig,
    NetworkConfig, SessionsConfig,
};

use super::limits::{
    MAX_CORES, MAX_DEVICES_PER_NODE, MAX_HOSTS, MAX_PART_POWER, MAX_REPLICAS, MAX_RING_ENTRIES,
    MAX_SESSIONS,
};
use super::{bounded, quantity, time};
use crate::quantity::{parse_byte_rate, parse_chance, parse_fuel_rate, parse_size};
use crate::scenario::error::Flaw;
use crate::scenario::raw::{RawCluster, RawLink, RawMachine, RawNetwork, Text};

const REPLICATE_MIN: Duration = Duration::from_millis(100);
const HOSTS: u32 = MAX_HOSTS as u32;

pub(super) fn cluster(raw: &RawCluster) -> Result<ClusterConfig, Flaw> {
    let part_power = bounded("cluster.part_power", raw.part_power, 8, 1, MAX_PART_POWER)?;
    let cluster = ClusterConfig {
        regions: bounded("cluster.regions", raw.regions, 1, 1, HOSTS)?,
        zones: bounded("cluster.zones", raw.zones, 3, 1, HOSTS)?,
        nodes_per_zone: bounded("cluster.nodes_per_zone", raw.nodes_per_zone, 2, 1, HOSTS)?,
        devices_per_node: bounded(
            "cluster.devices_per_node",
            raw.devices_per_node,
            2,
            1,
            MAX_DEVICES_PER_NODE,
        )?,
        replicas: bounded("cluster.replicas", raw.replicas, 3, 1, MAX_REPLICAS)?,
        part_power: u8::try_from(part_power).unwrap_or(u8::MAX),
        proxies: bounded("cluster.proxies", raw.proxies, 2, 1, HOSTS)?,
        workers: bounded("cluster.workers", raw.workers, 2, 0, HOSTS)?,
        workers_zone: None,
        clients: bounded("cluster.clients", raw.clients, 4, 1, HOSTS)?,
        replicate: replicate(raw)?,
    };
    // Three factors of up to 10,000 each fit into 64 bits.
    let zones = u64::from(cluster.regions) * u64::from(cluster.zones);
    let nodes = zones * u64::from(cluster.nodes_per_zone);
    if nodes > MAX_HOSTS {
        return Err(Flaw::new(
            "cluster.nodes_per_zone",
            format!("makes {nodes} nodes in all, more than {MAX_HOSTS}"),
            "ask for fewer regions, zones or nodes per zone",
        ));
    }
    let devices = nodes * u64::from(cluster.devices_per_node);
    if u64::from(cluster.replicas) > devices {
        return Err(Flaw::new(
            "cluster.replicas",
            format!("{} copies do not fit on {devices} devices", cluster.replicas),
            "ask for fewer copies or more devices",
        ));
    }
    if u64::from(cluster.replicas) << cluster.part_power > MAX_RING_ENTRIES {
        return Err(Flaw::new(
            "cluster.part_power",
            format!("makes a ring of more than {MAX_RING_ENTRIES} entries"),
            "write a smaller part_power, or fewer replicas",
        ));
    }
    let zones = u32::try_from(zones).unwrap_or(u32::MAX);
    let workers_zone = match raw.workers_zone {
        Some(_) => Some(bounded("cluster.workers_zone", raw.workers_zone, 1, 1, zones)?),
        None => None,
    };
    Ok(ClusterConfig { workers_zone, ..cluster })
}

/// Rest of the replicators, if there are any.
fn replicate(raw: &RawCluster) -> Result<Option<Duration>, Flaw> {
    let (key, Some(text)) = ("cluster.replicate", &raw.replicate) else { return Ok(None) };
    let rest = time(key, Some(text), Duration::ZERO)?;
    if rest < REPLICATE_MIN {
        return Err(Flaw::new(
            key,
            "is shorter than 100ms: nodes would do nothing else",
            "write how long nodes rest between two rounds, such as \"30s\", or leave it out",
        ));
    }
    Ok(Some(rest))
}

/// A machine; what is left out is as in `like`, or as in the banana scenario.
pub(super) fn machine(
    section: &str,
    raw: &RawMachine,
    like: Option<&MachineConfig>,
) -> Result<MachineConfig, Flaw> {
    let like = like.cloned().unwrap_or_else(default_machine);
    let key = |name: &str| format!("{section}.{name}");
    let disk = DiskConfig {
        read: quantity(&key("disk.read"), raw.disk.read.as_ref(), like.disk.read, parse_byte_rate)?,
        write: quantity(
            &key("disk.write"),
            raw.disk.write.as_ref(),
            like.disk.write,
            parse_byte_rate,
        )?,
        seek: time(&key("disk.seek"), raw.disk.seek.as_ref(), like.disk.seek)?,
        capacity: quantity(
            &key("disk.capacity"),
            raw.disk.capacity.as_ref(),
            like.disk.capacity,
            |text| parse_size(text).map(Some),
        )?,
    };
    let sessions = SessionsConfig {
        running: bounded(&key("sessions"), raw.sessions, like.sessions.running, 1, MAX_SESSIONS)?,
        queued: bounded(&key("queued"), raw.queued, like.sessions.queued, 0, MAX_SESSIONS)?,
        start: time(&key("start"), raw.start.as_ref(), like.sessions.start)?,
        compile: quantity(
            &key("compile"),
            raw.compile.as_ref(),
            like.sessions.compile,
            parse_byte_rate,
        )?,
    };
    Ok(MachineConfig {
        cores: bounded(&key("cores"), raw.cores, like.cores, 1, MAX_CORES)?,
        fuel_per_second: quantity(
            &key("fuel_per_second"),
            raw.fuel_per_second.as_ref(),
            like.fuel_per_second,
            parse_fuel_rate,
        )?,
        nic: quantity(&key("nic"), raw.nic.as_ref(), like.nic, parse_byte_rate)?,
        disk,
        sessions,
    })
}

pub(super) fn network(raw: &RawNetwork) -> Result<NetworkConfig, Flaw> {
    let us = Duration::from_micros;
    Ok(NetworkConfig {
        same_zone: link("same_zone", raw.same_zone.as_ref(), us(100), None)?,
        cross_zone: link("cross_zone", raw.cross_zone.as_ref(), us(500), Some(gbit(40)))?,
        cross_region: link("cross_region", raw.cross_region.as_ref(), us(20_000), Some(gbit(10)))?,
        client: link("client", raw.client.as_ref(), us(5_000), None)?,
        worker: link("worker", raw.worker.as_ref(), us(500), Some(gbit(2)))?,
        slow_start: raw.slow_start.unwrap_or(false),
    })
}

/// A class of links. One that is written without a trunk has none; one that is not written is
/// as in the banana scenario.
fn link(
    name: &str,
    raw: Option<&RawLink>,
    latency: Duration,
    trunk: Option<ByteRate>,
) -> Result<LinkConfig, Flaw> {
    let Some(raw) = raw else { return Ok(LinkConfig::new(latency, trunk)) };
    let key = |key: &str| format!("network.{name}.{key}");
    let loss = quantity(&key("loss"), raw.loss.as_ref(), Chance::NEVER, parse_chance)?;
    if loss.get() == Chance::BILLION {
        let fix = "write less than 100 %, or a [[fault]] with a partition";
        return Err(Flaw::new(key("loss"), "loses everything", fix));
    }
    Ok(LinkConfig {
        latency: time(&key("latency"), raw.latency.as_ref(), latency)?,
        jitter: raw
            .jitter
            .as_ref()
            .map_or(Ok(Jitter::None), |text| jitter(&key("jitter"), text))?,
        loss,
        trunk: quantity(&key("trunk"), raw.trunk.as_ref(), None, |text| {
            parse_byte_rate(text).map(Some)
        })?,
    })
}

/// "uniform 200us", "exponential 100us" or "none".
fn jitter(key: &str, text: &Text) -> Result<Jitter, Flaw> {
    let words = text.0.trim();
    if words == "none" {
        return Ok(Jitter::None);
    }
    let (shape, length) = words.split_once(' ').unwrap_or((words, ""));
    let length = || time(key, Some(&Text(length.to_owned())), Duration::ZERO);
    match shape {
        "uniform" => Ok(Jitter::Uniform { max: length()? }),
        "exponential" => Ok(Jitter::Exponential { mean: length()? }),
        _ => Err(Flaw::new(
            key,
            format!("`{words}` is no kind of jitter"),
            "write \"uniform 200us\" (up to that) or \"exponential 100us\" (its mean)",
        )),
    }
}

fn default_machine() -> MachineConfig {
    MachineConfig {
        cores: 4,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("the default rate is above zero"),
        nic: gbit(10),
        disk: DiskConfig {
            read: megabytes(500),
            write: megabytes(400),
            seek: Duration::from_micros(100),
            capacity: None,
        },
        sessions: SessionsConfig::default(),
    }
}

fn gbit(n: u64) -> ByteRate {
    megabytes(n * 125)
}

fn megabytes(n: u64) -> ByteRate {
    ByteRate::new(n * 1_000_000).expect("default rates are above zero")
}
