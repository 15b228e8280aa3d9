//! The job service of a proxy: sees a posted job through to its answer.
//!
//! ```text
//! posted → plan → supply    versions chosen once; what nodes cannot have is fetched once
//!               → placing   what the proxy knows of each session, and where the policy wants it
//!                 → schedule, race   gangs and copies onto nodes, anew where a node was lost
//!                   → attempt        one order to one node
//!                 → here             or the whole job onto the proxy itself
//!                 → forward          or to a worker
//!               → outputs   stored when every session has ended
//!               → answer
//! ```
//! A job of one session goes where its policy wants it. One of several goes to the proxy or to a worker as a whole if that is where
//! the policy wants its first session; else each session goes to the first of its own nodes that takes it. Leaves out chains and
//! deferred jobs.

mod at_proxy;
mod at_worker;
mod attempt;
mod gang;
mod hedge;
mod inputs;
mod liveness;
mod matching;
mod observations;
mod outputs;
mod placer;
mod schedule;
mod vote;

pub use self::placer::ClusterTopology;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use hyper::header::HeaderName;
use stayput_host::config::MachineConfig;
use stayput_host::{AttemptKind, Host, LocalFuture, Purpose};
use stayput_store::http::{Response, StatusCode};
use stayput_store::proxy::{
    FetchError, JobAccess, JobPoster, JobRequest, JobService, ListError, ListedObject, LocateError,
    Proxy, Refusal,
};
use stayput_store::swift::RingLookup;
use stayput_store::swift::header::{X_AUTH_TOKEN, X_STAYPUT_PLACE, X_STAYPUT_PLACED, text};
use stayput_store::swift::{Path, Timestamp};

use self::at_proxy::FromNodes;
use self::at_worker::{Forward, fuel_of};
use self::inputs::JobInputs;
use self::observations::Observations;
use self::placer::{SessionPlacer, kind_of};
use self::schedule::Scheduler;
use crate::answer::{AnswerContext, SessionResult, answer, put};
use crate::memo::SessionMemo;
use crate::placement::{PlacementDecision, PlacementPolicy, SessionPlace};
use crate::plan::lookup::{NAMES_MAX, StoreLookup, plan};
use crate::plan::{JobPlan, Planning};
use crate::posted::{JobReader, PostedJob, VerbatimJob};
use crate::runner::{FinishedJob, JobRunner};
use crate::system_images::SystemImages;

/// Runs jobs where a policy wants them. Clones are the same service.
#[derive(Clone)]
pub struct ProxyJobs(Rc<Inner>);

struct Inner {
    ring: Rc<dyn RingLookup>,
    images: SystemImages,
    policy: &'static dyn PlacementPolicy,
    sites: ClusterTopology,
    sessions_per_node: u64,
    knowledge: Observations,
    runner: JobRunner,
    /// Jobs on this proxy.
    running: Cell<u32>,
}

/// What the jobs of a proxy are run by.
pub struct ProxyJobsConfig {
    /// Where things belong.
    pub ring: Rc<dyn RingLookup>,
    /// What is installed on nodes, workers and proxies.
    pub images: SystemImages,
    /// Says where sessions run.
    pub policy: &'static dyn PlacementPolicy,
    /// Who is where.
    pub sites: ClusterTopology,
    /// A storage node.
    pub node: MachineConfig,
    /// The proxy's own machine.
    pub machine: MachineConfig,
    /// What the proxy need not compute again.
    pub memo: Option<SessionMemo>,
}

impl ProxyJobs {
    /// The jobs of the proxy on `host`.
    #[must_use]
    pub fn new(host: &Host, config: ProxyJobsConfig) -> Self {
        let ProxyJobsConfig { ring, images, policy, sites, node, machine, memo } = config;
        let runner = JobRunner::new(host, &machine, &images, memo);
        Self(Rc::new(Inner {
            ring,
            images,
            policy,
            sites,
            sessions_per_node: u64::from(node.sessions.running),
            knowledge: Observations::default(),
            runner,
            running: Cell::new(0),
        }))
    }
}

impl JobService for ProxyJobs {
    fn run(&self, proxy: Proxy, call: JobRequest) -> LocalFuture<'static, Response> {
        let jobs = Rc::clone(&self.0);
        Box::pin(async move {
            let job = Job { proxy, jobs };
            job.run(call).await.unwrap_or_else(Refusal::into_response)
        })
    }
}

struct Job {
    proxy: Proxy,
    jobs: Rc<Inner>,
}

/// A job that is known to be in order.
struct Ready<'a> {
    call: &'a JobRequest,
    posted: &'a PostedJob,
    word_for_word: &'a VerbatimJob,
    plan: &'a JobPlan,
    names: &'a OfProxy<'a>,
}

/// What sessions came to, and which versions they read.
type Ended = (Vec<SessionResult>, Vec<(Path, Timestamp)>);

impl Job {
    async fn run(&self, mut call: JobRequest) -> Result<Response, Refusal> {
        let account = call.account.clone();
        let poster = call.poster.clone();
        let names = OfProxy { proxy: &self.proxy, poster: &poster };
        let reception = JobReader {
            host: self.proxy.host(),
            account: &account,
            posted_to: &call.path,
            store: &names,
        };
        let (posted, word_for_word) = reception.receive(&mut call.request).await?;
        let planning = Planning { account: &account, system_images: &self.jobs.images };
        let plan = plan(&planning, &posted.job, &names).await?;
        let mut supply = JobInputs::locate(&self.proxy, &plan, &posted).await?;
        let ready = Ready {
            call: &call,
            posted: &posted,
            word_for_word: &word_for_word,
            plan: &plan,
            names: &names,
        };
        self.place(&ready, &mut supply).await
    }

    /// Tries the places that the policy wants for the first session, in their order; all nodes are one of them.
    async fn place(&self, ready: &Ready<'_>, supply: &mut JobInputs) -> Result<Response, Refusal> {
        let decision = self.placing(ready, supply).decision(0);
        let (mut nodes_tried, mut last) = (false, None);
        for place in &decision.candidates {
            let mut trying = self.proxy.host().attempt(AttemptKind::Job, "place");
            let ended = match place {
                SessionPlace::Node(_) if nodes_tried => continue,
                SessionPlace::Node(_) => {
                    nodes_tried = true;
                    self.on_nodes(ready, supply, &decision).await
                }
                SessionPlace::Proxy => self.here(ready, supply).await,
                SessionPlace::Worker(worker) => {
                    let forward = self.forward(ready);
                    match forward.to(*worker).await {
                        Ok(mut response) => {
                            self.learn(ready, supply, &response);
                            put(&mut response, POLICY, self.jobs.policy.name());
                            if self.jobs.policy.reports_placement() {
                                let placed = told(place, decision.reason.name());
                                put(&mut response, X_STAYPUT_PLACED, &placed);
                            }
                            return Ok(response);
                        }
                        Err(why) => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)),
                    }
                }
            };
            match ended {
                Ok((sessions, inputs)) => {
                    // One time for all of them, and only now: what was written while the job ran is older.
                    let now = self.proxy.next_timestamp();
                    outputs::store(&self.proxy, ready.plan, &sessions, now).await?;
                    let is_told = self.jobs.policy.reports_placement();
                    let placed = is_told.then(|| told(place, decision.reason.name()));
                    let around = AnswerContext { policy: self.jobs.policy.name(), placed, inputs };
                    return Ok(answer(ready.plan, &sessions, &around));
                }
                Err(refusal) if refusal.status == StatusCode::SERVICE_UNAVAILABLE => {
                    trying.failed();
                    last = Some(refusal);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Err(last.unwrap_or_else(|| {
            let why = format!("the policy {} has no place for it", self.jobs.policy.name());
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
        }))
    }

    fn placing<'a>(&'a self, ready: &Ready<'a>, supply: &'a JobInputs) -> SessionPlacer<'a> {
        SessionPlacer {
            policy: self.jobs.policy,
            ring: &*self.jobs.ring,
            host: self.proxy.host(),
            sites: &self.jobs.sites,
            knowledge: &self.jobs.knowledge,
            at_proxy: self.jobs.running.get(),
            id: &ready.call.trans_id,
            posted_to: &ready.call.path,
            asked: text(ready.call.request.headers(), &X_STAYPUT_PLACE),
            plan: ready.plan,
            supply,
            decided: RefCell::default(),
        }
    }

    async fn on_nodes(
        &self,
        ready: &Ready<'_>,
        supply: &mut JobInputs,
        decision: &Rc<PlacementDecision>,
    ) -> Result<Ended, Refusal> {
        supply.fetch(&self.proxy, ready.plan).await?;
        let supply = &*supply;
        let placing = self.placing(ready, supply);
        placing.decided.borrow_mut().insert(0, Rc::clone(decision));
        let scheduler = Scheduler {
            proxy: &self.proxy,
            ring: &*self.jobs.ring,
            id: &ready.call.trans_id,
            plan: ready.plan,
            supply,
            placing: &placing,
            sessions_per_node: self.jobs.sessions_per_node,
        };
        Ok((scheduler.run().await?, supply.versions()))
    }

    async fn here(&self, ready: &Ready<'_>, supply: &JobInputs) -> Result<Ended, Refusal> {
        let _running = Running::on(&self.jobs.running);
        let store = FromNodes { names: ready.names, supply };
        let done = self.jobs.runner.run(ready.plan, ready.posted, &store).await?;
        let FinishedJob { sessions, inputs, slot: _slot } = done;
        Ok((sessions, inputs))
    }

    fn forward<'a>(&'a self, ready: &Ready<'a>) -> Forward<'a> {
        Forward {
            host: self.proxy.host(),
            pool: self.proxy.pool(),
            knowledge: &self.jobs.knowledge,
            posted_to: &ready.call.path,
            token: text(ready.call.request.headers(), &X_AUTH_TOKEN).unwrap_or_default(),
            job: ready.word_for_word,
        }
    }

    /// Remembers what a session that ran on a worker came to, as far as the answer tells.
    fn learn(&self, ready: &Ready<'_>, supply: &JobInputs, response: &Response) {
        let ([session], Some(fuel)) = (ready.plan.sessions.as_slice(), fuel_of(response)) else {
            return;
        };
        let input_bytes = self.placing(ready, supply).input_bytes(session);
        let output_bytes = response.body().len().unwrap_or(0);
        self.jobs.knowledge.ended(&kind_of(session), input_bytes, output_bytes, fuel);
    }
}

const POLICY: HeaderName = HeaderName::from_static("x-nexe-policy");

/// As answers say it.
fn told(place: &SessionPlace, reason: &str) -> String {
    format!("{}; reason={reason}", place.name())
}

/// Counts a job as running until it is dropped.
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

/// The store as a proxy sees it.
struct OfProxy<'p> {
    proxy: &'p Proxy,
    poster: &'p JobPoster,
}

impl StoreLookup for OfProxy<'_> {
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, Refusal>> {
        Box::pin(async move {
            self.proxy.list(container, prefix, NAMES_MAX).await.map_err(|error| refuse_list(&error))
        })
    }

    fn containers<'a>(
        &'a self,
        account: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, Refusal>> {
        Box::pin(async move {
            let listed = self.proxy.list_containers(account, prefix, NAMES_MAX).await;
            listed.map_err(|error| refuse_list(&error))
        })
    }

    fn may<'a>(
        &'a self,
        path: &'a Path,
        wanted: JobAccess,
    ) -> LocalFuture<'a, Result<(), Refusal>> {
        Box::pin(self.poster.authorise(self.proxy, path, wanted))
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), Refusal>> {
        Box::pin(async move {
            let located = self.proxy.locate(object).await.map_err(|error| refuse_locate(&error))?;
            let source = (located.version, located.confirmed());
            let content = self.proxy.fetch(object, source, purpose, bytes_max).await;
            Ok((content.map_err(|error| refuse_fetch(&error))?, located.content_type))
        })
    }
}

fn refuse_list(error: &ListError) -> Refusal {
    let status = match error {
        ListError::NotFound { .. } => StatusCode::NOT_FOUND,
        ListError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        ListError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
    };
    Refusal::new(status, error.to_string())
}

fn refuse_locate(error: &LocateError) -> Refusal {
    let status = match error {
        LocateError::NotFound { .. } => StatusCode::NOT_FOUND,
        LocateError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::new(status, error.to_string())
}

fn refuse_fetch(error: &FetchError) -> Refusal {
    let status = match error {
        FetchError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        FetchError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
    };
    Refusal::new(status, error.to_string())
}
