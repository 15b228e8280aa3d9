//! Runs several connected sessions in one thread, step by step in an order that is drawn from a
//! seed.
//!
//! It is not the runtime's own runner of jobs, and checks the guests without it: pipes are queues
//! of bounded size, and each read gives at most what one write put in. Left out: wildcards and
//! groups, which the tests spell out, and failing pipes.

use crate::support::device;
use bytes::Bytes;
use stayput_runtime::device::{DeviceIndex, DeviceKind, DeviceSpec, SIZE_UNKNOWN};
use stayput_runtime::engine::Module;
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::outcome::{EndReason, Outcome};
use stayput_runtime::session::{Pause, SESSION_EPOCH_UNIX_NS, Session, SessionSpec};
use std::collections::{BTreeMap, VecDeque};

/// Bytes that a pipe holds before a write has to wait.
const PIPE_BYTES: usize = 256 * 1024;

/// A session to be run.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) module: Module,
    pub(crate) args: Vec<String>,
    pub(crate) input: Bytes,
    /// The names of those that it writes to.
    pub(crate) targets: Vec<String>,
}

impl Node {
    pub(crate) fn new(name: &str, module: &Module, args: &str) -> Self {
        let args = std::iter::once(name).chain(args.split_whitespace());
        Self {
            name: name.to_owned(),
            module: module.clone(),
            args: args.map(str::to_owned).collect(),
            input: Bytes::new(),
            targets: Vec::new(),
        }
    }

    pub(crate) fn reading(mut self, input: impl Into<Bytes>) -> Self {
        self.input = input.into();
        self
    }

    pub(crate) fn writing_to(mut self, targets: impl IntoIterator<Item = impl ToString>) -> Self {
        self.targets.extend(targets.into_iter().map(|target| target.to_string()));
        self
    }
}

/// The names `<base>-1` to `<base>-<count>`.
pub(crate) fn group(base: &str, count: usize) -> Vec<String> {
    (1..=count).map(|index| format!("{base}-{index}")).collect()
}

/// Result of a session.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    outputs: BTreeMap<String, Vec<u8>>,
}

impl Ran {
    /// Its standard output.
    pub(crate) fn stdout(&self) -> &[u8] {
        self.outputs.get("stdout").map_or(&[], Vec::as_slice)
    }

    pub(crate) fn stderr(&self) -> String {
        let bytes = self.outputs.get("stderr").map_or(&[] as &[u8], Vec::as_slice);
        String::from_utf8_lossy(bytes).into_owned()
    }
}

#[derive(Default)]
struct Pipe {
    writes: VecDeque<Bytes>,
    is_ended: bool,
    has_no_reader: bool,
}

impl Pipe {
    fn held(&self) -> usize {
        self.writes.iter().map(Bytes::len).sum()
    }
}

struct Running {
    name: String,
    input: Bytes,
    devices: Vec<DeviceSpec>,
    session: Session,
    waits: Option<Pause>,
    ran: Option<Ran>,
    outputs: BTreeMap<String, Vec<u8>>,
}

/// A pipe's writer and reader.
type Ends = (String, String);

/// Runs them all to their ends, by name.
///
/// # Panics
/// All of them wait for each other.
pub(crate) fn run(nodes: &[Node], seed: u64) -> BTreeMap<String, Ran> {
    let mut pipes: BTreeMap<Ends, Pipe> = BTreeMap::new();
    for node in nodes {
        for target in &node.targets {
            pipes.insert((node.name.clone(), target.clone()), Pipe::default());
        }
    }
    let mut running: Vec<Running> = nodes.iter().map(|node| start(node, nodes)).collect();
    let mut draws = Draws(seed);
    while running.iter().any(|session| session.ran.is_none()) {
        let first = draws.below(running.len());
        let mut has_moved = false;
        for at in 0..running.len() {
            let len = running.len();
            has_moved |= running[(first + at) % len].advance(&mut pipes, &mut draws);
        }
        if !has_moved {
            let left = running.iter().filter(|session| session.ran.is_none());
            let left: Vec<_> = left.map(|session| (&session.name, &session.waits)).collect();
            panic!("all wait for each other: {left:?}");
        }
    }
    running.into_iter().filter_map(|session| Some((session.name, session.ran?))).collect()
}

/// [`run`], for nodes that must all end well.
pub(crate) fn run_well(nodes: &[Node], seed: u64) -> BTreeMap<String, Ran> {
    let ran = run(nodes, seed);
    for (name, ran) in &ran {
        assert_eq!(ran.outcome.end, EndReason::Exited { code: 0 }, "{name}: {}", ran.stderr());
    }
    ran
}

fn start(node: &Node, nodes: &[Node]) -> Running {
    let mut devices = vec![
        device("stdout", DeviceKind::SequentialWrite),
        device("stderr", DeviceKind::SequentialWrite),
        DeviceSpec { size: node.input.len() as u64, ..device("input", DeviceKind::RandomRead) },
    ];
    for target in &node.targets {
        devices.push(device(&format!("out/{target}"), DeviceKind::SequentialWrite));
    }
    for source in nodes.iter().filter(|source| source.targets.contains(&node.name)) {
        let name = format!("in/{}", source.name);
        let pipe = device(&name, DeviceKind::SequentialRead);
        devices.push(DeviceSpec { size: SIZE_UNKNOWN, ..pipe });
    }
    let session = Session::new(SessionSpec {
        module: node.module.clone(),
        args: node.args.clone(),
        env: Vec::new(),
        devices: devices.clone(),
        images: Vec::new(),
        limits: SessionLimits::default(),
        entropy: [0; 32],
    });
    Running {
        name: node.name.clone(),
        input: node.input.clone(),
        devices,
        session,
        waits: None,
        ran: None,
        outputs: BTreeMap::new(),
    }
}

impl Running {
    /// Steps until it waits or ends; says whether it came on.
    fn advance(&mut self, pipes: &mut BTreeMap<Ends, Pipe>, draws: &mut Draws) -> bool {
        if self.ran.is_some() {
            return false;
        }
        let mut has_moved = false;
        for _ in 0..1 + draws.below(8) {
            let slice = 1 + draws.below(1_000_000) as u64;
            let pause = self
                .waits
                .take()
                .unwrap_or_else(|| self.session.step(SESSION_EPOCH_UNIX_NS, slice));
            match pause {
                Pause::SliceUsed => {}
                Pause::Read { device, offset, len } => {
                    match self.read(device, offset, len, pipes, draws) {
                        Some(bytes) => self.session.provide_read(Ok(bytes)),
                        None => {
                            self.waits = Some(Pause::Read { device, offset, len });
                            return has_moved;
                        }
                    }
                }
                Pause::Write { device, offset, data } => {
                    if !self.write(device, &data, pipes) {
                        self.waits = Some(Pause::Write { device, offset, data });
                        return has_moved;
                    }
                    self.session.accept_write(Ok(()));
                }
                Pause::Sleep { .. } => panic!("{} sleeps", self.name),
                Pause::Ended(outcome) => {
                    self.end(outcome, pipes);
                    return true;
                }
            }
            has_moved = true;
        }
        has_moved
    }

    /// Bytes for a read; none if there are none yet.
    fn read(
        &self,
        device: DeviceIndex,
        offset: u64,
        len: usize,
        pipes: &mut BTreeMap<Ends, Pipe>,
        draws: &mut Draws,
    ) -> Option<Bytes> {
        let name = &self.devices[device.index()].name;
        let Some(source) = name.strip_prefix("in/") else {
            let start = (offset as usize).min(self.input.len());
            return Some(self.input.slice(start..(start + len).min(self.input.len())));
        };
        let pipe = pipes.get_mut(&(source.to_owned(), self.name.clone())).unwrap();
        match pipe.writes.pop_front() {
            Some(mut write) => {
                // At times fewer than asked for, which a pipe may always do.
                let most = if draws.below(4) == 0 { 1 + draws.below(len) } else { len };
                let given = write.split_to(most.min(write.len()));
                if !write.is_empty() {
                    pipe.writes.push_front(write);
                }
                Some(given)
            }
            None => pipe.is_ended.then(Bytes::new),
        }
    }

    /// Takes bytes; not if there is no room yet.
    fn write(
        &mut self,
        device: DeviceIndex,
        data: &Bytes,
        pipes: &mut BTreeMap<Ends, Pipe>,
    ) -> bool {
        let name = &self.devices[device.index()].name;
        let Some(target) = name.strip_prefix("out/") else {
            self.outputs.entry(name.clone()).or_default().extend_from_slice(data);
            return true;
        };
        let pipe = pipes.get_mut(&(self.name.clone(), target.to_owned())).unwrap();
        if pipe.has_no_reader {
            return true;
        }
        let has_room = pipe.held() < PIPE_BYTES;
        if has_room {
            pipe.writes.push_back(data.clone());
        }
        has_room
    }

    fn end(&mut self, outcome: Outcome, pipes: &mut BTreeMap<Ends, Pipe>) {
        for ((writer, reader), pipe) in pipes.iter_mut() {
            pipe.is_ended |= *writer == self.name;
            pipe.has_no_reader |= *reader == self.name;
        }
        self.ran = Some(Ran { outcome, outputs: std::mem::take(&mut self.outputs) });
    }
}

/// Numbers that a seed decides.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
