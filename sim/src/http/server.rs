//! A server: takes connections to a port and answers each request on them, as work for the job that the request names.
//!
//! Leaves out routing, which is the handler's.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::rc::Rc;

use hyper::body::Incoming;
use hyper::service::service_fn;

use super::body::Received;
use super::io::Io;
use super::{HeaderMap, Request, Response};
use crate::host::{BoxStream, Host, JobNumber, SpanKind};
use crate::swift::header::{X_TRANS_ID_EXTRA, text};

/// Connections that a server has at a time; further ones are closed until one ends.
const CONNECTIONS_MAX: usize = 4096;

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
    let handler = Rc::new(handler);
    let open = Rc::new(Cell::new(0_usize));
    let host = host.clone();
    host.clone().spawn(async move {
        // A listener fails only with its host.
        while let Ok((stream, _peer)) = listener.accept().await {
            if open.get() >= CONNECTIONS_MAX {
                continue;
            }
            open.set(open.get() + 1);
            let (host_of_connection, handler, open) =
                (host.clone(), Rc::clone(&handler), Rc::clone(&open));
            host.spawn(async move {
                serve_connection(&host_of_connection, stream, handler).await;
                open.set(open.get() - 1);
            });
        }
    });
    Ok(())
}

async fn serve_connection<H, F>(host: &Host, stream: BoxStream, handler: Rc<H>)
where
    H: Fn(Request) -> F + 'static,
    F: Future<Output = Response> + 'static,
{
    let (io, labels) = Io::new(host, stream);
    let told = host.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let labels = Rc::clone(&labels);
        let job = job_of(request.headers());
        let mut span = told.span_of(job, SpanKind::Request, "request");
        span.rename(|| format!("{} {}", request.method(), request.uri()));
        let answer = handler(request.map(|incoming| Received::new(incoming, None)));
        let answer = told.in_job(job, answer);
        async move {
            let response = answer.await;
            span.figure("status", u64::from(response.status().as_u16()));
            Ok::<_, Infallible>(response.map(|body| body.labelled(&labels).during(span)))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(io, service);
    // How a connection ends is its client's concern: whoever waits for an answer sees it break off.
    let _ended = connection.await;
}

fn job_of(headers: &HeaderMap) -> Option<JobNumber> {
    text(headers, &X_TRANS_ID_EXTRA)?.parse().ok()
}
