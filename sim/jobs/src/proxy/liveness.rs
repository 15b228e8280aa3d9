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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use stayput_host::Time;
    use stayput_host::contract::host_address;
    use stayput_store::http::{self, Request, Response};

    use super::*;
    use crate::fixtures::beside;

    const PORT: u16 = 80;

    /// Time after which the attempt is taken for lost by a node that answers its looks by `knows`,
    /// of the number of the look from 0; `None` if it is not within a minute.
    fn lost_after(knows: fn(u32) -> Option<bool>) -> Option<Duration> {
        let serve = move |host: Host| {
            let (looks, own) = (Rc::new(Cell::new(0)), host.clone());
            let handler = move |request: Request| {
                assert_eq!(request.uri().path(), "/running/job-0-0/2");
                let (look, host) = (looks.replace(looks.get() + 1), own.clone());
                async move {
                    let mut response = Response::new(Body::empty());
                    match knows(look) {
                        Some(true) => {}
                        Some(false) => *response.status_mut() = StatusCode::NOT_FOUND,
                        None => host.sleep(Duration::from_secs(3_600)).await,
                    }
                    response
                }
            };
            http::serve(&host, PORT, handler).expect("the port is free");
        };
        beside(vec![Box::new(serve)], |host| async move {
            let pool = ConnectionPool::new(host.clone());
            let lost = lost(&host, &pool, host_address(0, PORT), "job-0-0", 2);
            let in_time = host.timeout(Duration::from_secs(60), lost).await;
            in_time.ok().map(|()| host.now().since(Time::ZERO))
        })
    }

    fn seconds(lost: Option<Duration>) -> Option<u64> {
        lost.map(|after| after.as_secs())
    }

    #[test]
    fn an_attempt_that_its_node_knows_is_never_lost() {
        assert_eq!(lost_after(|_look| Some(true)), None);
    }

    #[test]
    fn an_attempt_that_its_node_does_not_know_is_lost_at_the_second_look() {
        assert_eq!(seconds(lost_after(|_look| Some(false))), Some(2));
    }

    #[test]
    fn a_silent_node_has_lost_it_after_two_looks_that_each_take_their_time() {
        assert_eq!(seconds(lost_after(|_look| None)), Some(4));
    }

    #[test]
    fn one_look_that_fails_between_two_that_do_not_is_no_loss() {
        assert_eq!(lost_after(|look| Some(look % 2 == 0)), None);
        let once_and_then_for_good = |look| Some(!(look == 1 || look >= 10));
        assert_eq!(seconds(lost_after(once_and_then_for_good)), Some(12));
    }
}
