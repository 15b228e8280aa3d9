//! A cluster on a real machine: the nodes, proxies and job services of one process, for clients from outside.
//!
//! Each device has a node of its own, and each thread of the server a proxy, all behind one door. Nodes have no port that a
//! client could knock at. Leaves out clusters of several processes, and where rings, secrets and disks come from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{ClusterError, NODES, PROXIES, RingPlacement, ip};
use crate::backend::tcp::server::{Actor, ActorMain, Door, OpenDisk, Server, StartError, Starting};
use crate::config::MachineConfig;
use crate::host::{Host, LocalFuture};
use crate::jobs::placement::{LinkRates, MachineRates, PlacementConfig, Rates};
use crate::jobs::service::{Jobs, JobsConfig, Sites};
use crate::jobs::{executor, system_images::SystemImages};
use crate::node::{Node, NodeConfig};
use crate::proxy::{self, Auth, JobService, ProxyConfig, Turn, Watch};
use crate::ring::{
    DeviceName, HashSecret, NewDevice, PartPower, Region, Replicas, Ring, RingBuilder, Weight, Zone,
};
use crate::swift::{NODE_PORT, PROXY_PORT, Path};

/// What is served.
pub struct Served {
    /// Where things belong. Its devices are those of [`served_ring`].
    pub ring: Ring,
    /// Of the ring's hashes.
    pub secret: HashSecret,
    /// Opens each device's disk, in the order of the devices.
    pub disks: Vec<OpenDisk>,
    /// The machine: what jobs find.
    pub machine: MachineConfig,
    /// Images that jobs can name.
    pub images: SystemImages,
    /// Who may do what.
    pub auth: Auth,
    /// Who is told what requests came to, if anybody is.
    pub watch: Option<Arc<dyn Watch>>,
}

/// What devices are called, the first one's number being 0.
#[must_use]
pub fn served_device_name(index: u32) -> String {
    super::device_name(index)
}

/// A ring over so many devices, each in a zone and on a node of its own.
///
/// # Errors
/// A figure is outside what a ring can have.
pub fn served_ring(
    devices: u32,
    replicas: u32,
    part_power: u32,
    seed: u64,
) -> Result<Ring, ClusterError> {
    let power = PartPower::new(part_power)?;
    let mut builder = RingBuilder::new(power, Replicas::new(replicas)?, 1)?;
    for index in 0..devices {
        builder.add_device(NewDevice {
            region: Region(1),
            zone: Zone(index + 1),
            ip: IpAddr::V4(ip(NODES, index)),
            port: NODE_PORT,
            device: DeviceName::new(served_device_name(index))?,
            weight: Weight::new(100.0)?,
            meta: String::new(),
        })?;
    }
    builder.rebalance(0, seed)?;
    Ok(builder.ring()?)
}

/// Starts what is served on `server`, with clients coming in at `door`. Nodes have recovered when this returns.
///
/// # Errors
/// A node or a proxy could not begin.
pub fn serve(server: &Server, door: &Arc<Door>, served: Served) -> Result<(), StartError> {
    let Served { ring, secret, disks, machine, images, auth, watch } = served;
    let common = Common { ring, secret, machine, images, auth, watch };
    let nodes: Vec<Starting> = (0..)
        .zip(disks)
        .map(|(index, disk)| server.start(usize_of(index), node(&common, index, disk)))
        .collect();
    nodes.into_iter().try_for_each(Starting::wait)?;
    let threads = u32::try_from(server.threads()).unwrap_or(u32::MAX);
    let proxies: Vec<Starting> = (0..threads)
        .map(|index| server.start(usize_of(index), proxy_actor(&common, index, threads, door)))
        .collect();
    proxies.into_iter().try_for_each(Starting::wait)
}

fn usize_of(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// What all actors are given.
#[derive(Clone)]
struct Common {
    ring: Ring,
    secret: HashSecret,
    machine: MachineConfig,
    images: SystemImages,
    auth: Auth,
    watch: Option<Arc<dyn Watch>>,
}

impl Common {
    fn placement(&self) -> Rc<RingPlacement> {
        Rc::new(RingPlacement::new(self.ring.clone(), self.secret.clone()))
    }

    /// Which node is in which zone.
    fn sites(&self) -> Sites {
        let zones = self.ring.devices().map(|device| (device.ip, device.zone.0)).collect();
        let here = MachineRates::of(&self.machine);
        let within = LinkRates { latency: Duration::ZERO, trunk: None };
        let rates =
            Rates { node: here, worker: here, to_nodes: within, to_workers: within, proxies: 1 };
        Sites { zones, ways: BTreeMap::new(), workers: Vec::new(), rates }
    }
}

fn actor(name: String, ip: IpAddr, main: ActorMain) -> Actor {
    Actor { name, ip, disks: BTreeMap::new(), doors: BTreeMap::new(), main }
}

fn node(common: &Common, index: u32, disk: OpenDisk) -> Actor {
    let (common, device) = (common.clone(), served_device_name(index));
    let name = format!("node:{}", index + 1);
    let own_device = device.clone();
    let main: ActorMain = Box::new(move |host: Host| {
        Box::pin(async move {
            let ring = common.placement();
            let name_hash = Rc::new(move |path: &Path| ring.hash(path));
            let config = NodeConfig::new(vec![own_device], NODE_PORT, name_hash);
            let node = Node::recover(host.clone(), config).await;
            let (machine, images) = (&common.machine, common.images.clone());
            executor::serve(&host, NODE_PORT, node.objects(), machine, images, None)
                .map_err(|taken| taken.to_string())?;
            let serving = node.listen().map_err(|taken| taken.to_string())?;
            Ok(Box::pin(serving) as LocalFuture<'static, ()>)
        })
    });
    let mut actor = actor(name, IpAddr::V4(ip(NODES, index)), main);
    actor.disks.insert(device, disk);
    actor
}

fn proxy_actor(common: &Common, index: u32, of: u32, door: &Arc<Door>) -> Actor {
    let (common, name) = (common.clone(), format!("proxy:{}", index + 1));
    let own_name = name.clone();
    let main: ActorMain = Box::new(move |host: Host| {
        Box::pin(async move {
            let (ring, sites) = (common.placement(), common.sites());
            let Common { machine, images, auth, watch, .. } = common;
            let (node, ring_of_jobs) = (machine.clone(), ring.clone());
            let policy = PlacementConfig::default().policy;
            let config =
                JobsConfig { ring: ring_of_jobs, images, policy, sites, node, machine, memo: None };
            let jobs: Rc<dyn JobService> = Rc::new(Jobs::new(&host, config));
            let (turn, jobs) = (Turn { number: index, of }, Some(jobs));
            let config = ProxyConfig { name: own_name, turn, ring, auth, jobs, watch };
            proxy::start(host, config).map_err(|taken| taken.to_string())?;
            let nothing: LocalFuture<'static, ()> = Box::pin(std::future::ready(()));
            Ok(nothing)
        })
    });
    let mut actor = actor(name, IpAddr::V4(ip(PROXIES, index)), main);
    actor.doors.insert(PROXY_PORT, Arc::clone(door));
    actor
}
