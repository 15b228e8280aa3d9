//! Calls for preopened directories and for the entries of directories.
//!
//! Leaves out opening and changing directories, which [`paths`](super::paths) does.

use super::Stop;
use super::context::Context;
use super::errno::Errno;
use super::fds::{Listing, RIGHT_READDIR, Target};
use super::guest::Guest;
use super::stat::{TYPE_UNKNOWN, file_type, inode_number};
use std::sync::Arc;

const DIRENT_BYTES: usize = 24;

fn preopen_name(context: &Context, fd: u32) -> Result<&'static str, Errno> {
    context.fds.get(fd)?.preopen.ok_or(Errno::Badf)
}

pub(super) fn fd_prestat_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    out: u32,
) -> Result<(), Stop> {
    let name = preopen_name(context, fd)?;
    guest.put_u32(out, 0)?;
    Ok(guest.put_u32(out.checked_add(4).ok_or(Errno::Fault)?, name.len() as u32)?)
}

pub(super) fn fd_prestat_dir_name(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    out: u32,
    len: u32,
) -> Result<(), Stop> {
    let name = preopen_name(context, fd)?;
    if (len as usize) < name.len() {
        return Err(Errno::Nametoolong.into());
    }
    Ok(guest.put(out, name.as_bytes())?)
}

/// Fills the buffer with entries from `cookie` on; a last one that is cut off makes the guest call
/// again. The listing is a snapshot of the begin, so that removing files on the way hides none.
pub(super) fn fd_readdir(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    buffer: u32,
    len: u32,
    cookie: u64,
    out: u32,
) -> Result<(), Stop> {
    let file = context.fds.get(fd)?;
    file.demand(RIGHT_READDIR)?;
    let Target::Node(ino) = file.target else { return Err(Errno::Notdir.into()) };
    let listing = match &file.listing {
        Some(listing) if cookie != 0 => listing.clone(),
        _ => {
            let mut list = vec![(".".to_owned(), ino), ("..".to_owned(), ino)];
            list.extend(context.tree.list(ino)?);
            let listing = Arc::new(Listing::new(list));
            context.fds.keep_listing(fd, listing.clone())?;
            listing
        }
    };
    let mut bytes = Vec::new();
    let from = usize::try_from(cookie).unwrap_or(usize::MAX);
    for (index, (name, ino)) in listing.names.iter().enumerate().skip(from) {
        let target = Target::Node(*ino);
        let (kind, number) = match context.tree.get(*ino) {
            Some(_) => (file_type(context, target), inode_number(context, target)),
            None => (TYPE_UNKNOWN, 0),
        };
        let mut dirent = [0; DIRENT_BYTES];
        dirent[..8].copy_from_slice(&(index as u64 + 1).to_le_bytes());
        dirent[8..16].copy_from_slice(&number.to_le_bytes());
        dirent[16..20].copy_from_slice(&(name.len() as u32).to_le_bytes());
        dirent[20] = kind;
        bytes.extend_from_slice(&dirent);
        bytes.extend_from_slice(name.as_bytes());
        if bytes.len() >= len as usize {
            bytes.truncate(len as usize);
            break;
        }
    }
    context.charge_bytes(bytes.len());
    guest.put(buffer, &bytes)?;
    Ok(guest.put_u32(out, bytes.len() as u32)?)
}
