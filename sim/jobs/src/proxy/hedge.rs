//! A session with a second copy on another node, for when the first takes long: the first to end
//! wins, the other is cancelled.
//!
//! Cancelling is closing the connection, as a client does that leaves: the node gives the session
//! up. What is sent for the second copy counts as hedge, what it burns until it is cancelled is in
//! the cores' meters. Leaves out a third copy while two run.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use stayput_host::{AttemptKind, Purpose, Time};
use stayput_store::swift::ReplicaTarget;

use super::attempt::{Attempt, AttemptError};
use super::inputs::Part;
use super::placer::{ATTEMPTS_MAX, kind_of};
use super::schedule::{NodeFailure, Scheduler, Shared, Tried};
use crate::error::JobError;
use crate::session::result::SessionResult;

/// Outcome of one copy.
struct EndedCopy<'t> {
    attempt: u32,
    target: &'t ReplicaTarget,
    what: Result<Attempt, JobError>,
}

/// The copies that run.
#[derive(Default)]
struct Copies<'r> {
    running: FuturesUnordered<Pin<Box<dyn Future<Output = EndedCopy<'r>> + 'r>>>,
    /// Since when, by their attempts.
    begun: Vec<(u32, Time)>,
}

impl Scheduler<'_> {
    /// Tries the candidates, each once, the second one beside the first if that takes longer than
    /// `after`.
    pub(super) async fn race(
        &self,
        (session, copy): (usize, u8),
        candidates: &[ReplicaTarget],
        shared: &Shared,
        tried: &mut Tried,
        after: Duration,
    ) -> Result<Option<SessionResult>, JobError> {
        let parts = self.inputs.parts(&self.plan.sessions[session]);
        let parts = parts.as_slice();
        let mut left = candidates.iter().take(ATTEMPTS_MAX);
        let mut next = || left.find(|target| shared.claim(session, copy, target.ip));
        let mut copies = Copies::default();
        let mut timer = pin!(self.proxy.host().sleep(after));
        let mut hedge_is_due = true;
        loop {
            if copies.running.is_empty() {
                let Some(target) = next() else { return Ok(None) };
                let again = (tried.attempt > 0).then_some(Purpose::Retry);
                self.begin_copy(&mut copies, (session, copy), target, parts, (tried, again));
            }
            let ran = match hedge_is_due {
                false => copies.running.next().await,
                true => match select(copies.running.next(), timer.as_mut()).await {
                    Either::Left((ran, _)) => ran,
                    Either::Right(((), _)) => {
                        hedge_is_due = false;
                        if let Some(target) = next() {
                            let again = Some(Purpose::Hedge);
                            let which = (session, copy);
                            self.begin_copy(&mut copies, which, target, parts, (tried, again));
                        }
                        continue;
                    }
                },
            };
            let Some(EndedCopy { attempt, target, what }) = ran else { continue };
            copies.begun.retain(|(of, _)| *of != attempt);
            match what? {
                Attempt::Done(done) => {
                    self.note_losers(session, &copies);
                    tried.place = target.ip.to_string();
                    return Ok(Some(*done));
                }
                Attempt::Next(error) => {
                    if matches!(error, AttemptError::NoSlot(_)) {
                        shared.release(session, target.ip);
                    }
                    tried.reasons.push(NodeFailure { node: target.ip, error });
                }
            }
        }
    }

    fn begin_copy<'r>(
        &'r self,
        copies: &mut Copies<'r>,
        (session, copy): (usize, u8),
        target: &'r ReplicaTarget,
        parts: &'r [Part],
        (tried, again): (&mut Tried, Option<Purpose>),
    ) {
        tried.attempt += 1;
        let attempt = tried.attempt;
        copies.begun.push((attempt, self.proxy.host().now()));
        copies.running.push(Box::pin(async move {
            let order = self.order(session, copy, attempt, target, parts, None);
            // The loser is dropped on its way: it did not fail.
            let mut trying = self.proxy.host().attempt(AttemptKind::Session, "session");
            let what = self.attempt(session, target, &order, parts, again).await;
            match &what {
                Ok(Attempt::Done(_)) => trying.progressed(),
                Ok(Attempt::Next(_)) => trying.failed(),
                Err(_) => {}
            }
            EndedCopy { attempt, target, what }
        }));
    }

    /// Without those that were cancelled, it would look as if sessions never took long.
    fn note_losers(&self, session: usize, copies: &Copies<'_>) {
        let now = self.proxy.host().now();
        let kind = kind_of(&self.plan.sessions[session]);
        for (_, begun) in &copies.begun {
            self.placing.observations.took(&kind, now.since(*begun));
        }
    }
}
