//! Calls for arguments, environment, clocks and randomness, and refusals of sockets.
//!
//! Leaves out signals but `proc_raise`, which ends the session.

use super::Stop;
use super::context::{CLOCK_THREAD, Context, Interrupt};
use super::errno::Errno;
use super::guest::Guest;
use rand_chacha::rand_core::Rng;

const CLOCK_RESOLUTION_NS: u64 = 1_000;

/// Base of the exit code of a process that a signal ended, as shells show it.
const SIGNAL_EXIT_BASE: u32 = 128;

pub(super) fn args_sizes_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    count: u32,
    size: u32,
) -> Result<(), Stop> {
    Ok(put_sizes(guest, &context.args, count, size)?)
}

pub(super) fn args_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    argv: u32,
    buffer: u32,
) -> Result<(), Stop> {
    Ok(put_strings(guest, &context.args, argv, buffer)?)
}

pub(super) fn environ_sizes_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    count: u32,
    size: u32,
) -> Result<(), Stop> {
    Ok(put_sizes(guest, &context.env, count, size)?)
}

pub(super) fn environ_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    environ: u32,
    buffer: u32,
) -> Result<(), Stop> {
    Ok(put_strings(guest, &context.env, environ, buffer)?)
}

fn put_sizes(
    guest: &mut Guest<'_>,
    strings: &[String],
    count: u32,
    size: u32,
) -> Result<(), Errno> {
    guest.put_u32(count, strings.len() as u32)?;
    guest.put_u32(size, strings.iter().map(|string| string.len() as u32 + 1).sum())
}

fn put_strings(
    guest: &mut Guest<'_>,
    strings: &[String],
    mut pointer: u32,
    mut buffer: u32,
) -> Result<(), Errno> {
    for string in strings {
        guest.put_u32(pointer, buffer)?;
        guest.put(buffer, string.as_bytes())?;
        buffer = buffer.checked_add(string.len() as u32).ok_or(Errno::Fault)?;
        guest.put(buffer, &[0])?;
        buffer = buffer.checked_add(1).ok_or(Errno::Fault)?;
        pointer = pointer.checked_add(4).ok_or(Errno::Fault)?;
    }
    Ok(())
}

pub(super) fn clock_res_get(
    guest: &mut Guest<'_>,
    _: &mut Context,
    clock: u32,
    out: u32,
) -> Result<(), Stop> {
    if clock > CLOCK_THREAD {
        return Err(Errno::Inval.into());
    }
    Ok(guest.put_u64(out, CLOCK_RESOLUTION_NS)?)
}

pub(super) fn clock_time_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    clock: u32,
    _precision: u64,
    out: u32,
) -> Result<(), Stop> {
    context.clock_reads += 1;
    Ok(guest.put_u64(out, context.read_clock(clock)?)?)
}

pub(super) fn random_get(
    guest: &mut Guest<'_>,
    context: &mut Context,
    buffer: u32,
    len: u32,
) -> Result<(), Stop> {
    context.random.fill_bytes(guest.bytes_mut(buffer, len)?);
    context.random_bytes += u64::from(len);
    context.charge_bytes(len as usize);
    Ok(())
}

pub(super) fn sched_yield(_: &mut Guest<'_>, _: &mut Context) -> Result<(), Stop> {
    Ok(())
}

pub(super) fn proc_raise(_: &mut Guest<'_>, _: &mut Context, signal: u32) -> Result<(), Stop> {
    Err(Stop::Interrupt(Interrupt::Exit(SIGNAL_EXIT_BASE.saturating_add(signal))))
}

/// Error for a call on a socket: no descriptor is one.
fn no_socket(context: &Context, fd: u32) -> Stop {
    match context.fds.get(fd) {
        Ok(_) => Errno::Notsock.into(),
        Err(errno) => errno.into(),
    }
}

pub(super) fn sock_accept(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    _flags: u32,
    _out: u32,
) -> Result<(), Stop> {
    Err(no_socket(context, fd))
}

#[expect(clippy::too_many_arguments, reason = "WASI's own signature")]
pub(super) fn sock_recv(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    _segments: u32,
    _count: u32,
    _flags: u32,
    _out: u32,
    _out_flags: u32,
) -> Result<(), Stop> {
    Err(no_socket(context, fd))
}

pub(super) fn sock_send(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    _segments: u32,
    _count: u32,
    _flags: u32,
    _out: u32,
) -> Result<(), Stop> {
    Err(no_socket(context, fd))
}

pub(super) fn sock_shutdown(
    _: &mut Guest<'_>,
    context: &mut Context,
    fd: u32,
    _how: u32,
) -> Result<(), Stop> {
    Err(no_socket(context, fd))
}
