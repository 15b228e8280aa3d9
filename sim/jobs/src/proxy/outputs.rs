//! Storing of sessions' outputs, once all sessions have ended, under one timestamp.
//!
//! Leaves out sessions whose sandbox failed: theirs are not stored.

use futures_util::future::join_all;
use stayput_host::Purpose;
use stayput_store::proxy::{NewObject, Proxy, StoreError};
use stayput_store::swift::Timestamp;

use crate::output::{CONTENT_TYPE, padded};
use crate::plan::JobPlan;
use crate::session::result::SessionResult;
use crate::store_access::StoreAccessError;

/// Objects that are stored at a time.
const STORED_AT_ONCE: usize = 16;

/// Stores the outputs that have a path.
///
/// # Errors
/// The first that could not be stored; others may have been.
pub(super) async fn store(
    proxy: &Proxy,
    plan: &JobPlan,
    sessions: &[SessionResult],
    timestamp: Timestamp,
) -> Result<(), StoreAccessError> {
    let ended = plan.sessions.iter().zip(sessions).filter(|(_, it)| it.end.exit_code().is_some());
    let outputs = ended.flat_map(|(of, session)| of.devices.iter().map(move |it| (it, session)));
    let objects: Vec<NewObject> = outputs
        .filter_map(|(device, session)| {
            Some(NewObject {
                path: device.written_object()?.clone(),
                content: padded(session.output(&device.name), device),
                content_type: device.content_type.as_deref().unwrap_or(CONTENT_TYPE).to_owned(),
                meta: device.meta.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
                timestamp,
                purpose: Purpose::JobResult,
            })
        })
        .collect();
    let mut objects = objects.into_iter().peekable();
    while objects.peek().is_some() {
        let some = objects.by_ref().take(STORED_AT_ONCE).map(|object| proxy.store(object));
        for stored in join_all(some).await {
            match stored {
                // Somebody wrote it anew in the same moment: what this job wrote was there before
                // that.
                Ok(_) | Err(StoreError::Newer { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
