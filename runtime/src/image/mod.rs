//! Images: file trees at `/` of sessions, unpacked from a tar once and shared by all.
//!
//! An image never changes; a session writes to its own copies. Left out: owners, permissions,
//! times and extended attributes, which no guest can use.

pub mod executable;
mod unpack;

use crate::digest::{Digest, Digester};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use thiserror::Error;

/// Immutable file tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    root: Arc<ImageNode>,
    unpacked_bytes: u64,
    members: usize,
    digest: KnownDigest,
}

/// Node of an image's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageNode {
    File(Bytes),
    Directory(BTreeMap<String, Arc<ImageNode>>),
    Symlink(String),
}

/// Digest that is computed on demand; equality ignores it, since the tree determines it.
#[derive(Clone, Debug, Default)]
struct KnownDigest(OnceLock<Digest>);

impl PartialEq for KnownDigest {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for KnownDigest {}

fn add(digester: &mut Digester, node: &ImageNode) {
    match node {
        ImageNode::File(bytes) => {
            digester.number(0);
            digester.part(bytes);
        }
        ImageNode::Directory(entries) => {
            digester.number(1);
            digester.number(entries.len() as u64);
            for (name, node) in entries {
                digester.part(name.as_bytes());
                add(digester, node);
            }
        }
        ImageNode::Symlink(target) => {
            digester.number(2);
            digester.part(target.as_bytes());
        }
    }
}

/// Limits of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// Bytes after unpacking, the tar's own headers included.
    pub unpacked_bytes_max: u64,
    /// Members of the tar, and directories that they make.
    pub members_max: usize,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self { unpacked_bytes_max: 256 << 20, members_max: 100_000 }
    }
}

/// Refusal of bytes as an image.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// The bytes are no tar, or a damaged one.
    #[error("no valid tar: {why}")]
    NotTar {
        /// Flaw.
        why: String,
    },
    /// The bytes begin as gzip and then are not.
    #[error("no valid gzip: {why}")]
    NotGzip {
        /// Flaw.
        why: String,
    },
    /// It unpacks to more than [`ImageLimits::unpacked_bytes_max`].
    #[error("the image unpacks to more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// It has more members than [`ImageLimits::members_max`].
    #[error("the image has more than {members_max} members")]
    TooManyMembers {
        /// The limit.
        members_max: usize,
    },
    /// A member has a name or a kind that an image must not have.
    #[error("the image's member {path:?} {why}")]
    BadMember {
        /// The member's path.
        path: String,
        /// Flaw of the member.
        why: &'static str,
    },
}

impl Image {
    /// Unpacks a tar, gzipped or not.
    ///
    /// # Errors
    /// It is damaged, too large, or has a member that leads out of the tree or is a device.
    pub fn from_tar(bytes: &[u8], limits: ImageLimits) -> Result<Self, ImageError> {
        unpack::unpack(bytes, limits)
    }

    /// Size of the unpacked tar, in bytes.
    pub fn unpacked_bytes(&self) -> u64 {
        self.unpacked_bytes
    }

    /// Digest of its tree: names, links and bytes. Computed on the first call.
    pub fn digest(&self) -> Digest {
        *self.digest.0.get_or_init(|| {
            let mut digester = Digester::default();
            add(&mut digester, &self.root);
            digester.digest()
        })
    }

    /// Number of members of the tar.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Content of the file at `path`, which may begin with a slash; symbolic links are followed.
    pub fn file(&self, path: &str) -> Option<Bytes> {
        self.real_file(path).map(|(_, bytes)| bytes)
    }

    /// Absolute path without symbolic links, and content, of the file at `path`.
    pub fn real_file(&self, path: &str) -> Option<(String, Bytes)> {
        let trail = self.trail(path)?;
        match &**trail.last()?.1 {
            ImageNode::File(bytes) => {
                let names: Vec<&str> = trail.iter().map(|(name, _)| name.as_str()).collect();
                Some((names.join("/"), bytes.clone()))
            }
            ImageNode::Directory(_) | ImageNode::Symlink(_) => None,
        }
    }

    pub(crate) fn root(&self) -> &Arc<ImageNode> {
        &self.root
    }

    /// Nodes from the root, which has no name, to the one at `path`.
    fn trail(&self, path: &str) -> Option<Vec<(String, &Arc<ImageNode>)>> {
        const LINKS_MAX: usize = 40;
        let mut todo: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut trail = vec![(String::new(), &self.root)];
        let mut links = 0;
        while let Some(name) = todo.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    trail.pop();
                    if trail.is_empty() {
                        return None;
                    }
                    continue;
                }
                _ => {}
            }
            let ImageNode::Directory(entries) = &**trail.last()?.1 else { return None };
            let node = entries.get(&name)?;
            if let ImageNode::Symlink(target) = &**node {
                links += 1;
                if links > LINKS_MAX {
                    return None;
                }
                if target.starts_with('/') {
                    trail.truncate(1);
                }
                todo.extend(target.split('/').rev().map(str::to_owned));
            } else {
                trail.push((name, node));
            }
        }
        Some(trail)
    }
}
