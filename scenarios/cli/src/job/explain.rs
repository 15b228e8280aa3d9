//! Explanation of a job in words: its sessions, their places, and the sources and targets of
//! devices.

use std::fmt::Write;

use stayput_runtime::job::{
    ExecPath, Job, JobDevice, JobGraph, JobImage, JobNode, JobPath, JobSession, ObjectPath,
    attached_device,
};

/// Maximum of pipes of one session that are named one by one.
const PIPES_SHOWN: usize = 6;
/// Maximum of sessions that are named one by one.
const SESSIONS_SHOWN: usize = 8;

/// The plan as lines, each with its end.
pub(super) fn explain(job: &Job, graph: &JobGraph) -> String {
    let mut text = String::new();
    for (index, node) in job.nodes.iter().enumerate() {
        let sessions: Vec<&JobSession> =
            graph.sessions.iter().filter(|session| session.node == index).collect();
        let Some(first) = sessions.first() else { continue };
        let lines = Lines { node, session: first, graph };
        let mut line = |label: &str, value: String| {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "  {label:<9} {value}");
        };
        line("node", format!("{} {}", node.name, how_many(node, &sessions)));
        line("  runs", lines.executable());
        line("  argv", lines.command_line());
        if !node.exec.env.is_empty() {
            let env: Vec<String> =
                node.exec.env.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
            line("  env", env.join(" "));
        }
        line("  where", lines.place());
        for image in &first.images {
            line("  at /", image_words(image));
        }
        for device in first.devices.iter().filter(|device| device.kind.is_readable()) {
            if let Some(source) = lines.source(device) {
                line("  reads", source);
            }
        }
        for device in first.devices.iter().filter(|device| device.kind.is_writable()) {
            if let Some(target) = lines.target(device) {
                line("  writes", target);
            }
        }
        for (label, ways) in [("  reads", "in/"), ("  writes", "out/")] {
            if let Some(pipes) = lines.pipes(ways) {
                line(label, pipes);
            }
        }
        if node.replicate.copies() > 1 {
            let copies = node.replicate.copies();
            line("  copies", format!("{copies} on different nodes; their outputs are compared"));
        }
        if let Some(location) = &node.location {
            line("  location", format!("\"{location}\": near the sessions of the same location"));
        }
    }
    text + &response(graph) + &together(job, graph)
}

fn how_many(node: &JobNode, sessions: &[&JobSession]) -> String {
    if node.has_wildcard_input() {
        let ignored = if node.count.is_some() { "; `count` is ignored" } else { "" };
        return format!("(a session for each match: {0}-1, {0}-2, …{ignored})", node.name);
    }
    match sessions {
        [_] => "(one session)".to_owned(),
        [first, .., last] => {
            format!("({} sessions: {} to {})", sessions.len(), first.name, last.name)
        }
        [] => String::new(),
    }
}

struct Lines<'a> {
    node: &'a JobNode,
    session: &'a JobSession,
    graph: &'a JobGraph,
}

impl Lines<'_> {
    fn executable(&self) -> String {
        match &self.node.exec.path {
            ExecPath::Swift(path) => format!("{path}, fetched by the proxy and pushed"),
            ExecPath::Image { image: Some(image), path } => format!("{path} of the image {image}"),
            ExecPath::Image { image: None, path } => {
                format!("{path} of the user's image, else of a system image")
            }
        }
    }

    fn command_line(&self) -> String {
        let own = self.node.exec.name.as_ref().unwrap_or(&self.session.name);
        let words = std::iter::once(own).chain(&self.node.exec.args);
        words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ")
    }

    fn place(&self) -> String {
        let Some(attached) = &self.session.attached else {
            return "any storage node: no object says where".to_owned();
        };
        let device = attached_device(self.node).map_or("", |device| device.name.as_str());
        let why = if self.node.attach.is_some() { "`attach` names" } else { "the rule chooses" };
        let what = if attached.is_written { "will hold" } else { "holds" };
        format!("a node that {what} a replica of {} ({why} {device})", attached.path)
    }

    fn lies_there(&self, path: &ObjectPath) -> bool {
        self.session.attached.as_ref().is_some_and(|near| !near.is_written && near.path == *path)
    }

    /// Source of a readable device; `None` for the pipes of `connect`.
    fn source(&self, device: &JobDevice) -> Option<String> {
        if device.name.starts_with("in/") {
            return None;
        }
        let from = match &device.path {
            JobPath::Client => "the request's body".to_owned(),
            JobPath::Object(path) if path.object.is_none() => format!("the listing of {path}"),
            JobPath::Object(path) if self.lies_there(path) => format!("{path}, which lies there"),
            JobPath::Object(path) => format!("{path}, fetched by the proxy and pushed"),
            JobPath::Pipe(pipe) => format!("a pipe from {}", self.peer(*pipe, false)),
        };
        Some(format!("/dev/{}: {from}", device.name))
    }

    /// Destination of a writable device; `None` for the pipes of `connect`.
    fn target(&self, device: &JobDevice) -> Option<String> {
        if device.name.starts_with("out/") {
            return None;
        }
        let mut to = match &device.path {
            JobPath::Client => "the response".to_owned(),
            JobPath::Object(path) => format!("stored as {path}"),
            JobPath::Pipe(pipe) => format!("a pipe to {}", self.peer(*pipe, true)),
        };
        // Writing to a text cannot fail.
        if let Some(content_type) = &device.content_type {
            let _ = write!(to, ", as {content_type}");
        }
        for (name, value) in &device.meta {
            let _ = write!(to, ", with {name}: {value}");
        }
        if device.min_size > 0 {
            let _ = write!(to, ", filled up to {} bytes", device.min_size);
        }
        Some(format!("/dev/{}: {to}", device.name))
    }

    /// The session and device at the other end of a pipe.
    fn peer(&self, pipe: usize, is_written: bool) -> String {
        let pipe = &self.graph.pipes[pipe];
        let tip = if is_written { pipe.to } else { pipe.from };
        let session = &self.graph.sessions[tip.session];
        format!("/dev/{} of {}", session.devices[tip.device].name, session.name)
    }

    /// The pipes of `connect` of one way.
    fn pipes(&self, way: &str) -> Option<String> {
        let devices = self.session.devices.iter().filter(|device| device.name.starts_with(way));
        let names: Vec<String> = devices.map(|device| format!("/dev/{}", device.name)).collect();
        (!names.is_empty()).then(|| format!("{}: pipes", some(&names, PIPES_SHOWN)))
    }
}

/// The first names, and the number of the others.
fn some(names: &[String], shown: usize) -> String {
    let more = names.len().saturating_sub(shown);
    let names = names[..names.len() - more].join(" ");
    if more == 0 { names } else { format!("{names} … and {more} more") }
}

fn image_words(image: &JobImage) -> String {
    match image {
        JobImage::User(Some(path)) => format!("{path}, fetched by the proxy, pushed and unpacked"),
        JobImage::User(None) => "the image that comes with the request".to_owned(),
        JobImage::System(name) => format!("{name}, a system image of the cluster"),
    }
}

/// Parts of the response's body, in their order.
fn response(graph: &JobGraph) -> String {
    let mut parts = Vec::new();
    let mut content_type = None;
    for session in &graph.sessions {
        for name in ["stdout", "stderr", "output"] {
            let device = session.devices.iter().find(|device| device.name == name);
            let Some(device) = device.filter(|device| device.path == JobPath::Client) else {
                continue;
            };
            parts.push(format!("{name} of {}", session.name));
            content_type = content_type.or(device.content_type.as_deref());
        }
    }
    if parts.is_empty() {
        return "  response  empty: every output has a path\n".to_owned();
    }
    let content_type = content_type.unwrap_or("text/plain");
    format!("  response  {}, as {content_type}\n", some_listed(&parts))
}

fn some_listed(parts: &[String]) -> String {
    let more = parts.len().saturating_sub(SESSIONS_SHOWN);
    let shown = parts[..parts.len() - more].join(", then ");
    if more == 0 { shown } else { format!("{shown}, … and {more} more") }
}

/// The sessions that pipes keep together.
fn together(job: &Job, graph: &JobGraph) -> String {
    let mut text = String::new();
    for gang in graph.gangs.iter().filter(|gang| gang.sessions.len() > 1) {
        let names: Vec<String> = gang
            .sessions
            .iter()
            .map(|session| &graph.sessions[*session])
            .map(|session| {
                let is_wild = job.nodes[session.node].has_wildcard_input();
                if is_wild { format!("{} …", session.name) } else { session.name.clone() }
            })
            .collect();
        let _ = writeln!(text, "  at once   {}: pipes connect them", some(&names, SESSIONS_SHOWN));
    }
    text
}
