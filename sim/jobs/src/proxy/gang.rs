//! Gangs: sessions that talk to each other run at the same time, or none of them does.
//!
//! Each attempt chooses a node for each session and orders all at once. If one of them cannot be
//! run or is lost, all are cancelled and the next attempt begins without the node that failed.
//! Nobody waits in a node's queue: two gangs could wait for each other for ever. Leaves out keeping
//! what sessions have done when a peer is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use stayput_host::{AttemptKind, Purpose};
use stayput_runtime::job::Gang;
use stayput_store::swift::ReplicaTarget;

use super::attempt::{Attempt, AttemptError};
use super::matching::assign;
use super::schedule::{GangTargets, Scheduler, Shared, no_node};
use super::vote::SessionCopy;
use crate::error::JobError;
use crate::session::result::SessionResult;

/// Beginnings of a gang.
const BEGINNINGS_MAX: u32 = 8;
/// After a session that lost a peer, the loss of that peer is awaited so long: it says which node
/// to do without.
const CULPRIT_WAIT: Duration = Duration::from_secs(4);

/// A node whose sessions lose peers so often is done without: it may be on the wrong side of a cut.
const CUTS_MAX: u32 = 2;

/// Nodes on which a copy of a gang may not run.
#[derive(Default)]
struct Avoided {
    /// Nodes that failed.
    failed: BTreeSet<IpAddr>,
    /// Losses of peers that were not lost themselves: a cut is between them.
    cut_off: BTreeMap<IpAddr, u32>,
    /// Nodes that had no slot when they were last asked.
    full: BTreeSet<IpAddr>,
    reasons: Vec<String>,
}

/// Session for which a beginning failed.
struct Lost {
    session: usize,
    error: AttemptError,
}

impl Scheduler<'_> {
    /// Runs a copy of a gang; results are in the gang's order.
    pub(super) async fn together(
        &self,
        gang: &Gang,
        copy: u8,
        shared: &Shared,
    ) -> Vec<SessionCopy> {
        let mut avoided = Avoided::default();
        let mut error = None;
        for beginning in 1..=BEGINNINGS_MAX {
            let targets = match self.assign(gang, copy, shared, &avoided) {
                Ok(targets) => targets,
                Err(_) if !avoided.full.is_empty() => {
                    avoided.full.clear();
                    self.back_off(gang.sessions[0], beginning).await;
                    continue;
                }
                Err(nobody) => {
                    error = Some(nobody);
                    break;
                }
            };
            let mut trying = self.proxy.host().attempt(AttemptKind::Session, "gang");
            match self.begin(gang, copy, beginning, &targets).await {
                Ok(Ok(mut sessions)) => {
                    trying.progressed();
                    let copy_of = |session: &usize| {
                        let place = targets.get(session).map(|it| it.ip.to_string());
                        Some(SessionCopy { place: place?, session: Ok(sessions.remove(session)?) })
                    };
                    return gang.sessions.iter().filter_map(copy_of).collect();
                }
                Ok(Err(lost)) => {
                    trying.failed();
                    self.release(gang, shared, &targets);
                    let had_no_slot = matches!(lost.error, AttemptError::NoSlot(_));
                    avoided.note(&lost, &targets);
                    if had_no_slot {
                        self.back_off(gang.sessions[0], beginning).await;
                    }
                }
                Err(repeated) => {
                    error = Some(repeated);
                    break;
                }
            }
        }
        let name = &self.plan.sessions[gang.sessions[0]].session;
        let error =
            error.unwrap_or_else(|| no_node(&format!("{name} and its peers"), avoided.reasons));
        let lost = |_: &usize| SessionCopy { place: String::new(), session: Err(error.clone()) };
        gang.sessions.iter().map(lost).collect()
    }

    fn release(&self, gang: &Gang, shared: &Shared, targets: &BTreeMap<usize, ReplicaTarget>) {
        for session in &gang.sessions {
            if let Some(target) = targets.get(session) {
                shared.release(*session, target.ip);
            }
        }
    }

    /// A node for each session.
    fn assign(
        &self,
        gang: &Gang,
        copy: u8,
        shared: &Shared,
        avoided: &Avoided,
    ) -> Result<BTreeMap<usize, ReplicaTarget>, JobError> {
        let mut candidates = Vec::with_capacity(gang.sessions.len());
        for session in &gang.sessions {
            let plan = &self.plan.sessions[*session];
            let mut of_session = shared.at_location(plan, self.placing.nodes(*session));
            of_session.retain(|target| {
                !avoided.failed.contains(&target.ip)
                    && !avoided.full.contains(&target.ip)
                    && shared.is_free(*session, copy, target.ip)
            });
            candidates.push(of_session);
        }
        let ips = candidates.iter().map(|of_session| of_session.iter().map(|it| it.ip).collect());
        let chosen = assign(&ips.collect::<Vec<_>>(), self.sessions_per_node);
        let chosen = chosen.map_err(|nowhere| {
            let room = "no node that may run it has room for another session of this job";
            let reasons = avoided.reasons.iter().cloned().chain([room.to_owned()]);
            no_node(&self.plan.sessions[gang.sessions[nowhere]].session, reasons)
        })?;
        let mut targets = BTreeMap::new();
        for ((session, of_session), place) in gang.sessions.iter().zip(candidates).zip(chosen) {
            let target = of_session[place].clone();
            shared.claim(*session, copy, target.ip);
            targets.insert(*session, target);
        }
        Ok(targets)
    }

    /// Orders all sessions, and waits for all of them or for the first that is lost; the others are
    /// cancelled then.
    async fn begin(
        &self,
        gang: &Gang,
        copy: u8,
        beginning: u32,
        targets: &BTreeMap<usize, ReplicaTarget>,
    ) -> Result<Result<BTreeMap<usize, SessionResult>, Lost>, JobError> {
        let id = format!("{}-{}-{copy}", self.id, gang.sessions[0]);
        let in_gang = GangTargets { id, plan: self.plan, targets };
        let in_gang = &in_gang;
        let mut running: FuturesUnordered<_> = targets
            .iter()
            .map(|(session, target)| async move {
                let parts = self.inputs.parts(&self.plan.sessions[*session]);
                let order = self.order(*session, copy, beginning, target, &parts, Some(in_gang));
                let again = (beginning > 1).then_some(Purpose::Retry);
                (*session, self.attempt(*session, target, &order, &parts, again).await)
            })
            .collect();
        let mut ended = BTreeMap::new();
        while let Some((session, attempt)) = running.next().await {
            match attempt? {
                Attempt::Done(done) => {
                    ended.insert(session, *done);
                }
                Attempt::Next(error) => {
                    let lost = Lost { session, error };
                    return Ok(Err(self.culprit(lost, running).await?));
                }
            }
        }
        Ok(Ok(ended))
    }

    /// The session behind a loss: of a session whose peer was lost, that peer.
    async fn culprit<F>(
        &self,
        lost: Lost,
        mut running: FuturesUnordered<F>,
    ) -> Result<Lost, JobError>
    where
        F: Future<Output = (usize, Result<Attempt, JobError>)>,
    {
        if !matches!(lost.error, AttemptError::PeerLost(_)) {
            return Ok(lost);
        }
        let culprit = async {
            while let Some((session, attempt)) = running.next().await {
                match attempt? {
                    Attempt::Next(AttemptError::PeerLost(_)) | Attempt::Done(_) => {}
                    Attempt::Next(error) => {
                        return Ok::<_, JobError>(Some(Lost { session, error }));
                    }
                }
            }
            Ok(None)
        };
        match select(pin!(culprit), self.proxy.host().sleep(CULPRIT_WAIT)).await {
            Either::Left((culprit, _)) => Ok(culprit?.unwrap_or(lost)),
            Either::Right(_) => Ok(lost),
        }
    }
}

impl Avoided {
    fn note(&mut self, lost: &Lost, targets: &BTreeMap<usize, ReplicaTarget>) {
        let Some(target) = targets.get(&lost.session) else { return };
        self.reasons.push(format!("{}: {}", target.ip, lost.error));
        match lost.error {
            AttemptError::NoSlot(_) => {
                self.full.insert(target.ip);
                return;
            }
            AttemptError::PeerLost(_) => {
                let cuts = self.cut_off.entry(target.ip).or_default();
                *cuts += 1;
                if *cuts < CUTS_MAX {
                    return;
                }
            }
            _ => {}
        }
        self.failed.insert(target.ip);
    }
}
