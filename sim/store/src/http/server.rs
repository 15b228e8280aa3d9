//! Server: accepts connections to a port and answers each request, on behalf of the job that the
//! request names.
//!
//! When its listener can hold no more connections, the one that has been idle longest makes room,
//! or else one whose client reads nothing of its response. When the listener ends, pending requests
//! are answered and no more are accepted. Leaves out routing, which is the handler's.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use hyper::body::Incoming;
use hyper::service::service_fn;
use stayput_host::{BoxStream, Host, HostMetric, HostStartError, JobNumber, SpanKind};
use tokio::sync::Notify;

use super::incoming_body::IncomingBody;
use super::labelled_io::LabelledIo;
use super::server_connection::ServerConnection;
use super::{HEAD_BYTES_MAX, HEADERS_MAX, HeaderMap, Request, Response};
use crate::swift::header::{X_TRANS_ID_EXTRA, text};

/// Serves `port` of `host` with `handler` until the host ends.
///
/// The future of `handler` is dropped when the client leaves.
///
/// # Errors
/// [`HostStartError::Port`].
pub fn serve<H, F>(host: &Host, port: u16, handler: H) -> Result<(), HostStartError>
where
    H: Fn(Request) -> F + 'static,
    F: Future<Output = Response> + 'static,
{
    let listening = host.listen(port);
    let mut listener = listening.map_err(|source| HostStartError::Port { port, source })?;
    let (handler, open) = (Rc::new(handler), Rc::new(OpenConnections::default()));
    let host = host.clone();
    host.clone().spawn(async move {
        // A listener fails only with its host, or when the host shuts down.
        while let Ok((stream, peer)) = listener.accept().await {
            if open.count() >= listener.connections_max() && !open.make_room() {
                host.count(HostMetric::ConnectionsRefused, 1);
                continue;
            }
            let (host_of_connection, handler) = (host.clone(), Rc::clone(&handler));
            let open = Rc::clone(&open);
            let connection = Rc::new(ServerConnection::new(&host, peer));
            let number = open.enter(&connection);
            host.spawn(async move {
                serve_connection(&host_of_connection, stream, handler, &connection, &open).await;
                open.leave(number);
            });
        }
        open.end();
    });
    Ok(())
}

/// Open connections of a listener.
#[derive(Default)]
struct OpenConnections {
    state: RefCell<NumberedConnections>,
    /// True if no more requests are accepted.
    has_ended: Cell<bool>,
    ending: Notify,
}

#[derive(Default)]
struct NumberedConnections {
    connections: BTreeMap<u64, Rc<ServerConnection>>,
    /// Number of the last one.
    last: u64,
}

impl OpenConnections {
    fn count(&self) -> usize {
        self.state.borrow().connections.len()
    }

    fn enter(&self, connection: &Rc<ServerConnection>) -> u64 {
        let state = &mut *self.state.borrow_mut();
        state.last += 1;
        state.connections.insert(state.last, Rc::clone(connection));
        state.last
    }

    fn end(&self) {
        self.has_ended.set(true);
        self.ending.notify_waiters();
    }

    /// Waits until no more requests are accepted.
    async fn ended(&self) {
        if !self.has_ended.get() {
            self.ending.notified().await;
        }
    }

    fn leave(&self, number: u64) {
        self.state.borrow_mut().connections.remove(&number);
    }

    /// Closes the connection that has been idle longest, or else the one whose client has read
    /// nothing for longest; `false` if all are being served.
    fn make_room(&self) -> bool {
        let state = &mut *self.state.borrow_mut();
        let waiting = state.connections.iter();
        let waiting = waiting.filter_map(|(number, open)| Some((open.wait()?, *number)));
        let longest = waiting.min().and_then(|(_, number)| state.connections.remove(&number));
        longest.inspect(|connection| connection.close()).is_some()
    }
}

async fn serve_connection<H, F>(
    host: &Host,
    stream: BoxStream,
    handler: Rc<H>,
    connection: &Rc<ServerConnection>,
    open: &OpenConnections,
) where
    H: Fn(Request) -> F + 'static,
    F: Future<Output = Response> + 'static,
{
    let (io, labels) = LabelledIo::new(host, stream);
    let (io, own_host) = (io.recorded_in(connection), host.clone());
    let own_connection = Rc::clone(connection);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (labels, connection) = (Rc::clone(&labels), Rc::clone(&own_connection));
        let pending = ServerConnection::request_received(&connection);
        let job = job_of(request.headers());
        let mut span = own_host.span_of(job, SpanKind::Request, "request");
        span.rename(|| format!("{} {}", request.method(), request.uri()));
        let answer =
            handler(request.map(|incoming| IncomingBody::of_request(connection, incoming)));
        let answer = own_host.in_job(job, answer);
        async move {
            let response = answer.await;
            span.figure("status", u64::from(response.status().as_u16()));
            let answered =
                |body: super::Body| body.labelled(&labels).during(span).answering(pending);
            Ok::<_, Infallible>(response.map(answered))
        }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .serve_connection(io, service);
    // A client that waits for a response notices how its connection ends.
    let mut serving = pin!(serving);
    let closed = pin!(connection.closed());
    let stopped = pin!(open.ended());
    match select(serving.as_mut(), select(closed, stopped)).await {
        Either::Left(_) | Either::Right((Either::Left(_), _)) => {}
        Either::Right((Either::Right(_), _)) => {
            connection.shut_down();
            serving.as_mut().graceful_shutdown();
            let _ended = serving.await;
        }
    }
}

fn job_of(headers: &HeaderMap) -> Option<JobNumber> {
    text(headers, &X_TRANS_ID_EXTRA)?.parse().ok()
}
