//! Calls on open files: reading, writing, seeking, closing.
//!
//! Leaves out the transfers themselves, which [`transfer`](super::transfer) makes.

use super::Stop;
use super::context::Context;
use super::errno::Errno;
use super::fds::{RIGHT_SEEK, RIGHT_TELL, RIGHT_WRITE, Target};
use super::guest::Guest;
use super::read_write::{self, Request};
use super::tree::Kind;

const WHENCE_SET: u32 = 0;
const WHENCE_CURRENT: u32 = 1;
const WHENCE_END: u32 = 2;

pub(super) fn fd_read(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    segments: u32,
    count: u32,
    result_at: u32,
) -> Result<(), Stop> {
    read_write::read(guest, context, &Request { fd, segments, count, at: None, result_at })
}

pub(super) fn fd_pread(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    segments: u32,
    count: u32,
    at: u64,
    result_at: u32,
) -> Result<(), Stop> {
    read_write::read(guest, context, &Request { fd, segments, count, at: Some(at), result_at })
}

pub(super) fn fd_write(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    segments: u32,
    count: u32,
    result_at: u32,
) -> Result<(), Stop> {
    read_write::write(guest, context, &Request { fd, segments, count, at: None, result_at })
}

pub(super) fn fd_pwrite(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    segments: u32,
    count: u32,
    at: u64,
    result_at: u32,
) -> Result<(), Stop> {
    read_write::write(guest, context, &Request { fd, segments, count, at: Some(at), result_at })
}

pub(super) fn fd_seek(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    offset: i64,
    whence: u32,
    out: u32,
) -> Result<(), Stop> {
    let file = context.fds.get(fd)?;
    let size = match file.target {
        Target::Nothing => return Err(Errno::Spipe.into()),
        Target::Device(id) => {
            let device = &context.devices[id.index()];
            if !device.spec.kind.is_random() {
                return Err(Errno::Spipe.into());
            }
            device.size()
        }
        Target::Node(ino) => context.tree.content(ino)?.len() as u64,
    };
    let is_tell = offset == 0 && whence == WHENCE_CURRENT;
    file.demand(if is_tell { RIGHT_TELL } else { RIGHT_SEEK })?;
    let base = match whence {
        WHENCE_SET => 0,
        WHENCE_CURRENT => file.position,
        WHENCE_END => size,
        _ => return Err(Errno::Inval.into()),
    };
    let position = base.checked_add_signed(offset).filter(|at| i64::try_from(*at).is_ok());
    let position = position.ok_or(Errno::Inval)?;
    guest.put_u64(out, position)?;
    context.fds.get_mut(fd)?.position = position;
    Ok(())
}

pub(super) fn fd_tell(
    guest: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    out: u32,
) -> Result<(), Stop> {
    fd_seek(guest, context, fd, 0, WHENCE_CURRENT, out)
}

pub(super) fn fd_close(_: &mut Guest<'_>, context: &mut Context, fd: u32) -> Result<(), Stop> {
    let file = context.fds.remove(fd)?;
    if let Target::Node(ino) = file.target {
        context.tree.closed(ino);
    }
    Ok(())
}

pub(super) fn fd_renumber(
    _: &mut Guest<'_>,
    context: &mut Context,
    from: u32,
    to: u32,
) -> Result<(), Stop> {
    if let Some(Target::Node(ino)) = context.fds.renumber(from, to)?.map(|file| file.target) {
        context.tree.closed(ino);
    }
    Ok(())
}

pub(super) fn fd_sync(_: &mut Guest<'_>, context: &mut Context, fd: u32) -> Result<(), Stop> {
    context.fds.get(fd)?;
    Ok(())
}

pub(super) fn fd_advise(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    _at: u64,
    _len: u64,
    advice: u32,
) -> Result<(), Stop> {
    const ADVICE_LAST: u32 = 5;
    context.fds.get(fd)?;
    if advice > ADVICE_LAST { Err(Errno::Inval.into()) } else { Ok(()) }
}

pub(super) fn fd_allocate(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    at: u64,
    len: u64,
) -> Result<(), Stop> {
    let file = context.fds.get(fd)?;
    file.demand(RIGHT_WRITE)?;
    let end = at.checked_add(len).ok_or(Errno::Fbig)?;
    match file.target {
        Target::Node(ino) if matches!(context.tree.node(ino).kind, Kind::File(_)) => {
            let size = context.tree.content(ino)?.len() as u64;
            if end > size {
                context.tree.resize(ino, end, context.now)?;
            }
            Ok(())
        }
        _ => Err(Errno::Notsup.into()),
    }
}
