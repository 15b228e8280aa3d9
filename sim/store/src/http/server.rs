//! A server: takes connections to a port and answers each request on them, as work for the job that the request names.
//!
//! When its listener can hold no more connections, the one that has been idle longest makes room, and after those one whose client
//! takes nothing of its answer. When the listener ends, requests that run are answered and no more are taken. Leaves out routing, which
//! is the handler's.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use hyper::body::Incoming;
use hyper::service::service_fn;
use stayput_host::{BoxStream, Host, HostMetric, JobNumber, SpanKind};
use tokio::sync::Notify;

use super::body::IncomingBody;
use super::io::Io;
use super::talk::Talk;
use super::{HEAD_BYTES_MAX, HEADERS_MAX, HeaderMap, Request, Response};
use crate::swift::header::{X_TRANS_ID_EXTRA, text};

/// Serves `port` of `host` with `handler` until the host ends.
///
/// The future that `handler` gives is dropped when the client leaves.
///
/// # Errors
/// The port is taken.
pub fn serve<H, F>(host: &Host, port: u16, handler: H) -> io::Result<()>
where
    H: Fn(Request) -> F + 'static,
    F: Future<Output = Response> + 'static,
{
    let mut listener = host.listen(port)?;
    let (handler, open) = (Rc::new(handler), Rc::new(Open::default()));
    let host = host.clone();
    host.clone().spawn(async move {
        // A listener fails only with its host, or when the host is to end.
        while let Ok((stream, peer)) = listener.accept().await {
            if open.count() >= listener.connections_max() && !open.make_room() {
                host.count(HostMetric::ConnectionsRefused, 1);
                continue;
            }
            let (host_of_connection, handler) = (host.clone(), Rc::clone(&handler));
            let (talk, open) = (Rc::new(Talk::new(&host, peer)), Rc::clone(&open));
            let number = open.enter(&talk);
            host.spawn(async move {
                serve_connection(&host_of_connection, stream, handler, &talk, &open).await;
                open.leave(number);
            });
        }
        open.end();
    });
    Ok(())
}

/// The connections of a listener.
#[derive(Default)]
struct Open {
    state: RefCell<OpenState>,
    /// Whether no more requests are to be taken, and whom that is told.
    has_ended: Cell<bool>,
    ending: Notify,
}

#[derive(Default)]
struct OpenState {
    talks: BTreeMap<u64, Rc<Talk>>,
    made: u64,
}

impl Open {
    fn count(&self) -> usize {
        self.state.borrow().talks.len()
    }

    fn enter(&self, talk: &Rc<Talk>) -> u64 {
        let state = &mut *self.state.borrow_mut();
        state.made += 1;
        state.talks.insert(state.made, Rc::clone(talk));
        state.made
    }

    fn end(&self) {
        self.has_ended.set(true);
        self.ending.notify_waiters();
    }

    /// Waits until no more requests are to be taken.
    async fn ended(&self) {
        if !self.has_ended.get() {
            self.ending.notified().await;
        }
    }

    fn leave(&self, number: u64) {
        self.state.borrow_mut().talks.remove(&number);
    }

    /// Ends the connection that has been idle longest, or else the one whose client has taken nothing for longest; `false` if all are
    /// being served.
    fn make_room(&self) -> bool {
        let state = &mut *self.state.borrow_mut();
        let idle = state.talks.iter().filter_map(|(number, talk)| Some((talk.waits()?, *number)));
        let longest = idle.min().and_then(|(_, number)| state.talks.remove(&number));
        longest.inspect(|talk| talk.end()).is_some()
    }
}

async fn serve_connection<H, F>(
    host: &Host,
    stream: BoxStream,
    handler: Rc<H>,
    talk: &Rc<Talk>,
    open: &Open,
) where
    H: Fn(Request) -> F + 'static,
    F: Future<Output = Response> + 'static,
{
    let (io, labels) = Io::new(host, stream);
    let (io, told, asked) = (io.heard_by(talk), host.clone(), Rc::clone(talk));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (labels, talk, asked) = (Rc::clone(&labels), Rc::clone(&asked), Talk::asked(&asked));
        let job = job_of(request.headers());
        let mut span = told.span_of(job, SpanKind::Request, "request");
        span.rename(|| format!("{} {}", request.method(), request.uri()));
        let answer = handler(request.map(|incoming| IncomingBody::on(talk, incoming)));
        let answer = told.in_job(job, answer);
        async move {
            let response = answer.await;
            span.figure("status", u64::from(response.status().as_u16()));
            let answered = |body: super::Body| body.labelled(&labels).during(span).answering(asked);
            Ok::<_, Infallible>(response.map(answered))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .serve_connection(io, service);
    // How a connection ends is its client's concern: whoever waits for an answer sees it break off.
    let mut connection = pin!(connection);
    let given_up = pin!(talk.ended());
    let stopped = pin!(open.ended());
    match select(connection.as_mut(), select(given_up, stopped)).await {
        Either::Left(_) | Either::Right((Either::Left(_), _)) => {}
        Either::Right((Either::Right(_), _)) => {
            talk.hurry();
            connection.as_mut().graceful_shutdown();
            let _ended = connection.await;
        }
    }
}

fn job_of(headers: &HeaderMap) -> Option<JobNumber> {
    text(headers, &X_TRANS_ID_EXTRA)?.parse().ok()
}
