//! Use of a memo of sessions by the machines of a run, with its counts.
//!
//! A memo outlives a run; what is counted here is one run's. Leaves out what is kept: see
//! [`stayput_runtime::memo`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stayput_host::Host;
use stayput_runtime::memo::{Memo, MemoResult};

/// A memo in use by the machines of one run. Clones count together.
#[derive(Clone, Debug)]
pub struct SessionMemo {
    memo: Memo,
    used: Arc<Mutex<MemoUse>>,
}

/// Counts of a run's sessions by the use of the memo; those that their host lost are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoUse {
    /// Sessions that were computed, at least in part.
    pub computed: u64,
    /// Sessions that were known as a whole.
    pub known: u64,
    /// Sessions that were known and computed all the same, and did the same.
    pub audited: u64,
    /// Of those that did something else: the job, and what.
    pub differences: Vec<String>,
}

impl SessionMemo {
    /// The use of `memo` by one run.
    #[must_use]
    pub fn new(memo: &Memo) -> Self {
        Self { memo: memo.clone(), used: Arc::default() }
    }

    /// The memo that sessions look themselves up in.
    #[must_use]
    pub const fn memo(&self) -> &Memo {
        &self.memo
    }

    fn lock(&self) -> MutexGuard<'_, MemoUse> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts so far.
    #[must_use]
    pub fn used(&self) -> MemoUse {
        self.lock().clone()
    }

    /// Counts a session that ended on `host`.
    pub(crate) fn count(&self, host: &Host, found: MemoResult) {
        let mut used = self.lock();
        match found {
            MemoResult::Computed => used.computed += 1,
            MemoResult::Replayed => used.known += 1,
            MemoResult::Audited => used.audited += 1,
            MemoResult::Diverged { what } => {
                let job = host.job().map_or_else(|| "a job".to_owned(), |job| job.to_string());
                used.differences.push(format!("{job} did not do again what is memoised: {what}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::beside;

    #[test]
    fn each_end_of_a_session_is_counted_as_what_it_is_by_all_clones_together() {
        let used = beside(Vec::new(), |host| {
            let memo = SessionMemo::new(&Memo::new(1, 0));
            let clone = memo.clone();
            async move {
                memo.count(&host, MemoResult::Computed);
                clone.count(&host, MemoResult::Replayed);
                clone.count(&host, MemoResult::Replayed);
                memo.count(&host, MemoResult::Audited);
                clone.count(&host, MemoResult::Diverged { what: "it read more".to_owned() });
                (memo.used(), clone.used())
            }
        });
        let expected = MemoUse {
            computed: 1,
            known: 2,
            audited: 1,
            differences: vec!["a job did not do again what is memoised: it read more".to_owned()],
        };
        assert_eq!(used, (expected.clone(), expected));
    }
}
