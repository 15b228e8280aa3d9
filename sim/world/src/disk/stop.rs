//! A disk that stops in the middle of its work: nothing more comes to its end until it is mended, or its host is gone.
//!
//! With a crash or a loss of power meanwhile, its host crashes exactly at one change: before it, or after it and before anybody heard
//! that it was made. Leaves out what the host loses then, which is the crash's.

use std::rc::Rc;

use tokio::sync::Notify;

use super::trouble::{StopPoint, Trouble};
use crate::fault::{EffectLog, FaultId};

/// What a disk that is to stop counts.
pub(super) struct Stop {
    fault: FaultId,
    point: StopPoint,
    log: EffectLog,
    /// Changes that were made.
    made: u64,
    stopped: bool,
    mended: Rc<Notify>,
}

/// How far an access gets.
pub(super) enum Pass {
    /// To its end.
    Through,
    /// Nowhere, until the disk is mended.
    Held(Rc<Notify>),
    /// It is done, but nobody hears of it until the disk is mended.
    Untold(Rc<Notify>),
}

impl Stop {
    pub(super) fn of(fault: FaultId, trouble: Trouble, log: &EffectLog) -> Option<Self> {
        let Trouble::Stop(point) = trouble else { return None };
        let (log, mended) = (log.clone(), Rc::new(Notify::new()));
        Some(Self { fault, point, log, made: 0, stopped: false, mended })
    }

    /// Lets an access through, or not.
    pub(super) fn pass(&mut self, is_change: bool) -> Pass {
        let mended = Rc::clone(&self.mended);
        if self.stopped {
            return Pass::Held(mended);
        }
        let (left, untold) = match self.point {
            StopPoint::Before(changes) => (changes, false),
            StopPoint::After(changes) => (changes, true),
        };
        if !is_change {
            return Pass::Through;
        }
        if self.made < left {
            self.made += 1;
            return Pass::Through;
        }
        self.stopped = true;
        self.log.add(self.fault, "stopped_disks", 1);
        if untold { Pass::Untold(mended) } else { Pass::Held(mended) }
    }

    /// Whether it was mended, which lets everything go on.
    pub(super) fn mend(&self, fault: FaultId) -> bool {
        let mine = self.fault == fault;
        if mine {
            self.mended.notify_waiters();
        }
        mine
    }
}
