//! The job service of a proxy: sees a posted job through to its answer.
//!
//! It chooses versions once, tries the candidates in turn, and stores outputs only when one attempt has ended. Leaves out jobs that
//! are no JSON (scripts and tars), and jobs from objects.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, join_all, select};
use hyper::header::CONTENT_TYPE;
use stayput_runtime::job::DESCRIPTION_BYTES_MAX;

use super::answer::{Circumstances, Session, answer};
use super::message::{
    DeviceSource, LocalObject, ModuleSource, Order, OrderedDevice, PartHead, Report, Role, decode,
    encode,
};
use super::placement::on_storage;
use super::plan::{Plan, PlannedModule, plan};
use super::run::{SESSION_TIME_MAX, STAGED_BYTES_MAX};
use super::system_images::SystemImages;
use super::watch::{lost, status_path};
use crate::host::{LocalFuture, Purpose};
use crate::http::{Answer, BodyBroken, Limits, Method, Request, Response, StatusCode};
use crate::proxy::{
    FetchError, JobCall, JobService, LocateError, Located, NewObject, Placement, Proxy, Refusal,
    StoreError, Target,
};
use crate::swift::header::text;
use crate::swift::{Path, Timestamp, job_port};

/// Bytes that are pushed with an order, together.
const PUSHED_BYTES_MAX: u64 = 256 << 20;
/// Bytes of a description that is too long which are read all the same: a client that still sends when the
/// connection ends sees a reset in the place of the answer that says why.
const DISCARDED_BYTES_MAX: u64 = 1 << 20;
/// Candidates that are tried, each once.
const ATTEMPTS_MAX: usize = 8;
/// For a node's answer: the session's time, that of those before it in the queue, and what is read and pushed around it.
const LIMITS: Limits = Limits {
    connect: Duration::from_millis(500),
    answer: Duration::from_secs(3 * SESSION_TIME_MAX.as_secs()),
};

/// For the next piece of a node's answer.
const CHUNK_MAX: Duration = Duration::from_secs(3);
/// The longest answer: all that may be staged, and room for its head.
const ANSWER_BYTES_MAX: u64 = STAGED_BYTES_MAX + (1 << 20);

/// Runs jobs on the storage nodes that hold their data.
pub struct OnStorage {
    /// Where things belong.
    pub ring: Rc<dyn Placement>,
    /// What is installed on the nodes.
    pub images: SystemImages,
}

impl JobService for OnStorage {
    fn run(&self, proxy: Proxy, call: JobCall) -> LocalFuture<'static, Response> {
        let (ring, images) = (Rc::clone(&self.ring), self.images.clone());
        Box::pin(async move {
            let job = Job { proxy, ring, images, id: call.trans_id.clone() };
            job.run(call).await.unwrap_or_else(Refusal::into_response)
        })
    }
}

/// Reads the description of a job that was posted as JSON.
///
/// # Errors
/// 413 for one that is too long, 415 for other content types, 400 and 499 for broken bodies.
pub async fn description_of(request: &mut Request) -> Result<Bytes, Refusal> {
    let content_type = text(request.headers(), &CONTENT_TYPE).unwrap_or_default();
    let mime = content_type.split(';').next().unwrap_or_default().trim();
    if mime != "application/json" {
        let why = format!(
            "Content-Type is {content_type:?}: this version takes jobs as application/json"
        );
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    match request.body_mut().collect(DESCRIPTION_BYTES_MAX as u64).await {
        Ok(description) => Ok(description),
        Err(broken) => {
            let status = match broken {
                BodyBroken::TooLong { .. } => {
                    request.body_mut().discard(DISCARDED_BYTES_MAX).await;
                    StatusCode::PAYLOAD_TOO_LARGE
                }
                BodyBroken::BrokeOff { .. } => StatusCode::BAD_REQUEST,
            };
            Err(Refusal::new(status, format!("the job description: {broken}")))
        }
    }
}

struct Job {
    proxy: Proxy,
    ring: Rc<dyn Placement>,
    images: SystemImages,
    id: String,
}

/// An object that a job reads, in the version that was chosen for it.
struct Input {
    path: Path,
    located: Located,
}

/// What became of an attempt that did not end the job.
enum Attempt {
    Done(Report, Vec<(Role, Bytes)>),
    Next(String),
}

impl Job {
    async fn run(&self, mut call: JobCall) -> Result<Response, Refusal> {
        let description = description_of(&mut call.request).await?;
        let plan = plan(&description, &call.account, &self.images)?;
        // Outputs get this time whichever attempt makes them.
        let written_at = self.proxy.next_timestamp();
        let inputs = self.locate_all(&plan).await?;
        let attached = plan.attached.as_ref();
        let near = attached.and_then(|path| inputs.iter().find(|input| input.path == *path));
        let local = near.filter(|near| is_read_by_device(&plan, &near.path));
        let parts = self.fetch_remote(&plan, &inputs, local).await?;
        let elsewhere = self.elsewhere(&plan, &call.path);
        let candidates = on_storage(near.map(|near| &near.located), &elsewhere);
        let (report, outputs) = self.first_success(&plan, &candidates, local, &parts).await?;
        let session = session_of(&plan, report, outputs);
        if session.end.exit_code().is_some() {
            self.store_outputs(&plan, &session, written_at).await?;
        }
        let around = Circumstances {
            policy: "on-storage",
            colocated: local.is_some(),
            inputs: inputs.into_iter().map(|input| (input.path, input.located.version)).collect(),
        };
        Ok(answer(&plan.devices, &session, &around))
    }

    async fn locate_all(&self, plan: &Plan) -> Result<Vec<Input>, Refusal> {
        let paths = plan.reads();
        let located = join_all(paths.iter().map(|path| self.proxy.locate(path))).await;
        let input = |(path, located): (Path, Result<Located, LocateError>)| {
            let located = located.map_err(|error| {
                let status = match error {
                    LocateError::NotFound { .. } => StatusCode::NOT_FOUND,
                    LocateError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
                };
                Refusal::new(status, error.to_string())
            })?;
            Ok(Input { path, located })
        };
        paths.into_iter().zip(located).map(input).collect()
    }

    /// What the node cannot have: module, images, and objects that lie elsewhere.
    async fn fetch_remote(
        &self,
        plan: &Plan,
        inputs: &[Input],
        local: Option<&Input>,
    ) -> Result<Vec<(Role, Purpose, Bytes)>, Refusal> {
        let mut wanted: Vec<(Role, Purpose, &Path)> = Vec::new();
        if let PlannedModule::Object(path) = &plan.module {
            wanted.push((Role::Module, Purpose::JobCode, path));
        }
        wanted.extend(plan.images.iter().map(|path| (Role::Image, Purpose::JobCode, path)));
        for device in plan.devices.iter().filter(|device| device.kind.is_readable()) {
            if let Some(path) = &device.path
                && local.is_none_or(|local| local.path != *path)
            {
                wanted.push((Role::Device(device.name.clone()), Purpose::ObjectData, path));
            }
        }
        let mut room = PUSHED_BYTES_MAX;
        let mut parts = Vec::new();
        for (role, purpose, path) in wanted {
            let Some(input) = inputs.iter().find(|input| input.path == *path) else { continue };
            let fetched = self.proxy.fetch(path, input.located.version, purpose, room).await;
            let content = fetched.map_err(|error| {
                let status = match error {
                    FetchError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
                    FetchError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                };
                Refusal::new(status, error.to_string())
            })?;
            room -= content.len() as u64;
            parts.push((role, purpose, content));
        }
        Ok(parts)
    }

    /// Where it may run when no object that it reads says so: near what it writes, or near its module.
    fn elsewhere(&self, plan: &Plan, posted_to: &Path) -> Vec<Target> {
        let near = plan.attached.as_ref().or(match &plan.module {
            PlannedModule::Object(path) => Some(path),
            PlannedModule::InImage { .. } => plan.images.first(),
        });
        let partition = self.ring.partition(near.unwrap_or(posted_to));
        let handoffs = self.ring.handoffs(partition, ATTEMPTS_MAX);
        self.ring.primaries(partition).into_iter().chain(handoffs).collect()
    }

    async fn first_success(
        &self,
        plan: &Plan,
        candidates: &[Target],
        local: Option<&Input>,
        parts: &[(Role, Purpose, Bytes)],
    ) -> Result<(Report, Vec<(Role, Bytes)>), Refusal> {
        let mut reasons = Vec::new();
        for (tried, target) in candidates.iter().take(ATTEMPTS_MAX).enumerate() {
            let attempt = u32::try_from(tried + 1).unwrap_or(u32::MAX);
            let order = self.order(plan, target, local, parts, attempt);
            match self.attempt(target, &order, parts).await? {
                Attempt::Done(report, outputs) => return Ok((report, outputs)),
                Attempt::Next(why) => reasons.push(format!("{}: {why}", target.ip)),
            }
        }
        let why = format!("no node could run {}: {}", plan.session, reasons.join("; "));
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why))
    }

    fn order(
        &self,
        plan: &Plan,
        target: &Target,
        local: Option<&Input>,
        parts: &[(Role, Purpose, Bytes)],
        attempt: u32,
    ) -> Order {
        let is_local = |path: &Option<Path>| local.is_some_and(|l| path.as_ref() == Some(&l.path));
        let devices = plan.devices.iter().map(|device| OrderedDevice {
            name: device.name.clone(),
            kind: device.kind,
            mode: device.mode,
            source: match device.kind.is_readable() {
                true if is_local(&device.path) => DeviceSource::Local,
                true => DeviceSource::Pushed,
                false => DeviceSource::Written,
            },
        });
        let part = |(role, _, content): &(Role, Purpose, Bytes)| PartHead {
            role: role.clone(),
            bytes: content.len() as u64,
        };
        Order {
            id: self.id.clone(),
            attempt,
            session: plan.session.clone(),
            args: plan.args.clone(),
            env: plan.env.clone(),
            module: match &plan.module {
                PlannedModule::Object(_) => ModuleSource::Pushed,
                PlannedModule::InImage { image, path } => {
                    ModuleSource::InImage { image: image.clone(), path: path.clone() }
                }
            },
            system_images: plan.system_images.clone(),
            devices: devices.collect(),
            local: local.map(|local| LocalObject {
                disk: target.device.clone(),
                partition: self.ring.partition(&local.path),
                path: local.path.clone(),
                version: local.located.version,
            }),
            parts: parts.iter().map(part).collect(),
        }
    }

    /// One attempt on one node.
    ///
    /// # Errors
    /// The node says that no other would do better.
    async fn attempt(
        &self,
        target: &Target,
        order: &Order,
        parts: &[(Role, Purpose, Bytes)],
    ) -> Result<Attempt, Refusal> {
        let broken = |why: String| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why);
        let again = order.attempt > 1;
        let pushed = parts.iter().map(|(_, purpose, content)| {
            (if again { Purpose::Retry } else { *purpose }, content.clone())
        });
        let body = encode(order, pushed.collect()).map_err(|error| broken(error.to_string()))?;
        let request = hyper::Request::builder()
            .method(Method::POST)
            .uri(status_path(&order.id, order.attempt))
            .body(body)
            .map_err(|error| broken(error.to_string()))?;
        let (host, address) =
            (self.proxy.host(), SocketAddr::new(target.ip, job_port(target.port)));
        let head = pin!(self.proxy.pool().send(address, request, LIMITS));
        let lost = pin!(lost(host, self.proxy.pool(), address, &order.id, order.attempt));
        let mut answer = match select(head, lost).await {
            Either::Left((Ok(answer), _)) => answer,
            Either::Left((Err(error), _)) => return Ok(Attempt::Next(error.to_string())),
            Either::Right(((), _)) => return Ok(Attempt::Next("it lost the session".to_owned())),
        };
        let (status, body) = match self.collect(&mut answer).await {
            Ok(body) => (answer.status, body),
            Err(why) => return Ok(Attempt::Next(why)),
        };
        if status != StatusCode::OK {
            let why = format!("{status}: {}", String::from_utf8_lossy(&body).trim_end());
            let next = status.is_server_error()
                || matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
            return if next { Ok(Attempt::Next(why)) } else { Err(broken(why)) };
        }
        let (report, outputs) = match decode::<Report>(body) {
            Ok(decoded) => decoded,
            Err(bad) => return Ok(Attempt::Next(bad.to_string())),
        };
        if (report.id.as_str(), report.attempt) != (order.id.as_str(), order.attempt) {
            return Ok(Attempt::Next("it answered for another attempt".to_owned()));
        }
        Ok(Attempt::Done(report, outputs))
    }

    /// The whole of a node's answer, if none of its pieces is late.
    async fn collect(&self, answer: &mut Answer) -> Result<Bytes, String> {
        let mut whole = BytesMut::new();
        loop {
            let chunk = self.proxy.host().timeout(CHUNK_MAX, answer.body.chunk()).await;
            let chunk = chunk.map_err(|late| late.to_string())?;
            match chunk.map_err(|broken| broken.to_string())? {
                Some(chunk) => whole.extend_from_slice(&chunk),
                None => return Ok(whole.freeze()),
            }
            if whole.len() as u64 > ANSWER_BYTES_MAX {
                return Err(format!("its answer is longer than {ANSWER_BYTES_MAX} bytes"));
            }
        }
    }

    async fn store_outputs(
        &self,
        plan: &Plan,
        session: &Session,
        timestamp: Timestamp,
    ) -> Result<(), Refusal> {
        for device in plan.devices.iter().filter(|device| device.kind.is_writable()) {
            let Some(path) = &device.path else { continue };
            let content_type = device.content_type.as_deref();
            let object = NewObject {
                path: path.clone(),
                content: session.output(&device.name),
                content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
                meta: device.meta.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
                timestamp,
                purpose: Purpose::JobResult,
            };
            self.proxy.store(object).await.map_err(|error| refuse_store(&error))?;
        }
        Ok(())
    }
}

fn refuse_store(error: &StoreError) -> Refusal {
    let status = match error {
        StoreError::NoContainer { .. } => StatusCode::NOT_FOUND,
        StoreError::BadMeta { .. } => StatusCode::BAD_REQUEST,
        StoreError::Newer { .. } => StatusCode::CONFLICT,
        StoreError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::new(status, error.to_string())
}

fn is_read_by_device(plan: &Plan, path: &Path) -> bool {
    plan.devices.iter().any(|d| d.kind.is_readable() && d.path.as_ref() == Some(path))
}

fn session_of(plan: &Plan, report: Report, outputs: Vec<(Role, Bytes)>) -> Session {
    let output = |(role, content)| match role {
        Role::Device(name) => Some((name, content)),
        Role::Module | Role::Image => None,
    };
    Session {
        name: plan.session.clone(),
        end: report.end,
        fuel: report.fuel,
        took: Duration::from_micros(report.took_us),
        core: Duration::from_micros(report.core_us),
        accounting: report.accounting,
        outputs: outputs.into_iter().filter_map(output).collect(),
    }
}
