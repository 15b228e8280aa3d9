//! Monitoring of a server: options for its log and its metrics, and metrics at an address of their
//! own.
//!
//! Leaves out the content of both (`crate::serve`).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Args;
use stayput_host::{Host, Purpose, Serving};
use stayput_server::disk::DiskPool;
use stayput_server::{Actor, Door, Server, StartError};
use stayput_store::http;
use stayput_store::http::{Body, HeaderName, HeaderValue, Method, Response, StatusCode};
use stayput_store::proxy::RequestObserver;

use crate::commands::wall;
use crate::serve::{
    LogFilter, LogForm, Logs, METRICS_TYPE, MetricSources, Metrics, MetricsEndpoint, Watcher,
};

/// Port of the actor that serves metrics, within the process.
const PORT: u16 = 80;

/// Options of a server's log and metrics.
#[derive(Args, Clone, Debug)]
pub struct WatchArgs {
    /// Write the log, which goes to standard error, in this form.
    #[arg(long, value_name = "FORM", value_enum, default_value = "human")]
    pub log: LogForm,
    /// Log events of this level or a more severe one: error, warn, info, debug, trace or off.
    ///
    /// PLACE=LEVEL sets it for a part of the program: `warn,stayput::access=info` has a line for
    /// each request, and else only warnings and errors.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogFilter,
    /// Serve metrics at http://ADDRESS/metrics, and not at the clients' port; port 0 is any that is
    /// free.
    ///
    /// A node alone has no clients' port: it serves its metrics here or nowhere.
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
}

/// MetricSources of a server that are monitored.
pub(super) struct Watched<'a> {
    pub(super) server: &'a Server,
    /// Listening port for clients; `None` for a node alone.
    pub(super) door: Option<&'a Arc<Door>>,
    /// Threads for disk calls; `None` for a proxy alone.
    pub(super) disks: Option<&'a DiskPool>,
}

/// Builds the observer of a server; opens the address for metrics, if they have one.
///
/// # Errors
/// That address cannot be had.
pub(super) fn watch(
    args: &WatchArgs,
    logs: &Logs,
    watched: &Watched<'_>,
) -> Result<Arc<dyn RequestObserver>, StartError> {
    let metrics = Arc::new(Metrics::new(MetricSources {
        meters: watched.server.meters(),
        door: watched.door.cloned(),
        disks: watched.disks.cloned(),
        log_lines_dropped: logs.dropped(),
        began_unix: wall::since_1970(),
    }));
    let endpoint = match args.metrics {
        None => MetricsEndpoint::ClientPort,
        Some(at) => {
            let at = serve_metrics(watched.server, at, &metrics)?;
            tracing::info!(url = %format_args!("http://{at}/metrics"), "metrics are here");
            MetricsEndpoint::Separate
        }
    };
    Ok(Arc::new(Watcher::new(metrics, endpoint)))
}

/// Serves metrics at `at`; returns the address, with the port that was bound.
fn serve_metrics(
    server: &Server,
    at: SocketAddr,
    metrics: &Arc<Metrics>,
) -> Result<SocketAddr, StartError> {
    let (door, at) = server.open_door(at, None)?;
    let metrics = Arc::clone(metrics);
    let actor = Actor {
        name: "metrics".to_owned(),
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        disks: BTreeMap::new(),
        doors: BTreeMap::from([(PORT, door)]),
        main: Arc::new(move |host: Host| {
            let metrics = Arc::clone(&metrics);
            Box::pin(async move {
                let answering = move |request: http::Request| {
                    let answer = answer(request.method(), request.uri().path(), &metrics);
                    async move { answer }
                };
                http::serve(&host, PORT, answering)?;
                let serving: Serving = Box::pin(std::future::ready(()));
                Ok(serving)
            })
        }),
    };
    server.start(0, actor).wait()?;
    Ok(at)
}

fn answer(method: &Method, path: &str, metrics: &Metrics) -> Response {
    let refused = |status, why: &'static str| {
        let mut response = Response::new(Body::full(Purpose::Control, why));
        *response.status_mut() = status;
        response
    };
    if path != "/metrics" {
        return refused(StatusCode::NOT_FOUND, "there is only /metrics\n");
    }
    if *method != Method::GET && *method != Method::HEAD {
        let mut refused = refused(StatusCode::METHOD_NOT_ALLOWED, "GET it\n");
        let allow = HeaderName::from_static("allow");
        refused.headers_mut().insert(allow, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let body = match *method == Method::HEAD {
        true => Body::empty(),
        false => Body::full(Purpose::Control, metrics.text()),
    };
    let mut response = Response::new(body);
    let content_type = HeaderName::from_static("content-type");
    response.headers_mut().insert(content_type, HeaderValue::from_static(METRICS_TYPE));
    response
}
