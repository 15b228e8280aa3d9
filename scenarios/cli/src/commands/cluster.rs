//! `stayput cluster`: makes the file that the processes of a cluster share.
//!
//! Leaves out the file's content (`crate::serve`).

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{CliError, Exit};
use crate::serve::{ClusterFile, ClusterShape, NodeAddress};

/// A command for clusters of several processes.
#[derive(Clone, Debug, Subcommand)]
pub enum ClusterCommand {
    /// Write the file of a new cluster: its nodes' addresses, its secrets and where things belong.
    /// Copy it to each machine.
    ///
    /// Only you can read it, and it must stay so: it holds the cluster's secrets, and whoever has
    /// them has access to all data. Between processes nothing is encrypted, and each connection is
    /// authenticated when it begins: they belong on a network of their own, or in a tunnel.
    ///
    /// Exit codes: 0 it is written, 2 it is there already, or there is no such cluster.
    New(NewClusterArgs),
}

/// The options of `cluster new`.
#[derive(Args, Clone, Debug)]
pub struct NewClusterArgs {
    /// The file to write.
    pub file: PathBuf,
    /// Address of a node's process, as the others reach it: HOST:PORT. Once for each node.
    #[arg(long, value_name = "HOST:PORT", required = true, value_parser = NodeAddress::parse)]
    pub node: Vec<NodeAddress>,
    /// Devices of each node.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub devices_per_node: u32,
    /// Copies of everything that is stored, on different nodes as far as there are so many
    /// [default: 3, or one on each device].
    #[arg(long, value_name = "N")]
    pub replicas: Option<u32>,
    /// Processes with proxies that there can be.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub proxies: u32,
}

/// Executes a command for clusters.
pub(super) fn cluster(command: &ClusterCommand) -> Result<Exit, CliError> {
    let ClusterCommand::New(args) = command;
    let shape = ClusterShape {
        nodes: args.node.clone(),
        devices_per_node: args.devices_per_node,
        replicas: args.replicas,
        proxies: args.proxies,
    };
    let cluster = ClusterFile::make(&args.file, shape)?;
    let mut out = io::stdout().lock();
    let file = args.file.display();
    let (nodes, devices, replicas) =
        (cluster.node_count(), cluster.device_count(), cluster.replicas());
    writeln!(
        out,
        "{file}: cluster {} of {nodes} nodes, {devices} devices and {replicas} replicas\n\n\
         Copy it to each machine, over a safe way. Then, each with a directory of its own:\n",
        cluster.id()
    )?;
    for (number, address) in (1..).zip(cluster.nodes()) {
        writeln!(
            out,
            "stayput serve --role node --cluster {file} --node {number} --data DIR  # at {address}"
        )?;
    }
    for number in 1..=cluster.proxies() {
        writeln!(
            out,
            "stayput serve --role proxy --cluster {file} --proxy {number} --listen ADDRESS"
        )?;
    }
    if replicas > nodes {
        writeln!(
            out,
            "\nWith {replicas} replicas on {nodes} nodes, a node that is away takes several copies with it."
        )?;
    }
    Ok(Exit::Kept)
}
