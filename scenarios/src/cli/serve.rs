//! `stayput serve`: runs a cluster for real clients until it is told to stop.
//!
//! Leaves out what is in the cluster's directory (`crate::serve`) and what runs (`stayput_sim::cluster::served`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_sim::backend::tcp::disk::{DiskPool, RealDisk};
use stayput_sim::backend::tcp::server::{OpenDisk, Server};
use stayput_sim::cluster::served::{Served, serve as start};
use stayput_sim::config::{ByteRate, DiskConfig, FuelRate, MachineConfig, SessionsConfig};
use stayput_sim::host::Seed;
use stayput_sim::jobs::system_images::SystemImages;
use stayput_sim::proxy::{Auth, ClusterSecret};

use super::{CliError, Exit};
use crate::quantity::count;
use crate::serve::{KNOWN_USER, Layout, Secret, users};

/// How long requests that run may take to end when the server is told to stop.
const GRACE: Duration = Duration::from_secs(30);
/// Fuel that a core is said to spend in a second: what accounts of jobs call a second of a core.
const FUEL_PER_SECOND: u64 = 2_000_000_000;
/// Threads that wait for disks, and calls that wait for one of them.
const DISK_THREADS: NonZeroUsize = NonZeroUsize::new(32).expect("it is not zero");
const DISK_CALLS: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");
/// Open files that are asked for at most, and how many of them are left to disks: each upload has three.
const FILES_MAX: u64 = 16_384;
const FILES_OF_DISKS: u64 = 4_096;
/// Sessions that run at a time on each node, and that wait.
const SESSIONS: (u32, u32) = (10, 256);

/// Where `stayput image` puts images.
const USUAL_IMAGES: &str = "target/images";

/// The options of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Keep everything in DIR: a new directory, or one that was served before.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Take clients at this address; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The users: a TOML file with account, name, key and groups of each `[[user]]`.
    ///
    /// Without one there is the user test:tester with the key `testing`, and clients must be on this machine.
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
    /// Install the system images in DIR, those called NAME.tar, for jobs to name [default: target/images, if it is there].
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
}

/// Serves until Ctrl-C or a request to terminate.
pub(super) fn serve(args: &ServeArgs) -> Result<Exit, CliError> {
    let log_ins = users(args.users.as_deref(), args.listen)?;
    let layout = Layout::open(&args.data, (args.devices, args.replicas))?;
    let images = images(args.images.as_deref())?;
    let threads = args.threads.map_or_else(cores, NonZeroUsize::get);
    let stop = Stop::listen()?;
    let seed = Seed(Secret::drawn().map_err(crate::serve::LayoutError::from)?.seed());
    let server = Server::new(threads, connections_max(), seed)?;
    let (door, at) = server.open_door(args.listen)?;
    let secret = ClusterSecret::new(layout.token_secret().bytes());
    let secret = secret.map_err(|short| CliError::Usage {
        why: short.to_string(),
        fix: "restore the cluster's file from a copy",
    })?;
    let pool = DiskPool::new(DISK_THREADS, DISK_CALLS).map_err(|source| CliError::File {
        path: args.data.clone(),
        action: "start threads for its disks",
        source,
    })?;
    let disks = layout.devices().map(|root| open(root, pool.clone()));
    let served = Served {
        ring: layout.ring().clone(),
        secret: layout.hash_secret(),
        disks: disks.collect(),
        machine: machine(threads),
        images,
        auth: Auth::Temp(log_ins.auth(secret)),
    };
    start(&server, &door, served)?;
    told(args, &layout, at, threads)?;
    stop.wait();
    eprintln!("stopping: requests that run have {} s to end", GRACE.as_secs());
    let cut_off = server.stop(GRACE);
    if cut_off > 0 {
        eprintln!("stopped, with {cut_off} connections cut off");
    }
    Ok(Exit::Kept)
}

/// As many as the system lets this process have, once it has asked for all that it may, less those that disks need.
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

fn open(root: PathBuf, pool: DiskPool) -> OpenDisk {
    Box::new(move || RealDisk::open(&root, &pool).map_err(|error| error.to_string()))
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

/// The images of a folder: of the usual one, if it is there, unless another is named.
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

/// Says where it is and what to type.
fn told(args: &ServeArgs, layout: &Layout, at: SocketAddr, threads: usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let shape = layout.shape();
    writeln!(
        out,
        "serving {} at http://{at}: {} devices, {} replicas, {} threads",
        args.data.display(),
        shape.devices,
        shape.replicas,
        count(threads as u64)
    )?;
    let (user, key) = match args.users {
        None => (format!("{}:{}", KNOWN_USER.0, KNOWN_USER.1), KNOWN_USER.2),
        Some(_) => ("ACCOUNT:NAME".to_owned(), "KEY"),
    };
    writeln!(
        out,
        "
export ST_AUTH=http://{at}/auth/v1.0 ST_USER={user} ST_KEY={key}
swift upload demo FILE
eval \"$(swift auth)\"
curl -i -X POST -H 'Content-Type: application/json' -H \"X-Auth-Token: $OS_AUTH_TOKEN\" \\
  -H 'X-Zerovm-Execute: 1.0' --data-binary @job.json $OS_STORAGE_URL

Ctrl-C stops it; the same command goes on with the same data."
    )?;
    out.flush()
}

/// Whoever asks the process to end.
struct Stop {
    runtime: tokio::runtime::Runtime,
    signals: Signals,
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    /// Hears of it from now on.
    fn listen() -> Result<Self, CliError> {
        use tokio::signal::unix::{SignalKind, signal};
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let signals = {
            let _within = runtime.enter();
            Signals {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            }
        };
        Ok(Self { runtime, signals })
    }

    fn wait(mut self) {
        let Signals { interrupt, terminate } = &mut self.signals;
        self.runtime.block_on(async {
            let both = (std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv()));
            futures_util::future::select(both.0, both.1).await;
        });
    }
}
