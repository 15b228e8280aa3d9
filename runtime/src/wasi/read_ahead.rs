//! Fast path of the most frequent read: into one buffer, at an open file's position, of a device
//! whose read-ahead has the bytes.
//!
//! It does the same as [`transfer`](super::transfer) at the same price in fuel, on few cache lines,
//! and copies last: a copy of some ten kilobytes evicts from the core's nearest cache whatever the
//! call would look at afterwards. Leaves every other read, and every error, to the general path.

use std::hint::black_box;

use super::context::Context;
use super::fds::{RIGHT_READ, Target};
use crate::device::{DeviceIndex, DeviceKind};
use crate::limits::{HOST_CALL_FUEL, TRANSFER_BYTES_MAX, fuel_for_bytes};

/// Bytes behind a read that are fetched into the caches.
const AHEAD_BYTES: usize = 1_024;
const CACHE_LINE_BYTES: usize = 64;

/// Read that only a lack of fuel can stop. All its addresses were checked.
pub(super) struct ReadAheadHit {
    device: DeviceIndex,
    position: u64,
    skip: usize,
    len: usize,
    to: usize,
    result_at: usize,
}

impl ReadAheadHit {
    /// Fast read for a call, if it can be one.
    #[inline]
    pub(super) fn find(
        memory: &[u8],
        context: &Context,
        fd: u32,
        segment_at: u32,
        result_at: u32,
    ) -> Option<Self> {
        let segment = memory.get(segment_at as usize..)?.first_chunk::<8>()?;
        let [to, wanted] = [&segment[..4], &segment[4..]]
            .map(|part| u32::from_le_bytes([part[0], part[1], part[2], part[3]]) as usize);
        let is_within = |at: usize, len: usize| at + len <= memory.len();
        let result_at = result_at as usize;
        let file = context.fds.get(fd).ok()?;
        let Target::Device(id) = file.target else { return None };
        let device = &context.devices[id.index()];
        let position = match device.spec.kind {
            DeviceKind::SequentialRead => device.position,
            DeviceKind::RandomRead => file.position,
            DeviceKind::SequentialWrite | DeviceKind::RandomWrite => return None,
        };
        let len = wanted.min(usize::try_from(device.spec.size.saturating_sub(position)).ok()?);
        let skip = device.read_ahead_from(position, len)?;
        let account = &device.account;
        let is_plain = is_within(to, wanted)
            && is_within(result_at, 4)
            && file.rights & RIGHT_READ != 0
            && (1..=TRANSFER_BYTES_MAX).contains(&len)
            && account.read_bytes.saturating_add(len as u64) <= context.limits.channel_bytes_max
            && account.reads < context.limits.channel_operations_max;
        is_plain.then_some(Self { device: id, position, skip, len, to, result_at })
    }

    /// Fuel of the read, the call included.
    pub(super) fn fuel(&self) -> u64 {
        HOST_CALL_FUEL + fuel_for_bytes(self.len as u64)
    }

    /// Adds it to the device's account before it is paid for, as the general path does: a session
    /// that cannot pay ends with it in its account.
    #[inline]
    pub(super) fn account(&self, context: &mut Context, fd: u32) {
        let len = self.len as u64;
        let device = &mut context.devices[self.device.index()];
        device.account.reads += 1;
        device.account.read_bytes += len;
        if !device.spec.kind.is_random() {
            device.position = self.position + len;
        } else if let Ok(file) = context.fds.get_mut(fd) {
            file.position = self.position + len;
        }
    }

    #[inline]
    pub(super) fn copy(&self, memory: &mut [u8], context: &Context) {
        let bytes = context.devices[self.device.index()].read_ahead_bytes();
        memory[self.to..self.to + self.len]
            .copy_from_slice(&bytes[self.skip..self.skip + self.len]);
        memory[self.result_at..self.result_at + 4]
            .copy_from_slice(&(self.len as u32).to_le_bytes());
        // The next read goes on there, most likely. Asked for now, its beginning comes from memory
        // while the guest computes.
        let next = self.skip + self.len;
        for line in (next..next + AHEAD_BYTES).step_by(CACHE_LINE_BYTES) {
            black_box(bytes.get(line).copied());
        }
    }
}
