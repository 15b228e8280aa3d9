//! Work that is done for all who ask for it meanwhile: one sync for many.
//!
//! Whoever asks while a round is under way takes part in the next one, which begins when that one
//! is over: it must not share one that has begun, since that need not cover what it did before it
//! asked. Leaves out waiting for more to come: a round that could begin begins.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use stayput_host::DiskError;
use tokio::sync::oneshot;

use super::pool::{DiskPool, Seat, lock, panicked};

/// Waiting caller, with its request.
struct Asked<T> {
    what: T,
    answer: oneshot::Sender<Result<(), DiskError>>,
    // Held until the answer is sent: the pool's bound is the bound of those who wait here.
    _seat: Seat,
}

/// Those who wait for a round, by what it is for. A key is there as long as a thread serves it.
pub(super) struct Rounds<K, T>(Arc<Waiting<K, T>>);

type Waiting<K, T> = Mutex<BTreeMap<K, Vec<Asked<T>>>>;

impl<K, T> Default for Rounds<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, T> Clone for Rounds<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Clone + Ord + Send + 'static, T: Send + 'static> Rounds<K, T> {
    /// Takes part in the next round for `key`, which `work` does for all that take part; what comes
    /// of it is everybody's.
    pub(super) async fn join(
        &self,
        (pool, seat): (&DiskPool, Seat),
        key: K,
        what: T,
        work: impl Fn(&K, Vec<T>) -> Result<(), DiskError> + Send + 'static,
    ) -> Result<(), DiskError> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { what, answer, _seat: seat };
        if self.wait(&key, asked) {
            let rounds = Arc::clone(&self.0);
            pool.push(Box::new(move || serve(&rounds, key, work)));
        }
        pool.noted(answered.await.unwrap_or_else(|_| Err(panicked())))
    }

    /// True if nobody serves the key yet.
    fn wait(&self, key: &K, asked: Asked<T>) -> bool {
        let mut waiting = lock(&self.0);
        if let Some(others) = waiting.get_mut(key) {
            others.push(asked);
            return false;
        }
        waiting.insert(key.clone(), vec![asked]);
        true
    }
}

/// A key that a thread serves.
struct Service<'a, K, T> {
    rounds: &'a Waiting<K, T>,
    key: K,
}

impl<K: Ord, T> Service<'_, K, T> {
    /// Those who take part in the next round. With none, the key is served no more.
    fn next(&self) -> Vec<Asked<T>> {
        let mut rounds = lock(self.rounds);
        let asked = rounds.get_mut(&self.key).map(std::mem::take).unwrap_or_default();
        if asked.is_empty() {
            rounds.remove(&self.key);
        }
        asked
    }
}

/// Does round after round for a key, until nobody waits for one.
fn serve<K: Ord, T>(
    rounds: &Waiting<K, T>,
    key: K,
    work: impl Fn(&K, Vec<T>) -> Result<(), DiskError>,
) {
    let service = Service { rounds, key };
    loop {
        let asked = service.next();
        if asked.is_empty() {
            return;
        }
        let mut answers = Vec::with_capacity(asked.len());
        let take = |Asked { what, answer, _seat }| {
            answers.push((answer, _seat));
            what
        };
        let what: Vec<T> = asked.into_iter().map(take).collect();
        let work = std::panic::AssertUnwindSafe(|| work(&service.key, what));
        let done = std::panic::catch_unwind(work).unwrap_or_else(|_| Err(panicked()));
        for (answer, _seat) in answers {
            // Who asked may have left.
            let _left = answer.send(done.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use futures_util::future::join_all;

    use super::*;
    use crate::disk::tests::block_on;

    #[test]
    fn those_who_ask_together_share_a_round_and_those_who_ask_for_something_else_do_not() {
        let size = |n| NonZeroUsize::new(n).unwrap();
        let pool = DiskPool::new(size(1), size(100)).unwrap();
        let rounds: Rounds<&str, usize> = Rounds::default();
        let done = Arc::new(Mutex::new(Vec::new()));
        let join = |key: &'static str, number: usize| {
            let (pool, rounds, done) = (&pool, &rounds, Arc::clone(&done));
            async move {
                let seat = pool.seat().await?;
                let work = move |key: &&str, numbers| {
                    lock(&done).push(((*key).to_owned(), numbers));
                    if *key == "bad" { Err(DiskError::NoSpace) } else { Ok(()) }
                };
                rounds.join((pool, seat), key, number, work).await
            }
        };
        // The only thread is kept until all have asked.
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().unwrap();
        let held = Arc::clone(&gate);
        pool.push(Box::new(move || drop(held.lock())));
        let mut all = Box::pin(join_all((0..20).map(|n| join(["good", "bad"][n % 2], n))));
        block_on(std::future::poll_fn(|cx| {
            assert!(all.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        }));
        drop(closed);
        let answers = block_on(all);
        let odd = |n: &usize| n % 2 == 1;
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 10);
        let by_key =
            |key: &str, odds| (key.to_owned(), (0..20).filter(|n| odd(n) == odds).collect());
        assert_eq!(*lock(&done), [by_key("good", false), by_key("bad", true)]);
        // The only thread answers before it is done: what it does next comes after that.
        let next = async { pool.run(pool.seat().await?, || Ok(())).await };
        assert_eq!(block_on(next), Ok(()));
        assert!(lock(&rounds.0).is_empty(), "nobody is served any more");
    }
}
