//! Clients of a run: they load the objects, wait for the start, and post the jobs at their times.
//!
//! The same for every policy but for whom a job is posted to. Leaves out judging the answers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use stayput_cluster::{ACCOUNT, ClientMain, ClientSide};
use stayput_host::{Host, JobNumber, Time};
use stayput_jobs::placement::{Download, OnStorage};
use stayput_store::client::{Client, ClientError, JobAnswer};
use stayput_store::http::{HeaderValue, StatusCode};
use stayput_store::swift::Path;
use stayput_store::swift::header::{X_STAYPUT_INPUTS, X_STAYPUT_PLACE, X_STAYPUT_PLACED};
use stayput_world::timeline::JobTimes;
use stayput_world::{Trace, TraceEvent};
use tokio::sync::Notify;

use super::best::Places;
use super::failed;
use super::load::LoadDrive;
use crate::plan::{LoadedObject, PlannedJob, RunPlan};
use crate::record::{JobEnd, JobPlace, JobPlacement, JobRecord, PhaseTimes};
use crate::scenario::{ObjectName, Policy};

/// State shared by the clients and the engine.
pub(super) struct Drive {
    policy: Policy,
    /// Places that jobs ask for, by their numbers; none for those that do not ask.
    places: Places,
    objects: Vec<LoadedObject>,
    jobs: Vec<(PlannedJob, Bytes)>,
    clients: u32,
    load: Rc<LoadDrive>,
    trace: Trace,
    clock: Rc<Cell<Time>>,
    containers_made: Cell<bool>,
    loaded: Cell<u64>,
    loading_failed: RefCell<Option<String>>,
    start: Cell<Option<Time>>,
    changed: Notify,
    answered: RefCell<BTreeMap<u32, AnsweredJob>>,
}

/// A job that has ended, with the world's times.
#[derive(Clone)]
pub(super) struct AnsweredJob {
    pub(super) index: u32,
    /// Its client, from 0.
    pub(super) client: u32,
    object: ObjectName,
    pub(super) intended: Time,
    pub(super) finished: Time,
    pub(super) end: JobEnd,
    exit_codes: Vec<u32>,
    answer: Bytes,
    version: String,
    placement: Option<JobPlacement>,
}

impl AnsweredJob {
    /// Its object, as `container/object`.
    pub(super) fn object(&self) -> String {
        format!("{}/{}", self.object.container(), self.object.object())
    }

    /// Its record, in a run whose first job was intended at `first`.
    pub(super) fn record(
        self,
        planned: &PlannedJob,
        first: Time,
        times: &JobTimes,
        sizes: &BTreeMap<String, u64>,
    ) -> JobRecord {
        let object = self.object();
        JobRecord {
            index: self.index,
            client: self.client + 1,
            work: u32::try_from(planned.work + 1).unwrap_or(u32::MAX),
            object_bytes: sizes.get(&object).copied().unwrap_or_default(),
            object,
            intended: self.intended.since(first),
            finished: self.finished.since(first),
            phases: PhaseTimes::of(self.intended, self.finished, times),
            end: self.end,
            exit_codes: self.exit_codes,
            answer_bytes: self.answer.len() as u64,
            answer: self.answer,
            version: self.version,
            placement: self.placement,
        }
    }
}

impl Drive {
    pub(super) fn new(plan: &RunPlan, policy: Policy, places: &Places, trace: Trace) -> Self {
        let text = |job: &PlannedJob| (job.clone(), Bytes::from(plan.job_text(job)));
        Self {
            policy,
            places: places.clone(),
            objects: plan.objects.clone(),
            jobs: plan.jobs.iter().map(text).collect(),
            clients: plan.scenario.cluster.clients,
            load: Rc::new(LoadDrive::new(plan)),
            trace,
            clock: Rc::default(),
            containers_made: Cell::new(false),
            loaded: Cell::new(0),
            loading_failed: RefCell::default(),
            start: Cell::default(),
            changed: Notify::new(),
            answered: RefCell::default(),
        }
    }

    /// Objects that are in the store, or could not be put there.
    pub(super) fn loaded(&self) -> u64 {
        if self.loading_failed.borrow().is_some() {
            return self.objects.len() as u64;
        }
        self.loaded.get()
    }

    pub(super) fn loading_failed(&self) -> Option<String> {
        self.loading_failed.borrow().clone()
    }

    /// Lets the clients begin at `start`.
    pub(super) fn start_jobs(&self, start: Time) {
        self.start.set(Some(start));
        self.changed.notify_waiters();
    }

    /// Start of the clients.
    pub(super) fn started(&self) -> Time {
        self.start.get().unwrap_or_default()
    }

    pub(super) fn jobs_ended(&self) -> u64 {
        self.answered.borrow().len() as u64
    }

    /// The time at which a client last did something.
    pub(super) fn clock(&self) -> Rc<Cell<Time>> {
        Rc::clone(&self.clock)
    }

    /// The jobs that have ended, by index.
    pub(super) fn answered(&self) -> Vec<AnsweredJob> {
        self.answered.borrow().values().cloned().collect()
    }

    /// Load of the clients beside the jobs.
    pub(super) fn load_drive(&self) -> &LoadDrive {
        &self.load
    }

    /// Main function of each client.
    pub(super) fn client_main(self: &Rc<Self>) -> ClientMain {
        let drive = Rc::clone(self);
        Rc::new(move |index, side| {
            let drive = Rc::clone(&drive);
            Box::pin(async move { drive.client(index, side).await })
        })
    }

    async fn client(self: Rc<Self>, index: u32, side: ClientSide) {
        if let Err(error) = self.load(index, &side.proxies).await {
            *self.loading_failed.borrow_mut() = Some(error.to_string());
        }
        let start = loop {
            let changed = self.changed.notified();
            match self.start.get() {
                Some(start) => break start,
                None => changed.await,
            }
        };
        self.load.begin(index, &side.proxies, start);
        let to_workers = self.policy.is_posted_to_workers();
        let target = if to_workers { side.workers } else { side.proxies };
        self.post_jobs(index, &side.host, &target, start).await;
    }

    /// Puts this client's share of the objects into the store; the first client makes the
    /// containers.
    async fn load(&self, index: u32, store: &Client) -> Result<(), ClientError> {
        if index == 0 {
            let mut containers: Vec<&str> =
                self.objects.iter().map(|object| object.container.as_str()).collect();
            containers.extend(self.load.container());
            containers.sort_unstable();
            containers.dedup();
            for container in containers {
                let path = Path::account_only(ACCOUNT)?.with_container(container)?;
                store.put_container(&path).await?;
            }
            self.containers_made.set(true);
            self.changed.notify_waiters();
        }
        loop {
            let changed = self.changed.notified();
            if self.containers_made.get() {
                break;
            }
            changed.await;
        }
        let mine = self.objects.iter().skip(index as usize).step_by(self.clients as usize);
        for object in mine {
            let path = Path::object_of(ACCOUNT, &object.container, &object.object)?;
            store.put_object(&path, object.content.clone(), &object.content_type).await?;
            self.loaded.set(self.loaded.get() + 1);
            self.clock.set(store.host.now());
        }
        Ok(())
    }

    /// Open-loop jobs begin at their times; the others wait for each other.
    async fn post_jobs(self: &Rc<Self>, index: u32, host: &Host, target: &Client, start: Time) {
        let mine = |(job, _): &&(PlannedJob, Bytes)| job.client == index;
        let (open, closed): (Vec<_>, Vec<_>) =
            self.jobs.iter().filter(mine).cloned().partition(|(job, _)| job.arrival.is_some());
        for (job, text) in open {
            let (drive, host, target) = (Rc::clone(self), host.clone(), target.clone());
            let at = start + job.arrival.unwrap_or_default();
            host.clone().spawn(async move {
                host.sleep_until(at).await;
                drive.post(&target, &job, text, at).await;
            });
        }
        host.sleep_until(start).await;
        for (job, text) in closed {
            self.post(target, &job, text, host.now()).await;
        }
    }

    async fn post(&self, target: &Client, job: &PlannedJob, text: Bytes, intended: Time) {
        let poster = target.clone();
        let place = self.places.get(job.index as usize);
        let asked = place.and_then(|place| HeaderValue::try_from(place).ok());
        let headers: Vec<_> = asked.into_iter().map(|place| (X_STAYPUT_PLACE, place)).collect();
        let posting = async move { poster.post_job(text, "application/json", &headers).await };
        let answered = target.host.in_job(Some(JobNumber(job.index)), posting).await;
        let exit_codes = answered.as_ref().map(exit_codes_of).unwrap_or_default();
        let placement = answered.as_ref().ok().and_then(|answer| self.placement(answer));
        let (end, answer, version) = match answered {
            Ok(answer) => Self::take(answer),
            Err(error) => (failed(error.to_string()), Bytes::new(), String::new()),
        };
        let finished = target.host.now();
        let outcome = match &end {
            JobEnd::Failed { error } => format!("failed: {error}"),
            JobEnd::Ok | JobEnd::Wrong { .. } => {
                format!("answered {} from {version}", String::from_utf8_lossy(&answer).trim_end())
            }
        };
        let event = TraceEvent::Job { index: u64::from(job.index), outcome: &outcome };
        self.trace.note(finished, &event);
        self.clock.set(finished);
        let answered = AnsweredJob {
            index: job.index,
            client: job.client,
            object: job.object.clone(),
            intended,
            finished,
            end,
            exit_codes,
            answer,
            version,
            placement,
        };
        self.answered.borrow_mut().insert(job.index, answered);
    }

    /// Place and reason that an answer names. Two policies' answers name none: they have one place
    /// each, and another header has the reason.
    fn placement(&self, answer: &JobAnswer) -> Option<JobPlacement> {
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let (place, reason) = match header(X_STAYPUT_PLACED.as_str()) {
            Some(placed) => {
                let (place, reason) = placed.split_once("; reason=").unwrap_or((placed, ""));
                (JobPlace::named(place)?, reason)
            }
            None => match header("x-nexe-colocated")? {
                _ if self.policy == Policy::Download => (JobPlace::Worker, Download::WORKER.name()),
                flags if flags.starts_with('1') => (JobPlace::Node, OnStorage::REPLICA.name()),
                _ => (JobPlace::Node, OnStorage::NO_OBJECT.name()),
            },
        };
        Some(JobPlacement { place, reason: reason.to_owned() })
    }

    /// End of a job as its answer has it; the answer is judged later.
    fn take(answer: JobAnswer) -> (JobEnd, Bytes, String) {
        let JobAnswer { status, headers, body } = answer;
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let version = header(X_STAYPUT_INPUTS.as_str()).unwrap_or_default().to_owned();
        if status == StatusCode::OK {
            return (JobEnd::Ok, body, version);
        }
        // Where the description or the module is at fault, the body names node and field; where the
        // sandbox failed, the body is what the job wrote until then.
        let why = match header("x-nexe-error") {
            Some(error) if status.is_server_error() => error.to_owned(),
            _ => String::from_utf8_lossy(&body).trim_end().to_owned(),
        };
        (failed(format!("{status}: {why}")), body, version)
    }
}

/// The exit codes of the sessions that exited.
fn exit_codes_of(answer: &JobAnswer) -> Vec<u32> {
    let codes = answer.headers.get("x-nexe-retcode").and_then(|codes| codes.to_str().ok());
    codes.unwrap_or_default().split(',').filter_map(|code| code.parse().ok()).collect()
}
