//! Resolution of a guest's paths in its tree, never above the directory at which they begin.
//!
//! Leaves out what is done there, which the calls do.

use super::errno::Errno;
use super::tree::{Ino, Kind, ROOT, Tree};
use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX};

/// Flag of a lookup that follows a symbolic link at the end of the path.
pub(crate) const LOOKUP_FOLLOW: u32 = 1;

const SYMLINKS_MAX: usize = 40;

/// Node or free name that a path leads to.
#[derive(Debug)]
pub(crate) struct ResolvedPath {
    /// Directories from the start on, the last of them being the parent.
    pub(crate) trail: Vec<Ino>,
    /// Last name; `None` if the path names the directory at the trail's end itself.
    pub(crate) name: Option<String>,
    /// Node of that name, if it exists.
    pub(crate) node: Option<Ino>,
    /// True if the path ended in a slash.
    pub(crate) wants_directory: bool,
}

impl ResolvedPath {
    pub(crate) fn parent(&self) -> Ino {
        *self.trail.last().expect("a trail keeps the directory it began at")
    }

    pub(crate) fn existing(&self) -> Result<Ino, Errno> {
        self.node.ok_or(Errno::Noent)
    }

    /// Refuses a path that ends in a slash and names no directory.
    pub(crate) fn refuse_slash_on_file(&self, tree: &Tree) -> Result<(), Errno> {
        match self.node {
            Some(ino) if self.wants_directory && !tree.is_directory(ino) => Err(Errno::Notdir),
            _ => Ok(()),
        }
    }

    /// Parent and name; an error for the directory at which the path began.
    pub(crate) fn entry(&self) -> Result<(Ino, &str), Errno> {
        Ok((self.parent(), self.name.as_deref().ok_or(Errno::Inval)?))
    }

    /// Parent and name of a node that must not exist yet.
    pub(crate) fn free_entry(&self) -> Result<(Ino, &str), Errno> {
        if self.node.is_some() {
            return Err(Errno::Exist);
        }
        self.entry()
    }
}

/// Follows `path` from `base`. A symbolic link at its end is followed only if `follow`.
pub(crate) fn resolve(
    tree: &mut Tree,
    base: Ino,
    path: &str,
    follow: bool,
) -> Result<ResolvedPath, Errno> {
    check_length(path)?;
    if path.starts_with('/') {
        return Err(Errno::Notcapable);
    }
    let mut todo = names(path);
    tree.count_steps(todo.len());
    let mut wants_directory = path.ends_with('/');
    let mut trail = vec![base];
    let mut symlinks = 0;
    while let Some(name) = todo.pop() {
        match name.as_str() {
            "." => continue,
            ".." => {
                trail.pop();
                if trail.is_empty() {
                    return Err(Errno::Notcapable);
                }
                continue;
            }
            _ if name.len() > NAME_BYTES_MAX => return Err(Errno::Nametoolong),
            _ => {}
        }
        let dir = *trail.last().expect("a trail keeps the directory it began at");
        let node = tree.lookup(dir, &name)?;
        let is_last = todo.is_empty();
        let target = match node.map(|ino| &tree.node(ino).kind) {
            Some(Kind::Symlink(target)) if !is_last || follow || wants_directory => target.clone(),
            Some(Kind::Directory(_)) if !is_last => {
                trail.extend(node);
                continue;
            }
            None if !is_last => return Err(Errno::Noent),
            Some(_) if !is_last => return Err(Errno::Notdir),
            _ => return Ok(ResolvedPath { trail, name: Some(name), node, wants_directory }),
        };
        symlinks += 1;
        if symlinks > SYMLINKS_MAX {
            return Err(Errno::Loop);
        }
        check_length(&target)?;
        if target.starts_with('/') {
            if base != ROOT {
                return Err(Errno::Notcapable);
            }
            trail.truncate(1);
        }
        wants_directory |= is_last && target.ends_with('/');
        let more = names(&target);
        tree.count_steps(more.len());
        todo.extend(more);
    }
    let here = trail.last().copied();
    Ok(ResolvedPath { trail, name: None, node: here, wants_directory: true })
}

/// Names of a path, the last one first.
fn names(path: &str) -> Vec<String> {
    path.split('/').rev().filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn check_length(path: &str) -> Result<(), Errno> {
    match path.len() {
        0 => Err(Errno::Noent),
        len if len > PATH_BYTES_MAX => Err(Errno::Nametoolong),
        _ if path.contains('\0') => Err(Errno::Inval),
        _ => Ok(()),
    }
}
