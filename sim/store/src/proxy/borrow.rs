//! What a job may reach beyond the account that it was posted to: what its poster may, by the access lists of those containers.
//!
//! Leaves out the account itself, in which whoever may post a job may do all.

use super::auth::{self, Access, Caller};
use super::{ErrorResponse, Proxy};
use crate::swift::Path;

/// Who posted a job.
#[derive(Clone, Debug)]
pub struct JobPoster(pub(super) Caller);

/// What a job wants of a path in another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobAccess {
    /// An object's content, or a listing.
    Read,
    /// Storing an object.
    Write,
}

impl JobPoster {
    /// Asks whether they may have that of `path`.
    ///
    /// # Errors
    /// 403 if not, 503 when too few replicas of the container answered to know.
    pub async fn authorise(
        &self,
        proxy: &Proxy,
        path: &Path,
        access: JobAccess,
    ) -> Result<(), ErrorResponse> {
        let access = match access {
            JobAccess::Read => Access::Read,
            JobAccess::Write => Access::Write,
        };
        auth::authorise(proxy, &self.0, path, access).await
    }
}
