//! Calls that name a path: opening, creating, removing, renaming, linking.
//!
//! Leaves out `stat` of paths, which [`stat`](super::stat) has.

use super::Stop;
use super::context::{Context, right_lacked};
use super::errno::Errno;
use super::fds::{
    FLAGS_ALL, File, RIGHT_PATH_SET_SIZE, RIGHT_READ, RIGHT_WRITE, RIGHTS_DIRECTORY, RIGHTS_FILE,
    Target,
};
use super::guest::Guest;
use super::path::{LOOKUP_FOLLOW, ResolvedPath, resolve};
use super::tree::{Content, Ino, Kind};
use crate::device::DeviceIndex;
use crate::limits::PATH_BYTES_MAX;

const OPEN_CREATE: u32 = 1;
const OPEN_DIRECTORY: u32 = 2;
const OPEN_EXCLUSIVE: u32 = 4;
const OPEN_TRUNCATE: u32 = 8;
const OPEN_ALL: u32 = 15;

fn resolve_at(
    guest: &Guest<'_>,
    context: &mut Context,
    (fd, path, len): (u32, u32, u32),
    follow: bool,
) -> Result<ResolvedPath, Errno> {
    let base = context.directory(fd)?;
    resolve(&mut context.tree, base, guest.text(path, len)?, follow)
}

#[expect(clippy::too_many_arguments, reason = "WASI's own signature")]
pub(super) fn path_open(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
    open: u32,
    rights: u64,
    inheriting: u64,
    flags: u32,
    out: u32,
) -> Result<(), Stop> {
    guest.bytes(out, 4)?;
    if open & !OPEN_ALL != 0 || flags & !FLAGS_ALL != 0 {
        return Err(Errno::Inval.into());
    }
    let follow = lookup & LOOKUP_FOLLOW != 0 && open & OPEN_EXCLUSIVE == 0;
    let resolved = resolve_at(guest, context, (fd, path, len), follow)?;
    let dir = context.fds.get(fd)?;
    if open & OPEN_TRUNCATE != 0 && dir.demand(RIGHT_PATH_SET_SIZE).is_err() {
        return Err(Errno::Notcapable.into());
    }
    let (rights, inheriting) = (rights & dir.inheriting, inheriting & dir.inheriting);
    let target = match resolved.node {
        Some(_) if open & OPEN_CREATE != 0 && open & OPEN_EXCLUSIVE != 0 => {
            return Err(Errno::Exist.into());
        }
        Some(ino) => open_existing(context, ino, &resolved, open, rights)?,
        None if open & OPEN_CREATE == 0 => return Err(Errno::Noent.into()),
        None if resolved.wants_directory || open & OPEN_DIRECTORY != 0 => {
            return Err(Errno::Isdir.into());
        }
        None => {
            let (dir, name) = resolved.entry()?;
            let kind = Kind::File(Content::Own(Vec::new()));
            Target::Node(context.tree.create(dir, name, kind, context.now)?)
        }
    };
    let (rights, inheriting) = match target {
        Target::Device(device) => (device_rights(context, device, rights)?, 0),
        Target::Node(ino) if context.tree.is_directory(ino) => {
            (rights & RIGHTS_DIRECTORY, inheriting)
        }
        Target::Node(_) | Target::Nothing => (rights & RIGHTS_FILE, 0),
    };
    let number = context.fds.insert(File::new(target, rights, inheriting, flags as u16))?;
    if let Target::Node(ino) = target {
        context.tree.opened(ino);
    }
    Ok(guest.put_u32(out, number)?)
}

fn open_existing(
    context: &mut Context,
    ino: Ino,
    resolved: &ResolvedPath,
    open: u32,
    rights: u64,
) -> Result<Target, Errno> {
    let wants_directory = resolved.wants_directory || open & OPEN_DIRECTORY != 0;
    match context.tree.node(ino).kind {
        Kind::Symlink(_) => Err(Errno::Loop),
        Kind::Directory(_) if rights & RIGHT_WRITE != 0 => Err(Errno::Isdir),
        Kind::Directory(_) => Ok(Target::Node(ino)),
        Kind::File(_) | Kind::Device(_) if wants_directory => Err(Errno::Notdir),
        Kind::File(_) => {
            if open & OPEN_TRUNCATE != 0 {
                context.tree.resize(ino, 0, context.now)?;
            }
            Ok(Target::Node(ino))
        }
        Kind::Device(device) => {
            let writable = context.devices[device.index()].spec.kind.is_writable();
            if open & OPEN_TRUNCATE != 0 && writable {
                context.devices[device.index()].truncate(0)?;
            }
            Ok(Target::Device(device))
        }
    }
}

/// Rights on a device: those of its direction. A request for the other direction alone is refused.
fn device_rights(context: &Context, device: DeviceIndex, rights: u64) -> Result<u64, Errno> {
    let lacks = right_lacked(context.devices[device.index()].spec.kind);
    let has = (RIGHT_READ | RIGHT_WRITE) & !lacks;
    if rights & lacks != 0 && rights & has == 0 {
        return Err(Errno::Perm);
    }
    Ok(rights & RIGHTS_FILE & !lacks)
}

pub(super) fn path_create_directory(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    path: u32,
    len: u32,
) -> Result<(), Stop> {
    let resolved = resolve_at(guest, context, (fd, path, len), false)?;
    if resolved.name.is_none() {
        return Err(Errno::Exist.into());
    }
    let (dir, name) = resolved.free_entry()?;
    context.tree.create(dir, name, Kind::Directory(Default::default()), context.now)?;
    Ok(())
}

pub(super) fn path_remove_directory(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    path: u32,
    len: u32,
) -> Result<(), Stop> {
    remove(guest, context, (fd, path, len), true)
}

pub(super) fn path_unlink_file(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    path: u32,
    len: u32,
) -> Result<(), Stop> {
    remove(guest, context, (fd, path, len), false)
}

fn remove(
    guest: &Guest<'_>,
    context: &mut Context,
    path: (u32, u32, u32),
    directory: bool,
) -> Result<(), Stop> {
    let resolved = resolve_at(guest, context, path, false)?;
    let (dir, name) = resolved.entry()?;
    resolved.refuse_slash_on_file(&context.tree)?;
    Ok(context.tree.remove(dir, name, directory, context.now)?)
}

#[expect(clippy::too_many_arguments, reason = "WASI's own signature")]
pub(super) fn path_rename(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    path: u32,
    len: u32,
    to_fd: u32,
    to: u32,
    to_len: u32,
) -> Result<(), Stop> {
    let from = resolve_at(guest, context, (fd, path, len), false)?;
    let to = resolve_at(guest, context, (to_fd, to, to_len), false)?;
    let moved = from.existing()?;
    if (from.wants_directory || to.wants_directory) && !context.tree.is_directory(moved) {
        return Err(Errno::Notdir.into());
    }
    Ok(context.tree.rename(from.entry()?, to.entry()?, context.now)?)
}

#[expect(clippy::too_many_arguments, reason = "WASI's own signature")]
pub(super) fn path_link(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
    to_fd: u32,
    to: u32,
    to_len: u32,
) -> Result<(), Stop> {
    let from = resolve_at(guest, context, (fd, path, len), lookup & LOOKUP_FOLLOW != 0)?;
    let to = resolve_at(guest, context, (to_fd, to, to_len), false)?;
    let ino = from.existing()?;
    let (dir, name) = to.free_entry()?;
    if to.wants_directory {
        return Err(Errno::Noent.into());
    }
    Ok(context.tree.link(dir, name, ino, context.now)?)
}

pub(super) fn path_symlink(
    guest: &mut Guest<'_>,
    context: &mut Context,
    target: u32,
    target_len: u32,
    fd: u32,
    path: u32,
    len: u32,
) -> Result<(), Stop> {
    let target = guest.text(target, target_len)?;
    if target.is_empty() || target.contains('\0') {
        return Err(Errno::Inval.into());
    }
    if target.len() > PATH_BYTES_MAX {
        return Err(Errno::Nametoolong.into());
    }
    if target.starts_with('/') {
        return Err(Errno::Perm.into());
    }
    let kind = Kind::Symlink(target.to_owned());
    let resolved = resolve_at(guest, context, (fd, path, len), false)?;
    resolved.refuse_slash_on_file(&context.tree)?;
    let (dir, name) = resolved.free_entry()?;
    if resolved.wants_directory {
        return Err(Errno::Noent.into());
    }
    context.tree.create(dir, name, kind, context.now)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "WASI's own signature")]
pub(super) fn path_readlink(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    path: u32,
    len: u32,
    buffer: u32,
    buffer_len: u32,
    out: u32,
) -> Result<(), Stop> {
    let resolved = resolve_at(guest, context, (fd, path, len), false)?;
    let Kind::Symlink(target) = &context.tree.node(resolved.existing()?).kind else {
        return Err(Errno::Inval.into());
    };
    let target = &target.as_bytes()[..target.len().min(buffer_len as usize)];
    guest.put(buffer, target)?;
    Ok(guest.put_u32(out, target.len() as u32)?)
}
