//! A disk that stops at one of its changes: nothing more comes to its end until the fault ends.
//!
//! With a crash or a loss of power meanwhile, its host crashes exactly at that change: before it,
//! or after it and before it was acknowledged. Leaves out what the host loses then.

use std::rc::Rc;

use tokio::sync::Notify;

use crate::fault::{EffectCounter, FaultId, StopPoint};

/// Stop of a disk, and the changes that count towards it.
pub(super) struct DiskStop {
    effects: EffectCounter,
    point: StopPoint,
    /// Changes made so far.
    made: u64,
    stopped: bool,
    ended: Rc<Notify>,
}

/// Progress of an access.
pub(super) enum Gate {
    /// It goes to its end.
    Open,
    /// It does nothing until the stop ends.
    Held(Rc<Notify>),
    /// It is done, and acknowledged when the stop ends.
    Unacknowledged(Rc<Notify>),
}

impl DiskStop {
    pub(super) fn new(effects: EffectCounter, point: StopPoint) -> Self {
        Self { effects, point, made: 0, stopped: false, ended: Rc::new(Notify::new()) }
    }

    /// Decides on the next access.
    pub(super) fn gate(&mut self, is_change: bool) -> Gate {
        let ended = Rc::clone(&self.ended);
        if self.stopped {
            return Gate::Held(ended);
        }
        let (changes, acknowledges) = match self.point {
            StopPoint::Before(changes) => (changes, true),
            StopPoint::After(changes) => (changes, false),
        };
        if !is_change {
            return Gate::Open;
        }
        if self.made < changes {
            self.made += 1;
            return Gate::Open;
        }
        self.stopped = true;
        self.effects.add("stopped_disks", 1);
        if acknowledges { Gate::Held(ended) } else { Gate::Unacknowledged(ended) }
    }

    /// True if this was the stop of `fault`: everything that it held goes on.
    pub(super) fn ends_with(&self, fault: FaultId) -> bool {
        let ends = self.effects.fault() == fault;
        if ends {
            self.ended.notify_waiters();
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::EffectLog;

    fn stop(point: StopPoint) -> (DiskStop, EffectLog) {
        let log = EffectLog::default();
        (DiskStop::new(log.counter(FaultId(3)), point), log)
    }

    #[test]
    fn changes_pass_up_to_the_point_and_reads_do_not_count() {
        let (mut stop, log) = stop(StopPoint::Before(2));
        for is_change in [true, false, false, true, false] {
            assert!(matches!(stop.gate(is_change), Gate::Open), "{is_change}");
        }
        assert!(!log.of(FaultId(3)).bit());
        assert!(matches!(stop.gate(true), Gate::Held(_)), "the third change");
        assert!(matches!(stop.gate(false), Gate::Held(_)), "and all that comes after it");
        assert_eq!(log.of(FaultId(3)).counts().get("stopped_disks"), Some(&1));
    }

    #[test]
    fn after_a_change_means_made_and_not_acknowledged() {
        let (mut stop, _) = stop(StopPoint::After(0));
        assert!(matches!(stop.gate(true), Gate::Unacknowledged(_)));
        assert!(matches!(stop.gate(true), Gate::Held(_)));
    }

    #[test]
    fn a_stop_ends_with_its_own_fault_only() {
        let (stop, _) = stop(StopPoint::Before(0));
        assert!(!stop.ends_with(FaultId(2)));
        assert!(stop.ends_with(FaultId(3)));
    }
}
