//! Reads and writes of files and devices; those of devices wait for the driver, in one part or
//! several.
//!
//! Leaves out the fast path of reads, which [`read_ahead`](super::read_ahead) is.

use super::Stop;
use super::context::{Context, Interrupt};
use super::errno::Errno;
use super::fds::{FLAG_APPEND, RIGHT_READ, RIGHT_WRITE, Target};
use super::guest::{Guest, Segments, total_len};
use super::transfer::{Direction, Transfer};
use crate::device::{DeviceIndex, DeviceKind};
use crate::limits::{TRANSFER_BYTES_MAX, fuel_for_bytes};

/// File and buffers that a call names.
pub(super) struct Request {
    pub(super) fd: u32,
    pub(super) segments: u32,
    pub(super) count: u32,
    /// Offset; `None` for the file's own position.
    pub(super) at: Option<u64>,
    pub(super) result_at: u32,
}

pub(super) fn read(
    guest: &mut Guest<'_>,
    context: &mut Context,
    request: &Request,
) -> Result<(), Stop> {
    let segments = guest.segments(request.segments, request.count)?;
    guest.bytes(request.result_at, 4)?;
    let file = context.fds.get(request.fd)?;
    if let Target::Node(ino) = file.target {
        context.tree.content(ino)?;
    }
    file.demand(RIGHT_READ)?;
    match file.target {
        Target::Nothing => Ok(guest.put_u32(request.result_at, 0)?),
        Target::Node(ino) => {
            let at = request.at.unwrap_or(file.position);
            let content = context.tree.content(ino)?;
            let rest = content.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or(&[]);
            let len = rest.len().min(total_len(&segments));
            guest.scatter(&segments, 0, &rest[..len]);
            finish_file(guest, context, request, len)
        }
        Target::Device(device) => read_device(guest, context, request, segments, device),
    }
}

pub(super) fn write(
    guest: &mut Guest<'_>,
    context: &mut Context,
    request: &Request,
) -> Result<(), Stop> {
    let segments = guest.segments(request.segments, request.count)?;
    guest.bytes(request.result_at, 4)?;
    let file = context.fds.get_mut(request.fd)?;
    file.demand(RIGHT_WRITE)?;
    let len = total_len(&segments);
    match file.target {
        Target::Nothing => {
            context.charge_bytes(len);
            Ok(guest.put_u32(request.result_at, len as u32)?)
        }
        Target::Node(_) if len == 0 => Ok(guest.put_u32(request.result_at, 0)?),
        Target::Node(ino) => {
            if request.at.is_none() && file.flags & FLAG_APPEND != 0 {
                file.position = context.tree.content(ino)?.len() as u64;
            }
            let at = request.at.unwrap_or(file.position);
            let mut place = context.tree.writable(ino, at, len, context.now)?;
            for segment in segments.iter() {
                let (now, later) = place.split_at_mut(segment.len);
                now.copy_from_slice(&guest.0[segment.at..segment.at + segment.len]);
                place = later;
            }
            finish_file(guest, context, request, len)
        }
        Target::Device(device) => write_device(guest, context, request, segments, device),
    }
}

fn finish_file(
    guest: &mut Guest<'_>,
    context: &mut Context,
    request: &Request,
    len: usize,
) -> Result<(), Stop> {
    context.charge_bytes(len);
    if request.at.is_none() {
        context.fds.get_mut(request.fd)?.position += len as u64;
    }
    Ok(guest.put_u32(request.result_at, len as u32)?)
}

fn read_device(
    guest: &mut Guest<'_>,
    context: &mut Context,
    request: &Request,
    segments: Segments,
    id: DeviceIndex,
) -> Result<(), Stop> {
    let position = context.fds.get(request.fd)?.position;
    let device = &context.devices[id.index()];
    let offset = match (device.spec.kind, request.at) {
        (DeviceKind::SequentialRead, None) => device.position,
        (DeviceKind::SequentialRead, Some(_)) => return Err(Errno::Spipe.into()),
        (DeviceKind::RandomRead, at) => at.unwrap_or(position),
        (DeviceKind::SequentialWrite | DeviceKind::RandomWrite, _) => {
            return Err(Errno::Badf.into());
        }
    };
    let rest = device.spec.size.saturating_sub(offset);
    let wanted = (total_len(&segments) as u64).min(rest);
    if wanted == 0 {
        return Ok(guest.put_u32(request.result_at, 0)?);
    }
    let room = context.limits.channel_bytes_max.saturating_sub(device.account.read_bytes);
    if room == 0 || device.account.reads >= context.limits.channel_operations_max {
        return Err(Errno::Dquot.into());
    }
    let total = wanted.min(room) as usize;
    let mut transfer = Transfer {
        device: id,
        direction: Direction::Read,
        offset,
        total,
        done: 0,
        segments,
        fd: request.at.is_none().then_some(request.fd),
        result_at: request.result_at,
    };
    match device.read_ahead_from(offset, total) {
        Some(skip) if total <= TRANSFER_BYTES_MAX => {
            guest.scatter(&transfer.segments, 0, &device.read_ahead_bytes()[skip..skip + total]);
            transfer.done = total;
            context.complete(guest, &transfer);
            context.charge_bytes(total);
            Ok(())
        }
        _ => Err(Stop::Interrupt(Interrupt::Transfer(transfer))),
    }
}

fn write_device(
    guest: &mut Guest<'_>,
    context: &mut Context,
    request: &Request,
    segments: Segments,
    id: DeviceIndex,
) -> Result<(), Stop> {
    let file = context.fds.get(request.fd)?;
    let device = &context.devices[id.index()];
    let offset = match (device.spec.kind, request.at) {
        (DeviceKind::SequentialWrite, None) => device.position,
        (DeviceKind::SequentialWrite, Some(_)) => return Err(Errno::Spipe.into()),
        (DeviceKind::RandomWrite, None) if file.flags & FLAG_APPEND != 0 => device.end,
        (DeviceKind::RandomWrite, at) => at.unwrap_or(file.position),
        (DeviceKind::SequentialRead | DeviceKind::RandomRead, _) => return Err(Errno::Badf.into()),
    };
    let wanted = total_len(&segments) as u64;
    if wanted == 0 {
        return Ok(guest.put_u32(request.result_at, 0)?);
    }
    let bytes_max = context.limits.channel_bytes_max;
    let room = bytes_max
        .saturating_sub(device.account.written_bytes)
        .min(bytes_max.saturating_sub(offset));
    if room == 0 || device.account.writes >= context.limits.channel_operations_max {
        return Err(Errno::Dquot.into());
    }
    Err(Stop::Interrupt(Interrupt::Transfer(Transfer {
        device: id,
        direction: Direction::Write,
        offset,
        total: wanted.min(room) as usize,
        done: 0,
        segments,
        fd: request.at.is_none().then_some(request.fd),
        result_at: request.result_at,
    })))
}

impl Context {
    /// Accounts for a finished transfer, writes its length to the guest, and returns its fuel.
    pub(crate) fn complete(&mut self, guest: &mut Guest<'_>, transfer: &Transfer) -> u64 {
        let done = transfer.done as u64;
        let device = &mut self.devices[transfer.device.index()];
        match transfer.direction {
            Direction::Read => {
                device.account.reads += 1;
                device.account.read_bytes += done;
            }
            Direction::Write => {
                device.account.writes += 1;
                device.account.written_bytes += done;
                device.end = device.end.max(transfer.offset + done);
            }
        }
        if device.spec.kind.is_random() {
            if let Some(Ok(file)) = transfer.fd.map(|fd| self.fds.get_mut(fd)) {
                file.position = transfer.offset + done;
            }
        } else {
            device.position += done;
        }
        guest
            .put_u32(transfer.result_at, transfer.done as u32)
            .expect("the place of the result was checked when the call began");
        fuel_for_bytes(done)
    }
}
