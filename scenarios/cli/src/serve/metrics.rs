//! Metrics of a server for Prometheus: sums over all its threads and clients, in text format 0.0.4.
//!
//! All labels have values from short lists: no metric names an account, a path or a client. Leaves
//! out the system's own figures of the process (memory, files), which exporters for the host have,
//! any figure of one device or one thread, and metrics that do not apply to a process: nodes serve
//! no clients, and proxies have no disks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use stayput_host::{HostMetric, MessagePart, Purpose};
use stayput_server::disk::DiskPool;
use stayput_server::{Door, Meters};
use stayput_store::http::CLIENT_CLOSED_REQUEST;
use stayput_store::proxy::{CompletedRequest, RequestKind};
use tracing_appender::non_blocking::ErrorCounter;

/// The content type of the text.
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// Upper bounds of durations, in seconds: from an object that is in memory to one of gigabytes.
const BUCKETS_S: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];

/// Methods that a proxy supports.
const METHODS: [&str; 7] = ["GET", "HEAD", "PUT", "POST", "DELETE", "COPY", "OPTIONS"];

/// Kinds of requests.
const KINDS: [RequestKind; 7] = [
    RequestKind::Account,
    RequestKind::Container,
    RequestKind::Object,
    RequestKind::Job,
    RequestKind::Info,
    RequestKind::Auth,
    RequestKind::Other,
];

/// Outcomes of jobs: values of the label `outcome`.
const OUTCOMES: [&str; 5] = ["succeeded", "exit-code", "refused", "failed", "client-left"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    status: u16,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

type Durations = Family<KindLabel, Histogram, fn() -> Histogram>;

/// Counters of a server's requests, and the metrics of its parts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Durations,
    answers: Durations,
    received: Family<KindLabel, Counter>,
    sent: Family<KindLabel, Counter>,
    jobs: Family<OutcomeLabel, Counter>,
}

/// Parts of a server that metrics are read from.
pub struct MetricSources {
    /// Bytes, fuel, connections, and the metrics that its hosts report.
    pub meters: Arc<Meters>,
    /// Listening port for clients; `None` for a node alone, whose port is for the cluster's other
    /// processes.
    pub door: Option<Arc<Door>>,
    /// Threads for disk calls; `None` for a proxy alone.
    pub disks: Option<DiskPool>,
    /// Lines that the log has dropped.
    pub log_lines_dropped: ErrorCounter,
    /// Start of the process, since 1970.
    pub began_unix: Duration,
}

impl fmt::Debug for MetricSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricSources").field("meters", &self.meters).finish_non_exhaustive()
    }
}

impl Metrics {
    /// Creates the metrics of a server with these parts.
    #[must_use]
    pub fn new(parts: MetricSources) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS_S);
        let durations = || Family::new_with_constructor(histogram);
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            durations: durations(),
            answers: durations(),
            received: Family::default(),
            sent: Family::default(),
            jobs: Family::default(),
        };
        metrics.register(parts);
        metrics.begin();
        metrics
    }

    fn register(&mut self, parts: MetricSources) {
        let (seconds, bytes) = (|| Unit::Seconds, || Unit::Bytes);
        self.registry.register_collector(Box::new(Process(parts.began_unix)));
        let own = self.registry.sub_registry_with_prefix("stayput");
        if parts.door.is_none() {
            own.register_collector(Box::new(parts));
            return;
        }
        own.register("http_requests", "Requests of clients that have ended", self.requests.clone());
        let help = "From the head of a request to the end of its answer";
        own.register_with_unit("http_request_duration", help, seconds(), self.durations.clone());
        let help = "From the head of a request to the head of its answer";
        own.register_with_unit("http_answer_delay", help, seconds(), self.answers.clone());
        let help = "Bodies of requests";
        own.register_with_unit("http_received", help, bytes(), self.received.clone());
        let help = "Bodies of answers";
        own.register_with_unit("http_sent", help, bytes(), self.sent.clone());
        own.register("jobs", "Jobs that have ended", self.jobs.clone());
        own.register_collector(Box::new(parts));
    }

    /// Creates all counters with zero, so that their first increment is seen as a change.
    fn begin(&self) {
        for kind in KINDS {
            let label = KindLabel { kind: kind.name() };
            drop(self.durations.get_or_create(&label));
            drop(self.answers.get_or_create(&label));
            drop(self.received.get_or_create(&label));
            drop(self.sent.get_or_create(&label));
        }
        for outcome in OUTCOMES {
            drop(self.jobs.get_or_create(&OutcomeLabel { outcome }));
        }
    }

    /// Counts a request.
    pub(super) fn ended(&self, request: &CompletedRequest<'_>) {
        let kind = request.kind.name();
        let (method, status) = (method_of(request.method.as_str()), request.status);
        self.requests.get_or_create(&RequestLabels { method, status, kind }).inc();
        let label = KindLabel { kind };
        self.durations.get_or_create(&label).observe(request.took.as_secs_f64());
        if let Some(after) = request.answered_after {
            self.answers.get_or_create(&label).observe(after.as_secs_f64());
        }
        self.received.get_or_create(&label).inc_by(request.received_bytes);
        self.sent.get_or_create(&label).inc_by(request.sent_bytes);
        if request.kind == RequestKind::Job {
            self.jobs.get_or_create(&OutcomeLabel { outcome: outcome_of(request) }).inc();
        }
    }

    /// All metrics as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a text takes what is written to it");
        text
    }
}

/// A method as a label: clients may send any word as one.
fn method_of(method: &str) -> &'static str {
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}

fn outcome_of(request: &CompletedRequest<'_>) -> &'static str {
    match (request.status, &request.job) {
        (CLIENT_CLOSED_REQUEST, _) => "client-left",
        (200..300, Some(job)) if job.succeeded => "succeeded",
        (200..300, _) => "exit-code",
        (500.., _) => "failed",
        _ => "refused",
    }
}

/// Start time of the process, since 1970.
#[derive(Debug)]
struct Process(Duration);

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Start time of the process, in seconds since 1970.";
        let began = ConstGauge::new(self.0.as_secs_f64());
        let metric = encoder.encode_descriptor(
            "process_start_time_seconds",
            help,
            None,
            began.metric_type(),
        )?;
        began.encode(metric)
    }
}

impl MetricSources {
    /// Counters, which only go up: name, meaning, value. Only those that apply to this process.
    fn counters(&self) -> Vec<(&'static str, &'static str, u64)> {
        let meters = &self.meters;
        let overrun = self.door.as_ref().map_or(0, |door| door.overrun());
        let refused = meters.counted(HostMetric::ConnectionsRefused) + overrun;
        let dropped = self.log_lines_dropped.dropped_lines() as u64;
        let mut counters = vec![
            ("connections_refused", "Connections closed at once, being too many.", refused),
            (
                "log_lines_dropped",
                "Lines of the log that were dropped because standard error was too slow.",
                dropped,
            ),
        ];
        if let Some(disks) = &self.disks {
            let help = "Calls that a disk failed, or had no room for.";
            counters.extend([
                ("fuel", "Fuel that jobs have spent: instructions of WebAssembly.", meters.fuel()),
                ("job_slices", "Times that a core was given to a job.", meters.slices()),
                (
                    "sessions",
                    "Sessions of jobs that began.",
                    meters.counted(HostMetric::SessionsBegun),
                ),
                ("disk_failures", help, disks.failures()),
            ]);
        }
        match self.door {
            Some(_) => {
                let accepted = meters.accepted_connections();
                counters.push(("connections", "Connections that were opened.", accepted));
            }
            None => {
                let help = "Connections to a node's port that failed to authenticate as peers.";
                counters.push(("strangers_refused", help, meters.refused_strangers()));
            }
        }
        counters
    }

    /// Gauges, which go up and down: name, meaning, value. Only those that apply to this process.
    fn gauges(&self) -> Vec<(&'static str, &'static str, u64)> {
        let (meters, mut gauges) = (&self.meters, Vec::new());
        if let Some(disks) = &self.disks {
            let running = meters.counted(HostMetric::SessionsRunning);
            let waiting = meters.counted(HostMetric::SessionsWaiting);
            let calls = disks.waiting() as u64;
            let updates = meters.counted(HostMetric::UpdatesPending);
            gauges.extend([
                ("sessions_running", "Sessions that run.", running),
                ("sessions_waiting", "Sessions that wait.", waiting),
                ("disk_calls_waiting", "Calls to disks that wait for a thread.", calls),
                ("updates_pending", "Container updates that are pending.", updates),
            ]);
        }
        gauges.push(match self.door {
            Some(_) => {
                ("connections_open", "Connections that are open.", meters.open_connections())
            }
            None => (
                "peer_connections_open",
                "Connections of other processes of the cluster that are open.",
                meters.peer_connections(),
            ),
        });
        gauges
    }
}

impl Collector for MetricSources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in self.counters() {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        for (name, help, value) in self.gauges() {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        let help =
            "Bytes sent between the parts of the server and to clients, by what they are for.";
        let unit = Unit::Bytes;
        let kind = ConstCounter::new(0_u64).metric_type();
        let mut family = encoder.encode_descriptor("sent", help, Some(&unit), kind)?;
        for purpose in Purpose::ALL {
            for (part, name) in [(MessagePart::Head, "head"), (MessagePart::Body, "body")] {
                let labels = [("purpose", purpose.name()), ("part", name)];
                let sent = ConstCounter::new(self.meters.bytes(purpose, part));
                sent.encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "The version that runs.";
        let one = ConstGauge::new(1_i64);
        let mut info = encoder.encode_descriptor("build_info", help, None, one.metric_type())?;
        let labels = [("version", env!("CARGO_PKG_VERSION"))];
        one.encode(info.encode_family(&labels)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::num::NonZeroUsize;

    use stayput_store::http::Method;
    use stayput_store::proxy::{CompletedJob, ResponseEnd};
    use tracing_appender::non_blocking::NonBlockingBuilder;

    use super::*;

    fn metrics() -> Metrics {
        metrics_of(true, true)
    }

    fn metrics_of(has_door: bool, has_disks: bool) -> Metrics {
        let one = NonZeroUsize::MIN;
        let (writer, _written) = NonBlockingBuilder::default().finish(std::io::sink());
        Metrics::new(MetricSources {
            meters: Arc::default(),
            door: has_door.then(Arc::default),
            disks: has_disks.then(|| DiskPool::new(one, one).unwrap()),
            log_lines_dropped: writer.error_counter(),
            began_unix: Duration::from_millis(1_700_000_000_500),
        })
    }

    fn ended(
        kind: RequestKind,
        method: &Method,
        status: u16,
        took: Duration,
    ) -> CompletedRequest<'_> {
        CompletedRequest {
            kind,
            method,
            path: "/v1/AUTH_a\"\n/c/o",
            trans_id: "tx1",
            client: None,
            account: Some("AUTH_a"),
            user: Some("a:b"),
            status,
            end: ResponseEnd::Complete,
            received_bytes: 3,
            sent_bytes: 5,
            answered_after: Some(took / 2),
            took,
            job: None,
            cause: None,
        }
    }

    #[test]
    fn the_text_has_each_metric_with_its_meaning_its_type_and_buckets_that_add_up() {
        let metrics = metrics();
        metrics.ended(&ended(RequestKind::Object, &Method::GET, 200, Duration::from_millis(4)));
        metrics.ended(&ended(RequestKind::Object, &Method::GET, 200, Duration::from_secs(7)));
        let text = metrics.text();
        let wanted = [
            "# HELP process_start_time_seconds Start time of the process, in seconds since 1970.\n\
             # TYPE process_start_time_seconds gauge\n\
             process_start_time_seconds 1700000000.5\n",
            "# HELP stayput_http_requests_total Requests of clients that have ended.\n\
             # TYPE stayput_http_requests_total counter\n\
             stayput_http_requests_total{method=\"GET\",status=\"200\",kind=\"object\"} 2\n",
            "# TYPE stayput_http_request_duration_seconds histogram\n",
            "stayput_http_request_duration_seconds_bucket{kind=\"object\",le=\"0.0025\"} 0\n",
            "stayput_http_request_duration_seconds_bucket{kind=\"object\",le=\"0.005\"} 1\n",
            "stayput_http_request_duration_seconds_bucket{kind=\"object\",le=\"5\"} 1\n",
            "stayput_http_request_duration_seconds_bucket{kind=\"object\",le=\"10\"} 2\n",
            "stayput_http_request_duration_seconds_bucket{kind=\"object\",le=\"+Inf\"} 2\n\
             stayput_http_request_duration_seconds_sum{kind=\"object\"} 7.004\n\
             stayput_http_request_duration_seconds_count{kind=\"object\"} 2\n",
            "stayput_http_answer_delay_seconds_sum{kind=\"object\"} 3.502\n",
            "stayput_http_received_bytes_total{kind=\"object\"} 6\n",
            "stayput_http_sent_bytes_total{kind=\"object\"} 10\n",
            "# TYPE stayput_connections_open gauge\nstayput_connections_open 0\n",
        ];
        for lines in wanted {
            assert!(text.contains(lines), "{lines}\n{text}");
        }
        assert!(!text.contains("AUTH_a"), "{text}");
    }

    #[test]
    fn a_process_tells_nothing_of_what_it_does_not_have() {
        let of_clients = ["http_received", "http_sent", "jobs", "connections_open"];
        let of_disks = ["disk_failures", "disk_calls_waiting", "sessions", "fuel"];
        let of_peers = ["strangers_refused", "peer_connections_open"];
        for (has_door, has_disks) in [(true, true), (true, false), (false, true)] {
            let text = metrics_of(has_door, has_disks).text();
            for (names, is_there) in
                [(&of_clients[..], has_door), (&of_disks, has_disks), (&of_peers, !has_door)]
            {
                for name in names {
                    let is_told = ["", "_total", "_bytes_total"]
                        .iter()
                        .any(|unit| text.contains(&format!("# TYPE stayput_{name}{unit} ")));
                    assert_eq!(is_told, is_there, "{has_door} {has_disks} {name}:\n{text}");
                }
            }
            assert!(text.contains("stayput_build_info{"), "{text}");
        }
    }

    #[test]
    fn what_only_goes_up_is_there_before_it_does() {
        let text = metrics().text();
        for kind in KINDS {
            let line = format!("stayput_http_sent_bytes_total{{kind=\"{}\"}} 0\n", kind.name());
            assert!(text.contains(&line), "{line}{text}");
        }
        for outcome in OUTCOMES {
            let line = format!("stayput_jobs_total{{outcome=\"{outcome}\"}} 0\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }

    #[test]
    fn a_job_has_one_outcome() {
        let job = |succeeded| CompletedJob { fuel: 1, succeeded, placed: None, colocated: (1, 1) };
        for (status, ran, outcome) in [
            (200, Some(true), "succeeded"),
            (200, Some(false), "exit-code"),
            (500, Some(false), "failed"),
            (503, None, "failed"),
            (404, None, "refused"),
            (422, Some(false), "refused"),
            (499, None, "client-left"),
        ] {
            let mut request = ended(RequestKind::Job, &Method::POST, status, Duration::ZERO);
            request.job = ran.map(job);
            let metrics = metrics();
            metrics.ended(&request);
            let line = format!("stayput_jobs_total{{outcome=\"{outcome}\"}} 1\n");
            assert!(metrics.text().contains(&line), "{status} {ran:?}");
        }
    }

    #[test]
    fn words_that_are_no_methods_share_a_label() {
        assert_eq!(method_of("COPY"), "COPY");
        for word in ["BREW", "get", "", "GET\n"] {
            assert_eq!(method_of(word), "other");
        }
    }

    #[test]
    fn the_manual_lists_exactly_the_metrics_that_there_are() {
        let manual = include_str!("../../../manual/src/reference/serving.md");
        let rows = manual.lines().skip_while(|line| !line.starts_with("| metric |")).skip(2);
        let cells = rows.map_while(|row| row.strip_prefix('|')?.split('|').next());
        let documented: BTreeSet<&str> =
            cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let texts = [(true, true), (true, false), (false, true)].map(|(has_door, has_disks)| {
            let metrics = metrics_of(has_door, has_disks);
            // Requests have labels of their own, so that the first one makes the metric.
            metrics.ended(&ended(RequestKind::Object, &Method::GET, 200, Duration::ZERO));
            metrics.text()
        });
        let types = texts.iter().flat_map(|text| text.lines());
        let names = types.filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        assert_eq!(documented, names.collect::<BTreeSet<_>>());
    }
}
