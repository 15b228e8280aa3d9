//! The load beside the jobs: clients send its requests at their times, check what they read, and
//! note how long it took.
//!
//! It is an open loop: a request does not wait for earlier ones. Leaves out what is under way when
//! the last job ends, but for how many requests that are.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_cluster::ACCOUNT;
use stayput_host::{Purpose, Time};
use stayput_store::client::{Client, ClientError, ObjectUpload};
use stayput_store::swift::Path;

use crate::generate;
use crate::plan::{LoadKind, LoadPlan, MAX_LOAD_REQUESTS, RunPlan, loads};
use crate::record::LoadRecord;
use crate::scenario::{LOAD_CONTAINER, ObjectName};

/// Each section writes to so many names in turn, so that a long load does not fill the disks.
const NAMES: u64 = 64;
/// Bytes that written objects repeat.
const FILLING_BYTES: usize = 1 << 20;

/// The load of one run.
pub(super) struct LoadDrive {
    plans: Vec<LoadPlan>,
    /// Contents of the objects that are read.
    stored: BTreeMap<ObjectName, Bytes>,
    filling: Bytes,
    clients: u32,
    sent: Cell<u64>,
    ran_out: Cell<bool>,
    ended: RefCell<LoadRecord>,
}

impl LoadDrive {
    pub(super) fn new(plan: &RunPlan) -> Self {
        let plans = loads(&plan.scenario, plan.seed);
        let is_read =
            |name: &ObjectName| plan.scenario.load.iter().any(|l| l.objects.contains(name));
        let sources = plan.scenario.data.iter().zip(&plan.objects);
        let read = sources.filter(|(source, _)| is_read(&source.name));
        let stored = read.map(|(source, loaded)| (source.name.clone(), loaded.content.clone()));
        let filling = match plans.iter().any(LoadPlan::writes) {
            true => generate::log(plan.seed, "load", FILLING_BYTES),
            false => Bytes::new(),
        };
        Self {
            stored: stored.collect(),
            filling,
            clients: plan.scenario.cluster.clients,
            plans,
            sent: Cell::new(0),
            ran_out: Cell::new(false),
            ended: RefCell::default(),
        }
    }

    /// The container that it writes to, if it writes.
    pub(super) fn container(&self) -> Option<&'static str> {
        self.plans.iter().any(LoadPlan::writes).then_some(LOAD_CONTAINER)
    }

    /// Its requests so far; `None` if there is no load.
    pub(super) fn record(&self) -> Option<LoadRecord> {
        if self.plans.is_empty() {
            return None;
        }
        let mut record = self.ended.borrow().clone();
        let ended = record.ok() + record.failed + record.wrong;
        record.unfinished = self.sent.get() - ended;
        Some(record)
    }

    /// Promises that it broke, in words.
    pub(super) fn broken(&self) -> Vec<String> {
        let wrong = self.ended.borrow().wrong;
        let mut broken = Vec::new();
        if wrong > 0 {
            broken.push(format!("{wrong} reads of the load gave other bytes than were stored"));
        }
        if self.ran_out.get() {
            broken
                .push(format!("a load ended before the jobs, after {MAX_LOAD_REQUESTS} requests"));
        }
        broken
    }

    /// Begins this client's share of each section.
    pub(super) fn begin(self: &Rc<Self>, index: u32, store: &Client, start: Time) {
        for section in 0..self.plans.len() {
            let (load, store) = (Rc::clone(self), store.clone());
            let host = store.host.clone();
            host.spawn(async move { load.send(section, index, &store, start).await });
        }
    }

    async fn send(self: Rc<Self>, section: usize, index: u32, store: &Client, start: Time) {
        let plan = &self.plans[section];
        for (number, after) in plan.times() {
            if number % u64::from(self.clients) != u64::from(index) {
                continue;
            }
            let at = start + after;
            store.host.sleep_until(at).await;
            let (load, store) = (Rc::clone(&self), store.clone());
            let kind = plan.kind(number);
            let host = store.host.clone();
            self.sent.set(self.sent.get() + 1);
            host.spawn(async move { load.request(section, number, kind, &store, at).await });
        }
        self.ran_out.set(true);
    }

    async fn request(&self, section: usize, number: u64, kind: LoadKind, store: &Client, at: Time) {
        let is_read = matches!(kind, LoadKind::Get(_));
        let answer = match kind {
            LoadKind::Get(name) => self.get(&name, store).await,
            LoadKind::Put(size) => self.put(section, number, size, store).await.map(|()| true),
        };
        let took: Duration = store.host.now().since(at);
        let mut ended = self.ended.borrow_mut();
        match answer {
            Ok(true) if is_read => ended.reads.push(took),
            Ok(true) => ended.writes.push(took),
            Ok(false) => ended.wrong += 1,
            Err(_) => ended.failed += 1,
        }
    }

    /// Reads an object; says whether it is what was stored.
    async fn get(&self, name: &ObjectName, store: &Client) -> Result<bool, ClientError> {
        let path = Path::object_of(ACCOUNT, name.container(), name.object())?;
        let object = store.get_object_for(&path, Purpose::Foreground).await?;
        Ok(self.stored.get(name) == Some(&object.content))
    }

    async fn put(
        &self,
        section: usize,
        number: u64,
        size: u64,
        store: &Client,
    ) -> Result<(), ClientError> {
        let name = format!("{}-{:02}", self.plans[section].section() + 1, number % NAMES);
        let path = Path::object_of(ACCOUNT, LOAD_CONTAINER, &name)?;
        let new = ObjectUpload {
            content: self.content(usize::try_from(size).unwrap_or(usize::MAX)),
            content_type: "application/octet-stream",
            meta: &BTreeMap::new(),
            purpose: Purpose::Foreground,
        };
        store.put_content(&path, new).await.map(drop)
    }

    fn content(&self, size: usize) -> Bytes {
        if size <= self.filling.len() {
            return self.filling.slice(..size);
        }
        self.filling.iter().copied().cycle().take(size).collect()
    }
}
