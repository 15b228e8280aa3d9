//! Outcome of a session: end reason, fuel and account. A storage node sends it to the proxy as
//! JSON.
//!
//! Leaves out the bytes that it wrote.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Outcome of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// End reason.
    pub end: EndReason,
    /// Fuel that it used; the whole budget when it ran out.
    pub fuel: u64,
    /// Account of its reads and writes.
    pub accounting: Accounting,
}

/// End reason of a session. Each is final: the guest did this, and would do it again.
/// [`DeviceFailed`](EndReason::DeviceFailed) is the exception, which is the driver's doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum EndReason {
    /// The guest returned (0) or called `proc_exit`.
    Exited {
        /// Exit code.
        code: u32,
    },
    /// The guest trapped.
    Trapped {
        /// Trap, in wasmi's words.
        reason: String,
    },
    /// The fuel budget was used up.
    OutOfFuel,
    /// The guest asked for more memory than it may have, and gave up.
    OutOfMemory,
    /// Another bound was reached before the guest could start.
    LimitReached {
        /// Limit.
        what: LimitKind,
    },
    /// The module could not be started, such as one whose data lies outside its memory.
    NotStarted {
        /// Reason.
        reason: String,
    },
    /// The driver could not serve a device.
    DeviceFailed {
        /// Name of the device.
        device: String,
        /// Reason.
        reason: String,
    },
}

/// Limit other than fuel and memory that ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// [`SessionLimits::table_elements_max`](crate::limits::SessionLimits::table_elements_max).
    TableElements,
}

impl EndReason {
    /// True if the guest ended by itself, with any code. Only then are its outputs stored.
    pub fn is_exit(&self) -> bool {
        matches!(self, Self::Exited { .. })
    }

    /// Exit code, if the guest ended by itself.
    pub fn exit_code(&self) -> Option<u32> {
        match self {
            Self::Exited { code } => Some(*code),
            _ => None,
        }
    }
}

impl fmt::Display for EndReason {
    /// Writes `ok` for every exit, else a short reason without commas, for `X-Nexe-Status`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Exited { .. } => "ok".to_owned(),
            Self::Trapped { reason } => format!("trap: {reason}"),
            Self::OutOfFuel => "out of fuel".to_owned(),
            Self::OutOfMemory => "out of memory".to_owned(),
            Self::LimitReached { what: LimitKind::TableElements } => {
                "limit reached: table elements".to_owned()
            }
            Self::NotStarted { reason } => format!("not started: {reason}"),
            Self::DeviceFailed { device, reason } => format!("device {device} failed: {reason}"),
        };
        f.write_str(&text.replace([',', '\n', '\r'], ";"))
    }
}

/// Account of a session's devices, clock and randomness.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// One account per device, in the order of the session's devices.
    pub devices: Vec<DeviceAccount>,
    /// Clock reads of the guest. If zero, time cannot have changed its answer.
    pub clock_reads: u64,
    /// Random bytes that the guest took. If zero, the seed cannot have changed its answer.
    pub random_bytes: u64,
}

impl Accounting {
    /// Sums over all devices, under an empty name.
    pub fn total(&self) -> DeviceAccount {
        let mut total = DeviceAccount::default();
        for account in &self.devices {
            total.reads += account.reads;
            total.read_bytes += account.read_bytes;
            total.writes += account.writes;
            total.written_bytes += account.written_bytes;
        }
        total
    }
}

/// Account of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAccount {
    /// Name of the device.
    pub name: String,
    /// Reads that were served.
    pub reads: u64,
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Writes that were accepted.
    pub writes: u64,
    /// Bytes that were written.
    pub written_bytes: u64,
}
