//! Matches of a job's wildcards, and its access to other accounts, looked up in the store.
//!
//! A proxy asks nodes, a worker asks proxies. Leaves out the objects that the job reads.

use stayput_runtime::job::{Account, Job, Matches, ObjectPath, SESSIONS_MAX};
use stayput_store::swift::{BadName, Path};

use super::{CrossAccountAccess, JobPlan, PlanError, Planning};
use crate::store_access::StoreLookup;

/// Finds the matches of a job's wildcards, and plans the job. Access to other accounts is checked
/// before anything is looked up in them.
///
/// # Errors
/// Flaws of the description, failures of the store's listings, and access that is not granted.
pub async fn plan(
    planning: &Planning<'_>,
    job: &Job,
    store: &dyn StoreLookup,
) -> Result<JobPlan, PlanError> {
    for elsewhere in planning.elsewhere(job)? {
        let CrossAccountAccess { path, wanted, .. } = &elsewhere;
        store.may(path, *wanted).await.map_err(|refused| elsewhere.denied(refused))?;
    }
    let mut matches = Matches::default();
    for pattern in job.wildcards() {
        matches.insert(pattern.clone(), matches_of(planning, pattern, store).await?);
    }
    planning.plan(job, &matches)
}

/// Matches of a wildcard, at most one more than a job may have sessions.
async fn matches_of(
    planning: &Planning<'_>,
    pattern: &ObjectPath,
    store: &dyn StoreLookup,
) -> Result<Vec<ObjectPath>, PlanError> {
    let bad = |error: BadName| PlanError::Pattern { pattern: pattern.to_string(), error };
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

#[cfg(test)]
mod tests;
