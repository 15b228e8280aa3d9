//! Calls for types, sizes, times and flags of files.
//!
//! Leaves out owners and permissions, which no file has.

use super::Stop;
use super::context::Context;
use super::errno::Errno;
use super::fds::{FLAGS_ALL, RIGHT_WRITE, Target};
use super::guest::Guest;
use super::path::{LOOKUP_FOLLOW, resolve};
use super::tree::{Ino, Kind};
use crate::device::{DeviceIndex, DeviceMode};

pub(super) const TYPE_UNKNOWN: u8 = 0;
const TYPE_BLOCK: u8 = 1;
const TYPE_CHARACTER: u8 = 2;
const TYPE_DIRECTORY: u8 = 3;
const TYPE_FILE: u8 = 4;
const TYPE_SYMLINK: u8 = 7;

const ATIM: u32 = 1;
const ATIM_NOW: u32 = 2;
const MTIM: u32 = 4;
const MTIM_NOW: u32 = 8;

/// Device numbers of the two file systems that a guest can tell apart.
const TREE_NUMBER: u64 = 1;
const DEVICES_NUMBER: u64 = 2;

pub(super) fn file_type(context: &Context, target: Target) -> u8 {
    match target {
        Target::Nothing => TYPE_UNKNOWN,
        Target::Device(device) => device_type(context, device),
        Target::Node(ino) => match &context.tree.node(ino).kind {
            Kind::File(_) => TYPE_FILE,
            Kind::Directory(_) => TYPE_DIRECTORY,
            Kind::Symlink(_) => TYPE_SYMLINK,
            Kind::Device(device) => device_type(context, *device),
        },
    }
}

/// Inode number, unique within its file system.
pub(super) fn inode_number(context: &Context, target: Target) -> u64 {
    match target {
        Target::Nothing => 0,
        Target::Device(device) => device.index() as u64 + 1,
        Target::Node(ino) => match context.tree.node(ino).kind {
            Kind::Device(device) => device.index() as u64 + 1,
            _ => ino.0 as u64 + 1,
        },
    }
}

fn device_type(context: &Context, device: DeviceIndex) -> u8 {
    match context.devices[device.index()].spec.mode {
        DeviceMode::File => TYPE_FILE,
        DeviceMode::Char => TYPE_CHARACTER,
        DeviceMode::Block => TYPE_BLOCK,
        DeviceMode::Pipe => TYPE_UNKNOWN,
    }
}

pub(super) fn fd_fdstat_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    out: u32,
) -> Result<(), Stop> {
    let file = context.fds.get(fd)?;
    let mut stat = [0; 24];
    stat[0] = file_type(context, file.target);
    stat[2..4].copy_from_slice(&file.flags.to_le_bytes());
    stat[8..16].copy_from_slice(&file.rights.to_le_bytes());
    stat[16..24].copy_from_slice(&file.inheriting.to_le_bytes());
    Ok(guest.put(out, &stat)?)
}

pub(super) fn fd_fdstat_set_flags(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    flags: u32,
) -> Result<(), Stop> {
    let file = context.fds.get_mut(fd)?;
    if flags & !FLAGS_ALL != 0 {
        return Err(Errno::Inval.into());
    }
    file.flags = flags as u16;
    Ok(())
}

pub(super) fn fd_fdstat_set_rights(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    base: u64,
    inheriting: u64,
) -> Result<(), Stop> {
    let file = context.fds.get_mut(fd)?;
    if base & !file.rights != 0 || inheriting & !file.inheriting != 0 {
        return Err(Errno::Notcapable.into());
    }
    (file.rights, file.inheriting) = (base, inheriting);
    Ok(())
}

pub(super) fn fd_filestat_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    out: u32,
) -> Result<(), Stop> {
    let target = context.fds.get(fd)?.target;
    Ok(put_filestat(guest, context, target, out)?)
}

pub(super) fn path_filestat_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
    out: u32,
) -> Result<(), Stop> {
    let ino = existing(guest, context, fd, lookup, path, len)?;
    Ok(put_filestat(guest, context, Target::Node(ino), out)?)
}

fn existing(
    guest: &Guest<'_>,
    context: &mut Context,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
) -> Result<Ino, Errno> {
    let base = context.directory(fd)?;
    let follow = lookup & LOOKUP_FOLLOW != 0;
    let place = resolve(&mut context.tree, base, guest.text(path, len)?, follow)?;
    place.refuse_slash_on_file(&context.tree)?;
    place.existing()
}

fn put_filestat(
    guest: &mut Guest<'_>,
    context: &Context,
    target: Target,
    out: u32,
) -> Result<(), Errno> {
    let device = match target {
        Target::Device(device) => Some(device),
        Target::Node(ino) => match context.tree.node(ino).kind {
            Kind::Device(device) => Some(device),
            _ => None,
        },
        Target::Nothing => None,
    };
    let (number, links, size, times) = match (device, target) {
        (Some(device), _) => {
            let size = context.devices[device.index()].size();
            (DEVICES_NUMBER, 1, size, [0; 3])
        }
        (None, Target::Node(ino)) => {
            let node = context.tree.node(ino);
            let size = match &node.kind {
                Kind::File(content) => content.as_slice().len(),
                Kind::Symlink(target) => target.len(),
                Kind::Directory(_) | Kind::Device(_) => 0,
            };
            let times = [node.atim, node.mtim, node.ctim];
            (TREE_NUMBER, node.links, size as u64, times)
        }
        (None, _) => (DEVICES_NUMBER, 1, 0, [0; 3]),
    };
    let mut stat = [0; 64];
    let ino = inode_number(context, target);
    let fields = [(0, number), (8, ino), (24, links), (32, size)];
    let times = [(40, times[0]), (48, times[1]), (56, times[2])];
    for (at, value) in fields.into_iter().chain(times) {
        stat[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    stat[16] = file_type(context, target);
    guest.put(out, &stat)
}

pub(super) fn fd_filestat_set_size(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    size: u64,
) -> Result<(), Stop> {
    let file = context.fds.get(fd)?;
    file.demand(RIGHT_WRITE)?;
    match file.target {
        Target::Node(ino) => {
            context.tree.resize(ino, size, context.now)?;
            Ok(())
        }
        Target::Device(device) => Ok(context.devices[device.index()].truncate(size)?),
        Target::Nothing => Err(Errno::Inval.into()),
    }
}

pub(super) fn fd_filestat_set_times(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    atim: u64,
    mtim: u64,
    flags: u32,
) -> Result<(), Stop> {
    match context.fds.get(fd)?.target {
        Target::Node(ino) => Ok(set_times(context, ino, atim, mtim, flags)?),
        Target::Device(_) | Target::Nothing => Ok(()),
    }
}

#[expect(clippy::too_many_arguments, reason = "WASI's own signature")]
pub(super) fn path_filestat_set_times(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
    atim: u64,
    mtim: u64,
    flags: u32,
) -> Result<(), Stop> {
    let ino = existing(guest, context, fd, lookup, path, len)?;
    Ok(set_times(context, ino, atim, mtim, flags)?)
}

fn set_times(
    context: &mut Context,
    ino: Ino,
    atim: u64,
    mtim: u64,
    flags: u32,
) -> Result<(), Errno> {
    let now = context.now;
    let choose = |time: u64, given: u32, current: u32| match (flags & given, flags & current) {
        (0, 0) => Ok(None),
        (_, 0) => Ok(Some(time)),
        (0, _) => Ok(Some(now)),
        _ => Err(Errno::Inval),
    };
    let atim = choose(atim, ATIM, ATIM_NOW)?;
    let mtim = choose(mtim, MTIM, MTIM_NOW)?;
    context.tree.set_times(ino, atim, mtim, now);
    Ok(())
}
