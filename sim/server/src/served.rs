//! Hosts of a cluster's plan on a server: which of them run in this process, on which thread, with
//! which disks, and behind which port.
//!
//! Each thread of a server with proxies has one, all behind one listener. Nodes have no port that
//! is open to clients: where they are other processes, `peers` lets in only those of the cluster.
//! Leaves out the hosts themselves (`stayput-cluster`), and where disks come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use stayput_cluster::ClusterPlan;
use stayput_host::HostMain;
use stayput_host::topology::HostSpec;
use stayput_store::swift::PROXY_PORT;

use crate::{Actor, Door, OpenDisk, Server, StartError, Starting};

/// Starts nodes of `plan` on `server`: from the one with index `first`, one for each of `disks`,
/// which is its only device. They have recovered when this returns.
///
/// # Errors
/// One could not begin.
pub fn serve_nodes(
    server: &Server,
    plan: &Arc<ClusterPlan>,
    first: usize,
    disks: Vec<OpenDisk>,
) -> Result<(), StartError> {
    let nodes = plan.nodes.iter().enumerate().skip(first).zip(disks);
    let starting = nodes.map(|((index, node), disk)| {
        let mut actor = actor(node, plan.node(index));
        actor.disks.extend(node.disks.iter().cloned().zip([disk]));
        server.start(index, actor)
    });
    let starting: Vec<Starting> = starting.collect();
    starting.into_iter().try_for_each(Starting::wait)
}

/// Starts proxies of `plan` on `server`, one on each thread, with clients coming in at `door`: of
/// `processes` with proxies, those of number `process`, from 0.
///
/// Whatever number of threads other processes have, no two proxies have the same index.
///
/// # Errors
/// One could not begin.
pub fn serve_proxies(
    server: &Server,
    plan: &Arc<ClusterPlan>,
    door: &Arc<Door>,
    (process, processes): (usize, usize),
) -> Result<(), StartError> {
    let proxies = plan.proxies.iter().enumerate().skip(process).step_by(processes);
    let starting = proxies.zip(0..).map(|((index, proxy), thread)| {
        let mut actor = actor(proxy, plan.proxy(index));
        actor.doors.insert(PROXY_PORT, Arc::clone(door));
        server.start(thread, actor)
    });
    let starting: Vec<Starting> = starting.collect();
    starting.into_iter().try_for_each(Starting::wait)
}

fn actor(host: &HostSpec, main: HostMain) -> Actor {
    let (disks, doors) = (BTreeMap::new(), BTreeMap::new());
    Actor { name: host.name.clone(), ip: host.ip.into(), disks, doors, main }
}
