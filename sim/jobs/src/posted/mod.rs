//! Reading of posted jobs: a description, an image that holds one, or a script; by itself, or as
//! the name of an object that is one of them.
//!
//! Leaves out the web-service part: `/open`, `/api`, templates, chains and deferred jobs.

mod error;
mod script;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use stayput_host::{Host, Purpose};
use stayput_runtime::image::executable::USER_IMAGE;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::job::{
    self, Account, DESCRIPTION_BYTES_MAX, DeviceClass, Job, NodeDevice, ObjectPath,
};
use stayput_store::http::{BodyError, Request};
use stayput_store::proxy::JobAccess;
use stayput_store::swift::Path;
use stayput_store::swift::header::{X_ZEROVM_SOURCE, text};

pub use self::error::{RequestError, ScriptFlaw, SourceFlaw};
use crate::plan::{FieldFlaw, PlanError};
use crate::store_access::StoreLookup;

/// Limit on the bytes of an image, and of a job's data.
pub const POSTED_BYTES_MAX: u64 = 256 << 20;
/// Limit on the bytes of a script.
pub const SCRIPT_BYTES_MAX: u64 = 16 << 20;
/// Bytes of what is too long which are read all the same: a client that still sends when the
/// connection ends sees a reset in the place of the answer that says why.
const DISCARDED_BYTES_MAX: u64 = 1 << 20;
/// Timeout of a whole body.
const UPLOAD_MAX: Duration = Duration::from_secs(120);
/// Paths at which an image may have its job.
const MAPS: [&str; 2] = ["boot/system.map", "boot/cluster.map"];

/// A job as it was posted, with its image and its data.
#[derive(Clone, Debug)]
pub struct PostedJob {
    /// The job.
    pub job: Job,
    /// Image that came with the request, for all its nodes.
    pub image: Option<Bytes>,
    /// Bytes that its readable devices without a path read.
    pub body: Option<Bytes>,
}

/// A job verbatim, to be posted on to a worker.
#[derive(Clone, Debug)]
pub struct VerbatimJob {
    /// Its content type.
    pub content_type: String,
    /// `X-Zerovm-Source`, if it came with one.
    pub source: Option<String>,
    /// Its body.
    pub body: Bytes,
}

/// Form of a posted job, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Description,
    Image,
    Script,
}

impl Form {
    fn of(content_type: &str) -> Self {
        let mime = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match mime.as_str() {
            "application/json" => Self::Description,
            "application/x-tar"
            | "application/tar"
            | "application/x-gtar"
            | "application/x-ustar"
            | "application/gzip"
            | "application/x-gzip"
            | "application/x-tar-gz"
            | "application/x-compressed-tar"
            | "application/x-tgz" => Self::Image,
            _ => Self::Script,
        }
    }

    const fn bytes_max(self) -> u64 {
        match self {
            Self::Description => DESCRIPTION_BYTES_MAX as u64,
            Self::Image => POSTED_BYTES_MAX,
            Self::Script => SCRIPT_BYTES_MAX,
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Description => "the job description",
            Self::Image => "the image",
            Self::Script => "the script",
        }
    }
}

/// Reader of posted jobs, for one caller.
pub struct JobReader<'a> {
    /// The machine that receives it.
    pub host: &'a Host,
    /// Account of the caller.
    pub account: &'a str,
    /// Path that it is posted to.
    pub posted_to: &'a Path,
    /// The store.
    pub store: &'a dyn StoreLookup,
}

impl JobReader<'_> {
    /// Reads a job.
    ///
    /// # Errors
    /// 400 for a flawed description, 403 and 404 for objects that the caller may not name or that
    /// are not there, 408 and 499 for bodies that do not come, 413 for what is too long, 415 for
    /// what is neither description nor image nor script, 422 for bad JSON, tar or gzip.
    pub async fn receive(
        &self,
        request: &mut Request,
    ) -> Result<(PostedJob, VerbatimJob), RequestError> {
        let content_type = text(request.headers(), &CONTENT_TYPE).unwrap_or_default().to_owned();
        let Some(source) = text(request.headers(), &X_ZEROVM_SOURCE).map(str::to_owned) else {
            let form = Form::of(&content_type);
            let bytes = self.body(request, form.what(), form.bytes_max()).await?;
            let posted = read(form, &content_type, bytes.clone(), None, self.posted_to)?;
            return Ok((posted, VerbatimJob { content_type, source: None, body: bytes }));
        };
        let path = self.source(&source).await?;
        let body = self.body(request, "the job's data", POSTED_BYTES_MAX).await?;
        let word_for_word = VerbatimJob { content_type, source: Some(source), body: body.clone() };
        let (bytes, content_type) =
            self.store.content(&path, Purpose::JobCode, POSTED_BYTES_MAX).await?;
        let form = Form::of(&content_type);
        if bytes.len() as u64 > form.bytes_max() {
            let (what, bytes_max) = (form.what(), form.bytes_max());
            return Err(RequestError::TooLong { what, path, bytes_max });
        }
        Ok((read(form, &content_type, bytes, Some(body), self.posted_to)?, word_for_word))
    }

    /// The object that `X-Zerovm-Source` names.
    async fn source(&self, source: &str) -> Result<Path, RequestError> {
        let bad = |flaw: SourceFlaw| RequestError::Source { source_name: source.to_owned(), flaw };
        let path =
            ObjectPath::parse(source).map_err(|why| bad(SourceFlaw::NoPath(why.to_string())))?;
        let account = match &path.account {
            Account::Named(name) => name,
            Account::Own => self.account,
        };
        let object = path.object.as_deref().filter(|_| !path.has_wildcard());
        let object = object.ok_or_else(|| bad(SourceFlaw::NotOneObject))?;
        let found = Path::object_of(account, &path.container, object);
        let found = found.map_err(|name| bad(SourceFlaw::BadName(name)))?;
        if account != self.account {
            self.store.may(&found, JobAccess::Read).await?;
        }
        Ok(found)
    }

    async fn body(
        &self,
        request: &mut Request,
        what: &'static str,
        bytes_max: u64,
    ) -> Result<Bytes, RequestError> {
        let come = self.host.timeout(UPLOAD_MAX, request.body_mut().collect(bytes_max)).await;
        match come {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => {
                if matches!(error, BodyError::TooLong { .. }) {
                    request.body_mut().discard(DISCARDED_BYTES_MAX).await;
                }
                Err(RequestError::Body { what, error })
            }
            Err(late) => Err(RequestError::Late { what, late }),
        }
    }
}

impl PostedJob {
    /// Reads a job that is at hand; `body` is what its devices without a path read, if it is not
    /// what was posted itself.
    ///
    /// # Errors
    /// As [`JobReader::receive`], without what concerns requests and stores.
    pub fn read(
        content_type: &str,
        bytes: Bytes,
        body: Option<Bytes>,
        posted_to: &Path,
    ) -> Result<Self, RequestError> {
        read(Form::of(content_type), content_type, bytes, body, posted_to)
    }
}

fn read(
    form: Form,
    content_type: &str,
    bytes: Bytes,
    body: Option<Bytes>,
    posted_to: &Path,
) -> Result<PostedJob, RequestError> {
    match form {
        Form::Description => {
            let job = job::parse(&bytes).map_err(PlanError::from)?;
            check_body(&job, body.as_ref())?;
            Ok(PostedJob { job, image: None, body })
        }
        Form::Image => {
            let mut job = job_of_image(&bytes)?;
            check_body(&job, body.as_ref())?;
            add_image(&mut job)?;
            Ok(PostedJob { job, image: Some(bytes), body })
        }
        Form::Script => {
            let Some(first) = script::first_line(&bytes) else {
                let content_type = content_type.to_owned();
                return Err(RequestError::UnknownType { content_type });
            };
            let mut job = script::job(first, posted_to).map_err(RequestError::Script)?;
            add_image(&mut job)?;
            let image =
                script::image(&bytes).map_err(|error| RequestError::ScriptImage(Rc::new(error)))?;
            Ok(PostedJob { job, image: Some(image), body })
        }
    }
}

fn check_body(job: &Job, body: Option<&Bytes>) -> Result<(), RequestError> {
    match body {
        Some(_) => Ok(()),
        None => Ok(job.check_without_body().map_err(PlanError::from)?),
    }
}

/// The job that an image holds.
fn job_of_image(tar: &Bytes) -> Result<Job, RequestError> {
    let image = Image::from_tar(tar, ImageLimits::default()).map_err(RequestError::Image)?;
    let found = MAPS.iter().find_map(|map| Some((*map, image.file(map)?)));
    let (map, text) = found.ok_or(RequestError::NoMap)?;
    job::parse(&text).map_err(|error| RequestError::Map { map, error })
}

/// Gives every node the image that came with the request.
fn add_image(job: &mut Job) -> Result<(), PlanError> {
    for node in &mut job.nodes {
        if node.device(USER_IMAGE).is_some() {
            return Err(PlanError::field(node, "devices", FieldFlaw::PostedImage));
        }
        node.devices.insert(0, NodeDevice::bare(USER_IMAGE, DeviceClass::Image));
    }
    Ok(())
}
