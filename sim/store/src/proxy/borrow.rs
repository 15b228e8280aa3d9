//! What a job may reach beyond the account that it was posted to: what its poster may, by the access lists of those containers.
//!
//! Leaves out the account itself, in which whoever may post a job may do all.

use super::auth::{self, Access, Caller};
use super::{Proxy, Refusal};
use crate::swift::Path;

/// Who posted a job.
#[derive(Clone, Debug)]
pub struct Poster(pub(super) Caller);

/// What a job wants of a path in another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An object's content, or a listing.
    Read,
    /// Storing an object.
    Write,
}

impl Poster {
    /// Asks whether they may have that of `path`.
    ///
    /// # Errors
    /// 403 if not, 503 when too few replicas of the container answered to know.
    pub async fn ask(&self, proxy: &Proxy, path: &Path, wanted: Wanted) -> Result<(), Refusal> {
        let access = match wanted {
            Wanted::Read => Access::Read,
            Wanted::Write => Access::Write,
        };
        auth::authorise(proxy, &self.0, path, access).await
    }
}
