//! Access of a job to other accounts: what its poster may reach by the access lists of containers.
//!
//! Leaves out the account that the job was posted to: whoever may post a job may do all in it.

use super::auth::{self, Access, Caller};
use super::{ErrorResponse, Proxy};
use crate::swift::Path;

/// Caller who posted a job.
#[derive(Clone, Debug)]
pub struct JobPoster(pub(super) Caller);

/// Access that a job needs to a path in another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobAccess {
    /// Reads an object, or lists.
    Read,
    /// Stores an object.
    Write,
}

impl JobPoster {
    /// Checks that the poster has `access` to `path`.
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
        let authorised = auth::authorise(proxy, &self.0, path, access).await;
        authorised.map_err(|error| ErrorResponse::of(&error.into()))
    }
}
