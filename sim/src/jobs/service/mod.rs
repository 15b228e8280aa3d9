//! The job service of a proxy: sees a posted job through to its answer.
//!
//! ```text
//! posted → plan → supply    versions chosen once; what nodes cannot have is fetched once
//!               → schedule  gangs and copies onto nodes, anew where a node was lost
//!                 → attempt one order to one node
//!               → outputs   stored when every session has ended
//!               → answer
//! ```
//! Leaves out chains and deferred jobs.

mod assign;
mod attempt;
mod gang;
mod outputs;
mod schedule;
mod supply;
mod vote;

pub use self::outputs::{CONTENT_TYPE, filled_up};

use std::rc::Rc;

use self::schedule::Scheduler;
use self::supply::Supply;
use super::answer::{Circumstances, answer};
use super::lookup::{Lookup, NAMES_MAX, plan};
use super::plan::Planning;
use super::posted::Reception;
use super::system_images::SystemImages;
use crate::host::{LocalFuture, Purpose};
use crate::http::{Response, StatusCode};
use crate::proxy::{
    FetchError, JobCall, JobService, ListError, ListedObject, LocateError, Placement, Proxy,
    Refusal,
};
use crate::swift::Path;
use bytes::Bytes;

/// Runs jobs on the storage nodes that hold their data.
pub struct OnStorage {
    /// Where things belong.
    pub ring: Rc<dyn Placement>,
    /// What is installed on the nodes.
    pub images: SystemImages,
    /// Sessions that run on a node at a time.
    pub sessions_per_node: u64,
}

impl JobService for OnStorage {
    fn run(&self, proxy: Proxy, call: JobCall) -> LocalFuture<'static, Response> {
        let (ring, images) = (Rc::clone(&self.ring), self.images.clone());
        let sessions_per_node = self.sessions_per_node;
        Box::pin(async move {
            let job = Job { proxy, ring, images, sessions_per_node };
            job.run(call).await.unwrap_or_else(Refusal::into_response)
        })
    }
}

struct Job {
    proxy: Proxy,
    ring: Rc<dyn Placement>,
    images: SystemImages,
    sessions_per_node: u64,
}

impl Job {
    async fn run(&self, mut call: JobCall) -> Result<Response, Refusal> {
        let store = OfProxy { proxy: &self.proxy, account: &call.account };
        let reception = Reception {
            host: self.proxy.host(),
            account: &call.account,
            posted_to: &call.path,
            store: &store,
        };
        let posted = reception.receive(&mut call.request).await?;
        let planning = Planning { account: &call.account, system_images: &self.images };
        let plan = plan(&planning, &posted.job, &store).await?;
        let supply = Supply::gather(&self.proxy, &plan, posted).await?;
        let scheduler = Scheduler {
            proxy: &self.proxy,
            ring: &*self.ring,
            id: &call.trans_id,
            posted_to: &call.path,
            plan: &plan,
            supply: &supply,
            sessions_per_node: self.sessions_per_node,
        };
        let sessions = scheduler.run().await?;
        // One time for all of them, and only now: what was written while the job ran is older.
        outputs::store(&self.proxy, &plan, &sessions, self.proxy.next_timestamp()).await?;
        let around = Circumstances { policy: "on-storage", inputs: supply.versions() };
        Ok(answer(&plan, &sessions, &around))
    }
}

/// The store as a proxy sees it.
struct OfProxy<'p> {
    proxy: &'p Proxy,
    account: &'p str,
}

impl Lookup for OfProxy<'_> {
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, Refusal>> {
        Box::pin(async move {
            self.proxy.list(container, prefix, NAMES_MAX).await.map_err(|error| refuse_list(&error))
        })
    }

    fn containers<'a>(&'a self, prefix: &'a str) -> LocalFuture<'a, Result<Vec<String>, Refusal>> {
        Box::pin(async move {
            let account = Path::account_only(self.account)
                .map_err(|bad| Refusal::new(StatusCode::BAD_REQUEST, bad.to_string()))?;
            let listed = self.proxy.list_containers(&account, prefix, NAMES_MAX).await;
            listed.map_err(|error| refuse_list(&error))
        })
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), Refusal>> {
        Box::pin(async move {
            let located = self.proxy.locate(object).await.map_err(|error| refuse_locate(&error))?;
            let content = self.proxy.fetch(object, located.version, purpose, bytes_max).await;
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
