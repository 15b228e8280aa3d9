//! The engine: runs the planned jobs under one policy in the simulated cluster.
//!
//! Assembles the cluster, loads the objects, lets the clients post the jobs, and counts. Leaves out
//! what the figures mean: `stayput-results` judges them.

mod best;
mod clients;
mod counts;
mod faults;
mod hosts;
mod load;
mod outcome;
mod reference;
mod world;

use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use stayput_cluster::{Cluster, ClusterPlan, ClusterSpec};
use stayput_host::topology::HostKey;
use stayput_host::{JobNumber, RunEnd, Span, SpanKind, Time};
use stayput_jobs::memo::SessionMemo;
use stayput_jobs::placement::PlacementConfig;
use stayput_runtime::memo::Memo;
use stayput_world::timeline::TimelineDetail;
use stayput_world::{ExecutorMeters, Timeline, Trace, WireMeters};

use self::clients::{AnsweredJob, Drive};
use self::hosts::Meters;
use self::reference::References;
use self::world::RunWorld;
use crate::plan::RunPlan;
use crate::record::{JobEnd, PolicyRecord};
use crate::scenario::Policy;
use crate::timeline::RunTimeline;

pub use self::faults::fault_on_hosts;
pub use outcome::{Phase, Progress, RunError};

/// Loading may take so long, in the world's time.
const LOADING_MAX: Duration = Duration::from_secs(3_600);
/// Between the loading and the first job: what the loading has left to do in the background comes
/// to rest.
const SETTLING: Duration = Duration::from_secs(5);
/// After the last arrival, or the begin of a closed loop, jobs may take so long in the world's
/// time.
const JOBS_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Events between two reports of progress.
const PROGRESS_EVERY: u32 = 1 << 14;

/// Shows somebody a timeline.
pub type ShowTimeline<'a> = dyn FnMut(&RunTimeline) -> io::Result<()> + 'a;

/// Outputs of a run beside its result, also of a run that gets stuck: then somebody wants to see
/// them.
#[derive(Default)]
pub struct Wanted<'a> {
    /// Gets a line per semantic event.
    pub events: Option<&'a mut dyn Write>,
    /// Gets the timeline.
    pub timeline: Option<&'a mut ShowTimeline<'a>>,
    /// Spares the run what its sessions did in earlier ones; the result is the same.
    pub memo: Option<&'a Memo>,
}

/// Runs `plan` under `policy`. `progress` is called now and then.
///
/// # Errors
/// When the run cannot begin or come to its end.
pub fn run_policy(
    plan: &RunPlan,
    policy: Policy,
    progress: &mut dyn FnMut(Progress),
    wanted: Wanted<'_>,
) -> Result<PolicyRecord, RunError> {
    if policy == Policy::BestFound {
        return best::run(plan, progress, wanted);
    }
    run_once(plan, (policy, &best::Places::new()), progress, wanted)
}

/// Runs `plan` once; jobs that have a place in the list ask for it.
fn run_once(
    plan: &RunPlan,
    (policy, places): (Policy, &best::Places),
    progress: &mut dyn FnMut(Progress),
    wanted: Wanted<'_>,
) -> Result<PolicyRecord, RunError> {
    let trace = if wanted.events.is_some() { Trace::keeping_lines() } else { Trace::default() };
    let kept =
        if wanted.timeline.is_some() { TimelineDetail::Spans } else { TimelineDetail::JobTimes };
    let mut watched = None;
    let memo = wanted.memo;
    let ended = Run::begin(plan, (policy, places), trace.clone(), memo).and_then(|run| {
        watched = Some(run.watched());
        run.finish(kept, progress)
    });
    if let Some(events) = wanted.events {
        events.write_all(&trace.take_lines())?;
    }
    if let (Some(show), Some(watched)) = (wanted.timeline, watched) {
        show(&watched.timeline(policy))?;
    }
    ended
}

/// Figures that remain of a run that is over.
struct Watched {
    timeline: Timeline,
    hosts: Vec<String>,
    clients: Vec<HostKey>,
    drive: Rc<Drive>,
}

impl Watched {
    fn timeline(self, policy: Policy) -> RunTimeline {
        for job in self.drive.answered() {
            self.timeline.add(self.clients.get(job.client as usize).copied(), span_of(&job));
        }
        RunTimeline {
            policy,
            start: self.drive.started(),
            hosts: self.hosts,
            spans: self.timeline.take_spans(),
            left_out: self.timeline.left_out(),
        }
    }
}

fn span_of(job: &AnsweredJob) -> Span {
    let how = match job.end {
        JobEnd::Failed { .. } => " (failed)",
        JobEnd::Ok | JobEnd::Wrong { .. } => "",
    };
    let name = format!("job {} on {}{how}", job.index, job.object());
    let span = Span::new(SpanKind::Job, name, job.intended, job.finished);
    span.of_job(Some(JobNumber(job.index)))
}

/// A policy's run on its way.
struct Run<'a> {
    plan: &'a RunPlan,
    policy: Policy,
    world: RunWorld,
    cluster: Cluster,
    drive: Rc<Drive>,
    memo: Option<&'a Memo>,
    sessions: Option<SessionMemo>,
}

impl<'a> Run<'a> {
    fn begin(
        plan: &'a RunPlan,
        (policy, places): (Policy, &best::Places),
        trace: Trace,
        memo: Option<&'a Memo>,
    ) -> Result<Self, RunError> {
        let mut world = RunWorld::of(plan, trace.clone())?;
        let spec = ClusterSpec {
            counts: plan.scenario.cluster.clone(),
            node: plan.scenario.node.clone(),
            worker: plan.scenario.worker.clone(),
            images: plan.images.clone(),
            placement: PlacementConfig {
                policy: policy.placement(),
                network: plan.scenario.network.clone(),
            },
            seed: plan.seed,
        };
        let drive = Rc::new(Drive::new(plan, policy, places, trace));
        let sessions = memo.map(SessionMemo::new);
        let cluster = ClusterPlan::simulated(&spec);
        let cluster = cluster.map_err(|error| unfit("cluster", &error.to_string()))?;
        let cluster = ClusterPlan { memo: sessions.clone(), ..cluster };
        let cluster = Cluster::assemble(world.backend(), cluster, &drive.client_main());
        Ok(Self { plan, policy, world, cluster, drive, memo, sessions })
    }

    fn watched(&self) -> Watched {
        Watched {
            timeline: self.world.meters().timeline(),
            hosts: self.cluster.hosts.iter().map(|host| host.name.clone()).collect(),
            clients: self.cluster.clients.clone(),
            drive: Rc::clone(&self.drive),
        }
    }

    fn finish(
        mut self,
        kept: TimelineDetail,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<PolicyRecord, RunError> {
        let settled = self.load(progress)?;
        let loading = counts::of(&self.world.meters().ledger().totals(), self.in_flight());
        let (before, meters) = (self.world.meters().ledger(), self.meters());
        let faults = if self.plan.faults { self.plan.scenario.faults.as_slice() } else { &[] };
        let scheduled = faults::schedule(&mut self.world, &self.cluster, faults, settled)?;
        let timeline = self.world.meters().timeline();
        timeline.keep(kept);
        self.drive.start_jobs(settled);
        let last = self.plan.jobs.iter().filter_map(|job| job.arrival).max().unwrap_or_default();
        let total = self.plan.jobs.len() as u64;
        let drive = Rc::clone(&self.drive);
        let done = move || drive.jobs_ended();
        self.run(Phase::Jobs, total, &done, settled + last + JOBS_MAX, progress)?;
        let effects = faults::effects(&mut self.world, &scheduled);
        let mut broken = self.broken();
        broken.extend(self.drive.load_drive().broken());
        let answered = self.drive.answered();
        let finished = answered.iter().map(|job| job.finished).max().unwrap_or(settled);
        let first = answered.iter().map(|job| job.intended).min().unwrap_or(settled);
        let sizes = self.plan.object_sizes();
        let mut references = References::new(self.plan, self.memo);
        let mut jobs = Vec::new();
        for job in answered {
            let times = timeline.times_of(JobNumber(job.index));
            let planned = &self.plan.jobs[job.index as usize];
            let mut job = job.record(planned, first, &times, &sizes);
            if let Err(why) = references.judge(planned, &mut job) {
                broken.push(format!("job {} has no reference: {why}", job.index));
            }
            jobs.push(job);
        }
        let memo = self.sessions.as_ref().map(SessionMemo::used);
        broken.extend(memo.iter().flat_map(|memo| memo.differences.clone()));
        let moved = self.world.meters().ledger().since(&before);
        let hosts = meters.zip(self.meters());
        let hosts = hosts.map(|(old, new)| new.since(&old, &moved, &self.cluster));
        let executor = self.world.executor_meters();
        Ok(PolicyRecord {
            policy: self.policy.name().to_owned(),
            trace_hash: self.plan.net.repeats().then(|| self.world.meters().trace().hash()),
            schedule_hash: executor.map(ExecutorMeters::schedule_hash),
            // By the cores' own meters: attempts that were lost are in no answer.
            fuel: self.world.meters().fuel_spent(),
            effort: executor.map(ExecutorMeters::effort),
            hosts: hosts.unwrap_or_default(),
            memo,
            bytes: counts::of(&moved.totals(), self.in_flight()),
            ledger: counts::rows(&moved),
            loading,
            makespan: finished.since(settled),
            load: self.drive.load_drive().record(),
            faults: effects,
            broken,
            jobs,
        })
    }

    fn meters(&self) -> Option<Meters> {
        let sees_arrivals = self.world.wire_meters().is_some();
        self.world.part_meters().map(|parts| Meters { busy: parts.busy(), sees_arrivals })
    }

    fn in_flight(&self) -> Option<u64> {
        self.world.wire_meters().map(WireMeters::in_flight)
    }

    /// Puts the objects into the store; says when the jobs may begin.
    fn load(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Time, RunError> {
        let drive = Rc::clone(&self.drive);
        let done = move || drive.loaded();
        let total = self.plan.objects.len() as u64;
        self.run(Phase::Loading, total, &done, Time::ZERO + LOADING_MAX, progress)?;
        if let Some(why) = self.drive.loading_failed() {
            return Err(unfit("data", &why));
        }
        let settled = self.world.now() + SETTLING;
        match self.world.backend().run(&mut || false, settled) {
            RunEnd::Livelock => Err(self.stuck("tasks that wake each other")),
            RunEnd::Done | RunEnd::Stuck | RunEnd::TimeLimit => Ok(settled),
        }
    }

    fn run(
        &mut self,
        phase: Phase,
        total: u64,
        done: &dyn Fn() -> u64,
        limit: Time,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), RunError> {
        let mut events = 0_u32;
        let clock = self.drive.clock();
        let mut is_done = || {
            let ended = done();
            events = events.wrapping_add(1);
            if events.is_multiple_of(PROGRESS_EVERY) || ended == total {
                progress(Progress { phase, done: ended, total, now: clock.get() });
            }
            ended == total
        };
        match self.world.backend().run(&mut is_done, limit) {
            RunEnd::Done => Ok(()),
            end => Err(self.stuck(&format!("{} of {total} of {phase:?} ({end:?})", done()))),
        }
    }

    fn stuck(&self, waiting: &str) -> RunError {
        let (policy, at) = (self.policy, self.world.now());
        RunError::NoProgress { policy, at, waiting: waiting.to_owned() }
    }

    /// The invariants of the whole run, loading included, that do not hold.
    fn broken(&self) -> Vec<String> {
        let Some(in_flight) = self.in_flight() else { return Vec::new() };
        let totals = self.world.meters().ledger().totals();
        let (sent, delivered, dropped) = (totals.payload, totals.delivered, totals.dropped);
        if sent == delivered + dropped + in_flight {
            return Vec::new();
        }
        vec![format!(
            "the ledger is not balanced: {sent} bytes sent, {delivered} delivered, {dropped} dropped, \
             {in_flight} in flight"
        )]
    }
}

fn unfit(what: &str, why: &str) -> RunError {
    RunError::Unfit { what: what.to_owned(), why: why.to_owned() }
}

/// The end of a job that got no whole answer.
fn failed(error: impl Into<String>) -> JobEnd {
    JobEnd::Failed { error: error.into() }
}
