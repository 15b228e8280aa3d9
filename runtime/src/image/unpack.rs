//! Unpacking of a tar to a tree; the output of gzip is bounded while it is produced.
//!
//! Leaves out devices, owners, permissions and times.

use super::{Image, ImageError, ImageLimits, ImageNode, KnownDigest};
use crate::limits::PATH_BYTES_MAX;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;
use tar::{Archive, EntryType};

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const BLOCK_BYTES: usize = 512;
const DEPTH_MAX: usize = 128;
/// Characters of a member's path that an error shows.
const NAMED_CHARS_MAX: usize = 256;

pub(super) fn unpack(bytes: &[u8], limits: ImageLimits) -> Result<Image, ImageError> {
    let tar = if bytes.starts_with(GZIP_MAGIC) {
        gunzip(bytes, limits.unpacked_bytes_max)?
    } else {
        if bytes.len() as u64 > limits.unpacked_bytes_max {
            return Err(ImageError::TooLarge { bytes_max: limits.unpacked_bytes_max });
        }
        Bytes::copy_from_slice(bytes)
    };
    if tar.len() < BLOCK_BYTES {
        return Err(ImageError::NotTar { why: format!("{} bytes are too few", tar.len()) });
    }
    let unpacked_bytes = tar.len() as u64;
    let mut archive = Archive::new(Cursor::new(tar.clone()));
    let mut root = Builder::default();
    let mut members = 0;
    // A short path can stand for many directories, so that they count as well.
    let mut directories = 0;
    for entry in archive.entries().map_err(not_tar)? {
        let mut entry = entry.map_err(not_tar)?;
        members += 1;
        add(&mut root, &mut entry, &tar, &mut directories)?;
        if members > limits.members_max || directories > limits.members_max {
            return Err(ImageError::TooManyMembers { members_max: limits.members_max });
        }
    }
    let (root, digest) = (Arc::new(root.finish()), KnownDigest::default());
    Ok(Image { root, unpacked_bytes, members, digest })
}

fn gunzip(bytes: &[u8], bytes_max: u64) -> Result<Bytes, ImageError> {
    let mut tar = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(bytes_max + 1)
        .read_to_end(&mut tar)
        .map_err(|error| ImageError::NotGzip { why: error.to_string() })?;
    if tar.len() as u64 > bytes_max {
        return Err(ImageError::TooLarge { bytes_max });
    }
    Ok(tar.into())
}

fn not_tar(error: std::io::Error) -> ImageError {
    ImageError::NotTar { why: error.to_string() }
}

type Entry<'a> = tar::Entry<'a, Cursor<Bytes>>;

fn add(
    root: &mut Builder,
    entry: &mut Entry<'_>,
    tar: &Bytes,
    made: &mut usize,
) -> Result<(), ImageError> {
    let kind = entry.header().entry_type();
    let raw = entry.path_bytes().into_owned();
    let path = text(&raw)?;
    let names = names(&path)?;
    match kind {
        EntryType::Directory => root.directory(&names, &path, made),
        EntryType::Regular | EntryType::Continuous => {
            let start = entry.raw_file_position() as usize;
            let end = start.saturating_add(entry.size() as usize);
            if end > tar.len() {
                return Err(ImageError::NotTar { why: format!("{path:?} is cut off") });
            }
            root.put(&names, &path, made, Builder::File(tar.slice(start..end)))
        }
        EntryType::Symlink => {
            let target = link_target(entry, &path)?;
            check_symlink(&names, &target, &path)?;
            root.put(&names, &path, made, Builder::Symlink(target))
        }
        EntryType::Link => {
            let target = link_target(entry, &path)?;
            let target = self::names(&target)
                .map_err(|_| bad(&path, "is a link that leads out of the image"))?;
            let linked = root.file(&target).ok_or(bad(&path, "is a link to no earlier file"))?;
            root.put(&names, &path, made, Builder::File(linked))
        }
        EntryType::XGlobalHeader | EntryType::XHeader => Ok(()),
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            Err(bad(&path, "is a device: only files, directories and links are allowed"))
        }
        _ => Err(bad(&path, "is of a kind that is not supported")),
    }
}

/// Error about a member; of a long path only the beginning is kept.
fn bad(path: &str, why: &'static str) -> ImageError {
    let path = match path.char_indices().nth(NAMED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.to_owned(),
    };
    ImageError::BadMember { path, why }
}

fn text(raw: &[u8]) -> Result<String, ImageError> {
    let bad_name = |why| bad(&String::from_utf8_lossy(raw), why);
    if raw.len() > PATH_BYTES_MAX {
        return Err(bad_name("has a path of more than 4096 bytes, which no guest can name"));
    }
    let path = std::str::from_utf8(raw).map_err(|_| bad_name("has a name that is not UTF-8"))?;
    if path.contains('\0') {
        return Err(bad_name("has a name with a NUL"));
    }
    Ok(path.to_owned())
}

/// Names of a path, none for the root itself.
fn names(path: &str) -> Result<Vec<&str>, ImageError> {
    if path.starts_with('/') {
        return Err(bad(path, "has an absolute path: make it relative"));
    }
    let names: Vec<&str> =
        path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    if names.contains(&"..") {
        return Err(bad(path, "has `..` in its path"));
    }
    if names.len() > DEPTH_MAX {
        return Err(bad(path, "lies too deep: the most are 128 directories"));
    }
    Ok(names)
}

fn link_target(entry: &Entry<'_>, path: &str) -> Result<String, ImageError> {
    let raw = entry.link_name_bytes().ok_or(bad(path, "is a link without a target"))?;
    text(&raw).map_err(|_| bad(path, "is a link to a name that is not text"))
}

/// A relative target must not climb above the image's root. An absolute one begins at that root.
fn check_symlink(names: &[&str], target: &str, path: &str) -> Result<(), ImageError> {
    let mut depth = if target.starts_with('/') { 0 } else { names.len().saturating_sub(1) };
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." if depth == 0 => {
                return Err(bad(path, "is a link that leads out of the image"));
            }
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    Ok(())
}

/// Tree under construction.
enum Builder {
    File(Bytes),
    Symlink(String),
    Directory(BTreeMap<String, Builder>),
}

impl Default for Builder {
    fn default() -> Self {
        Self::Directory(BTreeMap::new())
    }
}

impl Builder {
    fn directory(
        &mut self,
        names: &[&str],
        path: &str,
        made: &mut usize,
    ) -> Result<(), ImageError> {
        let mut node = self;
        for name in names {
            node = node.child(name, path, made)?;
        }
        match node {
            Self::Directory(_) => Ok(()),
            Self::File(_) | Self::Symlink(_) => Err(bad(path, "is a directory and a file")),
        }
    }

    /// Adds `leaf`. As in tar, a later member replaces an earlier one.
    fn put(
        &mut self,
        names: &[&str],
        path: &str,
        made: &mut usize,
        leaf: Self,
    ) -> Result<(), ImageError> {
        let (name, parents) = names.split_last().ok_or(bad(path, "has no name"))?;
        let mut node = self;
        for parent in parents {
            node = node.child(parent, path, made)?;
        }
        let Self::Directory(entries) = node else {
            return Err(bad(path, "lies below a member that is no directory"));
        };
        if matches!(entries.get(*name), Some(Self::Directory(_))) {
            return Err(bad(path, "is a directory and a file"));
        }
        entries.insert((*name).to_owned(), leaf);
        Ok(())
    }

    /// Child of that name; a missing one is made as a directory and counted.
    fn child(&mut self, name: &str, path: &str, made: &mut usize) -> Result<&mut Self, ImageError> {
        match self {
            Self::Directory(entries) => Ok(entries.entry(name.to_owned()).or_insert_with(|| {
                *made += 1;
                Self::default()
            })),
            Self::File(_) | Self::Symlink(_) => {
                Err(bad(path, "lies below a member that is no directory"))
            }
        }
    }

    fn file(&self, names: &[&str]) -> Option<Bytes> {
        let mut node = self;
        for name in names {
            let Self::Directory(entries) = node else { return None };
            node = entries.get(*name)?;
        }
        match node {
            Self::File(bytes) => Some(bytes.clone()),
            Self::Directory(_) | Self::Symlink(_) => None,
        }
    }

    /// Finished tree. Its depth is bounded, and so is the recursion.
    fn finish(self) -> ImageNode {
        match self {
            Self::File(bytes) => ImageNode::File(bytes),
            Self::Symlink(target) => ImageNode::Symlink(target),
            Self::Directory(entries) => ImageNode::Directory(
                entries.into_iter().map(|(name, node)| (name, Arc::new(node.finish()))).collect(),
            ),
        }
    }
}
