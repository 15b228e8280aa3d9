//! Schedule of a job's sessions onto nodes: those that need no others try their candidates in turn.
//!
//! Copies of a session run on different nodes. A job spreads over nodes so that none gets more of
//! its sessions than it runs at a time; sessions of one location go to one node if they can. Leaves
//! out the policy, which orders the candidates (`placement`), second copies of slow sessions
//! (`hedge`), and gangs (`gang`).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use rand::RngExt;
use stayput_host::{AttemptKind, Purpose, SpanKind};
use stayput_runtime::job::Gang;
use stayput_runtime::pipe::pipe_capacity;
use stayput_store::proxy::Proxy;
use stayput_store::swift::{ReplicaTarget, RingLookup};
use tokio::sync::Semaphore;

use super::attempt::{Attempt, AttemptError, attempt};
use super::inputs::{JobInputs, Part};
use super::placer::{ATTEMPTS_MAX, SessionPlacer, kind_of};
use super::vote::{SessionCopy, vote};
use crate::error::JobError;
use crate::message::{
    LocalObject, OrderedDevice, OrderedModule, OrderedSource, PartHead, SessionOrder,
};
use crate::placement::NodeLoad;
use crate::plan::{JobPlan, PlannedDevice, PlannedPath, SessionPlan};
use crate::session::prepare::ModuleSource;
use crate::session::result::SessionResult;

/// Rounds of a session of several through its candidates while none of them has a slot.
const ROUNDS_MAX: u32 = 6;
/// Before the first of these rounds, and before a gang asks again for room; it doubles each time.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Scheduler of one job's sessions.
pub(super) struct Scheduler<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) ring: &'a dyn RingLookup,
    /// Names the job.
    pub(super) id: &'a str,
    pub(super) plan: &'a JobPlan,
    pub(super) inputs: &'a JobInputs,
    /// Placement of its sessions.
    pub(super) placing: &'a SessionPlacer<'a>,
    pub(super) sessions_per_node: u64,
}

/// State that the sessions of a job share.
pub(super) struct Shared {
    /// Copy of a session that has a node.
    claims: RefCell<BTreeMap<(usize, IpAddr), u8>>,
    locations: RefCell<BTreeMap<String, IpAddr>>,
    /// Room on nodes for sessions of this job that can wait.
    room: RefCell<BTreeMap<IpAddr, Rc<Semaphore>>>,
    sessions_per_node: usize,
}

impl Shared {
    /// Claims a node for a copy of a session; false if another copy has it.
    pub(super) fn claim(&self, session: usize, copy: u8, ip: IpAddr) -> bool {
        *self.claims.borrow_mut().entry((session, ip)).or_insert(copy) == copy
    }

    /// True if a claim would succeed.
    pub(super) fn is_free(&self, session: usize, copy: u8, ip: IpAddr) -> bool {
        self.claims.borrow().get(&(session, ip)).is_none_or(|claimed| *claimed == copy)
    }

    pub(super) fn release(&self, session: usize, ip: IpAddr) {
        self.claims.borrow_mut().remove(&(session, ip));
    }

    fn room(&self, ip: IpAddr) -> Rc<Semaphore> {
        let mut room = self.room.borrow_mut();
        Rc::clone(room.entry(ip).or_insert_with(|| Rc::new(Semaphore::new(self.sessions_per_node))))
    }

    /// Candidates, those of the session's location first.
    pub(super) fn at_location(
        &self,
        session: &SessionPlan,
        mut candidates: Vec<ReplicaTarget>,
    ) -> Vec<ReplicaTarget> {
        if let (Some(location), Some(first)) = (&session.location, candidates.first()) {
            let mut locations = self.locations.borrow_mut();
            let ip = *locations.entry(location.clone()).or_insert(first.ip);
            candidates.sort_by_key(|target| target.ip != ip);
        }
        candidates
    }
}

impl Scheduler<'_> {
    /// Runs them all.
    ///
    /// # Errors
    /// The first session, in time, that no node could run; the others are cancelled.
    pub(super) async fn run(&self) -> Result<Vec<SessionResult>, JobError> {
        let sessions_per_node = usize::try_from(self.sessions_per_node).unwrap_or(usize::MAX);
        let shared = Shared {
            claims: RefCell::default(),
            locations: RefCell::default(),
            room: RefCell::default(),
            sessions_per_node: sessions_per_node.clamp(1, Semaphore::MAX_PERMITS),
        };
        let gangs = self.plan.gangs.iter().map(|gang| self.gang(gang, &shared));
        let mut ended: BTreeMap<usize, SessionResult> = BTreeMap::new();
        for sessions in try_join_all(gangs).await? {
            ended.extend(sessions);
        }
        Ok(ended.into_values().collect())
    }

    /// Runs the copies of a gang and lets them vote.
    async fn gang(
        &self,
        gang: &Gang,
        shared: &Shared,
    ) -> Result<Vec<(usize, SessionResult)>, JobError> {
        if let [session] = gang.sessions.as_slice() {
            let copies =
                (0..self.copies(gang, *session)).map(|copy| self.lone(*session, copy, shared));
            return Ok(vec![(*session, vote(join_all(copies).await)?)]);
        }
        let copies = (0..gang.copies).map(|copy| self.together(gang, copy, shared));
        let mut copies: Vec<_> = join_all(copies).await.into_iter().map(Vec::into_iter).collect();
        let mut sessions = Vec::new();
        for session in &gang.sessions {
            let of_session = copies.iter_mut().filter_map(Iterator::next).collect();
            sessions.push((*session, vote(of_session)?));
        }
        Ok(sessions)
    }

    /// As many as the job says; beside an object that it writes, as many as the object will have
    /// replicas.
    fn copies(&self, gang: &Gang, session: usize) -> u8 {
        let plan = &self.plan.sessions[session];
        match &plan.attached {
            Some(path) if gang.copies > 1 && plan.attached_is_written => {
                let replicas = self.ring.primaries(self.ring.partition(path)).len();
                u8::try_from(replicas).unwrap_or(u8::MAX)
            }
            _ => gang.copies,
        }
    }

    /// A session that needs no other.
    async fn lone(&self, session: usize, copy: u8, shared: &Shared) -> SessionCopy {
        let plan = &self.plan.sessions[session];
        let candidates = shared.at_location(plan, self.placing.nodes(session));
        let hedge = self.placing.decision(session).hedge;
        let mut tried = Tried { attempt: 0, place: String::new(), reasons: Vec::new() };
        let rounds = if self.plan.sessions.len() > 1 { ROUNDS_MAX } else { 1 };
        for round in 0..rounds {
            if round > 0 {
                self.back_off(session, round).await;
            }
            tried.reasons.clear();
            let which = (session, copy);
            let ended = match hedge {
                None => self.round(which, &candidates, shared, &mut tried).await,
                Some(after) => self.race(which, &candidates, shared, &mut tried, after).await,
            };
            match ended {
                Ok(Some(session)) => {
                    return SessionCopy { place: tried.place, session: Ok(session) };
                }
                Ok(None) if tried.had_no_slot() => {}
                Ok(None) => break,
                Err(refusal) => return SessionCopy { place: tried.place, session: Err(refusal) },
            }
        }
        let error = no_node(&plan.session, tried.reasons.iter().map(ToString::to_string));
        SessionCopy { place: tried.place, session: Err(error) }
    }

    /// Tries each candidate once.
    async fn round(
        &self,
        (session, copy): (usize, u8),
        candidates: &[ReplicaTarget],
        shared: &Shared,
        tried: &mut Tried,
    ) -> Result<Option<SessionResult>, JobError> {
        let parts = self.inputs.parts(&self.plan.sessions[session]);
        for target in candidates.iter().take(ATTEMPTS_MAX) {
            if !shared.claim(session, copy, target.ip) {
                continue;
            }
            let room = shared.room(target.ip);
            // It is never closed.
            let _room = room.acquire().await.ok();
            tried.attempt += 1;
            tried.place = target.ip.to_string();
            let order = self.order(session, copy, tried.attempt, target, &parts, None);
            let again = (tried.attempt > 1).then_some(Purpose::Retry);
            let mut trying = self.proxy.host().attempt(AttemptKind::Session, "session");
            match self.attempt(session, target, &order, &parts, again).await? {
                Attempt::Done(session) => {
                    trying.progressed();
                    return Ok(Some(*session));
                }
                Attempt::Next(error) => {
                    trying.failed();
                    if matches!(error, AttemptError::NoSlot(_)) {
                        shared.release(session, target.ip);
                    }
                    tried.reasons.push(NodeFailure { node: target.ip, error });
                }
            }
        }
        Ok(None)
    }

    /// Orders a session from a node, and records the outcome. Its parts are sent for their own
    /// purposes unless `again` is the purpose of sending them once more.
    pub(super) async fn attempt(
        &self,
        session: usize,
        target: &ReplicaTarget,
        order: &SessionOrder,
        parts: &[Part],
        again: Option<Purpose>,
    ) -> Result<Attempt, JobError> {
        let (observations, plan) = (self.placing.observations, &self.plan.sessions[session]);
        let begun = self.proxy.host().now();
        let _outstanding = observations.sent(target.ip);
        let (attempt, load) = attempt(self.proxy, target, order, parts, again).await?;
        let now = self.proxy.host().now();
        match &attempt {
            Attempt::Done(done) => {
                let kind = kind_of(plan);
                let written = done.outputs.iter().map(|(_, output)| output.len() as u64).sum();
                observations.ended(&kind, self.placing.input_bytes(plan), written, done.fuel);
                observations.took(&kind, now.since(begun));
            }
            Attempt::Next(AttemptError::NoSlot(_)) => {
                let running = u32::try_from(self.sessions_per_node).unwrap_or(u32::MAX);
                observations.reported(target.ip, NodeLoad { running, waiting: 0 }, now);
            }
            Attempt::Next(error) => tracing::warn!(
                device = target.device,
                session = order.session,
                why = %error,
                "a node could not run a session"
            ),
        }
        if let Some(load) = load {
            observations.reported(target.ip, load, now);
        }
        Ok(attempt)
    }

    /// Waits a while before asking for room again, each session for a time of its own.
    pub(super) async fn back_off(&self, session: usize, round: u32) {
        let host = self.proxy.host();
        let _waiting = host.span(SpanKind::Retry(AttemptKind::Session), "back-off");
        let longest = BACK_OFF * 2_u32.saturating_pow(round);
        let who = format!("{}-{session}", self.id);
        let mut entropy = host.entropy("job-back-off", who.as_bytes(), u64::from(round));
        host.sleep(entropy.random_range(longest / 2..=longest)).await;
    }

    /// The order for a session; `gang` has the nodes that its pipes lead to.
    pub(super) fn order(
        &self,
        session: usize,
        copy: u8,
        attempt: u32,
        target: &ReplicaTarget,
        parts: &[Part],
        gang: Option<&GangTargets<'_>>,
    ) -> SessionOrder {
        let plan = &self.plan.sessions[session];
        let local = self.inputs.local(plan);
        let source = |device: &PlannedDevice| match (&device.path, device.kind.is_readable()) {
            (PlannedPath::Pipe(pipe), _) => OrderedSource::Pipe {
                number: u32::try_from(*pipe).unwrap_or(u32::MAX),
                reader: gang.and_then(|gang| {
                    let reader = gang.reader(*pipe)?;
                    (reader.ip != target.ip).then(|| super::attempt::address(reader))
                }),
            },
            (PlannedPath::Object(path), true) if local.is_some_and(|(it, _)| it == path) => {
                OrderedSource::Local
            }
            (_, true) => OrderedSource::Pushed,
            (_, false) => OrderedSource::Written,
        };
        let devices = plan.devices.iter().map(|device| OrderedDevice {
            name: device.name.clone(),
            kind: device.kind,
            mode: device.mode,
            source: source(device),
        });
        let part = |(role, _, content): &Part| PartHead {
            role: role.clone(),
            bytes: content.len() as u64,
        };
        SessionOrder {
            id: format!("{}-{session}-{copy}", self.id),
            attempt,
            session: plan.session.clone(),
            args: plan.args.clone(),
            env: plan.env.clone(),
            module: match &plan.module {
                ModuleSource::Object(_) => OrderedModule::Pushed,
                ModuleSource::InImage { image, path } => {
                    OrderedModule::InImage { image: image.clone(), path: path.clone() }
                }
            },
            system_images: plan.system_images.clone(),
            devices: devices.collect(),
            gang: gang.map(|gang| gang.id.clone()).unwrap_or_default(),
            pipe_room: pipe_capacity(self.plan.pipes.len()),
            local: local.map(|(path, located)| LocalObject {
                disk: target.device.clone(),
                partition: self.ring.partition(path),
                path: path.clone(),
                version: located.version,
            }),
            parts: parts.iter().map(part).collect(),
            wants_load: self.placing.policy.asks_for_load(),
        }
    }
}

/// Attempts of a copy of a session so far.
pub(super) struct Tried {
    pub(super) attempt: u32,
    /// Host of the last one.
    pub(super) place: String,
    /// Failures of this round.
    pub(super) reasons: Vec<NodeFailure>,
}

impl Tried {
    fn had_no_slot(&self) -> bool {
        self.reasons.iter().any(|failure| matches!(failure.error, AttemptError::NoSlot(_)))
    }
}

/// Failure of one node.
#[derive(Debug, thiserror::Error)]
#[error("{node}: {error}")]
pub(super) struct NodeFailure {
    pub(super) node: IpAddr,
    pub(super) error: AttemptError,
}

/// Nodes of a gang's attempt.
pub(super) struct GangTargets<'a> {
    /// Names the attempts of this copy of the gang.
    pub(super) id: String,
    pub(super) plan: &'a JobPlan,
    pub(super) targets: &'a BTreeMap<usize, ReplicaTarget>,
}

impl GangTargets<'_> {
    fn reader(&self, pipe: usize) -> Option<&ReplicaTarget> {
        self.targets.get(&self.plan.pipes.get(pipe)?.to.session)
    }
}

/// The failure of a session that no node could run; each reason is given once.
pub(super) fn no_node(session: &str, reasons: impl IntoIterator<Item = String>) -> JobError {
    let mut known = BTreeSet::new();
    let reasons = reasons.into_iter().filter(|reason| known.insert(reason.clone())).collect();
    JobError::NoNode { session: session.to_owned(), reasons }
}
