//! File tree of a session: its images over an empty root, and its devices under `/dev`.
//!
//! Nodes come out of the images only when the guest first looks at them, so that starting a
//! session costs nothing for large images. Writes go to copies and are bounded. Left out:
//! permissions and owners.

use super::errno::Errno;
use crate::device::DeviceIndex;
use crate::image::{Image, ImageNode};
use crate::limits::{HOST_CALL_STEPS, HOST_STEP_FUEL, fuel_for_bytes};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Charge of a node that the session made against its budget, beside its name and content.
const NODE_BYTES: u64 = 256;

/// Number of a node, which is also its inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ino(pub(crate) usize);

pub(crate) struct Tree {
    nodes: Vec<Option<Node>>,
    /// Free indexes of `nodes`.
    free: Vec<Ino>,
    used_bytes: u64,
    bytes_max: u64,
    dev: Ino,
    /// Nodes and names that the current call has visited.
    steps: u64,
    /// Bytes that the current call has copied or cleared.
    filled_bytes: u64,
}

pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) links: u64,
    /// Open descriptors of it. The node is freed when both counts are zero.
    opens: u64,
    /// Charge of the node and its names against the budget, beside its content.
    spent_bytes: u64,
    pub(crate) atim: u64,
    pub(crate) mtim: u64,
    pub(crate) ctim: u64,
}

pub(crate) enum Kind {
    File(Content),
    Directory(Directory),
    Symlink(String),
    Device(DeviceIndex),
}

pub(crate) enum Content {
    Shared(Bytes),
    Own(Vec<u8>),
}

#[derive(Default)]
pub(crate) struct Directory {
    entries: BTreeMap<String, Child>,
    /// Directories of images that are not read yet, in order of precedence.
    below: Vec<Arc<ImageNode>>,
    /// True for `/dev` and all below, which cannot be changed.
    fixed: bool,
}

enum Child {
    Node(Ino),
    Below(Vec<Arc<ImageNode>>),
}

impl Content {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }
}

pub(crate) const ROOT: Ino = Ino(0);

impl Tree {
    pub(crate) fn new(images: &[Arc<Image>], bytes_max: u64) -> Self {
        let mut tree = Self {
            nodes: Vec::new(),
            free: Vec::new(),
            used_bytes: 0,
            bytes_max,
            dev: ROOT,
            steps: 0,
            filled_bytes: 0,
        };
        let below = images.iter().map(|image| image.root().clone()).collect();
        let root = Directory { below, ..Directory::default() };
        tree.add(Kind::Directory(root), 0);
        let dev = Directory { fixed: true, ..Directory::default() };
        tree.dev = tree.add(Kind::Directory(dev), 0);
        let dev = tree.dev;
        tree.open_directory(ROOT).entries.insert("dev".to_owned(), Child::Node(dev));
        tree
    }

    /// Counts steps that the current call has to pay for.
    pub(crate) fn count_steps(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(steps as u64);
    }

    /// Fuel for the current call's work here, beyond the price of every call.
    pub(crate) fn take_cost(&mut self) -> u64 {
        let steps = std::mem::take(&mut self.steps).saturating_sub(HOST_CALL_STEPS);
        let filled_bytes = std::mem::take(&mut self.filled_bytes);
        steps.saturating_mul(HOST_STEP_FUEL).saturating_add(fuel_for_bytes(filled_bytes))
    }

    pub(crate) fn dev(&self) -> Ino {
        self.dev
    }

    /// Adds a device under `/dev`; slashes in its name make directories.
    pub(crate) fn add_device(&mut self, name: &str, device: DeviceIndex) {
        let mut dir = self.dev;
        let mut names = name.split('/').peekable();
        while let Some(part) = names.next() {
            let made = match self.open_directory(dir).entries.get(part) {
                Some(Child::Node(ino)) => *ino,
                _ => {
                    let kind = if names.peek().is_none() {
                        Kind::Device(device)
                    } else {
                        Kind::Directory(Directory { fixed: true, ..Directory::default() })
                    };
                    let ino = self.add(kind, 0);
                    self.open_directory(dir).entries.insert(part.to_owned(), Child::Node(ino));
                    ino
                }
            };
            dir = made;
            if !matches!(self.node(dir).kind, Kind::Directory(_)) {
                return;
            }
        }
    }

    pub(crate) fn node(&self, ino: Ino) -> &Node {
        self.nodes[ino.0].as_ref().expect("a node lives while something names it")
    }

    /// Node, unless it is gone.
    pub(crate) fn get(&self, ino: Ino) -> Option<&Node> {
        self.nodes[ino.0].as_ref()
    }

    fn node_mut(&mut self, ino: Ino) -> &mut Node {
        self.nodes[ino.0].as_mut().expect("a node lives while something names it")
    }

    pub(crate) fn is_directory(&self, ino: Ino) -> bool {
        matches!(self.node(ino).kind, Kind::Directory(_))
    }

    /// Node of that name, taken from the images if need be.
    pub(crate) fn lookup(&mut self, dir: Ino, name: &str) -> Result<Option<Ino>, Errno> {
        if !self.is_directory(dir) {
            return Err(Errno::Notdir);
        }
        self.count_steps(1);
        let layers = match self.open_directory(dir).entries.get_mut(name) {
            None => return Ok(None),
            Some(Child::Node(ino)) => return Ok(Some(*ino)),
            Some(Child::Below(layers)) => std::mem::take(layers),
        };
        let kind = match layers.first().map(|node| &**node) {
            Some(ImageNode::File(bytes)) => Kind::File(Content::Shared(bytes.clone())),
            Some(ImageNode::Symlink(target)) => Kind::Symlink(target.clone()),
            Some(ImageNode::Directory(_)) | None => {
                Kind::Directory(Directory { below: layers, ..Directory::default() })
            }
        };
        let ino = self.add(kind, 0);
        self.open_directory(dir).entries.insert(name.to_owned(), Child::Node(ino));
        Ok(Some(ino))
    }

    /// Names in a directory, with their nodes.
    pub(crate) fn list(&mut self, dir: Ino) -> Result<Vec<(String, Ino)>, Errno> {
        if !self.is_directory(dir) {
            return Err(Errno::Notdir);
        }
        let names: Vec<String> = self.open_directory(dir).entries.keys().cloned().collect();
        let mut list = Vec::with_capacity(names.len());
        for name in names {
            if let Some(ino) = self.lookup(dir, &name)? {
                list.push((name, ino));
            }
        }
        Ok(list)
    }

    /// Directory with the first level of its images merged. Only for directories.
    fn open_directory(&mut self, dir: Ino) -> &mut Directory {
        let Some(Node { kind: Kind::Directory(directory), .. }) = &mut self.nodes[dir.0] else {
            panic!("{dir:?} is no directory, and its caller made sure that it is");
        };
        for layer in std::mem::take(&mut directory.below) {
            let ImageNode::Directory(children) = &*layer else { continue };
            self.steps += children.len() as u64;
            for (name, child) in children {
                let entry = directory.entries.entry(name.clone());
                if let Child::Below(layers) = entry.or_insert_with(|| Child::Below(Vec::new())) {
                    layers.push(child.clone());
                }
            }
        }
        directory
    }

    fn add(&mut self, kind: Kind, now: u64) -> Ino {
        let node =
            Node { kind, links: 1, opens: 0, spent_bytes: 0, atim: now, mtim: now, ctim: now };
        if let Some(ino) = self.free.pop() {
            self.nodes[ino.0] = Some(node);
            return ino;
        }
        self.nodes.push(Some(node));
        Ino(self.nodes.len() - 1)
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Errno> {
        let used = self.used_bytes.saturating_add(bytes);
        if used > self.bytes_max {
            return Err(Errno::Nospc);
        }
        self.used_bytes = used;
        Ok(())
    }

    fn check_changeable(&mut self, dir: Ino) -> Result<(), Errno> {
        if !self.is_directory(dir) {
            return Err(Errno::Notdir);
        }
        if self.open_directory(dir).fixed { Err(Errno::Rofs) } else { Ok(()) }
    }

    /// Creates a node under a free name.
    pub(crate) fn create(
        &mut self,
        dir: Ino,
        name: &str,
        kind: Kind,
        now: u64,
    ) -> Result<Ino, Errno> {
        self.check_changeable(dir)?;
        if self.node(dir).links == 0 {
            return Err(Errno::Noent);
        }
        let content = match &kind {
            Kind::Symlink(target) => target.len() as u64,
            _ => 0,
        };
        let spent_bytes = NODE_BYTES + name.len() as u64 + content;
        self.spend(spent_bytes)?;
        let ino = self.add(kind, now);
        self.node_mut(ino).spent_bytes = spent_bytes;
        self.enter(dir, name, ino, now);
        Ok(ino)
    }

    fn enter(&mut self, dir: Ino, name: &str, ino: Ino, now: u64) {
        self.open_directory(dir).entries.insert(name.to_owned(), Child::Node(ino));
        self.touch(dir, now);
    }

    /// Sets the times of a directory whose names have changed.
    fn touch(&mut self, dir: Ino, now: u64) {
        let node = self.node_mut(dir);
        (node.mtim, node.ctim) = (now, now);
    }

    /// Adds a name to a file.
    pub(crate) fn link(&mut self, dir: Ino, name: &str, ino: Ino, now: u64) -> Result<(), Errno> {
        self.check_changeable(dir)?;
        match self.node(ino).kind {
            Kind::File(_) | Kind::Symlink(_) => {}
            Kind::Directory(_) | Kind::Device(_) => return Err(Errno::Perm),
        }
        let spent_bytes = NODE_BYTES + name.len() as u64;
        self.spend(spent_bytes)?;
        let node = self.node_mut(ino);
        node.spent_bytes += spent_bytes;
        node.links += 1;
        node.ctim = now;
        self.enter(dir, name, ino, now);
        Ok(())
    }

    /// Removes the name of a file, symbolic link, or empty directory.
    pub(crate) fn remove(
        &mut self,
        dir: Ino,
        name: &str,
        want_directory: bool,
        now: u64,
    ) -> Result<(), Errno> {
        let ino = self.lookup(dir, name)?.ok_or(Errno::Noent)?;
        let is_directory = self.is_directory(ino);
        match (want_directory, is_directory) {
            (true, false) => return Err(Errno::Notdir),
            (false, true) => return Err(Errno::Isdir),
            _ => {}
        }
        if ino == self.dev {
            return Err(Errno::Busy);
        }
        self.check_changeable(dir)?;
        if is_directory && !self.open_directory(ino).entries.is_empty() {
            return Err(Errno::Notempty);
        }
        self.open_directory(dir).entries.remove(name);
        self.touch(dir, now);
        let node = self.node_mut(ino);
        node.links -= 1;
        node.ctim = now;
        self.reap(ino);
        Ok(())
    }

    /// Renames a node, replacing what POSIX lets it replace.
    pub(crate) fn rename(
        &mut self,
        (from_dir, from): (Ino, &str),
        (to_dir, to): (Ino, &str),
        now: u64,
    ) -> Result<(), Errno> {
        let ino = self.lookup(from_dir, from)?.ok_or(Errno::Noent)?;
        if ino == self.dev {
            return Err(Errno::Busy);
        }
        self.check_changeable(from_dir)?;
        self.check_changeable(to_dir)?;
        if self.reaches(ino, to_dir) {
            return Err(Errno::Inval);
        }
        if let Some(old) = self.lookup(to_dir, to)? {
            if old == ino {
                return Ok(());
            }
            match (self.is_directory(ino), self.is_directory(old)) {
                (true, false) => return Err(Errno::Notdir),
                (false, true) => return Err(Errno::Isdir),
                (is_directory, _) => self.remove(to_dir, to, is_directory, now)?,
            }
        }
        self.spend(to.len() as u64)?;
        self.node_mut(ino).spent_bytes += to.len() as u64;
        self.open_directory(from_dir).entries.remove(from);
        self.touch(from_dir, now);
        self.node_mut(ino).ctim = now;
        self.enter(to_dir, to, ino, now);
        Ok(())
    }

    /// True if `target` is `from` or lies below it. Nodes still in the images cannot be.
    fn reaches(&mut self, from: Ino, target: Ino) -> bool {
        let mut todo = vec![from];
        while let Some(ino) = todo.pop() {
            self.count_steps(1);
            if ino == target {
                return true;
            }
            if let Kind::Directory(directory) = &self.node(ino).kind {
                todo.extend(directory.entries.values().filter_map(|child| match child {
                    Child::Node(ino) => Some(*ino),
                    Child::Below(_) => None,
                }));
            }
        }
        false
    }

    pub(crate) fn opened(&mut self, ino: Ino) {
        self.node_mut(ino).opens += 1;
    }

    pub(crate) fn closed(&mut self, ino: Ino) {
        self.node_mut(ino).opens -= 1;
        self.reap(ino);
    }

    fn reap(&mut self, ino: Ino) {
        let node = self.node(ino);
        if node.links > 0 || node.opens > 0 {
            return;
        }
        let content = match &node.kind {
            Kind::File(Content::Own(bytes)) => bytes.len() as u64,
            _ => 0,
        };
        self.used_bytes -= node.spent_bytes + content;
        self.nodes[ino.0] = None;
        self.free.push(ino);
    }

    /// Bytes of a file.
    pub(crate) fn content(&self, ino: Ino) -> Result<&[u8], Errno> {
        match &self.node(ino).kind {
            Kind::File(content) => Ok(content.as_slice()),
            Kind::Directory(_) => Err(Errno::Isdir),
            Kind::Symlink(_) | Kind::Device(_) => Err(Errno::Inval),
        }
    }

    /// Resizes a file to `len` bytes, as the session's own copy, and returns its bytes.
    pub(crate) fn resize(&mut self, ino: Ino, len: u64, now: u64) -> Result<&mut Vec<u8>, Errno> {
        let (old, charged) = match &self.node(ino).kind {
            Kind::File(Content::Own(bytes)) => (bytes.len() as u64, bytes.len() as u64),
            Kind::File(Content::Shared(bytes)) => (bytes.len() as u64, 0),
            _ => return Err(Errno::Inval),
        };
        if len > charged {
            self.spend(len - charged)?;
        } else {
            self.used_bytes -= charged - len;
        }
        let is_shared = matches!(self.node(ino).kind, Kind::File(Content::Shared(_)));
        let copied = if is_shared { old.min(len) } else { 0 };
        self.filled_bytes += copied + len.saturating_sub(old);
        let node = self.node_mut(ino);
        (node.mtim, node.ctim) = (now, now);
        if let Kind::File(Content::Shared(bytes)) = &node.kind {
            let kept = &bytes[..old.min(len) as usize];
            node.kind = Kind::File(Content::Own(kept.to_vec()));
        }
        let Kind::File(Content::Own(bytes)) = &mut node.kind else {
            panic!("{ino:?} was made the session's own above");
        };
        bytes.resize(len as usize, 0);
        Ok(bytes)
    }

    /// Bytes of a file from `at` to `at + len`; the file grows if they reach beyond its end.
    pub(crate) fn writable(
        &mut self,
        ino: Ino,
        at: u64,
        len: usize,
        now: u64,
    ) -> Result<&mut [u8], Errno> {
        let end = at.checked_add(len as u64).ok_or(Errno::Fbig)?;
        if end > self.bytes_max {
            return Err(Errno::Nospc);
        }
        let size = self.content(ino)?.len() as u64;
        let bytes = self.resize(ino, size.max(end), now)?;
        Ok(&mut bytes[at as usize..end as usize])
    }

    pub(crate) fn set_times(&mut self, ino: Ino, atim: Option<u64>, mtim: Option<u64>, now: u64) {
        let node = self.node_mut(ino);
        node.ctim = now;
        node.atim = atim.unwrap_or(node.atim);
        node.mtim = mtim.unwrap_or(node.mtim);
    }
}
