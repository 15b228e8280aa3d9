//! `[cluster]`, `[node]`, `[worker]` and `[network]`. What is left out is as in the banana scenario.

use std::time::Duration;

use stayput_sim::config::{
    ByteRate, ClusterConfig, DiskConfig, FuelRate, LinkConfig, MachineConfig, NetworkConfig,
};

use super::limits::{
    MAX_CORES, MAX_DEVICES_PER_NODE, MAX_HOSTS, MAX_PART_POWER, MAX_REPLICAS, MAX_RING_ENTRIES,
};
use super::{bounded, quantity, time};
use crate::quantity::{parse_byte_rate, parse_fuel_rate};
use crate::scenario::error::Flaw;
use crate::scenario::raw::{RawCluster, RawLink, RawMachine, RawNetwork};

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
        capacity: None,
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
    })
}

pub(super) fn network(raw: &RawNetwork) -> Result<NetworkConfig, Flaw> {
    let us = Duration::from_micros;
    Ok(NetworkConfig {
        same_zone: link("same_zone", raw.same_zone.as_ref(), us(100), None)?,
        cross_zone: link("cross_zone", raw.cross_zone.as_ref(), us(500), Some(gbit(40)))?,
        cross_region: link("cross_region", raw.cross_region.as_ref(), us(20_000), Some(gbit(10)))?,
        client: link("client", raw.client.as_ref(), us(5_000), None)?,
        worker: link("worker", raw.worker.as_ref(), us(500), Some(gbit(10)))?,
        slow_start: false,
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
    let trunk_key = format!("network.{name}.trunk");
    let latency = time(&format!("network.{name}.latency"), raw.latency.as_ref(), latency)?;
    let trunk =
        quantity(&trunk_key, raw.trunk.as_ref(), None, |text| parse_byte_rate(text).map(Some))?;
    Ok(LinkConfig::new(latency, trunk))
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
    }
}

fn gbit(n: u64) -> ByteRate {
    megabytes(n * 125)
}

fn megabytes(n: u64) -> ByteRate {
    ByteRate::new(n * 1_000_000).expect("default rates are above zero")
}
