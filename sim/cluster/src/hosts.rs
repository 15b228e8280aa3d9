//! Main functions of a plan's storage nodes, proxies and workers: the same on every backend.
//!
//! Leaves out clients, which somebody else programs.

use std::future::ready;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use stayput_host::topology::HostSpec;
use stayput_host::{Host, HostMain, HostStartError, Serving};
use stayput_jobs::node;
use stayput_jobs::proxy::{ProxyJobs, ProxyJobsConfig};
use stayput_jobs::worker;
use stayput_store::client::Client;
use stayput_store::node::{NodeConfig, ReplicationConfig, StorageNode};
use stayput_store::proxy;
use stayput_store::proxy::{ProxyConfig, ProxyIndex};
use stayput_store::swift::{NODE_PORT, PROXY_PORT, Path};

use crate::plan::{ClusterPlan, addresses};
use crate::ring::ClusterRing;
use crate::{ACCOUNT, TOKEN};

impl ClusterPlan {
    /// Main function of storage node `index`, from 0.
    #[must_use]
    pub fn node(self: &Arc<Self>, index: usize) -> HostMain {
        let plan = Arc::clone(self);
        Arc::new(move |host| Box::pin(Arc::clone(&plan).begin_node(host, index)))
    }

    /// Main function of proxy `index`, from 0.
    #[must_use]
    pub fn proxy(self: &Arc<Self>, index: usize) -> HostMain {
        let plan = Arc::clone(self);
        Arc::new(move |host| Box::pin(Arc::clone(&plan).begin_proxy(host, index)))
    }

    /// Main function of worker `index`, from 0.
    #[must_use]
    pub fn worker(self: &Arc<Self>, index: usize) -> HostMain {
        let plan = Arc::clone(self);
        Arc::new(move |host| Box::pin(Arc::clone(&plan).begin_worker(host, index)))
    }

    async fn begin_node(
        self: Arc<Self>,
        host: Host,
        index: usize,
    ) -> Result<Serving, HostStartError> {
        let node = &self.nodes[index];
        let (ring, ip) = (Rc::new(self.ring.clone()), IpAddr::V4(node.ip));
        let lookup = Rc::clone(&ring);
        let replication =
            self.replicate.map(|interval| ReplicationConfig { ring: lookup, ip, interval });
        let name_hash = Rc::new(move |path: &Path| ring.hash(path));
        let config =
            NodeConfig { replication, ..NodeConfig::new(node.disks.clone(), NODE_PORT, name_hash) };
        let node = StorageNode::recover(host.clone(), config).await;
        let (machine, images) = (&self.node_machine, self.images.clone());
        node::serve(&host, NODE_PORT, node.objects(), machine, images, self.memo.clone())?;
        Ok(Box::pin(node.listen()?))
    }

    async fn begin_proxy(
        self: Arc<Self>,
        host: Host,
        index: usize,
    ) -> Result<Serving, HostStartError> {
        let ring = Rc::new(self.ring.clone());
        let jobs = ProxyJobsConfig {
            ring: Rc::<ClusterRing>::clone(&ring),
            images: self.images.clone(),
            policy: self.placement.policy,
            topology: self.topology(index),
            node: self.node_machine.clone(),
            machine: self.node_machine.clone(),
            memo: self.memo.clone(),
        };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let config = ProxyConfig {
            name: self.proxies[index].name.clone(),
            index: ProxyIndex { index: count(index), count: count(self.proxies.len()) },
            ring,
            auth: self.auth.clone(),
            jobs: Some(Rc::new(ProxyJobs::new(&host, jobs))),
            observer: self.observer.clone(),
        };
        proxy::start(host, config)?;
        Ok(Box::pin(ready(())))
    }

    async fn begin_worker(
        self: Arc<Self>,
        host: Host,
        index: usize,
    ) -> Result<Serving, HostStartError> {
        let store = client_of(&host, &self.proxies, PROXY_PORT, index);
        let images = self.images.clone();
        worker::start(&host, store, &self.worker_machine, images, self.memo.clone())?;
        Ok(Box::pin(ready(())))
    }
}

/// Client of `servers` with the default account, which begins with the one numbered `first`.
pub(crate) fn client_of(host: &Host, servers: &[HostSpec], port: u16, first: usize) -> Client {
    Client {
        host: host.clone(),
        proxies: addresses(servers, port, first),
        token: TOKEN.to_owned(),
        account: ACCOUNT.to_owned(),
    }
}
