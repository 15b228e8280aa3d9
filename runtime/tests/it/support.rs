//! Shared parts of the tests: one engine's worth of modules, specs and devices.

use bytes::Bytes;
use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
use stayput_runtime::engine::{Engine, Module};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local::{self, LocalRun};
use stayput_runtime::session::SessionSpec;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

pub(crate) const LINECOUNT: &[u8] = include_bytes!("../../guests/linecount.wasm");
pub(crate) const CSVFILTER: &[u8] = include_bytes!("../../guests/csvfilter.wasm");
pub(crate) const SORT: &[u8] = include_bytes!("../../guests/sort.wasm");
pub(crate) const WORDS: &[u8] = include_bytes!("../../guests/words.wasm");
pub(crate) const WORDCOUNT: &[u8] = include_bytes!("../../guests/wordcount.wasm");

pub(crate) fn compile(wasm: &[u8]) -> Module {
    Engine::new().compile(wasm).unwrap()
}

pub(crate) fn device(name: &str, kind: DeviceKind) -> DeviceSpec {
    let mode = if kind.is_random() { DeviceMode::File } else { DeviceMode::Pipe };
    DeviceSpec { name: name.to_owned(), kind, mode, size: 0 }
}

/// A session with the five usual devices.
pub(crate) fn spec(module: &Module, args: &[&str]) -> SessionSpec {
    SessionSpec {
        module: module.clone(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: Vec::new(),
        devices: vec![
            device("stdin", DeviceKind::SequentialRead),
            device("stdout", DeviceKind::SequentialWrite),
            device("stderr", DeviceKind::SequentialWrite),
            device("input", DeviceKind::RandomRead),
            device("output", DeviceKind::RandomWrite),
        ],
        images: Vec::new(),
        limits: SessionLimits::default(),
        entropy: [7; 32],
    }
}

pub(crate) fn inputs(bytes: impl Into<Bytes>) -> BTreeMap<String, Bytes> {
    BTreeMap::from([("input".to_owned(), bytes.into())])
}

pub(crate) fn run(module: &Module, args: &[&str], input: impl Into<Bytes>) -> LocalRun {
    local::run(spec(module, args), inputs(input))
}

pub(crate) fn text(run: &LocalRun, device: &str) -> String {
    String::from_utf8_lossy(&run.outputs[device]).into_owned()
}

/// Output of another program for `input`.
pub(crate) fn piped(command: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the other program is there");
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{command:?}: {}", output.status);
    output.stdout
}
