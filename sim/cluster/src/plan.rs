//! Plan of a cluster: its ring, its hosts by role, and the settings of its services.
//!
//! A plan is made from a [`ClusterSpec`] in a simulation, and from a cluster file on real machines;
//! what differs between the two are fields. Leaves out the hosts' code, and which of them run
//! where.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use stayput_host::config::{ClusterConfig, MachineConfig};
use stayput_host::topology::{HostPlace, HostSpec, link};
use stayput_jobs::memo::SessionMemo;
use stayput_jobs::placement::{ClusterRates, LinkRates, MachineRates, PlacementConfig};
use stayput_jobs::proxy::ClusterTopology;
use stayput_jobs::system_images::SystemImages;
use stayput_ring::HashSecret;
use stayput_store::proxy::{Authenticator, FixedTokens, RequestObserver};
use stayput_store::swift::WORKER_PORT;

use crate::ring::{ClusterError, ClusterRing, RingDevice, build_ring};
use crate::role::HostRole;
use crate::{ACCOUNT, OTHER_ACCOUNT, OTHER_TOKEN, TOKEN};

/// Description of a simulated cluster.
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
    /// Seed of the ring's balancing and of its hash secret.
    pub seed: u64,
}

/// Plan of a cluster: everything that its hosts are made from.
#[derive(Clone)]
pub struct ClusterPlan {
    /// Ring over the devices of all nodes.
    pub ring: ClusterRing,
    /// Storage nodes.
    pub nodes: Vec<HostSpec>,
    /// Proxies.
    pub proxies: Vec<HostSpec>,
    /// Workers.
    pub workers: Vec<HostSpec>,
    /// Clients, outside the store.
    pub clients: Vec<HostSpec>,
    /// Machine of a storage node; proxies have its cores.
    pub node_machine: MachineConfig,
    /// Machine of a worker.
    pub worker_machine: MachineConfig,
    /// Images that jobs can name, on all storage nodes, workers and proxies.
    pub images: SystemImages,
    /// Placement of the jobs that are posted to proxies.
    pub placement: PlacementConfig,
    /// Rates that placement policies reckon with.
    pub rates: ClusterRates,
    /// Memo of sessions that need not be computed again.
    pub memo: Option<SessionMemo>,
    /// Authentication of the proxies' callers.
    pub auth: Authenticator,
    /// Receiver of the proxies' reports on requests.
    pub observer: Option<Arc<dyn RequestObserver>>,
    /// Pause of replicators between two rounds; `None` without replicators.
    pub replicate: Option<Duration>,
}

impl fmt::Debug for ClusterPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = [&self.nodes, &self.proxies, &self.workers, &self.clients];
        let names = hosts.into_iter().flatten().map(|host| host.name.as_str());
        f.debug_tuple("ClusterPlan").field(&names.collect::<Vec<_>>()).finish()
    }
}

impl ClusterPlan {
    /// Plan of a simulated cluster, whose ring is built here.
    ///
    /// # Errors
    /// The ring cannot be built.
    pub fn simulated(spec: &ClusterSpec) -> Result<Self, ClusterError> {
        let counts = &spec.counts;
        let zones = counts.regions * counts.zones;
        let devices = (0..zones * counts.nodes_per_zone).flat_map(|node| {
            let zone = node / counts.nodes_per_zone + 1;
            (0..counts.devices_per_node).map(move |device| RingDevice {
                region: region_of(counts, zone),
                zone,
                ip: HostRole::Node.host_ip(node),
                name: device_name(device),
            })
        });
        let power = u32::from(counts.part_power);
        let ring = build_ring(devices, counts.replicas, power, spec.seed)?;
        // A secret of its own for each cluster, so that no name is slow everywhere.
        let secret = HashSecret::new(format!("stayput-{}", spec.seed), "");
        let place = |zone| HostPlace::Zone { region: region_of(counts, zone), zone };
        let workers = counts.workers_zone.map_or(HostPlace::Workers, place);
        let proxy = |index| host(HostRole::Proxy, index, place(index % zones + 1), &spec.node);
        let worker = |index| host(HostRole::Worker, index, workers, &spec.worker);
        let client = |index| host(HostRole::Client, index, HostPlace::Clients, &spec.node);
        let ring = ClusterRing::new(ring, secret);
        let tokens = [(TOKEN, ACCOUNT), (OTHER_TOKEN, OTHER_ACCOUNT)];
        let tokens = tokens.map(|(token, account)| (token.to_owned(), account.to_owned()));
        Ok(Self {
            nodes: nodes(&ring, &spec.node),
            ring,
            proxies: (0..counts.proxies).map(proxy).collect(),
            workers: (0..counts.workers).map(worker).collect(),
            clients: (0..counts.clients).map(client).collect(),
            node_machine: spec.node.clone(),
            worker_machine: spec.worker.clone(),
            images: spec.images.clone(),
            rates: spec.placement.rates(counts, &spec.node, &spec.worker),
            placement: spec.placement.clone(),
            memo: None,
            auth: FixedTokens::from(tokens).into(),
            observer: None,
            replicate: counts.replicate,
        })
    }

    /// Plan of a cluster on real machines, all like `machine`: over an existing ring of
    /// [`served_device`]s, with so many proxies. Until [`Self::auth`] is set, nobody is let in.
    #[must_use]
    pub fn served(ring: ClusterRing, proxies: u32, machine: MachineConfig) -> Self {
        let place = HostPlace::Zone { region: 1, zone: 1 };
        let proxy = |index| host(HostRole::Proxy, index, place, &machine);
        let rates = MachineRates::of(&machine);
        let within = LinkRates { latency: Duration::ZERO, trunk: None };
        Self {
            nodes: nodes(&ring, &machine),
            ring,
            proxies: (0..proxies).map(proxy).collect(),
            workers: Vec::new(),
            clients: Vec::new(),
            images: SystemImages::default(),
            placement: PlacementConfig::default(),
            rates: ClusterRates {
                node: rates,
                worker: rates,
                to_nodes: within,
                to_workers: within,
                proxies: 1,
            },
            memo: None,
            auth: FixedTokens::new().into(),
            observer: None,
            replicate: None,
            worker_machine: machine.clone(),
            node_machine: machine,
        }
    }

    /// Topology as proxy `index` knows it: its workers begin with one of its own.
    pub(crate) fn topology(&self, index: usize) -> ClusterTopology {
        let own = self.proxies[index].place;
        let latency = |to: HostPlace| link(&self.placement.network, own, to).latency;
        let (mut zones, mut latencies) = (Vec::new(), Vec::new());
        for node in &self.nodes {
            if let HostPlace::Zone { zone, .. } = node.place {
                zones.push((IpAddr::V4(node.ip), zone));
                latencies.push((zone, latency(node.place)));
            }
        }
        ClusterTopology {
            zones: zones.into_iter().collect(),
            latencies: latencies.into_iter().collect(),
            workers: addresses(&self.workers, WORKER_PORT, index),
            rates: self.rates.clone(),
        }
    }
}

/// Region of a zone; both count from 1, zones over all regions.
const fn region_of(counts: &ClusterConfig, zone: u32) -> u32 {
    (zone - 1) / counts.zones + 1
}

/// Device name by its index, from 0.
fn device_name(index: u32) -> String {
    format!("d{}", index + 1)
}

/// Device with that index, from 0, of a cluster on real machines: each has a node of its own, and
/// `per_zone` in a row are in a zone.
#[must_use]
pub fn served_device(index: u32, per_zone: u32) -> RingDevice {
    RingDevice {
        region: 1,
        zone: index / per_zone.max(1) + 1,
        ip: HostRole::Node.host_ip(index),
        name: device_name(index),
    }
}

/// Hosts with the devices of `ring`, which lists those of a node in a row.
fn nodes(ring: &ClusterRing, machine: &MachineConfig) -> Vec<HostSpec> {
    let mut nodes: Vec<HostSpec> = Vec::new();
    for device in ring.devices() {
        if nodes.last().is_none_or(|node| IpAddr::V4(node.ip) != device.ip) {
            let index = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
            let place = HostPlace::Zone { region: device.region.0, zone: device.zone.0 };
            nodes.push(host(HostRole::Node, index, place, machine));
        }
        if let Some(node) = nodes.last_mut() {
            node.disks.push(device.device.as_str().to_owned());
        }
    }
    nodes
}

fn host(role: HostRole, index: u32, place: HostPlace, machine: &MachineConfig) -> HostSpec {
    HostSpec {
        name: role.host_name(index),
        ip: role.host_ip(index),
        place,
        is_worker: role == HostRole::Worker,
        nic: machine.nic,
        cores: machine.cores,
        fuel_per_second: machine.fuel_per_second,
        disks: Vec::new(),
        disk: machine.disk.clone(),
    }
}

/// Addresses of all `servers`, in turn from the one numbered `first`, counted round.
pub(crate) fn addresses(servers: &[HostSpec], port: u16, first: usize) -> Vec<SocketAddr> {
    let in_turn = servers.iter().cycle().skip(first % servers.len().max(1)).take(servers.len());
    in_turn.map(|server| SocketAddr::new(IpAddr::V4(server.ip), port)).collect()
}
