//! The port at which other processes of the cluster call. Peers are handed to the listener that
//! they name; nobody else gets anywhere.
//!
//! Those who have not proved yet that they know the secret have little time and little room: when
//! there are too many, the one that has waited longest goes, so that strangers cannot keep peers
//! out by waiting. Leaves out peers' connections, which are their listeners'.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use super::super::meters::Meters;
use super::super::shutdown::ShutdownSignal;
use super::super::stream::linger;
use super::super::switchboard::{Arrival, Switchboard};
use super::Peers;
use super::handshake::{Stranger, answer, hear};
use super::proof::Verdict;

/// Time limit for a caller to prove that it is a peer.
const PROOF_MAX: Duration = Duration::from_secs(5);
/// Callers at a time that have not proved it yet.
const CALLERS_MAX: usize = 256;
/// Before the next try when the system had no connection to give, being out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Response to callers that take the port for a store's.
const NO_PEER: &[u8] =
    b"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\nContent-Length: 88\r\n\
WWW-Authenticate: Stayput-Peer\r\nConnection: close\r\n\r\n\
This port is for the processes of a Stayput cluster. Clients are served by its proxies.\n";

/// The port of a process for the others of its cluster.
pub(in super::super) struct PeerPort {
    pub(in super::super) peers: Peers,
    pub(in super::super) switchboard: Arc<Switchboard>,
    pub(in super::super) shutdown: Arc<ShutdownSignal>,
    pub(in super::super) meters: Arc<Meters>,
}

impl PeerPort {
    /// Accepts connections of other processes until the server ends.
    #[expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]
    pub(in super::super) async fn accept(self, listener: tokio::net::TcpListener) {
        let (port, callers) = (Rc::new(self), Rc::new(Callers::default()));
        while let Some(accepted) = port.shutdown.unless_sent(listener.accept()).await {
            let Ok((stream, _)) = accepted else {
                let again = tokio::time::Instant::now() + ACCEPT_PAUSE;
                tokio::time::sleep_until(again).await;
                continue;
            };
            let port = Rc::clone(&port);
            let (caller, goes) = Callers::enter(&callers);
            let heard = async move {
                let _caller = caller;
                let told_apart = Cell::new(false);
                let heard = pin!(port.receive(stream, &told_apart));
                let late = tokio::time::Instant::now() + PROOF_MAX;
                let late = pin!(tokio::time::sleep_until(late));
                let goes = pin!(goes.notified());
                let is_over = matches!(select(heard, select(late, goes)).await, Either::Left(_));
                if !is_over && !told_apart.get() {
                    port.meters.stranger_refused();
                }
            };
            #[expect(clippy::disallowed_methods, reason = "it ends with the server")]
            drop(tokio::task::spawn_local(heard));
        }
    }

    /// Sees a caller through to whom it wants. Once it is known whether it is a peer, it is
    /// `told_apart`.
    #[expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]
    async fn receive(&self, mut stream: tokio::net::TcpStream, told_apart: &Cell<bool>) {
        let Self { peers, switchboard, meters, .. } = self;
        let heard = hear(&mut stream, &peers.secret).await;
        told_apart.set(true);
        let opening = match heard {
            Ok(opening) => opening,
            Err(stranger) => {
                meters.stranger_refused();
                if let Stranger::Http = stranger {
                    // It may be gone already.
                    let _told = stream.write_all(NO_PEER).await;
                    linger(stream).await;
                }
                return;
            }
        };
        let permit = switchboard.permit_at(opening.to);
        let verdict = match (&permit, peers.way(opening.to.ip())) {
            (Some(_), _) => Verdict::Accepted,
            (None, Some(_)) => Verdict::Elsewhere,
            (None, None) => Verdict::Refused,
        };
        let answered = stream.set_nodelay(true).is_ok()
            && answer(&mut stream, &peers.secret, &opening, verdict).await.is_ok();
        if let (true, Some(permit), Ok(stream)) = (answered, permit, stream.into_std()) {
            let open = Some(meters.peer_connection());
            permit.send(Arrival::Socket { stream, from: opening.from, open });
        }
    }
}

/// Those who have not proved anything yet, the one that has waited longest first.
#[derive(Debug, Default)]
struct Callers(RefCell<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    callers: BTreeMap<u64, Rc<Notify>>,
    came: u64,
}

/// One of them, until this is dropped.
#[derive(Debug)]
struct Caller {
    number: u64,
    among: Rc<Callers>,
}

impl Callers {
    /// Lets one in, and the one that has waited longest go if there are too many. The new one is
    /// told when it is to go itself.
    fn enter(this: &Rc<Self>) -> (Caller, Rc<Notify>) {
        let waiting = &mut *this.0.borrow_mut();
        if waiting.callers.len() >= CALLERS_MAX
            && let Some((_, longest)) = waiting.callers.pop_first()
        {
            longest.notify_one();
        }
        waiting.came += 1;
        let goes = Rc::new(Notify::new());
        waiting.callers.insert(waiting.came, Rc::clone(&goes));
        (Caller { number: waiting.came, among: Rc::clone(this) }, goes)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.among.0.borrow_mut().callers.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_that_has_waited_longest_makes_room() {
        let callers = Rc::new(Callers::default());
        let mut waiting: Vec<_> = (0..CALLERS_MAX).map(|_| Callers::enter(&callers)).collect();
        let has_gone = |goes: &Notify| futures_util::FutureExt::now_or_never(goes.notified());
        assert!(waiting.iter().all(|(_, goes)| has_gone(goes).is_none()));
        waiting.push(Callers::enter(&callers));
        let gone: Vec<bool> = waiting.iter().map(|(_, goes)| has_gone(goes).is_some()).collect();
        assert!(gone[0] && !gone[1..].contains(&true));
        drop(waiting);
        assert!(callers.0.borrow().callers.is_empty());
    }

    #[test]
    fn a_stranger_is_told_in_whole_http() {
        let text = std::str::from_utf8(NO_PEER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
