//! Assembly of a whole cluster on one backend: a plan's hosts, and clients that somebody programs.
//!
//! Leaves out faults and meters, and clusters of which a backend runs only a part.

use std::rc::Rc;
use std::sync::Arc;

use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, Host, HostMain, LocalFuture, LocalMain};
use stayput_store::client::Client;
use stayput_store::swift::{PROXY_PORT, WORKER_PORT};

use crate::hosts::client_of;
use crate::plan::ClusterPlan;
use crate::ring::ClusterRing;

/// A cluster that runs on a backend, which had no hosts before.
pub struct Cluster {
    /// Storage nodes, in the order of their names.
    pub nodes: Vec<HostKey>,
    /// Proxies.
    pub proxies: Vec<HostKey>,
    /// Workers.
    pub workers: Vec<HostKey>,
    /// Clients.
    pub clients: Vec<HostKey>,
    /// Name, place and hardware of each host, in the order of their keys.
    pub hosts: Vec<HostSpec>,
    /// The ring.
    pub ring: ClusterRing,
}

/// Main function of a client. Its arguments: its number, from 0, and its host with clients of the
/// proxies and of the workers.
pub type ClientMain = Rc<dyn Fn(u32, ClientSide) -> LocalFuture<'static, ()>>;

/// Host of a client, with its ways to the store.
#[derive(Clone, Debug)]
pub struct ClientSide {
    /// Its host.
    pub host: Host,
    /// Client of the proxies, which begins with one of its own.
    pub proxies: Client,
    /// Client of the workers, which begins with one of its own.
    pub workers: Client,
}

impl Cluster {
    /// Adds all hosts of `plan` to `world` and starts them.
    #[must_use]
    pub fn assemble(world: &mut dyn Backend, plan: ClusterPlan, client: &ClientMain) -> Self {
        let plan = Arc::new(plan);
        let mut hosts = Vec::new();
        let mut add = |specs: &[HostSpec], main: &dyn Fn(usize) -> HostMain| {
            hosts.extend_from_slice(specs);
            let specs = specs.iter().enumerate();
            specs.map(|(index, spec)| world.add_host(spec.clone(), main(index))).collect()
        };
        let nodes = add(&plan.nodes, &|index| plan.node(index));
        let proxies = add(&plan.proxies, &|index| plan.proxy(index));
        let workers = add(&plan.workers, &|index| plan.worker(index));
        hosts.extend_from_slice(&plan.clients);
        let clients = (0..).zip(&plan.clients);
        let clients = clients.map(|(index, spec)| {
            world.add_local_host(spec.clone(), client_main(&plan, index, client))
        });
        let clients = clients.collect();
        Self { nodes, proxies, workers, clients, hosts, ring: plan.ring.clone() }
    }

    /// Node and name of a device, by its number from 1 over all nodes.
    #[must_use]
    pub fn device(&self, number: u32) -> Option<(HostKey, &str)> {
        let of_node = |key: &HostKey| {
            let key = *key;
            self.hosts[key.0 as usize].disks.iter().map(move |name| (key, name.as_str()))
        };
        self.nodes.iter().flat_map(of_node).nth((number as usize).checked_sub(1)?)
    }
}

fn client_main(plan: &Arc<ClusterPlan>, index: u32, client: &ClientMain) -> LocalMain {
    let (plan, client) = (Arc::clone(plan), Rc::clone(client));
    Rc::new(move |host: Host| {
        let proxies = client_of(&host, &plan.proxies, PROXY_PORT, index as usize);
        let workers = client_of(&host, &plan.workers, WORKER_PORT, index as usize);
        client(index, ClientSide { host, proxies, workers })
    })
}
