//! Registry of the pipes that end on a node, by name: whoever comes first, a session or the writes
//! of its peer, makes the pipe.
//!
//! Leaves out checking names: only proxies and nodes reach a node.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::Time;

use crate::session::pipe::SessionPipe;
use crate::session::result::SESSION_TIME_MAX;

/// Time for which a pipe is kept. A gang is over by then: a late writer finds that nobody reads any
/// more.
const KEPT: Duration = Duration::from_secs(6 * SESSION_TIME_MAX.as_secs());

/// Pipes of a node.
#[derive(Debug, Default)]
pub(super) struct PipeRegistry {
    by_name: RefCell<BTreeMap<String, (Time, Rc<SessionPipe>)>>,
    /// Time at which old pipes were last dropped.
    swept: RefCell<Time>,
}

impl PipeRegistry {
    /// The pipe of that name, with room for so many bytes if it is new.
    pub(super) fn enter(&self, name: &str, room: usize, now: Time) -> Rc<SessionPipe> {
        self.sweep(now);
        let mut by_name = self.by_name.borrow_mut();
        let (_, pipe) = by_name
            .entry(name.to_owned())
            .or_insert_with(|| (now, Rc::new(SessionPipe::new(room))));
        Rc::clone(pipe)
    }

    fn sweep(&self, now: Time) {
        let mut swept = self.swept.borrow_mut();
        if now.since(*swept) >= KEPT {
            self.by_name.borrow_mut().retain(|_, (made, _)| now.since(*made) < KEPT);
            *swept = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_pipes_are_forgotten_and_young_ones_are_not() {
        let pipes = PipeRegistry::default();
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        let first = pipes.enter("a", 9, at(1));
        assert!(Rc::ptr_eq(&first, &pipes.enter("a", 9, at(2))));
        let _later = pipes.enter("b", 9, at(50));
        let _sweeps = pipes.enter("c", 9, at(62));
        assert_eq!(pipes.by_name.borrow().len(), 2, "b and c are left");
        assert!(!Rc::ptr_eq(&first, &pipes.enter("a", 9, at(63))));
    }
}
