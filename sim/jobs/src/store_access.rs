//! Access of jobs to the store: names, listings and objects, of which a proxy asks nodes and a
//! worker proxies.
//!
//! Leaves out writing outputs, which each does in its own way.

use std::rc::Rc;

use bytes::Bytes;
use stayput_host::{LocalFuture, Purpose};
use stayput_store::client::{ClientError, ObjectDownload};
use stayput_store::http::StatusCode;
use stayput_store::proxy::{
    ErrorResponse, FetchError, JobAccess, ListError, ListedObject, LocateError, StoreError,
};
use stayput_store::swift::Path;

/// Names that are looked through for one wildcard.
pub const NAMES_MAX: usize = 100_000;
/// Limit on the bytes of a listing that a session reads.
pub const LISTING_BYTES_MAX: u64 = 64 << 20;

/// Names and small objects of the store, for planning a job.
pub trait StoreLookup {
    /// Objects of a container whose names begin with `prefix`, in order.
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, StoreAccessError>>;

    /// Containers of an account whose names begin with `prefix`, in order.
    fn containers<'a>(
        &'a self,
        account: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, StoreAccessError>>;

    /// Checks that the caller may access a path of another account.
    fn may<'a>(
        &'a self,
        path: &'a Path,
        wanted: JobAccess,
    ) -> LocalFuture<'a, Result<(), StoreAccessError>>;

    /// Content of an object, of at most `bytes_max` bytes, and its content type; its bytes are
    /// counted as `purpose`.
    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), StoreAccessError>>;
}

/// Objects of the store, for the sessions of a whole job.
pub trait JobStore {
    /// Its names.
    fn lookup(&self) -> &dyn StoreLookup;

    /// Downloads an object into `into`, from which sessions read meanwhile, and ends it there; its
    /// bytes are counted as `purpose`. The headers that it begins with name its version as
    /// `X-Timestamp`.
    fn receive(
        &self,
        path: &Path,
        purpose: Purpose,
        into: Rc<ObjectDownload>,
    ) -> LocalFuture<'static, Result<(), StoreAccessError>>;
}

/// A container's rows as a session reads them: a JSON object per line, with the keys of Swift's
/// JSON listing.
///
/// # Errors
/// They have more than [`LISTING_BYTES_MAX`].
pub fn as_lines(container: &Path, rows: &[ListedObject]) -> Result<Bytes, StoreAccessError> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row).map_err(|error| StoreAccessError::Row {
            container: container.clone(),
            why: error.to_string(),
        })?;
        lines.push(b'\n');
        if lines.len() as u64 > LISTING_BYTES_MAX {
            return Err(StoreAccessError::ListingTooLong { container: container.clone() });
        }
    }
    Ok(lines.into())
}

/// Refusal or failure of the store, for what a job reads, looks up or writes.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreAccessError {
    /// A listing.
    #[error(transparent)]
    List(#[from] ListError),
    /// A lookup of an object's newest version.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// A fetch of an object.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A write of an output.
    #[error(transparent)]
    Write(#[from] StoreError),
    /// A request of a worker to the proxies.
    #[error("{0}")]
    Client(Rc<ClientError>),
    /// Access that is not granted.
    #[error("{}", .0.why)]
    Denied(ErrorResponse),
    /// A download that did not begin.
    #[error("{path} cannot be had")]
    NoDownload {
        /// The object.
        path: Path,
    },
    /// An object longer than its reader takes.
    #[error("it has over {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: u64,
    },
    /// More names than are looked through for one wildcard.
    #[error("{of} has more than {NAMES_MAX} names that the wildcard could mean")]
    TooManyNames {
        /// Account or container.
        of: String,
    },
    /// A listing longer than a session reads.
    #[error("the listing of {container} has over {LISTING_BYTES_MAX} bytes")]
    ListingTooLong {
        /// The container.
        container: Path,
    },
    /// A row of a listing that is no JSON.
    #[error("{container}: {why}")]
    Row {
        /// The container.
        container: Path,
        /// The flaw.
        why: String,
    },
}

impl From<ClientError> for StoreAccessError {
    fn from(error: ClientError) -> Self {
        Self::Client(Rc::new(error))
    }
}

impl StoreAccessError {
    /// Status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Client(error) => match &**error {
                ClientError::Refused { status, .. } => *status,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::Denied(denied) => denied.status,
            Self::List(ListError::NotFound { .. })
            | Self::Locate(LocateError::NotFound { .. })
            | Self::Write(StoreError::NoContainer { .. }) => StatusCode::NOT_FOUND,
            Self::List(ListError::TooLong { .. })
            | Self::Fetch(FetchError::TooLong { .. })
            | Self::TooLong { .. }
            | Self::TooManyNames { .. }
            | Self::ListingTooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Write(StoreError::BadMeta { .. }) => StatusCode::BAD_REQUEST,
            Self::Write(StoreError::Newer { .. }) => StatusCode::CONFLICT,
            Self::Row { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::List(ListError::Unavailable { .. })
            | Self::Locate(LocateError::Unavailable { .. })
            | Self::Fetch(FetchError::Unavailable { .. })
            | Self::Write(StoreError::Unavailable { .. })
            | Self::NoDownload { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_a_line_of_json_for_each_row() {
        let row = |name: &str| ListedObject {
            name: name.to_owned(),
            hash: "0".repeat(32),
            bytes: 3,
            content_type: "text/plain".to_owned(),
            last_modified: "1970-01-01T00:00:00.000000".to_owned(),
        };
        let container = Path::account_only("AUTH_x").and_then(|it| it.with_container("c"));
        let container = container.expect("it is a path");
        let lines = as_lines(&container, &[row("a"), row("b\nc")]).expect("it is short");
        let text = String::from_utf8(lines.to_vec()).expect("JSON is text");
        let names: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON"))
            .map(|row| row["name"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(names, ["a", "b\nc"]);
        assert_eq!(as_lines(&container, &[]).expect("it is short"), Bytes::new());
    }

    #[test]
    fn a_listing_is_taken_up_to_its_bound_and_no_longer() {
        let container = Path::account_only("AUTH_x").and_then(|it| it.with_container("c"));
        let container = container.expect("it is a path");
        let row = |content_type: usize| ListedObject {
            name: "o".to_owned(),
            hash: String::new(),
            bytes: 0,
            content_type: "x".repeat(content_type),
            last_modified: String::new(),
        };
        let shortest = as_lines(&container, &[row(0)]).expect("it is short").len();
        let longest = usize::try_from(LISTING_BYTES_MAX).expect("it fits") - shortest;
        let lines = as_lines(&container, &[row(longest)]).expect("it just fits");
        assert_eq!(lines.len() as u64, LISTING_BYTES_MAX);
        let refused = as_lines(&container, &[row(longest + 1)]).expect_err("a byte too long");
        let text = "the listing of /AUTH_x/c has over 67108864 bytes";
        assert_eq!(refused.to_string(), text);
    }
}
