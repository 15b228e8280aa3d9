//! Puts a cluster together in a world: a ring over the disks of storage nodes, proxies, workers,
//! and clients that somebody programs.
//!
//! Leaves out running it, and what the clients do.

mod cluster_ring;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

pub use self::cluster_ring::ClusterRing;
use stayput_host::config::{ByteRate, ClusterConfig, DiskConfig, MachineConfig};
use stayput_host::topology::{HostKey, HostPlace, HostSpec};
use stayput_host::{Backend, Host, LocalFuture, LocalMain};
use stayput_jobs::memo::SessionMemo;
use stayput_jobs::node as job_node;
use stayput_jobs::placement::PlacementConfig;
use stayput_jobs::proxy::{ClusterTopology, ProxyJobs, ProxyJobsConfig};
use stayput_jobs::system_images::SystemImages;
use stayput_jobs::worker;
use stayput_ring::{
    DeviceName, HashSecret, NewDevice, PartPower, Region, Replicas, RingBuilder, RingError,
    RingValueError, Weight, Zone,
};
use stayput_store::client::Client;
use stayput_store::node::{NodeConfig, ReplicationConfig, StorageNode};
use stayput_store::proxy;
use stayput_store::proxy::{FixedTokens, JobService, ProxyConfig, ProxyIndex};
use stayput_store::swift::{NODE_PORT, PROXY_PORT, RingLookup, WORKER_PORT};

/// The account that the clients of a simulated cluster use.
pub const ACCOUNT: &str = "AUTH_stayput";
/// Auth token of the default account.
pub const TOKEN: &str = "stayput-token";
/// Another account, which has nothing to do with the first: for what must be kept apart.
pub const OTHER_ACCOUNT: &str = "AUTH_neighbour";
/// Its token.
pub const OTHER_TOKEN: &str = "neighbour-token";

/// Everything that a cluster is made of.
#[derive(Clone, Debug)]
pub struct ClusterSpec {
    /// Counts of regions, zones, hosts and disks.
    pub counts: ClusterConfig,
    /// A storage node; proxies have its cores, and proxies and clients its network card.
    pub node: MachineConfig,
    /// A worker.
    pub worker: MachineConfig,
    /// Images that are installed on all storage nodes, workers and proxies.
    pub images: SystemImages,
    /// Placement of the jobs that are posted to proxies.
    pub placement: PlacementConfig,
    /// Of the ring's balancing and of its hashes.
    pub seed: u64,
}

/// A cluster that runs in a world.
pub struct Cluster {
    /// Storage nodes, in the order of their names.
    pub nodes: Vec<HostKey>,
    /// Proxies.
    pub proxies: Vec<HostKey>,
    /// Workers.
    pub workers: Vec<HostKey>,
    /// Clients.
    pub clients: Vec<HostKey>,
    /// The hosts' names, in the order of their keys.
    pub names: Vec<String>,
    /// Place of each host, in the order of their keys.
    pub places: Vec<HostPlace>,
    /// Hardware of each host, in the order of their keys.
    pub parts: Vec<HostHardware>,
    /// Disks of each storage node.
    pub devices_per_node: u32,
    /// The ring.
    pub ring: Rc<ClusterRing>,
}

/// Hardware of a host: its cores, its disks and its network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostHardware {
    /// Cores that run jobs.
    pub cores: u32,
    /// Disks.
    pub disks: u32,
    /// Its network card, each way.
    pub nic: ByteRate,
}

/// Main function of a client. Its arguments: its number, from 0, and its host with clients of the
/// proxies and of the workers.
pub type ClientMain = Rc<dyn Fn(u32, ClientSide) -> LocalFuture<'static, ()>>;

/// Host of a client, with its ways to the store.
#[derive(Clone, Debug)]
pub struct ClientSide {
    /// Its host.
    pub host: Host,
    /// Asks the proxies, beginning with one of its own.
    pub proxies: Client,
    /// Asks the workers, beginning with one of its own.
    pub workers: Client,
}

/// Error of a cluster that cannot be assembled.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A figure is outside what a ring can have.
    #[error("the ring cannot be built: {0}")]
    Value(#[from] RingValueError),
    /// The ring cannot be built.
    #[error("the ring cannot be built: {0}")]
    Ring(#[from] RingError),
}

/// The address of a host within its cluster, by its kind and its number from 0.
#[must_use]
pub fn ip(kind: u8, index: u32) -> Ipv4Addr {
    let [_, _, high, low] = (index + 1).to_be_bytes();
    Ipv4Addr::new(10, kind, high, low)
}

fn address(kind: u8, index: u32, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(ip(kind, index)), port)
}

/// Kind of address of storage nodes.
pub const NODES: u8 = 1;
/// Kind of address of proxies.
pub const PROXIES: u8 = 2;
const WORKERS: u8 = 3;
const CLIENTS: u8 = 4;

impl Cluster {
    /// Adds a cluster's hosts to `world` and starts them.
    ///
    /// # Errors
    /// The ring cannot be built.
    pub fn assemble(
        world: &mut dyn Backend,
        spec: &ClusterSpec,
        client: &ClientMain,
    ) -> Result<Self, ClusterError> {
        Self::assemble_with(None, world, spec, client)
    }

    /// Like [`Cluster::assemble`]; nodes, proxies and workers do not compute again what `memo`
    /// knows.
    ///
    /// # Errors
    /// The ring cannot be built.
    pub fn assemble_with(
        memo: Option<SessionMemo>,
        world: &mut dyn Backend,
        spec: &ClusterSpec,
        client: &ClientMain,
    ) -> Result<Self, ClusterError> {
        let ring = Rc::new(build_ring(spec)?);
        let (names, places, parts) = (Vec::new(), Vec::new(), Vec::new());
        let own_ring = Rc::clone(&ring);
        let mut assembly = Assembly { world, spec, memo, ring: own_ring, names, places, parts };
        let counts = &spec.counts;
        let zones = counts.regions * counts.zones;
        let nodes = (0..zones * counts.nodes_per_zone).map(|i| assembly.node(i)).collect();
        let proxies = (0..counts.proxies).map(|i| assembly.proxy(i)).collect();
        let workers = (0..counts.workers).map(|i| assembly.worker(i)).collect();
        let clients = (0..counts.clients).map(|i| assembly.client(i, client)).collect();
        let (names, places, parts) = (assembly.names, assembly.places, assembly.parts);
        let devices_per_node = counts.devices_per_node;
        Ok(Self { nodes, proxies, workers, clients, names, places, parts, devices_per_node, ring })
    }
}

/// The place of a zone, counted from 1 over all regions.
fn zone(counts: &ClusterConfig, zone: u32) -> HostPlace {
    HostPlace::Zone { region: (zone - 1) / counts.zones + 1, zone }
}

/// Device name of a storage node's disk, by its number from 0.
#[must_use]
pub fn device_name(index: u32) -> String {
    format!("d{}", index + 1)
}

fn device_names(spec: &ClusterSpec) -> Vec<String> {
    (0..spec.counts.devices_per_node).map(device_name).collect()
}

fn build_ring(spec: &ClusterSpec) -> Result<ClusterRing, ClusterError> {
    let counts = &spec.counts;
    let power = PartPower::new(u32::from(counts.part_power))?;
    let mut builder = RingBuilder::new(power, Replicas::new(counts.replicas)?, 1)?;
    for node in 0..counts.regions * counts.zones * counts.nodes_per_zone {
        let place = zone(counts, node / counts.nodes_per_zone + 1);
        let HostPlace::Zone { region, zone } = place else { continue };
        for device in device_names(spec) {
            builder.add_device(NewDevice {
                region: Region(region),
                zone: Zone(zone),
                ip: IpAddr::V4(ip(NODES, node)),
                port: NODE_PORT,
                device: DeviceName::new(device)?,
                weight: Weight::new(100.0)?,
                meta: String::new(),
            })?;
        }
    }
    builder.rebalance(0, spec.seed)?;
    // A secret of its own for each cluster, so that no name is slow everywhere.
    let secret = HashSecret::new(format!("stayput-{}", spec.seed), "");
    Ok(ClusterRing::new(builder.ring()?, secret))
}

/// Topology as the proxy of that number, from 0, knows it.
fn sites(spec: &ClusterSpec, proxy: u32) -> ClusterTopology {
    let counts = &spec.counts;
    let nodes = counts.regions * counts.zones * counts.nodes_per_zone;
    let zone_of = |node: u32| (IpAddr::V4(ip(NODES, node)), node / counts.nodes_per_zone + 1);
    let worker = |at: u32| address(WORKERS, (proxy + at) % counts.workers, WORKER_PORT);
    let (network, zones) = (&spec.placement.network, counts.regions * counts.zones);
    let own = proxy % zones + 1;
    let region_of = |zone: u32| (zone - 1) / counts.zones;
    let way = |zone: u32| match zone {
        it if it == own => (it, network.same_zone.latency),
        it if region_of(it) == region_of(own) => (it, network.cross_zone.latency),
        it => (it, network.cross_region.latency),
    };
    ClusterTopology {
        zones: (0..nodes).map(zone_of).collect(),
        latencies: (1..=zones).map(way).collect(),
        workers: (0..counts.workers).map(worker).collect(),
        rates: spec.placement.rates(counts, &spec.node, &spec.worker),
    }
}

struct Assembly<'a> {
    world: &'a mut dyn Backend,
    spec: &'a ClusterSpec,
    memo: Option<SessionMemo>,
    ring: Rc<ClusterRing>,
    names: Vec<String>,
    places: Vec<HostPlace>,
    parts: Vec<HostHardware>,
}

impl Assembly<'_> {
    fn add(
        &mut self,
        name: String,
        ip: Ipv4Addr,
        place: HostPlace,
        machine: &MachineConfig,
        disks: Vec<String>,
        main: LocalMain,
    ) -> HostKey {
        self.names.push(name.clone());
        self.places.push(place);
        let count = u32::try_from(disks.len()).unwrap_or(u32::MAX);
        self.parts.push(HostHardware { cores: machine.cores, disks: count, nic: machine.nic });
        let host = HostSpec {
            is_worker: name.starts_with("worker:"),
            name,
            ip,
            place,
            nic: machine.nic,
            cores: machine.cores,
            fuel_per_second: machine.fuel_per_second,
            disks,
            disk: DiskConfig { ..machine.disk.clone() },
        };
        self.world.add_local_host(host, main)
    }

    fn node(&mut self, index: u32) -> HostKey {
        let spec = self.spec;
        let place = zone(&spec.counts, index / spec.counts.nodes_per_zone + 1);
        let (devices, ring) = (device_names(spec), Rc::clone(&self.ring));
        let (machine, images) = (Rc::new(spec.node.clone()), spec.images.clone());
        let memo = self.memo.clone();
        let (replicate, own_ip) = (spec.counts.replicate, IpAddr::V4(ip(NODES, index)));
        let disks = devices.clone();
        let main: LocalMain = Rc::new(move |host: Host| {
            let (ring, machine) = (Rc::clone(&ring), Rc::clone(&machine));
            let (images, memo) = (images.clone(), memo.clone());
            let lookup: Rc<dyn RingLookup> = Rc::<ClusterRing>::clone(&ring);
            let replication =
                replicate.map(|interval| ReplicationConfig { ring: lookup, ip: own_ip, interval });
            let name_hash = Rc::new(move |path: &stayput_store::swift::Path| ring.hash(path));
            let config = NodeConfig {
                replication,
                ..NodeConfig::new(devices.clone(), NODE_PORT, name_hash)
            };
            Box::pin(async move {
                let node = StorageNode::recover(host.clone(), config).await;
                job_node::serve(&host, NODE_PORT, node.objects(), &machine, images, memo)
                    .expect("nothing else listens on a host that starts");
                node.listen().expect("nothing else listens on a host that starts").await;
            })
        });
        let name = format!("node:{}", index + 1);
        self.add(name, ip(NODES, index), place, &spec.node, disks, main)
    }

    fn proxy(&mut self, index: u32) -> HostKey {
        let spec = self.spec;
        let zones = spec.counts.regions * spec.counts.zones;
        let (ring, name) = (Rc::clone(&self.ring), format!("proxy:{}", index + 1));
        let own_name = name.clone();
        let proxy_index = ProxyIndex { index, count: spec.counts.proxies };
        let (images, node) = (spec.images.clone(), Rc::new(spec.node.clone()));
        let (policy, sites) = (spec.placement.policy, Rc::new(sites(spec, index)));
        let memo = self.memo.clone();
        let main: LocalMain = Rc::new(move |host: Host| {
            let (ring, name) = (Rc::clone(&ring), own_name.clone());
            let (images, sites, node) = (images.clone(), Rc::clone(&sites), Rc::clone(&node));
            let memo = memo.clone();
            Box::pin(async move {
                let (sites, node) = ((*sites).clone(), (*node).clone());
                let machine = node.clone();
                let ring_of_jobs = ring.clone();
                let config = ProxyJobsConfig {
                    ring: ring_of_jobs,
                    images,
                    policy,
                    sites,
                    node,
                    machine,
                    memo,
                };
                let jobs = ProxyJobs::new(&host, config);
                let accounts = [(TOKEN, ACCOUNT), (OTHER_TOKEN, OTHER_ACCOUNT)];
                let tokens =
                    accounts.map(|(token, account)| (token.to_owned(), account.to_owned()));
                let auth = FixedTokens::from(tokens).into();
                let jobs: Option<Rc<dyn JobService>> = Some(Rc::new(jobs));
                let config =
                    ProxyConfig { name, index: proxy_index, ring, auth, jobs, observer: None };
                proxy::start(host, config).expect("nothing else listens on a host that starts");
            })
        });
        let place = zone(&spec.counts, index % zones + 1);
        self.add(name, ip(PROXIES, index), place, &spec.node, Vec::new(), main)
    }

    fn worker(&mut self, index: u32) -> HostKey {
        let spec = self.spec;
        let place = spec.counts.workers_zone.map_or(HostPlace::Workers, |n| zone(&spec.counts, n));
        let (counts, machine) = (spec.counts.clone(), Rc::new(spec.worker.clone()));
        let (images, memo) = (spec.images.clone(), self.memo.clone());
        let main: LocalMain = Rc::new(move |host: Host| {
            let store = asking(&host, PROXIES, counts.proxies, PROXY_PORT, index);
            let (machine, images) = (Rc::clone(&machine), images.clone());
            let memo = memo.clone();
            Box::pin(async move {
                worker::start(&host, store, &machine, images, memo)
                    .expect("nothing else listens on a host that starts");
            })
        });
        let name = format!("worker:{}", index + 1);
        self.add(name, ip(WORKERS, index), place, &spec.worker, Vec::new(), main)
    }

    fn client(&mut self, index: u32, client: &ClientMain) -> HostKey {
        let (counts, client) = (self.spec.counts.clone(), Rc::clone(client));
        let main: LocalMain = Rc::new(move |host: Host| {
            let proxies = asking(&host, PROXIES, counts.proxies, PROXY_PORT, index);
            let workers = asking(&host, WORKERS, counts.workers, WORKER_PORT, index);
            client(index, ClientSide { host, proxies, workers })
        });
        let name = format!("client:{}", index + 1);
        let machine = self.spec.node.clone();
        self.add(name, ip(CLIENTS, index), HostPlace::Clients, &machine, Vec::new(), main)
    }
}

/// A client of these servers that begins with the one numbered `first`.
fn asking(host: &Host, kind: u8, count: u32, port: u16, first: u32) -> Client {
    let servers = (0..count).map(|index| address(kind, (first + index) % count, port));
    Client {
        host: host.clone(),
        proxies: servers.collect(),
        token: TOKEN.to_owned(),
        account: ACCOUNT.to_owned(),
    }
}
