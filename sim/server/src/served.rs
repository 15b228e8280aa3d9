//! A cluster on real machines: the nodes, proxies and job services of one process or of several,
//! for clients from outside.
//!
//! Each device has a node of its own, and each thread of a server with proxies has one, all behind
//! one listener. Nodes have no port that is open to clients: where they are other processes,
//! `peers` lets in only those of the cluster. Leaves out where rings, secrets and disks come from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use stayput_cluster::{ClusterError, ClusterRing, NODES, PROXIES, ip};
use stayput_host::config::MachineConfig;
use stayput_host::{Host, HostMain, Serving};
use stayput_jobs::node;
use stayput_jobs::placement::{ClusterRates, LinkRates, MachineRates, PlacementConfig};
use stayput_jobs::proxy::{ClusterTopology, ProxyJobs, ProxyJobsConfig};
use stayput_jobs::system_images::SystemImages;
use stayput_ring::{
    DeviceName, HashSecret, NewDevice, PartPower, Region, Replicas, Ring, RingBuilder, Weight, Zone,
};
use stayput_store::node::{NodeConfig, ReplicationConfig, StorageNode};
use stayput_store::proxy;
use stayput_store::proxy::{Authenticator, JobService, ProxyConfig, ProxyIndex, RequestObserver};
use stayput_store::swift::{NODE_PORT, PROXY_PORT, Path, RingLookup};

use crate::{Actor, Door, OpenDisk, Server, StartError, Starting};

/// Configuration of all processes of a cluster.
#[derive(Clone)]
pub struct Served {
    /// Ring. Its devices are those of [`served_ring`].
    pub ring: Ring,
    /// Of the ring's hashes.
    pub secret: HashSecret,
    /// The machine: what jobs find.
    pub machine: MachineConfig,
    /// Images that jobs can name.
    pub images: SystemImages,
}

/// The nodes of one process.
pub struct ServedNodes {
    /// The number of its first device, from 0.
    pub first: u32,
    /// Opens each device's disk, in the order of the devices.
    pub disks: Vec<OpenDisk>,
    /// Rest of their replicators between two rounds.
    pub replicate_interval: Duration,
}

/// The proxies of one process.
pub struct ServedProxies {
    /// Number of this process among the cluster's processes with proxies.
    pub index: ProxyIndex,
    /// Users and their rights.
    pub auth: Authenticator,
    /// Observer of completed requests, if there is one.
    pub observer: Option<Arc<dyn RequestObserver>>,
}

/// Device name by its number, from 0.
#[must_use]
pub fn served_device_name(index: u32) -> String {
    stayput_cluster::device_name(index)
}

/// The address within the cluster of the node with the device of that number, from 0.
#[must_use]
pub fn served_ip(index: u32) -> IpAddr {
    IpAddr::V4(ip(NODES, index))
}

/// A ring over so many devices, each with a node of its own; `per_zone` of them, one after the
/// other, are in a zone.
///
/// # Errors
/// A figure is outside what a ring can have.
pub fn served_ring(
    devices: u32,
    per_zone: u32,
    replicas: u32,
    part_power: u32,
    seed: u64,
) -> Result<Ring, ClusterError> {
    let power = PartPower::new(part_power)?;
    let mut builder = RingBuilder::new(power, Replicas::new(replicas)?, 1)?;
    for index in 0..devices {
        builder.add_device(NewDevice {
            region: Region(1),
            zone: Zone(index / per_zone.max(1) + 1),
            ip: served_ip(index),
            port: NODE_PORT,
            device: DeviceName::new(served_device_name(index))?,
            weight: Weight::new(100.0)?,
            meta: String::new(),
        })?;
    }
    builder.rebalance(0, seed)?;
    Ok(builder.ring()?)
}

/// Starts nodes on `server`. They have recovered when this returns.
///
/// # Errors
/// One could not begin.
pub fn serve_nodes(server: &Server, served: &Served, nodes: ServedNodes) -> Result<(), StartError> {
    let nodes: Vec<Starting> = (nodes.first..)
        .zip(nodes.disks)
        .map(|(index, disk)| {
            let node = node(served, index, disk, nodes.replicate_interval);
            server.start(usize_of(index), node)
        })
        .collect();
    nodes.into_iter().try_for_each(Starting::wait)
}

/// Starts proxies on `server`, one on each thread, with clients coming in at `door`.
///
/// # Errors
/// One could not begin.
pub fn serve_proxies(
    server: &Server,
    door: &Arc<Door>,
    served: &Served,
    proxies: &ServedProxies,
) -> Result<(), StartError> {
    let threads = u32::try_from(server.threads()).unwrap_or(u32::MAX);
    let proxies: Vec<Starting> = (0..threads)
        .map(|thread| {
            // Those of a process share its index: whatever number of threads others have, no two
            // proxies have the same one.
            let ProxyIndex { index, count } = proxies.index;
            let index = ProxyIndex {
                index: index.saturating_add(count.saturating_mul(thread)),
                count: count.saturating_mul(threads),
            };
            server.start(usize_of(thread), proxy_actor(served, index, proxies, door))
        })
        .collect();
    proxies.into_iter().try_for_each(Starting::wait)
}

fn usize_of(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl Served {
    fn cluster_ring(&self) -> Rc<ClusterRing> {
        Rc::new(ClusterRing::new(self.ring.clone(), self.secret.clone()))
    }

    /// Zone of each node.
    fn sites(&self) -> ClusterTopology {
        let zones = self.ring.devices().map(|device| (device.ip, device.zone.0)).collect();
        let here = MachineRates::of(&self.machine);
        let within = LinkRates { latency: Duration::ZERO, trunk: None };
        let rates = ClusterRates {
            node: here,
            worker: here,
            to_nodes: within,
            to_workers: within,
            proxies: 1,
        };
        ClusterTopology { zones, latencies: BTreeMap::new(), workers: Vec::new(), rates }
    }
}

fn actor(name: String, ip: IpAddr, main: HostMain) -> Actor {
    Actor { name, ip, disks: BTreeMap::new(), doors: BTreeMap::new(), main }
}

fn node(served: &Served, index: u32, disk: OpenDisk, replicate_interval: Duration) -> Actor {
    let (served, device) = (served.clone(), served_device_name(index));
    let name = format!("node:{}", index + 1);
    let own_device = device.clone();
    let main: HostMain = Arc::new(move |host: Host| {
        let (served, own_device) = (served.clone(), own_device.clone());
        Box::pin(async move {
            let ring = served.cluster_ring();
            let lookup: Rc<dyn RingLookup> = ring.clone();
            let replication = ReplicationConfig {
                ring: lookup,
                ip: served_ip(index),
                interval: replicate_interval,
            };
            let name_hash = Rc::new(move |path: &Path| ring.hash(path));
            let config = NodeConfig {
                replication: Some(replication),
                ..NodeConfig::new(vec![own_device], NODE_PORT, name_hash)
            };
            let node = StorageNode::recover(host.clone(), config).await;
            let (machine, images) = (&served.machine, served.images.clone());
            node::serve(&host, NODE_PORT, node.objects(), machine, images, None)?;
            let serving: Serving = Box::pin(node.listen()?);
            Ok(serving)
        })
    });
    let mut actor = actor(name, served_ip(index), main);
    actor.disks.insert(device, disk);
    actor
}

fn proxy_actor(
    served: &Served,
    index: ProxyIndex,
    proxies: &ServedProxies,
    door: &Arc<Door>,
) -> Actor {
    let (served, auth) = (served.clone(), proxies.auth.clone());
    let observer = proxies.observer.clone();
    let name = format!("proxy:{}", index.index.saturating_add(1));
    let own_name = name.clone();
    let main: HostMain = Arc::new(move |host: Host| {
        let (served, auth) = (served.clone(), auth.clone());
        let (own_name, observer) = (own_name.clone(), observer.clone());
        Box::pin(async move {
            let (ring, sites) = (served.cluster_ring(), served.sites());
            let Served { machine, images, .. } = served;
            let (node, ring_of_jobs) = (machine.clone(), ring.clone());
            let policy = PlacementConfig::default().policy;
            let config = ProxyJobsConfig {
                ring: ring_of_jobs,
                images,
                policy,
                sites,
                node,
                machine,
                memo: None,
            };
            let jobs: Rc<dyn JobService> = Rc::new(ProxyJobs::new(&host, config));
            let jobs = Some(jobs);
            let config = ProxyConfig { name: own_name, index, ring, auth, jobs, observer };
            proxy::start(host, config)?;
            let serving: Serving = Box::pin(std::future::ready(()));
            Ok(serving)
        })
    });
    let mut actor = actor(name, IpAddr::V4(ip(PROXIES, index.index)), main);
    actor.doors.insert(PROXY_PORT, Arc::clone(door));
    actor
}
