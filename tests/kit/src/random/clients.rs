//! Clients of a case: they load the job's module, take their steps, and read at the end what is
//! left.
//!
//! Leaves out judging the answers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_cluster::{ACCOUNT, ClientMain, ClientSide};
use stayput_host::Purpose;
use stayput_store::client::{Client, ClientError, DownloadedObject, limits};
use stayput_store::http;
use stayput_store::http::{Body, Method, StatusCode, Timeouts};
use stayput_store::swift::Path;
use stayput_store::swift::header::{
    X_AUTH_TOKEN, X_NEWEST, X_STAYPUT_INPUTS, X_TIMESTAMP, text as header, timestamp,
};
use tokio::sync::Notify;

use super::case::Case;
use super::history::{Did, JobCount, Record, Version};
use super::workload::{self, JobAt, OBJECTS_PER_CLIENT, Op, Step, WORDS};
use crate::cluster::{CONTAINER, LINECOUNT};

const LIMITS: Timeouts = Timeouts { connect: limits::CONNECT_MAX, answer: limits::ANSWER_MAX };

/// Phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Loading,
    Steps,
    Last,
}

/// State shared by the clients and the run.
pub(crate) struct ClientDriver {
    case: Case,
    phase: Cell<Phase>,
    // Not tokio's `watch`: it wakes its waiters in an order that is random.
    changed: Notify,
    loaded: Cell<bool>,
    at_rest: Cell<usize>,
    records: RefCell<Vec<Record>>,
    versions: Cell<u32>,
}

impl ClientDriver {
    pub(crate) fn new(case: &Case) -> Self {
        Self {
            case: case.clone(),
            phase: Cell::new(Phase::Loading),
            changed: Notify::new(),
            loaded: Cell::new(false),
            at_rest: Cell::new(0),
            records: RefCell::default(),
            versions: Cell::new(0),
        }
    }

    /// Lets the clients go on.
    pub(crate) fn begin(&self, phase: Phase) {
        self.at_rest.set(0);
        self.phase.set(phase);
        self.changed.notify_waiters();
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded.get()
    }

    /// True once every client has done all of this phase.
    pub(crate) fn all_rest(&self) -> bool {
        self.at_rest.get() == self.case.clients.len()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.records.borrow().clone()
    }

    pub(crate) fn client_main(self: &Rc<Self>) -> ClientMain {
        let driver = Rc::clone(self);
        Rc::new(move |index, side| {
            let driver = Rc::clone(&driver);
            Box::pin(async move { driver.client(index, side).await })
        })
    }

    async fn client(&self, index: u32, side: ClientSide) {
        if index == 0 {
            load(&side.proxies).await.expect("nothing goes wrong while loading");
            self.loaded.set(true);
        }
        self.wait_for(Phase::Steps).await;
        for step in &self.case.clients[index as usize] {
            self.take(index, &side, step).await;
        }
        self.at_rest.set(self.at_rest.get() + 1);
        self.wait_for(Phase::Last).await;
        for own in 0..OBJECTS_PER_CLIENT {
            self.look(index, &side, index * OBJECTS_PER_CLIENT + own).await;
        }
        self.at_rest.set(self.at_rest.get() + 1);
    }

    async fn wait_for(&self, phase: Phase) {
        loop {
            let changed = self.changed.notified();
            if self.phase.get() >= phase {
                return;
            }
            changed.await;
        }
    }

    /// Takes a step of a client and records it.
    async fn take(&self, client: u32, side: &ClientSide, step: &Step) {
        side.host.sleep(Duration::from_millis(u64::from(step.after_ms))).await;
        let own = |own: u32| client * OBJECTS_PER_CLIENT + own % OBJECTS_PER_CLIENT;
        let begun = side.host.now();
        let any = |object: u32| object % self.case.objects();
        let (object, did) = match &step.op {
            Op::Put { own: slot, bytes } => {
                let object = own(*slot);
                let version = self.versions.replace(self.versions.get() + 1);
                let content = Bytes::from(workload::text(object, version, *bytes));
                let path = path(object);
                let put = side.proxies.put_object(&path, content.clone(), "text/plain").await;
                let outcome = put.map(drop).map_err(|error| error.to_string());
                (object, Did::Put { content, outcome })
            }
            Op::Delete { own: slot } => {
                let object = own(*slot);
                let outcome = side.proxies.delete(&path(object)).await;
                (object, Did::Delete { outcome: outcome.map_err(|error| error.to_string()) })
            }
            Op::Get { object } => {
                let object = any(*object);
                let outcome = get(&side.proxies, object).await;
                (object, Did::Read { newest: false, outcome })
            }
            Op::Bare { object, newest } => {
                let object = any(*object);
                let outcome = bare(&side.proxies, object, *newest).await;
                (object, Did::Read { newest: *newest, outcome })
            }
            Op::Job { object, word, at } => {
                let (object, word) = (any(*object), WORDS[*word as usize % WORDS.len()]);
                let outcome = job(side, object, word, *at).await;
                (object, Did::Job { word, at: *at, outcome })
            }
        };
        let ended = side.host.now();
        let record = Record { client, object, begun, ended, last: false, did };
        self.records.borrow_mut().push(record);
    }

    /// Reads an object at the end of the run, and runs a job over it.
    async fn look(&self, client: u32, side: &ClientSide, object: u32) {
        let begun = side.host.now();
        let outcome = bare(&side.proxies, object, true).await;
        let is_there = matches!(outcome, Ok(Some(_)));
        let did = Did::Read { newest: true, outcome };
        let ended = side.host.now();
        self.records.borrow_mut().push(Record { client, object, begun, ended, last: true, did });
        for at in [JobAt::Store, JobAt::Worker].into_iter().filter(|_| is_there) {
            let (begun, word) = (side.host.now(), WORDS[0]);
            let did = Did::Job { word, at, outcome: job(side, object, word, at).await };
            let ended = side.host.now();
            let record = Record { client, object, begun, ended, last: true, did };
            self.records.borrow_mut().push(record);
        }
    }
}

/// Path of an object.
pub(crate) fn path(object: u32) -> Path {
    Path::object_of(ACCOUNT, CONTAINER, &name(object)).expect("a good name")
}

fn name(object: u32) -> String {
    format!("text-{object}")
}

async fn load(store: &Client) -> Result<(), ClientError> {
    let container = Path::account_only(ACCOUNT)?.with_container(CONTAINER)?;
    store.put_container(&container).await?;
    let module = Path::object_of(ACCOUNT, CONTAINER, "linecount.wasm")?;
    store.put_object(&module, Bytes::from_static(LINECOUNT), "application/wasm").await?;
    Ok(())
}

async fn get(store: &Client, object: u32) -> Result<Option<Version>, String> {
    match store.get_object(&path(object)).await {
        Ok(DownloadedObject { headers, content, .. }) => {
            Ok(Some(Version { timestamp: timestamp(&headers, &X_TIMESTAMP), content }))
        }
        Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads without the client library, so that the proxies' own care shows.
async fn bare(store: &Client, object: u32, newest: bool) -> Result<Option<Version>, String> {
    let mut last = String::new();
    for attempt in 0..limits::ATTEMPTS_MAX {
        match bare_once(store, object, newest, attempt).await {
            Ok(found) => return Ok(found),
            Err(error) => last = error,
        }
        store.host.sleep(limits::BACKOFF_FIRST * 2_u32.pow(attempt)).await;
    }
    Err(last)
}

async fn bare_once(
    store: &Client,
    object: u32,
    newest: bool,
    attempt: u32,
) -> Result<Option<Version>, String> {
    let proxy = store.proxies[attempt as usize % store.proxies.len()];
    let request = hyper::Request::builder()
        .method(Method::GET)
        .uri(format!("/v1{}", path(object).encoded()))
        .header(X_AUTH_TOKEN, &store.token)
        .header(X_NEWEST, newest.to_string())
        .body(Body::full(Purpose::Control, Bytes::new()))
        .map_err(|error| error.to_string())?;
    let answer = http::send(&store.host, proxy, request, LIMITS).await;
    let mut answer = answer.map_err(|error| error.to_string())?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        status => return Err(status.to_string()),
    }
    let whole = answer.body.collect(u64::MAX);
    let content = store.host.timeout(limits::CHUNK_MAX, whole).await;
    let content = content.map_err(|late| late.to_string())?.map_err(|broken| broken.to_string())?;
    Ok(Some(Version { timestamp: timestamp(&answer.headers, &X_TIMESTAMP), content }))
}

async fn job(
    side: &ClientSide,
    object: u32,
    word: &'static str,
    at: JobAt,
) -> Result<JobCount, String> {
    let input = format!("swift://~/{CONTAINER}/{}", name(object));
    let description = serde_json::json!([{
        "name": "count",
        "exec": { "path": format!("swift://~/{CONTAINER}/linecount.wasm"), "args": word },
        "devices": [{ "name": "stdout" }, { "name": "input", "path": input }],
    }]);
    let target = match at {
        JobAt::Store => &side.proxies,
        JobAt::Worker => &side.workers,
    };
    let posted = target.post_job(Bytes::from(description.to_string()), "application/json", &[]);
    let answer = posted.await.map_err(|error| error.to_string())?;
    if answer.status != StatusCode::OK {
        let why = String::from_utf8_lossy(&answer.body).trim_end().to_owned();
        return Err(format!("{}: {why}", answer.status));
    }
    let inputs = header(&answer.headers, &X_STAYPUT_INPUTS).unwrap_or_default().to_owned();
    Ok(JobCount { answer: answer.body, inputs })
}
