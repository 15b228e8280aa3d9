//! State that the host calls of one session share.
//!
//! Leaves out the guest's memory, which each call gets anew.

use super::errno::Errno;
use super::fds::{
    Fds, File, PREOPENS, RIGHT_READ, RIGHT_WRITE, RIGHTS_ALL, RIGHTS_DIRECTORY, RIGHTS_FILE, Target,
};
use super::sleep::Sleep;
use super::transfer::Transfer;
use super::tree::{Ino, ROOT, Tree};
use crate::device::{DeviceIndex, DeviceKind, DeviceSpec, SIZE_UNKNOWN};
use crate::image::Image;
use crate::limits::{SessionLimits, fuel_for_bytes};
use crate::outcome::{Accounting, DeviceAccount};
use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;
use wasmi::{Memory, ResourceLimiter};

const CLOCK_REALTIME: u32 = 0;
const CLOCK_MONOTONIC: u32 = 1;
const CLOCK_PROCESS: u32 = 2;
pub(super) const CLOCK_THREAD: u32 = 3;

/// Host state of one session: its limits, fuel, clock, files and devices.
pub(crate) struct Context {
    memory: Option<Memory>,
    pub(crate) growth: GrowthLimiter,
    pub(crate) interrupt: Option<Interrupt>,
    pub(crate) limits: SessionLimits,
    /// Fuel of the budget outside the interpreter's tank.
    pub(crate) reserve: u64,
    charge: u64,
    pub(crate) now: u64,
    pub(crate) started: Option<u64>,
    pub(crate) clock_reads: u64,
    pub(crate) random: ChaCha20Rng,
    pub(crate) random_bytes: u64,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<String>,
    pub(super) fds: Fds,
    pub(super) tree: Tree,
    pub(super) devices: Vec<Device>,
}

/// Reason for which the guest is suspended.
pub(crate) enum Interrupt {
    Exit(u32),
    OutOfFuel,
    Transfer(Transfer),
    Sleep(Sleep),
}

/// Device with its positions and account.
pub(super) struct Device {
    pub(super) spec: DeviceSpec,
    /// Position of a sequential device.
    pub(super) position: u64,
    /// End of the written bytes.
    pub(super) end: u64,
    pub(super) account: DeviceAccount,
    /// Read-ahead: bytes that the driver gave beyond a request, and their offset.
    read_ahead: Option<(u64, Bytes)>,
}

impl Device {
    /// Index of `offset` in the read-ahead, if all `len` bytes are in it.
    pub(super) fn read_ahead_from(&self, offset: u64, len: usize) -> Option<usize> {
        let (start, bytes) = self.read_ahead.as_ref()?;
        let skip = usize::try_from(offset.checked_sub(*start)?).ok()?;
        (skip.checked_add(len)? <= bytes.len()).then_some(skip)
    }

    /// All bytes of the read-ahead.
    pub(super) fn read_ahead_bytes(&self) -> &[u8] {
        self.read_ahead.as_ref().map_or(&[], |(_, bytes)| bytes)
    }

    /// Truncates it. What was written has gone to the driver: only an empty device can be emptied.
    pub(super) fn truncate(&self, size: u64) -> Result<(), Errno> {
        match self.spec.kind {
            DeviceKind::SequentialWrite if size == 0 => Ok(()),
            DeviceKind::RandomWrite if size == self.end => Ok(()),
            DeviceKind::SequentialWrite | DeviceKind::RandomWrite => Err(Errno::Notsup),
            DeviceKind::SequentialRead | DeviceKind::RandomRead => Err(Errno::Inval),
        }
    }

    /// Size for `stat` and for seeking from the end.
    pub(super) fn size(&self) -> u64 {
        match self.spec.size {
            _ if self.spec.kind.is_writable() => self.end,
            SIZE_UNKNOWN => 0,
            size => size,
        }
    }
}

/// Parts of a session's context.
pub(crate) struct Setup<'a> {
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) devices: Vec<DeviceSpec>,
    pub(crate) images: &'a [Arc<Image>],
    pub(crate) limits: SessionLimits,
    pub(crate) entropy: [u8; 32],
}

impl Context {
    pub(crate) fn new(setup: Setup<'_>) -> Self {
        let Setup { args, env, devices, images, limits, entropy } = setup;
        let mut tree = Tree::new(images, limits.tree_bytes_max);
        let mut fds = Fds::new(limits.open_files_max.max(8));
        for (name, usual) in [
            ("stdin", DeviceKind::SequentialRead),
            ("stdout", DeviceKind::SequentialWrite),
            ("stderr", DeviceKind::SequentialWrite),
        ] {
            let device = devices.iter().position(|device| device.name == name);
            let target = device.map_or(Target::Nothing, |index| Target::Device(DeviceIndex(index)));
            let kind = device.map_or(usual, |index| devices[index].kind);
            preopen(&mut fds, File::new(target, RIGHTS_FILE & !right_lacked(kind), 0, 0));
        }
        for path in PREOPENS {
            let directory = if path == "/" { ROOT } else { tree.dev() };
            tree.opened(directory);
            let file = File::new(Target::Node(directory), RIGHTS_DIRECTORY, RIGHTS_ALL, 0);
            preopen(&mut fds, File { preopen: Some(path), ..file });
        }
        for (index, device) in devices.iter().enumerate() {
            tree.add_device(&device.name, DeviceIndex(index));
        }
        let devices = devices.into_iter().map(|spec| {
            let account = DeviceAccount { name: spec.name.clone(), ..DeviceAccount::default() };
            Device { spec, position: 0, end: 0, account, read_ahead: None }
        });
        Self {
            memory: None,
            growth: GrowthLimiter::new(&limits),
            interrupt: None,
            reserve: limits.fuel_max,
            limits,
            charge: 0,
            now: 0,
            started: None,
            clock_reads: 0,
            random: ChaCha20Rng::from_seed(entropy),
            random_bytes: 0,
            args,
            env: env.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
            fds,
            tree,
            devices: devices.collect(),
        }
    }

    pub(crate) fn memory(&self) -> Option<Memory> {
        self.memory
    }

    pub(crate) fn set_memory(&mut self, memory: Memory) {
        self.memory = Some(memory);
    }

    /// Charges the current call for moving `bytes`.
    pub(super) fn charge_bytes(&mut self, bytes: usize) {
        self.charge = self.charge.saturating_add(fuel_for_bytes(bytes as u64));
    }

    pub(super) fn take_charge(&mut self) -> u64 {
        std::mem::take(&mut self.charge)
    }

    /// Spends fuel outside the tank; false, with nothing left, if there is too little.
    pub(crate) fn spend_reserve(&mut self, fuel: u64) -> bool {
        let left = self.reserve.checked_sub(fuel);
        self.reserve = left.unwrap_or(0);
        left.is_some()
    }

    /// Keeps bytes from `offset` on for the guest's next reads.
    pub(crate) fn keep_read_ahead(&mut self, device: DeviceIndex, offset: u64, bytes: Bytes) {
        self.devices[device.index()].read_ahead = Some((offset, bytes));
    }

    pub(crate) fn device_name(&self, device: DeviceIndex) -> &str {
        &self.devices[device.index()].spec.name
    }

    pub(crate) fn has_known_size(&self, device: DeviceIndex) -> bool {
        self.devices[device.index()].spec.size != SIZE_UNKNOWN
    }

    /// Reads a clock in nanoseconds. Clocks stand still while a slice runs; those of the process
    /// and the thread count from the session's first step.
    pub(super) fn read_clock(&self, clock: u32) -> Result<u64, Errno> {
        match clock {
            CLOCK_REALTIME | CLOCK_MONOTONIC => Ok(self.now),
            CLOCK_PROCESS | CLOCK_THREAD => Ok(self.now - self.started.unwrap_or(self.now)),
            _ => Err(Errno::Inval),
        }
    }

    /// Directory of a descriptor, at which a path begins.
    pub(super) fn directory(&self, fd: u32) -> Result<Ino, Errno> {
        match self.fds.get(fd)?.target {
            Target::Node(ino) if self.tree.is_directory(ino) => Ok(ino),
            _ => Err(Errno::Notdir),
        }
    }

    pub(crate) fn accounting(&self) -> Accounting {
        Accounting {
            devices: self.devices.iter().map(|device| device.account.clone()).collect(),
            clock_reads: self.clock_reads,
            random_bytes: self.random_bytes,
        }
    }
}

fn preopen(fds: &mut Fds, file: File) {
    fds.insert(file).expect("the table has room for the standard files");
}

/// Right of the direction that a device does not have.
pub(super) fn right_lacked(kind: DeviceKind) -> u64 {
    if kind.is_readable() { RIGHT_WRITE } else { RIGHT_READ }
}

/// Limiter of the growth of the guest's memory and tables.
pub(crate) struct GrowthLimiter {
    memory_bytes_max: usize,
    table_elements_max: usize,
    /// True if the last growth of memory was refused.
    pub(crate) memory_refused: bool,
    /// True if a table was refused.
    pub(crate) table_refused: bool,
}

impl GrowthLimiter {
    fn new(limits: &SessionLimits) -> Self {
        Self {
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
            memory_refused: false,
            table_refused: false,
        }
    }
}

impl ResourceLimiter for GrowthLimiter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, wasmi_core::LimiterError> {
        self.memory_refused =
            desired > self.memory_bytes_max || maximum.is_some_and(|maximum| desired > maximum);
        Ok(!self.memory_refused)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, wasmi_core::LimiterError> {
        self.table_refused =
            desired > self.table_elements_max || maximum.is_some_and(|maximum| desired > maximum);
        Ok(!self.table_refused)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        1
    }
}
