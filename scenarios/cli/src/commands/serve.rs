//! `stayput serve`: runs a cluster, or a part of one, for real clients until a signal stops it.
//!
//! Leaves out the cluster's directory and file (`crate::serve`), the assembly of its parts
//! (`stayput_server::served`), and log and metrics.

mod monitoring;
mod part;
mod stop;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use stayput_cluster::ClusterPlan;
use stayput_host::Seed;
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, MachineConfig, SessionsConfig};
use stayput_jobs::system_images::SystemImages;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_server::disk::{DiskPool, RealDisk};
use stayput_server::served::{serve_nodes, serve_proxies};
use stayput_server::{OpenDisk, Server, Tls};
use stayput_store::proxy::{Authenticator, ClusterSecret, StorageUrl, UrlScheme};

pub use self::part::Role;
use stayput_engine::quantity::{count, parse_duration};

use self::monitoring::{WatchArgs, Watched};
use self::part::{NodePart, Part, ProxyPart, warn_if_others_can_read};
use self::stop::Stop;
use super::argument_error::ArgumentError;
use super::{CliError, Exit};
use crate::serve::{
    ClusterDataError, ClusterFile, DataDir, KNOWN_USER, LogIns, Logs, Secret, tls, users,
};

/// Grace period for running requests after a request to stop.
const GRACE: Duration = Duration::from_secs(30);
/// Nominal fuel of a core in a second, by which accounts of jobs convert fuel to core time.
const FUEL_PER_SECOND: u64 = 2_000_000_000;
/// Threads that wait for disks, and calls that wait for one of them.
const DISK_THREADS: NonZeroUsize = NonZeroUsize::new(32).expect("it is not zero");
const DISK_CALLS: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");
/// Maximum of open files to request from the system, and the share of them for disks: each upload
/// has three.
const FILES_MAX: u64 = 16_384;
const FILES_OF_DISKS: u64 = 4_096;
/// Sessions that run at a time on each node, and that wait.
const SESSIONS: (u32, u32) = (10, 256);

/// Default address for clients.
const USUAL_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Default directory of images, to which `stayput image` writes.
const USUAL_IMAGES: &str = "target/images";

/// The options of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Keep everything in DIR: a new directory, or one that was served before. Proxies alone keep
    /// nothing.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Take clients at this address; port 0 is any that is free [default: 127.0.0.1:8080].
    ///
    /// A node takes proxies and other nodes here [default: its address in the cluster's file].
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Serve only a part of a cluster of several processes: one of its nodes, or proxies for its
    /// clients.
    #[arg(long, value_enum)]
    pub role: Option<Role>,
    /// The file that `stayput cluster new` made: the same for all processes of a cluster.
    #[arg(long, value_name = "FILE")]
    pub cluster: Option<PathBuf>,
    /// The number of this node, from 1, in the order of the cluster's file.
    #[arg(long, value_name = "N")]
    pub node: Option<u32>,
    /// The number of this process with proxies, from 1: another one for each process, or two
    /// changes could have the same time.
    #[arg(long, value_name = "N")]
    pub proxy: Option<u32>,
    /// Speak TLS with clients: a PEM file with the server's certificate, and after it those that
    /// vouch for it.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The users: a TOML file with account, name, key and groups of each `[[user]]`.
    ///
    /// Without one there is the user test:tester with the key `testing`, and clients must be on
    /// this machine.
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// Threads that serve, and as many again for jobs [default: one for each core].
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Devices of a new cluster [default: 4].
    #[arg(long, value_name = "N")]
    pub devices: Option<u32>,
    /// Copies of everything that is stored in a new cluster [default: 3].
    #[arg(long, value_name = "N")]
    pub replicas: Option<u32>,
    /// The pause of nodes between two rounds of replication [default: 30s].
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub replicate_interval: Option<Duration>,
    /// Install the system images in DIR, those called NAME.tar, for jobs to name [default:
    /// target/images, if it is there].
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// Options of log and metrics.
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// Default pause between two rounds of replication.
const USUAL_INTERVAL: Duration = Duration::from_secs(30);
/// Minimum pause between two rounds: with a shorter one a node would do nothing else.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

fn interval(text: &str) -> Result<Duration, ArgumentError> {
    let interval = parse_duration(text)?;
    if interval < INTERVAL_MIN {
        return Err(ArgumentError::TooShort(INTERVAL_MIN));
    }
    Ok(interval)
}

/// Serves until Ctrl-C or a request to terminate.
pub(super) fn serve(args: &ServeArgs) -> Result<Exit, CliError> {
    let logs = Logs::to_stderr(args.watch.log, &args.watch.log_level);
    let part = Part::of(args)?;
    let threads = args.threads.map_or_else(cores, NonZeroUsize::get);
    let stop = Stop::listen()?;
    let server = match &part {
        Part::Whole { data } => whole(args, (&logs, &stop), data, threads)?,
        Part::Node(part) => node(args, (&logs, &stop), part, threads)?,
        Part::Proxy(part) => proxy(args, (&logs, &stop), part, threads)?,
    };
    stop.wait();
    tracing::info!(
        grace_s = GRACE.as_secs(),
        "stopping: running requests may end; a second signal stops at once"
    );
    let cut_off = server.stop(GRACE);
    match cut_off {
        0 => tracing::info!("stopped"),
        cut_off => tracing::warn!(cut_off, "stopped, with connections cut off"),
    }
    Ok(Exit::Kept)
}

/// A server, and the lock on its directory as long as it runs.
struct Serving {
    server: Server,
    _lock: Option<File>,
}

impl Serving {
    fn stop(self, grace: Duration) -> u64 {
        self.server.stop(grace)
    }
}

/// Starts nodes and proxies, all in this process.
fn whole(
    args: &ServeArgs,
    (logs, stop): (&Logs, &Stop),
    data: &Path,
    threads: usize,
) -> Result<Serving, CliError> {
    let front = Front::of(args)?;
    let (dir, cluster) = DataDir::of_cluster(data, (args.devices, args.replicas))?;
    let mut plan = plan(args, &cluster, 1, threads)?;
    let server = Server::new(threads, connections_max(), seed()?)?;
    let (door, at) = server.open_door(front.listen, front.tls.clone())?;
    let pool = disk_pool(data)?;
    let watched = Watched { server: &server, door: Some(&door), disks: Some(&pool) };
    let watch = monitoring::watch(&args.watch, logs, &watched)?;
    let disks = disks(&dir, &pool);
    (plan.auth, plan.observer) = (front.auth(cluster.token_secret())?, Some(watch));
    let plan = Arc::new(plan);
    serve_nodes(&server, &plan, 0, disks)?;
    serve_proxies(&server, &plan, &door, (0, 1))?;
    let (devices, replicas) = (cluster.device_count(), cluster.replicas());
    let what = format!("{devices} devices, {replicas} replicas, {} threads", shown(threads));
    stop.serves();
    front.print_welcome(&data.display().to_string(), at, &what)?;
    tracing::info!(%at, devices, replicas, threads, version = VERSION, "serving");
    Ok(Serving { server, _lock: Some(dir.into_lock()) })
}

/// Starts one node of a cluster of several processes.
fn node(
    args: &ServeArgs,
    (logs, stop): (&Logs, &Stop),
    part: &NodePart,
    threads: usize,
) -> Result<Serving, CliError> {
    let NodePart { cluster, number, data, listen } = part;
    let dir = DataDir::of_node(data, cluster, *number)?;
    let plan = Arc::new(plan(args, cluster, 0, threads)?);
    let peers = cluster.peers_of(Some(*number));
    let server = Server::among(threads, connections_max(), seed()?, peers)?;
    let pool = disk_pool(data)?;
    // Its clients are proxies, which watch requests; its own figures have only an address of their
    // own, if they have one.
    let watched = Watched { server: &server, door: None, disks: Some(&pool) };
    let _watch = monitoring::watch(&args.watch, logs, &watched)?;
    let disks = disks(&dir, &pool);
    let first = cluster.devices_of(*number).start;
    serve_nodes(&server, &plan, first as usize, disks)?;
    // Now, not earlier: who reaches a node finds one that has recovered.
    let at = server.open_port(*listen)?;
    stop.serves();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "serving node {number} of {} at {at}: {} devices in {}, {} threads, cluster {}\n\n\
         Proxies serve its clients. Ctrl-C stops it; the same command goes on with the same data.",
        cluster.node_count(),
        dir.devices().len(),
        data.display(),
        shown(threads),
        cluster.id()
    )?;
    out.flush()?;
    tracing::info!(%at, node = number, threads, version = VERSION, "serving");
    Ok(Serving { server, _lock: Some(dir.into_lock()) })
}

/// Starts the proxies of one process, for nodes in others.
fn proxy(
    args: &ServeArgs,
    (logs, stop): (&Logs, &Stop),
    part: &ProxyPart,
    threads: usize,
) -> Result<Serving, CliError> {
    let ProxyPart { cluster, number } = part;
    let front = Front::of(args)?;
    let mut plan = plan(args, cluster, cluster.proxies(), threads)?;
    let peers = cluster.peers_of(None);
    let server = Server::among(threads, connections_max(), seed()?, peers)?;
    let (door, at) = server.open_door(front.listen, front.tls.clone())?;
    let watched = Watched { server: &server, door: Some(&door), disks: None };
    let watch = monitoring::watch(&args.watch, logs, &watched)?;
    (plan.auth, plan.observer) = (front.auth(cluster.token_secret())?, Some(watch));
    let process = ((number - 1) as usize, cluster.proxies() as usize);
    serve_proxies(&server, &Arc::new(plan), &door, process)?;
    tracing::info!(%at, proxy = number, threads, version = VERSION, "serving");
    let (nodes, devices) = (cluster.node_count(), cluster.device_count());
    let (replicas, threads) = (cluster.replicas(), shown(threads));
    stop.serves();
    front.print_welcome(
        &format!("cluster {}", cluster.id()),
        at,
        &format!("{nodes} nodes, {devices} devices, {replicas} replicas, {threads} threads"),
    )?;
    for (way, found) in server.look_for_peers() {
        if let Err(why) = found {
            tracing::warn!(node = %way, %why, "a node cannot be reached yet");
        }
    }
    Ok(Serving { server, _lock: None })
}

/// Plan of `cluster` with so many processes with proxies, of which each is assumed to have as many
/// threads as this one.
fn plan(
    args: &ServeArgs,
    cluster: &ClusterFile,
    processes: u32,
    threads: usize,
) -> Result<ClusterPlan, CliError> {
    let machine = machine(threads);
    let proxies = processes.saturating_mul(machine.cores);
    Ok(ClusterPlan {
        images: images(args.images.as_deref())?,
        replicate: Some(args.replicate_interval.unwrap_or(USUAL_INTERVAL)),
        ..ClusterPlan::served(cluster.ring(), proxies, machine)
    })
}

/// Front of the cluster for clients: address, users and TLS.
struct Front {
    listen: SocketAddr,
    log_ins: LogIns,
    are_known: bool,
    tls: Option<Tls>,
}

impl Front {
    fn of(args: &ServeArgs) -> Result<Self, CliError> {
        let listen = args.listen.unwrap_or(USUAL_ADDRESS);
        let tls = match (&args.tls_cert, &args.tls_key) {
            (Some(certificate), Some(key)) => {
                warn_if_others_can_read(key);
                Some(tls(certificate, key)?)
            }
            // One without the other is refused where options are read.
            _ => None,
        };
        let log_ins = users(args.users.as_deref(), listen)?;
        if let Some(users) = &args.users {
            warn_if_others_can_read(users);
        }
        Ok(Self { listen, log_ins, are_known: args.users.is_none(), tls })
    }

    /// Authentication of clients, whose tokens that secret seals.
    fn auth(&self, token_secret: &Secret) -> Result<Authenticator, CliError> {
        let secret = ClusterSecret::new(token_secret.bytes());
        let secret = secret.map_err(|short| CliError::Usage {
            why: short.to_string(),
            fix: "restore the cluster's file from a copy",
        })?;
        let scheme = if self.tls.is_some() { UrlScheme::Https } else { UrlScheme::Http };
        let auth = self.log_ins.auth(secret).with_storage(StorageUrl::OfRequest(scheme));
        Ok(Authenticator::Temp(auth))
    }
}

fn shown(threads: usize) -> String {
    count(threads as u64)
}

/// Draws the seed of this process: another one at each start.
fn seed() -> Result<Seed, CliError> {
    Ok(Seed(Secret::drawn().map_err(ClusterDataError::from)?.seed()))
}

fn disk_pool(data: &Path) -> Result<DiskPool, CliError> {
    DiskPool::new(DISK_THREADS, DISK_CALLS).map_err(|source| CliError::File {
        path: data.to_owned(),
        action: "start threads for its disks",
        source,
    })
}

fn disks(dir: &DataDir, pool: &DiskPool) -> Vec<OpenDisk> {
    let open = |root: &PathBuf| -> OpenDisk {
        let (root, pool) = (root.clone(), pool.clone());
        Box::new(move || Ok(RealDisk::open(&root, &pool)?))
    };
    dir.devices().iter().map(open).collect()
}

/// Connections that the limit of open files allows, after raising the limit, less the files of
/// disks.
fn connections_max() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limits = getrlimit(Resource::Nofile);
    let most = limits.maximum.unwrap_or(FILES_MAX).min(FILES_MAX);
    // Where that is refused, the limit stays as it was.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..limits }).is_ok();
    let files = if raised { most } else { limits.current.unwrap_or(most) };
    let connections = files.saturating_sub(FILES_OF_DISKS).max(files / 2);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn machine(threads: usize) -> MachineConfig {
    let cores = u32::try_from(threads).unwrap_or(u32::MAX);
    let unlimited = ByteRate::new(u64::MAX).expect("it is not zero");
    MachineConfig {
        cores,
        fuel_per_second: FuelRate::new(FUEL_PER_SECOND).expect("it is not zero"),
        nic: unlimited,
        disk: DiskConfig {
            read: unlimited,
            write: unlimited,
            seek: Duration::ZERO,
            capacity: None,
        },
        sessions: SessionsConfig {
            running: SESSIONS.0,
            queued: SESSIONS.1,
            ..SessionsConfig::default()
        },
    }
}

/// System images of a folder: the named one, else the default one if it exists.
fn images(folder: Option<&Path>) -> Result<SystemImages, CliError> {
    let usual = Some(Path::new(USUAL_IMAGES)).filter(|usual| usual.is_dir());
    let Some(folder) = folder.or(usual) else { return Ok(SystemImages::default()) };
    let failed = |path: &Path, action| {
        let path = path.to_owned();
        move |source| CliError::File { path, action, source }
    };
    let mut images = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed(folder, "list it"))? {
        let path = entry.map_err(failed(folder, "list it"))?.path();
        if path.extension().is_none_or(|extension| extension != "tar") {
            continue;
        }
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let tar = fs::read(&path).map_err(failed(&path, "read it"))?;
        let image = Image::from_tar(&tar, ImageLimits::default());
        let image = image.map_err(|error| CliError::Usage {
            why: format!("{}: {error}", path.display()),
            fix: "`stayput image python` builds those of Python",
        })?;
        images.insert(name.to_owned(), Arc::new(image));
    }
    SystemImages::new(images)
        .map_err(|bad| CliError::Usage { why: bad.to_string(), fix: "rename the image" })
}

impl Front {
    /// Prints the address and the commands of a first session.
    fn print_welcome(&self, whose: &str, at: SocketAddr, what: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        writeln!(out, "serving {whose} at {scheme}://{at}: {what}")?;
        let (user, key) = match self.are_known {
            true => (format!("{}:{}", KNOWN_USER.0, KNOWN_USER.1), KNOWN_USER.2),
            false => ("ACCOUNT:NAME".to_owned(), "KEY"),
        };
        writeln!(
            out,
            "
export ST_AUTH={scheme}://{at}/auth/v1.0 ST_USER={user} ST_KEY={key}
swift upload demo FILE
eval \"$(swift auth)\"
curl -i -X POST -H 'Content-Type: application/json' -H \"X-Auth-Token: $OS_AUTH_TOKEN\" \\
  -H 'X-Zerovm-Execute: 1.0' --data-binary @job.json $OS_STORAGE_URL

Ctrl-C stops it; the same command goes on with the same data."
        )?;
        out.flush()
    }
}
