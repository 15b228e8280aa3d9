//! The job service of a worker outside the store: download, then compute, the baseline that Stayput
//! is measured against.
//!
//! A client posts it the same job as a proxy. It gets module and inputs through the proxies, runs
//! the sessions by the same `crate::runner` as a proxy that runs a job itself, stores outputs
//! through the proxies and answers the client. Leaves out a cache.

use std::fmt::Display;
use std::rc::Rc;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE as CONTENT_TYPE_HEADER;
use stayput_host::config::MachineConfig;
use stayput_host::{Host, HostStartError, LocalFuture, Purpose};
use stayput_store::client::{Client, ClientError, ObjectDownload, ObjectUpload};
use stayput_store::http;
use stayput_store::http::{Method, Request, Response, StatusCode};
use stayput_store::proxy::{JobAccess, ListedObject};
use stayput_store::swift::header::{X_AUTH_TOKEN, X_ZEROVM_EXECUTE, text};
use stayput_store::swift::{Path, WORKER_PORT, decode_path};

use crate::answer::{AnswerContext, answer};
use crate::error::{AdmissionError, JobError};
use crate::memo::SessionMemo;
use crate::output::{CONTENT_TYPE, padded};
use crate::placement::{Download, PlacementPolicy};
use crate::plan::lookup::plan;
use crate::plan::{JobPlan, Planning};
use crate::posted::JobReader;
use crate::runner::{FinishedJob, JobRunner};
use crate::session::result::SessionResult;
use crate::store_access::{JobStore, NAMES_MAX, StoreAccessError, StoreLookup};
use crate::system_images::SystemImages;

/// A worker of one account.
struct Worker {
    host: Host,
    store: Client,
    images: SystemImages,
    runner: JobRunner,
}

/// Serves [`WORKER_PORT`] of `host` until the host ends; `store` is its client of the proxies,
/// `images` are installed on it.
///
/// # Errors
/// [`HostStartError::Port`].
pub fn start(
    host: &Host,
    store: Client,
    machine: &MachineConfig,
    images: SystemImages,
    memo: Option<SessionMemo>,
) -> Result<(), HostStartError> {
    let worker = Rc::new(Worker {
        host: host.clone(),
        store,
        runner: JobRunner::new(host, machine, &images, memo),
        images,
    });
    http::serve(host, WORKER_PORT, move |request| {
        let worker = Rc::clone(&worker);
        async move { worker.answer(request).await.unwrap_or_else(JobError::into_response) }
    })
}

impl Worker {
    async fn answer(&self, mut request: Request) -> Result<Response, JobError> {
        let posted_to = self.admit(&request)?;
        let reception = JobReader {
            host: &self.host,
            account: &self.store.account,
            posted_to: &posted_to,
            store: self,
        };
        let (posted, _) = reception.receive(&mut request).await?;
        let planning = Planning { account: &self.store.account, system_images: &self.images };
        let plan = plan(&planning, &posted.job, self).await?;
        let FinishedJob { sessions, inputs, slot: _slot } =
            self.runner.run(&plan, &posted, self).await?;
        self.store_outputs(&plan, &sessions).await?;
        let around = AnswerContext { policy: Download.name(), placement: None, inputs };
        Ok(answer(&plan, &sessions, &around))
    }

    /// Admits jobs with the worker's own token, and no others: the worker would lend them its
    /// access.
    fn admit(&self, request: &Request) -> Result<Path, AdmissionError> {
        if request.method() != Method::POST || !request.headers().contains_key(X_ZEROVM_EXECUTE) {
            return Err(AdmissionError::NoJob);
        }
        if text(request.headers(), &X_AUTH_TOKEN) != Some(self.store.token.as_str()) {
            return Err(AdmissionError::BadToken);
        }
        let path = request.uri().path().strip_prefix("/v1").unwrap_or_default();
        match decode_path(path) {
            Ok(path) if path.account() == self.store.account => Ok(path),
            _ => Err(AdmissionError::OtherAccount { account: self.store.account.clone() }),
        }
    }

    async fn store_outputs(
        &self,
        plan: &JobPlan,
        sessions: &[SessionResult],
    ) -> Result<(), StoreAccessError> {
        let ended =
            plan.sessions.iter().zip(sessions).filter(|(_, it)| it.end.exit_code().is_some());
        for (of, session) in ended {
            for device in &of.devices {
                let Some(path) = device.written_object() else { continue };
                let output = ObjectUpload {
                    content: padded(session.output(&device.name), device),
                    content_type: device.content_type.as_deref().unwrap_or(CONTENT_TYPE),
                    meta: &device.meta,
                    purpose: Purpose::JobResult,
                };
                self.store.put_content(path, output).await?;
            }
        }
        Ok(())
    }
}

impl StoreLookup for Worker {
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, StoreAccessError>> {
        Box::pin(async move {
            let rows = self.store.list(container, prefix, NAMES_MAX + 1).await;
            at_most(rows?, container)
        })
    }

    fn containers<'a>(
        &'a self,
        account: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, StoreAccessError>> {
        Box::pin(async move {
            let account = account.account().to_owned();
            let store = Client { account, ..self.store.clone() };
            let names = store.list_containers(prefix, NAMES_MAX + 1).await;
            at_most(names?, &store.account)
        })
    }

    /// Proxies check each request: reading is tried before the job runs, writing when outputs are
    /// stored.
    fn may<'a>(
        &'a self,
        path: &'a Path,
        wanted: JobAccess,
    ) -> LocalFuture<'a, Result<(), StoreAccessError>> {
        Box::pin(async move {
            if wanted == JobAccess::Write {
                return Ok(());
            }
            match self.store.head(path).await {
                Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) | Ok(_) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), StoreAccessError>> {
        Box::pin(async move {
            let object = self.store.get_object_for(object, purpose).await?;
            if object.content.len() as u64 > bytes_max {
                return Err(StoreAccessError::TooLong { bytes_max });
            }
            let content_type = text(&object.headers, &CONTENT_TYPE_HEADER).unwrap_or_default();
            Ok((object.content, content_type.to_owned()))
        })
    }
}

impl JobStore for Worker {
    fn lookup(&self) -> &dyn StoreLookup {
        self
    }

    fn receive(
        &self,
        path: &Path,
        purpose: Purpose,
        into: Rc<ObjectDownload>,
    ) -> LocalFuture<'static, Result<(), StoreAccessError>> {
        let (store, path) = (self.store.clone(), path.clone());
        Box::pin(async move { Ok(store.receive_object(&path, purpose, &into).await?) })
    }
}

fn at_most<T>(names: Vec<T>, of: impl Display) -> Result<Vec<T>, StoreAccessError> {
    if names.len() <= NAMES_MAX {
        return Ok(names);
    }
    Err(StoreAccessError::TooManyNames { of: of.to_string() })
}

#[cfg(test)]
mod tests;
