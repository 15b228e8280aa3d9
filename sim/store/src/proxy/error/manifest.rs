//! Failures that only static large objects have: of a manifest, or of the segments it names.

use stayput_host::TimedOut;

use crate::http::BodyError;
use crate::proxy::limits::{MANIFEST_BYTES_MAX, MANIFEST_SEGMENTS_MAX};
use crate::swift::Path;

/// Failure of a manifest that is put or read.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum ManifestError {
    #[error("Manifest File > {MANIFEST_BYTES_MAX} bytes")]
    TooLong,
    #[error("the manifest is too slow: {0}")]
    TooSlow(TimedOut),
    #[error(transparent)]
    ClientLeft(BodyError),
    /// One line for each flaw, as Swift words them.
    #[error("{lines}")]
    Flaws { lines: String },
    #[error("a manifest has at most {MANIFEST_SEGMENTS_MAX} segments")]
    TooManySegments,
    #[error("a segment is longer than a segment may be")]
    SegmentTooLong,
    #[error("Not an SLO manifest")]
    NotAManifest,
    #[error("what is stored as the manifest of {path} is none: put it anew")]
    Damaged { path: Path },
    #[error("the manifest is longer than a manifest may be")]
    StoredTooLong,
    #[error("a segment of {path} is gone, or is not what it was")]
    SegmentGone { path: Path },
    #[error("the manifest has no JSON form: {0}")]
    NoJson(#[from] serde_json::Error),
}
