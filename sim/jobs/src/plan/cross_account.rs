//! Access of a job to accounts that it was not posted to, known before anything is looked up there.
//!
//! Leaves out granting it: the store knows the access lists.

use stayput_runtime::job::{ExecPath, Job, JobNode, ObjectPath};
use stayput_store::proxy::JobAccess;
use stayput_store::swift::{BadName, Path};

use super::{FieldFlaw, PlanError, Planning};
use crate::store_access::StoreAccessError;

/// Access to another account, and the field of the description that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossAccountAccess {
    /// The object; of a wildcard, what has to be listed for it.
    pub path: Path,
    /// Access that is wanted.
    pub wanted: JobAccess,
    node: JobNode,
    field: String,
}

impl CrossAccountAccess {
    /// The denial of the access, with its place in the description.
    #[must_use]
    pub fn denied(&self, denied: StoreAccessError) -> PlanError {
        PlanError::field(&self.node, &self.field, denied)
    }
}

impl Planning<'_> {
    /// Accesses of a job to other accounts.
    ///
    /// # Errors
    /// A name that Swift does not take.
    pub fn elsewhere(&self, job: &Job) -> Result<Vec<CrossAccountAccess>, PlanError> {
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

    /// Refuses a job with access to another account, where there are no access lists.
    ///
    /// # Errors
    /// The first such access.
    pub fn only_own(&self, job: &Job) -> Result<(), PlanError> {
        let Some(first) = self.elsewhere(job)?.into_iter().next() else { return Ok(()) };
        let (path, account) = (first.path, self.account.to_owned());
        Err(PlanError::field(&first.node, &first.field, FieldFlaw::OtherAccount { path, account }))
    }

    fn note(
        &self,
        node: &JobNode,
        field: &str,
        (named, wanted): (&ObjectPath, JobAccess),
        found: &mut Vec<CrossAccountAccess>,
    ) -> Result<(), PlanError> {
        let account = self.account_of(named);
        if account == self.account {
            return Ok(());
        }
        let path =
            asked_for(account, named, wanted).map_err(|bad| PlanError::field(node, field, bad))?;
        found.push(CrossAccountAccess {
            path,
            wanted,
            node: node.clone(),
            field: field.to_owned(),
        });
        Ok(())
    }
}

/// Path to which access is checked: of a wildcard, what is listed to find its matches. Of an object
/// that is written any name will do, for its container grants that.
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
