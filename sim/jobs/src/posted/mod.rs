//! What a client posts to have a job run: a description, an image that holds one, or a script; by itself, or as the name of an
//! object that is one of them.
//!
//! Leaves out the web-service part: `/open`, `/api`, templates, chains and deferred jobs.

mod script;

use std::time::Duration;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use stayput_host::{Host, Purpose};
use stayput_runtime::image::executable::USER_IMAGE;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::job::{
    self, Account, DESCRIPTION_BYTES_MAX, DeviceClass, Job, NodeDevice, ObjectPath,
};
use stayput_store::http::{BodyError, Request, StatusCode};
use stayput_store::proxy::{JobAccess, Refusal};
use stayput_store::swift::Path;
use stayput_store::swift::header::{X_ZEROVM_SOURCE, text};

use crate::plan::lookup::StoreLookup;
use crate::plan::refusal_of;

/// The longest image, and the longest body that is a job's data.
pub const POSTED_BYTES_MAX: u64 = 256 << 20;
/// The longest script.
pub const SCRIPT_BYTES_MAX: u64 = 16 << 20;
/// Bytes of what is too long which are read all the same: a client that still sends when the
/// connection ends sees a reset in the place of the answer that says why.
const DISCARDED_BYTES_MAX: u64 = 1 << 20;
/// For all of a body to come.
const UPLOAD_MAX: Duration = Duration::from_secs(120);
/// Where an image has its job.
const MAPS: [&str; 2] = ["boot/system.map", "boot/cluster.map"];

/// A job as it came, and what came with it.
#[derive(Clone, Debug)]
pub struct PostedJob {
    /// The job.
    pub job: Job,
    /// The image of its nodes that is no object.
    pub image: Option<Bytes>,
    /// What its readable devices without a path read.
    pub body: Option<Bytes>,
}

/// A job word for word, to be posted on to somebody else.
#[derive(Clone, Debug)]
pub struct VerbatimJob {
    /// Its content type.
    pub content_type: String,
    /// `X-Zerovm-Source`, if it came with one.
    pub source: Option<String>,
    /// Its body.
    pub body: Bytes,
}

/// What the bytes of a job are, by their content type.
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

/// Who posts, where to, and where what he names is looked up.
pub struct JobReader<'a> {
    /// The machine that receives it.
    pub host: &'a Host,
    /// The account of who asks.
    pub account: &'a str,
    /// What it is posted to.
    pub posted_to: &'a Path,
    /// The store.
    pub store: &'a dyn StoreLookup,
}

impl JobReader<'_> {
    /// Reads a job.
    ///
    /// # Errors
    /// 400 for a flawed description, 403 and 404 for objects that the caller may not name or that are not there, 408 and 499 for
    /// bodies that do not come, 413 for what is too long, 415 for what is neither description nor image nor script, 422 for
    /// bad JSON, tar or gzip.
    pub async fn receive(
        &self,
        request: &mut Request,
    ) -> Result<(PostedJob, VerbatimJob), Refusal> {
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
            let why = format!("{} {path} has over {} bytes", form.what(), form.bytes_max());
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        Ok((read(form, &content_type, bytes, Some(body), self.posted_to)?, word_for_word))
    }

    /// The object that `X-Zerovm-Source` names.
    async fn source(&self, source: &str) -> Result<Path, Refusal> {
        let bad = |why: &str| {
            Refusal::new(StatusCode::BAD_REQUEST, format!("X-Zerovm-Source {source:?} {why}"))
        };
        let path = ObjectPath::parse(source).map_err(|why| bad(&why.to_string()))?;
        let account = match &path.account {
            Account::Named(name) => name,
            Account::Own => self.account,
        };
        let object = path.object.as_deref().filter(|_| !path.has_wildcard());
        let object = object.ok_or_else(|| bad("must name one object"))?;
        let found = Path::object_of(account, &path.container, object);
        let found = found.map_err(|why| bad(&why.to_string()))?;
        if account != self.account {
            self.store.may(&found, JobAccess::Read).await?;
        }
        Ok(found)
    }

    async fn body(
        &self,
        request: &mut Request,
        what: &str,
        bytes_max: u64,
    ) -> Result<Bytes, Refusal> {
        let come = self.host.timeout(UPLOAD_MAX, request.body_mut().collect(bytes_max)).await;
        match come {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(broken @ BodyError::TooLong { .. })) => {
                request.body_mut().discard(DISCARDED_BYTES_MAX).await;
                Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("{what}: {broken}")))
            }
            Ok(Err(broken @ BodyError::BrokeOff { .. })) => {
                Err(Refusal::client_left(format!("{what}: {broken}")))
            }
            Err(late) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, format!("{what}: {late}"))),
        }
    }
}

impl PostedJob {
    /// Reads a job that is at hand; `body` is what its devices without a path read, if it is not what was posted itself.
    ///
    /// # Errors
    /// As [`JobReader::receive`], without what concerns requests and stores.
    pub fn read(
        content_type: &str,
        bytes: Bytes,
        body: Option<Bytes>,
        posted_to: &Path,
    ) -> Result<Self, Refusal> {
        read(Form::of(content_type), content_type, bytes, body, posted_to)
    }
}

fn read(
    form: Form,
    content_type: &str,
    bytes: Bytes,
    body: Option<Bytes>,
    posted_to: &Path,
) -> Result<PostedJob, Refusal> {
    match form {
        Form::Description => {
            let job = job::parse(&bytes).map_err(|error| refusal_of(&error))?;
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
                let why = format!(
                    "Content-Type is {content_type:?}, neither application/json nor a tar's, and what \
                     was posted is no script: it does not begin with `#!`"
                );
                return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
            };
            let mut job = script::job(first, posted_to)?;
            add_image(&mut job)?;
            Ok(PostedJob { job, image: Some(script::image(&bytes)?), body })
        }
    }
}

fn check_body(job: &Job, body: Option<&Bytes>) -> Result<(), Refusal> {
    match body {
        Some(_) => Ok(()),
        None => job.check_without_body().map_err(|error| refusal_of(&error)),
    }
}

/// The job that an image holds.
fn job_of_image(tar: &Bytes) -> Result<Job, Refusal> {
    let image = Image::from_tar(tar, ImageLimits::default()).map_err(|error| {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the posted image: {error}"))
    })?;
    let Some((map, text)) = MAPS.iter().find_map(|map| Some((map, image.file(map)?))) else {
        let why = format!("the posted image has no job: put one at {}", MAPS.join(" or "));
        return Err(Refusal::new(StatusCode::BAD_REQUEST, why));
    };
    job::parse(&text).map_err(|error| {
        let Refusal { status, why } = refusal_of(&error);
        Refusal::new(status, format!("{map}: {why}"))
    })
}

/// Gives every node the image that came with the request.
fn add_image(job: &mut Job) -> Result<(), Refusal> {
    for node in &mut job.nodes {
        if node.device(USER_IMAGE).is_some() {
            let why = format!(
                "node {:?}, field `devices`: has the device image, which is what was posted: leave it out",
                node.name.as_str()
            );
            return Err(Refusal::new(StatusCode::BAD_REQUEST, why));
        }
        node.devices.insert(0, NodeDevice::bare(USER_IMAGE, DeviceClass::Image));
    }
    Ok(())
}
