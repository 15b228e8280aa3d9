//! Gangs: sessions that talk to each other run at the same time, or none of them does.
//!
//! Each attempt chooses a node for each session and orders all at once. If one of them cannot be run or is lost, all are cancelled and
//! the next attempt begins without the node that failed. Nobody waits in a node's queue: two gangs could wait for each other for ever.
//! Leaves out keeping what sessions have done when a peer is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use stayput_host::{AttemptKind, Purpose};
use stayput_runtime::job::Gang;
use stayput_store::proxy::Refusal;
use stayput_store::swift::ReplicaTarget;

use super::attempt::{Attempt, Failure};
use super::matching::assign;
use super::schedule::{GangTargets, Scheduler, Shared, no_node};
use super::vote::SessionCopy;
use crate::answer::SessionResult;

/// How often a gang begins.
const BEGINNINGS_MAX: u32 = 8;
/// After a session that lost a peer, the loss of that peer is awaited so long: it says which node to do without.
const CULPRIT_WAIT: Duration = Duration::from_secs(4);

/// A node whose sessions lose peers so often is done without: it may be on the wrong side of a cut.
const CUTS_MAX: u32 = 2;

/// Where a copy of a gang may not run.
#[derive(Default)]
struct Avoided {
    /// These failed.
    failed: BTreeSet<IpAddr>,
    /// So often sessions there lost a peer that was not lost itself: a cut is between them.
    cut_off: BTreeMap<IpAddr, u32>,
    /// These had no room when they were last asked.
    full: BTreeSet<IpAddr>,
    reasons: Vec<String>,
}

/// Why a beginning came to nothing.
struct Lost {
    session: usize,
    failure: Failure,
}

impl Scheduler<'_> {
    /// Runs a copy of a gang; what became of each session, in the gang's order.
    pub(super) async fn together(
        &self,
        gang: &Gang,
        copy: u8,
        shared: &Shared,
    ) -> Vec<SessionCopy> {
        let mut avoided = Avoided::default();
        let mut refusal = None;
        for beginning in 1..=BEGINNINGS_MAX {
            let targets = match self.assign(gang, copy, shared, &avoided) {
                Ok(targets) => targets,
                Err(_) if !avoided.full.is_empty() => {
                    avoided.full.clear();
                    self.back_off(gang.sessions[0], beginning).await;
                    continue;
                }
                Err(nobody) => {
                    refusal = Some(nobody);
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
                    let is_full = lost.failure.is_full;
                    avoided.note(&lost, &targets);
                    if is_full {
                        self.back_off(gang.sessions[0], beginning).await;
                    }
                }
                Err(final_refusal) => {
                    refusal = Some(final_refusal);
                    break;
                }
            }
        }
        let reasons: Vec<&str> = avoided.reasons.iter().map(String::as_str).collect();
        let name = &self.plan.sessions[gang.sessions[0]].session;
        let refusal =
            refusal.unwrap_or_else(|| no_node(&format!("{name} and its peers"), &reasons));
        let lost = |_: &usize| SessionCopy { place: String::new(), session: Err(refusal.clone()) };
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
    ) -> Result<BTreeMap<usize, ReplicaTarget>, Refusal> {
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
            let mut reasons: Vec<&str> = avoided.reasons.iter().map(String::as_str).collect();
            reasons.push(room);
            no_node(&self.plan.sessions[gang.sessions[nowhere]].session, &reasons)
        })?;
        let mut targets = BTreeMap::new();
        for ((session, of_session), place) in gang.sessions.iter().zip(candidates).zip(chosen) {
            let target = of_session[place].clone();
            shared.claim(*session, copy, target.ip);
            targets.insert(*session, target);
        }
        Ok(targets)
    }

    /// Orders all sessions, and waits for all of them or for the first that is lost; the others are cancelled then.
    async fn begin(
        &self,
        gang: &Gang,
        copy: u8,
        beginning: u32,
        targets: &BTreeMap<usize, ReplicaTarget>,
    ) -> Result<Result<BTreeMap<usize, SessionResult>, Lost>, Refusal> {
        let id = format!("{}-{}-{copy}", self.id, gang.sessions[0]);
        let in_gang = GangTargets { id, plan: self.plan, targets };
        let in_gang = &in_gang;
        let mut running: FuturesUnordered<_> = targets
            .iter()
            .map(|(session, target)| async move {
                let parts = self.supply.parts(&self.plan.sessions[*session]);
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
                Attempt::Next(failure) => {
                    let lost = Lost { session, failure };
                    return Ok(Err(self.culprit(lost, running).await?));
                }
            }
        }
        Ok(Ok(ended))
    }

    /// Who is behind a loss: of a session whose peer was lost, that peer.
    async fn culprit<F>(
        &self,
        lost: Lost,
        mut running: FuturesUnordered<F>,
    ) -> Result<Lost, Refusal>
    where
        F: Future<Output = (usize, Result<Attempt, Refusal>)>,
    {
        if !lost.failure.is_peers {
            return Ok(lost);
        }
        let culprit = async {
            while let Some((session, attempt)) = running.next().await {
                match attempt? {
                    Attempt::Next(failure) if !failure.is_peers => {
                        return Ok(Some(Lost { session, failure }));
                    }
                    Attempt::Next(_) | Attempt::Done(_) => {}
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
        self.reasons.push(format!("{}: {}", target.ip, lost.failure.why));
        if lost.failure.is_full {
            self.full.insert(target.ip);
            return;
        }
        if lost.failure.is_peers {
            let cuts = self.cut_off.entry(target.ip).or_default();
            *cuts += 1;
            if *cuts < CUTS_MAX {
                return;
            }
        }
        self.failed.insert(target.ip);
    }
}
