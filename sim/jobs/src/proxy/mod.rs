//! The job service of a proxy, from a posted job to its answer.
//!
//! ```text
//! posted → plan → inputs    versions chosen once; what nodes cannot have is fetched once
//!               → placer    the proxy's view of each session, and the policy's decision
//!                 → schedule, gang, hedge   sessions onto nodes, anew where a node was lost
//!                   → attempt               one order to one node
//!                 → at_proxy                or the whole job onto the proxy itself
//!                 → at_worker               or to a worker
//!               → outputs   stored when every session has ended
//!               → answer
//! ```
//! A job of one session goes where its policy wants it. One of several goes to the proxy or to a
//! worker as a whole if that is where the policy wants its first session; else each session goes to
//! the first of its own nodes that takes it. Leaves out chains and deferred jobs.

mod at_proxy;
mod at_worker;
mod attempt;
mod gang;
mod hedge;
mod inputs;
mod liveness;
mod lookup;
mod matching;
mod observations;
mod outputs;
mod placer;
mod schedule;
#[cfg(test)]
mod tests;
mod vote;

pub use self::placer::ClusterTopology;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hyper::header::HeaderName;
use stayput_host::config::MachineConfig;
use stayput_host::{AttemptKind, Host, LocalFuture};
use stayput_store::http::Response;
use stayput_store::proxy::{JobRequest, JobService, Proxy};
use stayput_store::swift::RingLookup;
use stayput_store::swift::header::{X_AUTH_TOKEN, X_STAYPUT_PLACE, text};
use stayput_store::swift::{Path, Timestamp};

use self::at_proxy::FromNodes;
use self::at_worker::{Forward, fuel_of};
use self::inputs::JobInputs;
use self::lookup::ProxyLookup;
use self::observations::Observations;
use self::placer::{SessionPlacer, kind_of};
use self::schedule::Scheduler;
use crate::answer::{AnswerContext, answer, put, put_placement};
use crate::error::JobError;
use crate::memo::SessionMemo;
use crate::placement::{PlacementDecision, PlacementPolicy, SessionPlace};
use crate::plan::lookup::plan;
use crate::plan::{JobPlan, Planning};
use crate::posted::{JobReader, PostedJob, VerbatimJob};
use crate::runner::{FinishedJob, JobRunner};
use crate::session::result::SessionResult;
use crate::system_images::SystemImages;

/// The job service of a proxy. Cheap to clone; clones are the same service.
#[derive(Clone)]
pub struct ProxyJobs(Rc<ProxyJobsState>);

struct ProxyJobsState {
    ring: Rc<dyn RingLookup>,
    images: SystemImages,
    policy: &'static dyn PlacementPolicy,
    topology: ClusterTopology,
    sessions_per_node: u64,
    observations: Observations,
    runner: JobRunner,
    /// Jobs on this proxy.
    running: Cell<u32>,
}

/// Configuration of a proxy's job service.
pub struct ProxyJobsConfig {
    /// The ring.
    pub ring: Rc<dyn RingLookup>,
    /// System images that are installed on nodes, workers and proxies.
    pub images: SystemImages,
    /// Placement policy.
    pub policy: &'static dyn PlacementPolicy,
    /// Places and rates of the cluster's hosts.
    pub topology: ClusterTopology,
    /// Machine of a storage node.
    pub node: MachineConfig,
    /// Machine of the proxy.
    pub machine: MachineConfig,
    /// Memo of sessions that the proxy need not compute again.
    pub memo: Option<SessionMemo>,
}

impl ProxyJobs {
    /// The job service of the proxy on `host`.
    #[must_use]
    pub fn new(host: &Host, config: ProxyJobsConfig) -> Self {
        let ProxyJobsConfig { ring, images, policy, topology, node, machine, memo } = config;
        let runner = JobRunner::new(host, &machine, &images, memo);
        Self(Rc::new(ProxyJobsState {
            ring,
            images,
            policy,
            topology,
            sessions_per_node: u64::from(node.sessions.running),
            observations: Observations::default(),
            runner,
            running: Cell::new(0),
        }))
    }
}

impl JobService for ProxyJobs {
    fn run(&self, proxy: Proxy, call: JobRequest) -> LocalFuture<'static, Response> {
        let jobs = Rc::clone(&self.0);
        Box::pin(async move {
            let run = JobRun { proxy, jobs };
            run.run(call).await.unwrap_or_else(JobError::into_response)
        })
    }
}

struct JobRun {
    proxy: Proxy,
    jobs: Rc<ProxyJobsState>,
}

/// A job whose request and plan are in order.
struct PlannedJob<'a> {
    call: &'a JobRequest,
    posted: &'a PostedJob,
    verbatim: &'a VerbatimJob,
    plan: &'a JobPlan,
    names: &'a ProxyLookup<'a>,
}

/// Results of a job's sessions, and the versions that they read.
type FinishedSessions = (Vec<SessionResult>, Vec<(Path, Timestamp)>);

impl JobRun {
    async fn run(&self, mut call: JobRequest) -> Result<Response, JobError> {
        let account = call.account.clone();
        let poster = call.poster.clone();
        let names = ProxyLookup { proxy: &self.proxy, poster: &poster };
        let reader = JobReader {
            host: self.proxy.host(),
            account: &account,
            posted_to: &call.path,
            store: &names,
        };
        let (posted, verbatim) = reader.receive(&mut call.request).await?;
        let planning = Planning { account: &account, system_images: &self.jobs.images };
        let plan = plan(&planning, &posted.job, &names).await?;
        let mut inputs = JobInputs::locate(&self.proxy, &plan, &posted).await?;
        let job = PlannedJob {
            call: &call,
            posted: &posted,
            verbatim: &verbatim,
            plan: &plan,
            names: &names,
        };
        self.place(&job, &mut inputs).await
    }

    /// Tries the places that the policy gives the first session, in their order; all nodes are one
    /// place.
    async fn place(
        &self,
        job: &PlannedJob<'_>,
        inputs: &mut JobInputs,
    ) -> Result<Response, JobError> {
        let decision = self.placing(job, inputs).decision(0);
        let (mut nodes_tried, mut last) = (false, None);
        for place in &decision.candidates {
            let mut trying = self.proxy.host().attempt(AttemptKind::Job, "place");
            let ended = match place {
                SessionPlace::Node(_) if nodes_tried => continue,
                SessionPlace::Node(_) => {
                    nodes_tried = true;
                    self.on_nodes(job, inputs, &decision).await
                }
                SessionPlace::Proxy => self.at_proxy(job, inputs).await,
                SessionPlace::Worker(worker) => {
                    let forward = self.forward(job);
                    match forward.to(*worker).await {
                        Ok(mut response) => {
                            self.learn(job, inputs, &response);
                            put(&mut response, POLICY, self.jobs.policy.name());
                            if self.jobs.policy.reports_placement() {
                                put_placement(&mut response, place, decision.reason);
                            }
                            return Ok(response);
                        }
                        Err(error) => Err(error.into()),
                    }
                }
            };
            match ended {
                Ok((sessions, inputs)) => {
                    // One time for all of them, and only now: what was written while the job ran is
                    // older.
                    let now = self.proxy.next_timestamp();
                    outputs::store(&self.proxy, job.plan, &sessions, now).await?;
                    let policy = self.jobs.policy;
                    let is_reported = policy.reports_placement();
                    let placement = is_reported.then(|| (place.clone(), decision.reason));
                    let around = AnswerContext { policy: policy.name(), placement, inputs };
                    return Ok(answer(job.plan, &sessions, &around));
                }
                Err(error) if error.is_transient() => {
                    trying.failed();
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or(JobError::NoPlace { policy: self.jobs.policy.name() }))
    }

    fn placing<'a>(&'a self, job: &PlannedJob<'a>, inputs: &'a JobInputs) -> SessionPlacer<'a> {
        SessionPlacer {
            policy: self.jobs.policy,
            ring: &*self.jobs.ring,
            host: self.proxy.host(),
            topology: &self.jobs.topology,
            observations: &self.jobs.observations,
            at_proxy: self.jobs.running.get(),
            id: &job.call.trans_id,
            posted_to: &job.call.path,
            asked: text(job.call.request.headers(), &X_STAYPUT_PLACE),
            plan: job.plan,
            inputs,
            decided: RefCell::default(),
        }
    }

    async fn on_nodes(
        &self,
        job: &PlannedJob<'_>,
        inputs: &mut JobInputs,
        decision: &Rc<PlacementDecision>,
    ) -> Result<FinishedSessions, JobError> {
        inputs.fetch(&self.proxy, job.plan).await?;
        let inputs = &*inputs;
        let placing = self.placing(job, inputs);
        placing.decided.borrow_mut().insert(0, Rc::clone(decision));
        let scheduler = Scheduler {
            proxy: &self.proxy,
            ring: &*self.jobs.ring,
            id: &job.call.trans_id,
            plan: job.plan,
            inputs,
            placing: &placing,
            sessions_per_node: self.jobs.sessions_per_node,
        };
        Ok((scheduler.run().await?, inputs.versions()))
    }

    async fn at_proxy(
        &self,
        job: &PlannedJob<'_>,
        inputs: &JobInputs,
    ) -> Result<FinishedSessions, JobError> {
        let _running = Running::on(&self.jobs.running);
        let store = FromNodes { names: job.names, inputs };
        let done = self.jobs.runner.run(job.plan, job.posted, &store).await?;
        let FinishedJob { sessions, inputs, slot: _slot } = done;
        Ok((sessions, inputs))
    }

    fn forward<'a>(&'a self, job: &PlannedJob<'a>) -> Forward<'a> {
        Forward {
            host: self.proxy.host(),
            pool: self.proxy.pool(),
            observations: &self.jobs.observations,
            posted_to: &job.call.path,
            token: text(job.call.request.headers(), &X_AUTH_TOKEN).unwrap_or_default(),
            job: job.verbatim,
        }
    }

    /// Records the costs of a session that ran on a worker, as far as the answer has them.
    fn learn(&self, job: &PlannedJob<'_>, inputs: &JobInputs, response: &Response) {
        let ([session], Some(fuel)) = (job.plan.sessions.as_slice(), fuel_of(response)) else {
            return;
        };
        let input_bytes = self.placing(job, inputs).input_bytes(session);
        let output_bytes = response.body().len().unwrap_or(0);
        self.jobs.observations.ended(&kind_of(session), input_bytes, output_bytes, fuel);
    }
}

const POLICY: HeaderName = HeaderName::from_static("x-nexe-policy");

/// A job that counts as running until this is dropped.
struct Running<'a>(&'a Cell<u32>);

impl<'a> Running<'a> {
    fn on(count: &'a Cell<u32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
