//! The directory of a served cluster: made when it is first used, read ever after.
//!
//! The file that says where things belong is written once, before anything is stored, and synced: a
//! crash leaves either no cluster or a whole one. Leaves out changing the shape of a cluster that
//! holds something.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stayput_cluster::{ClusterError, ClusterRing, build_ring, served_device};
use stayput_ring::{HashSecret, Ring};

use super::cluster::BadNode;
use super::secret::{NoRandomness, Secret};

/// The format of [`CLUSTER_FILE`] that this version writes and reads.
const VERSION: u32 = 1;
const CLUSTER_FILE: &str = "cluster.toml";
const RING_FILE: &str = "ring.json";
const LOCK_FILE: &str = "lock";
pub(super) const DEVICES: &str = "devices";
/// Two to this power partitions: some 250 on each of a dozen devices with three replicas.
pub(super) const PART_POWER: u32 = 10;
/// More devices than one process serves well.
pub(super) const DEVICES_MAX: u32 = 64;

/// Shape of a new cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Devices, each with a directory of its own.
    pub devices: u32,
    /// Copies of everything that is stored.
    pub replicas: u32,
}

impl Default for Shape {
    /// Four devices and three replicas, as Swift's documents have them for one machine.
    fn default() -> Self {
        Self { devices: 4, replicas: 3 }
    }
}

/// Error of a directory that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file of it cannot be used.
    #[error("{}: cannot {action}: {source} (serve a directory that this user may write to)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Attempted action.
        action: &'static str,
        /// Error of the system.
        source: io::Error,
    },
    /// Another server has it.
    #[error("{} is being served already (stop the other server, or name another directory)", path.display())]
    Served {
        /// The directory.
        path: PathBuf,
    },
    /// It holds something, but not what is to be served.
    #[error("{} holds other things and no {what} (name a new directory, or one that was served so before)", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The file that says what it is.
        what: &'static str,
    },
    /// It is a node's, and another one's.
    #[error("{} belongs to {there}, not to {asked} (name that one's directory, or a new one)", path.display())]
    Another {
        /// The directory.
        path: PathBuf,
        /// Actual owner.
        there: String,
        /// Expected owner.
        asked: String,
    },
    /// A cluster's file is there, which is not to be lost.
    #[error("{} is there already (name another file; without it nothing that its cluster stores can be found)", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A node cannot be reached so.
    #[error(transparent)]
    Node(#[from] BadNode),
    /// A file says something that it cannot.
    #[error("{}: {why} (restore it from a copy: without it nothing that is stored can be found)", path.display())]
    Flawed {
        /// The file.
        path: PathBuf,
        /// Flaw.
        why: String,
    },
    /// The cluster is there, with another shape.
    #[error("{} has {there} {what}, not {asked} (leave out --{what}, or name a new directory)", path.display())]
    Shape {
        /// The directory.
        path: PathBuf,
        /// Option that was given.
        what: &'static str,
        /// Actual number.
        there: u32,
        /// Number that was given.
        asked: u32,
    },
    /// No such cluster can be.
    #[error("{0} (use no more replicas than devices, and 1 to {DEVICES_MAX} devices of a process)")]
    Cluster(#[from] ClusterError),
    /// Too many of something, or none.
    #[error("{count} {what} cannot be served (use 1 to {max})")]
    Count {
        /// Of what.
        what: &'static str,
        /// Number that was given.
        count: u32,
        /// Largest number.
        max: u32,
    },
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// Content of [`CLUSTER_FILE`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterFile {
    version: u32,
    devices: u32,
    replicas: u32,
    hash_prefix: Secret,
    hash_suffix: Secret,
    token_secret: Secret,
}

const HEAD: &str = "\
# Written by `stayput serve` when it first used this directory. Keep it with the data and to yourself: the hash secrets are part of where
# everything lies, and whoever has the token secret can make tokens.
";

/// A directory that is served, by this process alone as long as this lives.
#[derive(Debug)]
pub struct Layout {
    dir: PathBuf,
    file: ClusterFile,
    ring: Ring,
    lock: File,
}

impl Layout {
    /// Opens the cluster in `dir`, or makes one there if the directory is new or empty. Of a
    /// cluster that is there, `asked` must not contradict the shape.
    ///
    /// # Errors
    /// See [`LayoutError`].
    pub fn open(dir: &Path, asked: (Option<u32>, Option<u32>)) -> Result<Self, LayoutError> {
        let failed = |path: &Path, action| {
            let path = path.to_owned();
            move |source| LayoutError::File { path, action, source }
        };
        let dir = dir.to_owned();
        fs::create_dir_all(&dir).map_err(failed(&dir, "make it"))?;
        let lock = lock(&dir)?;
        let path = dir.join(CLUSTER_FILE);
        let file = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| flawed(&path, error.message()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let shape = Shape::default();
                let shape = Shape {
                    devices: asked.0.unwrap_or(shape.devices),
                    replicas: asked.1.unwrap_or(shape.replicas),
                };
                make(&dir, shape)?
            }
            Err(error) => return Err(failed(&path, "read it")(error)),
        };
        let ClusterFile { version, devices, replicas, .. } = file;
        if version != VERSION {
            return Err(flawed(&path, &format!("its version is {version}, not {VERSION}")));
        }
        for (what, there, asked) in [("devices", devices, asked.0), ("replicas", replicas, asked.1)]
        {
            if let Some(asked) = asked.filter(|asked| *asked != there) {
                return Err(LayoutError::Shape { path: dir, what, there, asked });
            }
        }
        let path = dir.join(RING_FILE);
        let text = fs::read(&path).map_err(failed(&path, "read it"))?;
        let ring = Ring::from_json(&text).map_err(|error| flawed(&path, &error.to_string()))?;
        let found = ring.devices().map(|device| device.device.as_str().to_owned());
        let expected = (0..devices).map(|index| served_device(index, 1).name);
        if !found.eq(expected) || ring.replica_count() != usize::try_from(replicas).unwrap_or(0) {
            return Err(flawed(&path, "it is not the ring of the cluster beside it"));
        }
        Ok(Self { dir, file, ring, lock })
    }

    /// Ring.
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Ring and hash secret.
    #[must_use]
    pub fn cluster_ring(&self) -> ClusterRing {
        ClusterRing::new(self.ring.clone(), self.hash_secret())
    }

    /// Of the ring's hashes.
    #[must_use]
    pub fn hash_secret(&self) -> HashSecret {
        HashSecret::new(*self.file.hash_prefix.bytes(), *self.file.hash_suffix.bytes())
    }

    /// Secret that seals tokens.
    #[must_use]
    pub fn token_secret(&self) -> &Secret {
        &self.file.token_secret
    }

    /// Shape of the cluster.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape { devices: self.file.devices, replicas: self.file.replicas }
    }

    /// Lock that keeps other servers out, as long as it lives.
    #[must_use]
    pub fn into_lock(self) -> File {
        self.lock
    }

    /// The directory of each device, in their order.
    pub fn devices(&self) -> impl Iterator<Item = PathBuf> {
        let devices = self.dir.join(DEVICES);
        (0..self.file.devices).map(move |index| devices.join(served_device(index, 1).name))
    }
}

pub(super) fn flawed(path: &Path, why: &str) -> LayoutError {
    LayoutError::Flawed { path: path.to_owned(), why: why.trim_end().to_owned() }
}

pub(super) fn lock(dir: &Path) -> Result<File, LayoutError> {
    let path = dir.join(LOCK_FILE);
    let failed = |source| LayoutError::File { path: path.clone(), action: "lock it", source };
    let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LayoutError::Served { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// A number of something, if there can be so many.
pub(super) fn within(what: &'static str, count: u32, max: u32) -> Result<(), LayoutError> {
    if (1..=max).contains(&count) {
        return Ok(());
    }
    Err(LayoutError::Count { what, count, max })
}

/// True if `dir` is new: what a crash left of the making of `own` and of `what` is made again.
pub(super) fn has_nothing_else(
    dir: &Path,
    own: &[&str],
    what: &'static str,
) -> Result<(), LayoutError> {
    let failed = |source| LayoutError::File { path: dir.to_owned(), action: "list it", source };
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let is_own = name == LOCK_FILE || own.iter().any(|own| name == *own);
        if !is_own && !is_unfinished(&name) {
            return Err(LayoutError::Foreign { path: dir.to_owned(), what });
        }
    }
    Ok(())
}

/// Makes a cluster in a directory that holds none.
fn make(dir: &Path, shape: Shape) -> Result<ClusterFile, LayoutError> {
    within("devices", shape.devices, DEVICES_MAX)?;
    has_nothing_else(dir, &[RING_FILE], CLUSTER_FILE)?;
    let file = ClusterFile {
        version: VERSION,
        devices: shape.devices,
        replicas: shape.replicas,
        hash_prefix: Secret::drawn()?,
        hash_suffix: Secret::drawn()?,
        token_secret: Secret::drawn()?,
    };
    let devices = (0..shape.devices).map(|index| served_device(index, 1));
    let ring = build_ring(devices, shape.replicas, PART_POWER, Secret::drawn()?.seed())?;
    let ring = ring.to_json().map_err(|error| flawed(&dir.join(RING_FILE), &error.to_string()))?;
    write(dir, RING_FILE, &ring)?;
    let text = toml::to_string(&file);
    let text = text.map_err(|error| flawed(&dir.join(CLUSTER_FILE), &error.to_string()))?;
    // Last: it says that the rest is there.
    write(dir, CLUSTER_FILE, format!("{HEAD}{text}").as_bytes())?;
    Ok(file)
}

const UNFINISHED: &str = ".new";

fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| name.ends_with(UNFINISHED))
}

/// Writes a file whole or not at all, and such that it stays. Only its owner can read it. `dir` is
/// locked: nobody else writes there.
pub(super) fn write(dir: &Path, name: &str, content: &[u8]) -> Result<(), LayoutError> {
    let path = dir.join(name);
    let write = || {
        let unfinished = dir.join(format!("{name}{UNFINISHED}"));
        write_new(&unfinished, content)?;
        fs::rename(&unfinished, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|source| LayoutError::File { path: path.clone(), action: "write it", source })
}

/// The same in a directory that others may write to, and never over what is there, not even if it
/// came there at the same time.
///
/// # Errors
/// [`LayoutError::Exists`] if something is there.
pub(super) fn write_first(dir: &Path, name: &str, content: &[u8]) -> Result<(), LayoutError> {
    let path = dir.join(name);
    let write = || {
        // Another process that does the same has a file of its own.
        let unfinished = dir.join(format!("{name}.{}{UNFINISHED}", std::process::id()));
        write_new(&unfinished, content)?;
        // Unlike a rename, a link is never made over something.
        let linked = fs::hard_link(&unfinished, &path);
        fs::remove_file(&unfinished)?;
        linked?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => LayoutError::Exists { path: path.clone() },
        _ => LayoutError::File { path: path.clone(), action: "write it", source },
    })
}

/// Writes a file that is made for it, so that its rights are those that it is made with. What lies
/// there goes first: a crash left it, or somebody put a link there for the secrets to go elsewhere.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: (Option<u32>, Option<u32>) = (None, None);

    fn error(dir: &Path, asked: (Option<u32>, Option<u32>)) -> String {
        Layout::open(dir, asked).unwrap_err().to_string()
    }

    #[test]
    fn a_cluster_that_was_made_is_found_again_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let made = Layout::open(dir.path(), (Some(5), Some(2))).unwrap();
        let (ring, secret) = (made.ring().clone(), made.hash_secret());
        drop(made);
        let found = Layout::open(dir.path(), ANY).unwrap();
        assert_eq!((found.ring(), found.hash_secret()), (&ring, secret));
        assert_eq!(found.shape(), Shape { devices: 5, replicas: 2 });
        assert_eq!(found.devices().count(), 5);
    }

    #[test]
    fn a_directory_is_served_once_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = Layout::open(dir.path(), ANY).unwrap();
        assert!(error(dir.path(), ANY).contains("being served already"));
        drop(first);
        Layout::open(dir.path(), ANY).unwrap();
    }

    #[test]
    fn another_shape_than_that_which_is_there_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Layout::open(dir.path(), ANY).unwrap());
        assert!(error(dir.path(), (Some(6), None)).contains("has 4 devices, not 6"));
        assert!(error(dir.path(), (None, Some(2))).contains("has 3 replicas, not 2"));
        Layout::open(dir.path(), (Some(4), Some(3))).unwrap();
    }

    #[test]
    fn a_directory_of_somebody_elses_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        assert!(error(dir.path(), ANY).contains("holds other things"));
        assert!(!dir.path().join(CLUSTER_FILE).exists());
    }

    #[test]
    fn a_cluster_whose_making_was_cut_off_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(RING_FILE), "{}").unwrap();
        fs::write(dir.path().join("cluster.toml.new"), "version").unwrap();
        Layout::open(dir.path(), ANY).unwrap();
    }

    #[test]
    fn secrets_are_their_owners_alone_whatever_lay_in_their_place() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (elsewhere, theirs) = (tempfile::tempdir().unwrap(), "theirs");
        let target = elsewhere.path().join(theirs);
        symlink(&target, dir.path().join("ring.json.new")).unwrap();
        let left = dir.path().join("cluster.toml.new");
        fs::write(&left, "version").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).unwrap();
        drop(Layout::open(dir.path(), ANY).unwrap());
        for name in [RING_FILE, CLUSTER_FILE] {
            let found = fs::symlink_metadata(dir.path().join(name)).unwrap();
            assert!(found.is_file(), "{name}");
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
        }
        assert!(!target.exists(), "it was written through the link");
    }

    #[test]
    fn what_is_written_first_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        write_first(dir.path(), "c", b"one").unwrap();
        let error = write_first(dir.path(), "c", b"another").unwrap_err();
        assert!(matches!(error, LayoutError::Exists { .. }), "{error}");
        assert_eq!(fs::read(dir.path().join("c")).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_flawed_file_is_named_with_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        drop(Layout::open(dir.path(), ANY).unwrap());
        let path = dir.path().join(RING_FILE);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(error(dir.path(), ANY).contains("ring.json: "));
        let other = build_ring((0..5).map(|index| served_device(index, 1)), 3, PART_POWER, 1)
            .unwrap()
            .to_json()
            .unwrap();
        fs::write(&path, other).unwrap();
        assert!(error(dir.path(), ANY).contains("not the ring of the cluster beside it"));
        let path = dir.path().join(CLUSTER_FILE);
        fs::write(&path, "version = 1\ndevices = \"four\"").unwrap();
        assert!(error(dir.path(), ANY).contains("cluster.toml: "));
    }

    #[test]
    fn no_cluster_is_made_that_cannot_be() {
        let dir = tempfile::tempdir().unwrap();
        for asked in [(Some(0), None), (Some(65), None), (Some(2), Some(0))] {
            assert!(error(dir.path(), asked).contains("use"), "{asked:?}");
            assert!(!dir.path().join(CLUSTER_FILE).exists());
        }
    }
}
