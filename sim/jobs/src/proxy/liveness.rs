//! Notices that an attempt is lost: its node does not answer any more, or knows nothing of it while
//! no answer has come.
//!
//! Without it a proxy would wait for the answer of a node without power as long as a session may
//! take.

use std::net::SocketAddr;
use std::time::Duration;

use stayput_host::{Host, Purpose};
use stayput_store::http::{Body, ConnectionPool, StatusCode, Timeouts};

use crate::message::status_path;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_millis(500), answer: Duration::from_secs(1) };
/// Looks in a row that tell of a loss: one may meet an answer that is on its way.
const LOST_AFTER: u32 = 2;

/// Ends when the attempt is lost.
pub(super) async fn lost(
    host: &Host,
    pool: &ConnectionPool,
    node: SocketAddr,
    id: &str,
    attempt: u32,
) {
    let mut looks = 0;
    while looks < LOST_AFTER {
        host.sleep(INTERVAL).await;
        looks = if runs(pool, node, id, attempt).await { 0 } else { looks + 1 };
    }
}

async fn runs(pool: &ConnectionPool, node: SocketAddr, id: &str, attempt: u32) -> bool {
    let body = Body::full(Purpose::Control, "");
    let request = hyper::Request::builder().uri(status_path(id, attempt)).body(body);
    let Ok(request) = request else { return false };
    let answer = pool.send(node, request, LIMITS).await;
    answer.is_ok_and(|answer| answer.status == StatusCode::OK)
}
