//! What a job wants of accounts that it was not posted to, before anything is looked up there.
//!
//! Leaves out whether it may: those who know access lists are asked.

use stayput_runtime::job::{ExecPath, Job, JobNode, ObjectPath};
use stayput_store::http::StatusCode;
use stayput_store::proxy::{JobAccess, Refusal};
use stayput_store::swift::{BadName, Path};

use super::{Planning, refuse};

/// Something of another account, and where a description names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossAccountAccess {
    /// The object; of a wildcard, what has to be listed for it.
    pub path: Path,
    /// What is wanted of it.
    pub wanted: JobAccess,
    node: JobNode,
    field: String,
}

impl CrossAccountAccess {
    /// The refusal with its place in the description.
    #[must_use]
    pub fn refused(&self, refused: &Refusal) -> Refusal {
        refuse(&self.node, refused.status, &self.field, &refused.why)
    }
}

impl Planning<'_> {
    /// What a job wants of other accounts.
    ///
    /// # Errors
    /// 400 for names that cannot be.
    pub fn elsewhere(&self, job: &Job) -> Result<Vec<CrossAccountAccess>, Refusal> {
        let mut found = Vec::new();
        for node in &job.nodes {
            if let ExecPath::Swift(path) = &node.exec.path {
                self.note(node, "exec.path", (path, JobAccess::Read), &mut found)?;
            }
            for device in &node.devices {
                let Some(path) = device.object() else { continue };
                let field = format!("devices.{}.path", device.name);
                // An image is read as well, by the session that it is for.
                if device.is_readable() || !device.is_writable() {
                    self.note(node, &field, (path, JobAccess::Read), &mut found)?;
                }
                if device.is_writable() {
                    self.note(node, &field, (path, JobAccess::Write), &mut found)?;
                }
            }
        }
        Ok(found)
    }

    /// Refuses a job that wants anything of another account, for where nobody can be asked for leave.
    ///
    /// # Errors
    /// 403.
    pub fn only_own(&self, job: &Job) -> Result<(), Refusal> {
        let Some(first) = self.elsewhere(job)?.into_iter().next() else { return Ok(()) };
        let why = format!("{} is in another account than yours, {}", first.path, self.account);
        Err(first.refused(&Refusal::new(StatusCode::FORBIDDEN, why)))
    }

    fn note(
        &self,
        node: &JobNode,
        field: &str,
        (named, wanted): (&ObjectPath, JobAccess),
        found: &mut Vec<CrossAccountAccess>,
    ) -> Result<(), Refusal> {
        let account = self.account_of(named);
        if account == self.account {
            return Ok(());
        }
        let path = asked_for(account, named, wanted)
            .map_err(|bad| refuse(node, StatusCode::BAD_REQUEST, field, &bad.to_string()))?;
        found.push(CrossAccountAccess {
            path,
            wanted,
            node: node.clone(),
            field: field.to_owned(),
        });
        Ok(())
    }
}

/// What one has to be let in to for a path: what is listed to find what a wildcard matches. Of an object that is to be written any
/// name will do, for it is its container that grants it.
fn asked_for(account: &str, named: &ObjectPath, wanted: JobAccess) -> Result<Path, BadName> {
    let of_account = Path::account_only(account)?;
    if named.container.contains('*') {
        return Ok(of_account);
    }
    match &named.object {
        Some(object) if wanted == JobAccess::Write || !object.contains('*') => {
            Path::object_of(account, &named.container, object)
        }
        Some(_) | None => of_account.with_container(&named.container),
    }
}
