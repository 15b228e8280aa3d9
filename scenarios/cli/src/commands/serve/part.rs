//! Role of a process in a cluster (all of it, a node, or proxies), from options that may contradict
//! each other.
//!
//! Leaves out everything that is the same for all parts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::ServeArgs;
use crate::commands::CliError;
use crate::serve::ClusterFile;

/// Role of a process in a cluster of several processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Takes clients and asks the nodes.
    Proxy,
    /// Stores things and runs jobs on them.
    Node,
}

/// Part of a cluster that a process serves.
#[derive(Debug)]
pub(super) enum Part {
    /// A cluster.
    Whole {
        data: PathBuf,
    },
    Node(NodePart),
    Proxy(ProxyPart),
}

/// A node of a cluster.
#[derive(Debug)]
pub(super) struct NodePart {
    pub(super) cluster: ClusterFile,
    /// From 1.
    pub(super) number: u32,
    pub(super) data: PathBuf,
    pub(super) listen: SocketAddr,
}

/// Proxies of a cluster.
#[derive(Debug)]
pub(super) struct ProxyPart {
    pub(super) cluster: ClusterFile,
    /// From 1.
    pub(super) number: u32,
}

const NEW_CLUSTER: &str =
    "name the file with --cluster FILE; `stayput cluster new FILE --node HOST:PORT ...` makes one";

impl Part {
    /// The part that `args` name.
    pub(super) fn of(args: &ServeArgs) -> Result<Self, CliError> {
        match args.role {
            None => whole(args),
            Some(Role::Node) => node(args).map(Self::Node),
            Some(Role::Proxy) => proxy(args).map(Self::Proxy),
        }
    }
}

fn usage(why: impl Into<String>, fix: &'static str) -> CliError {
    CliError::Usage { why: why.into(), fix }
}

/// Refuses the options that are there.
fn without(role: &str, fix: &'static str, options: &[(&str, bool)]) -> Result<(), CliError> {
    match options.iter().find(|(_, is_there)| *is_there) {
        Some((name, _)) => Err(usage(format!("{name} is nothing for {role}"), fix)),
        None => Ok(()),
    }
}

fn whole(args: &ServeArgs) -> Result<Part, CliError> {
    without(
        "a process that serves a whole cluster",
        "add --role node or --role proxy, or leave it out",
        &[
            ("--cluster", args.cluster.is_some()),
            ("--node", args.node.is_some()),
            ("--proxy", args.proxy.is_some()),
        ],
    )?;
    let fix = "name a directory with --data DIR: a new one, or one that was served before";
    let data = args.data.clone();
    Ok(Part::Whole { data: data.ok_or_else(|| usage("there is nowhere to keep things", fix))? })
}

/// The figures of a cluster are its file's.
fn shape(args: &ServeArgs) -> [(&'static str, bool); 2] {
    [("--devices", args.devices.is_some()), ("--replicas", args.replicas.is_some())]
}

const OF_FILE: &str = "leave it out: it is in the cluster's file";

fn cluster(role: &str, path: Option<&Path>) -> Result<ClusterFile, CliError> {
    let unnamed = || usage(format!("{role} belongs to a cluster, and none is named"), NEW_CLUSTER);
    let path = path.ok_or_else(unnamed)?;
    let cluster = ClusterFile::read(path)?;
    warn_if_others_can_read(path);
    Ok(cluster)
}

/// Logs a warning if others on this machine, of the file's group or not, can read or change a file
/// with secrets.
pub(super) fn warn_if_others_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let others = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if others {
        let path = path.display();
        tracing::warn!(%path, "the file has secrets, and others have rights to it (chmod go= it)");
    }
}

fn node(args: &ServeArgs) -> Result<NodePart, CliError> {
    without("a node", OF_FILE, &shape(args))?;
    without(
        "a node, whose clients are served by proxies",
        "leave it out, or name it where the proxies start",
        &[
            ("--users", args.users.is_some()),
            ("--proxy", args.proxy.is_some()),
            ("--tls-cert", args.tls_cert.is_some()),
            ("--tls-key", args.tls_key.is_some()),
        ],
    )?;
    let cluster = cluster("a node", args.cluster.as_deref())?;
    let nodes = cluster.node_count();
    let number = args.node.filter(|number| (1..=nodes).contains(number)).ok_or_else(|| {
        let why = match args.node {
            Some(number) => format!("there is no node {number}"),
            None => "no node is named".to_owned(),
        };
        let fix = "name it with --node N, from 1, in the order of the file";
        usage(format!("{why}: the cluster has {nodes}"), fix)
    })?;
    let fix = "name a directory with --data DIR: a new one, or this node's";
    let data = args.data.clone().ok_or_else(|| usage("a node has nowhere to keep things", fix))?;
    let listen = match args.listen {
        Some(listen) => listen,
        None => address_of(&cluster, number)?,
    };
    Ok(NodePart { cluster, number, data, listen })
}

/// Address of the node in the cluster's file, resolved.
fn address_of(cluster: &ClusterFile, number: u32) -> Result<SocketAddr, CliError> {
    let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
    let Some(address) = cluster.nodes().get(index) else {
        return Err(usage(format!("there is no node {number}"), NEW_CLUSTER));
    };
    address.resolve().map_err(|error| {
        let fix =
            "give the address to listen at with --listen ADDRESS, or correct the cluster's file";
        usage(format!("{address} is no address of this machine: {error}"), fix)
    })
}

fn proxy(args: &ServeArgs) -> Result<ProxyPart, CliError> {
    without("proxies", OF_FILE, &shape(args))?;
    without(
        "proxies, which keep nothing",
        "leave it out, or name it where the nodes start",
        &[
            ("--data", args.data.is_some()),
            ("--node", args.node.is_some()),
            ("--replicate-interval", args.replicate_interval.is_some()),
        ],
    )?;
    let cluster = cluster("a proxy", args.cluster.as_deref())?;
    let of = cluster.proxies();
    let number = match args.proxy {
        // The only one there can be.
        None if of == 1 => Some(1),
        asked => asked.filter(|number| (1..=of).contains(number)),
    };
    let number = number.ok_or_else(|| {
        let why = match args.proxy {
            Some(number) => format!("there is no proxy {number}"),
            None => "no proxy is named".to_owned(),
        };
        let fix = "name it with --proxy N, from 1, another one for each process";
        usage(format!("{why}: the cluster has {of}"), fix)
    })?;
    Ok(ProxyPart { cluster, number })
}
