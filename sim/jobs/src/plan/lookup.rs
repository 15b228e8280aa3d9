//! What planning a job asks of the store: which names its wildcards match, and what containers list; and a job that is an object.
//!
//! A proxy asks nodes, a worker asks proxies; both make the same of what they hear. Leaves out what jobs read.

use bytes::Bytes;
use stayput_host::{LocalFuture, Purpose};
use stayput_runtime::job::{Account, Job, Matches, ObjectPath, SESSIONS_MAX};
use stayput_store::http::StatusCode;
use stayput_store::proxy::{JobAccess, ListedObject, Refusal};
use stayput_store::swift::Path;

use crate::plan::{CrossAccountAccess, JobPlan, Planning};

/// Names that are looked through for one wildcard.
pub const NAMES_MAX: usize = 100_000;
/// The longest listing that a session reads, in bytes.
pub const LISTING_BYTES_MAX: u64 = 64 << 20;

/// Who can be asked for names.
pub trait StoreLookup {
    /// The objects of a container whose names begin with `prefix`, in order.
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, Refusal>>;

    /// The containers of an account whose names begin with `prefix`, in order.
    fn containers<'a>(
        &'a self,
        account: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, Refusal>>;

    /// Whether who asks may have what a job wants of a path in another account.
    fn may<'a>(&'a self, path: &'a Path, wanted: JobAccess)
    -> LocalFuture<'a, Result<(), Refusal>>;

    /// The whole of an object and its content type; its bytes are counted as `purpose`. 413 if it is longer than `bytes_max`.
    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), Refusal>>;
}

/// Finds what the wildcards of a job match, and plans it. Before anything is looked up in other accounts it is asked whether that may be.
///
/// # Errors
/// As [`Planning::plan`], what the store says of its listings, and 403 for what others do not grant.
pub async fn plan(
    planning: &Planning<'_>,
    job: &Job,
    store: &dyn StoreLookup,
) -> Result<JobPlan, Refusal> {
    for elsewhere in planning.elsewhere(job)? {
        let CrossAccountAccess { path, wanted, .. } = &elsewhere;
        store.may(path, *wanted).await.map_err(|refused| elsewhere.refused(&refused))?;
    }
    let mut matches = Matches::default();
    for pattern in job.wildcards() {
        matches.insert(pattern.clone(), found(planning, pattern, store).await?);
    }
    planning.plan(job, &matches)
}

/// What a pattern matches. More than a job may have sessions is as good as no bound.
async fn found(
    planning: &Planning<'_>,
    pattern: &ObjectPath,
    store: &dyn StoreLookup,
) -> Result<Vec<ObjectPath>, Refusal> {
    let bad = |error: stayput_store::swift::BadName| {
        Refusal::new(StatusCode::BAD_REQUEST, format!("{pattern}: {error}"))
    };
    let account = Path::account_only(planning.account_of(pattern)).map_err(bad)?;
    let named =
        if account.account() == planning.account { &Account::Own } else { &pattern.account };
    let containers = match pattern.container.split_once('*') {
        None => vec![pattern.container.clone()],
        Some((prefix, _)) => store.containers(&account, prefix).await?,
    };
    let mut found = Vec::new();
    for container in containers {
        let mut note = |object: Option<&str>| {
            if found.len() <= SESSIONS_MAX && pattern.captures(&container, object).is_some() {
                found.push(ObjectPath::of_match(named, &container, object));
            }
        };
        if pattern.object.is_none() {
            note(None);
            continue;
        }
        let of_container = account.with_container(&container).map_err(bad)?;
        let names = store.objects(&of_container, pattern.object_prefix()).await?;
        names.iter().for_each(|listed| note(Some(&listed.name)));
    }
    Ok(found)
}

/// A container's rows as a session reads them: a JSON object per line, with the keys of Swift's JSON listing.
///
/// # Errors
/// They are too many.
pub fn as_lines(container: &Path, rows: &[ListedObject]) -> Result<Bytes, Refusal> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row).map_err(|error| {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{container}: {error}"))
        })?;
        lines.push(b'\n');
        if lines.len() as u64 > LISTING_BYTES_MAX {
            let why = format!("the listing of {container} has over {LISTING_BYTES_MAX} bytes");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
    }
    Ok(lines.into())
}
