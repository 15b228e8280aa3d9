//! How a session ended and what it used. A storage node sends this to the proxy as JSON.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a session ended, and its bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why it ended.
    pub end: EndReason,
    /// Fuel that it used. When it ran out, that is the whole budget.
    pub fuel: u64,
    /// What it read and wrote.
    pub accounting: Accounting,
}

/// Why a session ended. Each is final: the guest did this, and would do it again.
/// [`DeviceFailed`](EndReason::DeviceFailed) is the exception, which is the driver's doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum EndReason {
    /// The guest returned (0) or called `proc_exit`.
    Exited {
        /// Its exit code.
        code: u32,
    },
    /// The guest trapped.
    Trapped {
        /// The trap, in wasmi's words.
        reason: String,
    },
    /// The fuel budget was used up.
    OutOfFuel,
    /// The guest asked for more memory than it may have, and gave up.
    OutOfMemory,
    /// Another bound was reached before the guest could start.
    LimitReached {
        /// Which one.
        what: LimitKind,
    },
    /// The module could not be started, such as one whose data lies outside its memory.
    NotStarted {
        /// Why.
        reason: String,
    },
    /// The driver could not serve a device.
    DeviceFailed {
        /// The device's name.
        device: String,
        /// Why.
        reason: String,
    },
}

/// A bound other than fuel and memory that ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// [`SessionLimits::table_elements_max`](crate::limits::SessionLimits::table_elements_max).
    TableElements,
}

impl EndReason {
    /// Whether the guest ended by itself, with whatever code. Only then are its outputs stored.
    pub fn is_exit(&self) -> bool {
        matches!(self, Self::Exited { .. })
    }

    /// The guest's exit code, if it ended by itself.
    pub fn exit_code(&self) -> Option<u32> {
        match self {
            Self::Exited { code } => Some(*code),
            _ => None,
        }
    }
}

impl fmt::Display for EndReason {
    /// `ok` for every exit, else a short reason without commas, as `X-Nexe-Status` wants it.
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

/// What a session moved through its devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// One account per device, in the order of the session's devices.
    pub devices: Vec<DeviceAccount>,
    /// How often the guest asked for the time. Zero means that time cannot have changed its answer.
    pub clock_reads: u64,
    /// How many random bytes the guest took. Zero means that the seed cannot have changed it.
    pub random_bytes: u64,
}

impl Accounting {
    /// The sums over all devices, under an empty name.
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

/// What a session moved through one device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAccount {
    /// The device's name.
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
