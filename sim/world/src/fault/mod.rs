//! Faults: what goes wrong, when, for how long, how often, and what it did.
//!
//! Leaves out bits that flip and clocks that drift, which are kinds of a later version.

mod kind;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

pub use self::kind::FaultKind;
use stayput_host::Time;
use stayput_host::topology::HostKey;

/// A scheduled fault, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(pub usize);

/// Something that goes wrong at a time and is mended after another, once or several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub at: Time,
    /// How long it lasts.
    pub lasts: Duration,
    /// How it comes again; once only if `None`.
    pub repeat: Option<Repeat>,
    /// What it is.
    pub kind: FaultKind,
}

/// How a fault comes again. What it did is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// From one beginning to the next; no less than the fault lasts.
    pub every: Duration,
    /// How often in all, the first time included.
    pub times: u32,
}

impl Fault {
    /// One that comes once.
    #[must_use]
    pub const fn once(at: Time, lasts: Duration, kind: FaultKind) -> Self {
        Self { at, lasts, repeat: None, kind }
    }

    /// When it begins for the time numbered `nth`, from zero; `None` if it does not come so often.
    #[must_use]
    pub fn begins(&self, nth: u32) -> Option<Time> {
        match self.repeat {
            Some(Repeat { every, times }) if nth < times => {
                Some(self.at + every.saturating_mul(nth))
            }
            None if nth == 0 => Some(self.at),
            _ => None,
        }
    }
}

/// What a fault did, by kind of effect. A fault without any did not bite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects(BTreeMap<&'static str, u64>);

impl Effects {
    /// Adds to an effect.
    pub fn add(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// These and those of `other`.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        for (what, count) in &other.0 {
            self.add(what, *count);
        }
        self
    }

    /// The effects and how often or how much.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.0
    }

    /// Whether it touched traffic, a disk or a process.
    #[must_use]
    pub fn bit(&self) -> bool {
        !self.0.is_empty()
    }
}

/// What the faults of a world did to its disks. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct EffectLog(Rc<RefCell<BTreeMap<FaultId, Effects>>>);

impl EffectLog {
    /// Adds to what a fault has done.
    pub fn add(&self, fault: FaultId, what: &'static str, count: u64) {
        self.0.borrow_mut().entry(fault).or_default().add(what, count);
    }

    /// What a fault has done so far.
    #[must_use]
    pub fn of(&self, fault: FaultId) -> Effects {
        self.0.borrow().get(&fault).cloned().unwrap_or_default()
    }
}

/// Why a fault cannot be scheduled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no such host.
    #[error("the fault names host {}, the world has {hosts}", .host.0)]
    NoSuchHost {
        /// The host it names.
        host: HostKey,
        /// How many there are.
        hosts: usize,
    },
    /// The host has no such disk, or none at all.
    #[error("the fault names {}, {host} has {has} disks", .disk.as_deref().map_or("any disk".to_owned(), |disk| format!("disk {disk}")))]
    NoSuchDisk {
        /// The host's name.
        host: String,
        /// The disk it names; any if `None`.
        disk: Option<String>,
        /// How many disks the host has.
        has: usize,
    },
    /// It would begin again before it has ended.
    #[error("the fault lasts {lasts:?} and comes every {every:?}: it would overlap itself")]
    OverlapsItself {
        /// How long it lasts.
        lasts: Duration,
        /// From one beginning to the next.
        every: Duration,
    },
    /// The backend has no faults of this kind.
    #[error("the {backend} backend has no faults of the kind {kind}: use the fabric")]
    Unsupported {
        /// The backend.
        backend: &'static str,
        /// The kind.
        kind: &'static str,
    },
}
