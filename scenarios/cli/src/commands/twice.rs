//! `stayput twice`: the same run in two processes, its events compared line by line.
//!
//! Two processes, because what leaks (the order of random-state maps, addresses) is often the
//! same within one.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stayput_results::export::Exporter;

use super::run::{exports, repeat_command, text_output};
use super::{CliError, Exit, ExportArg, RunArgs};

/// Lines shown before the first difference.
const CONTEXT_LINES: usize = 5;

/// Runs the scenario twice and compares the traces.
pub(super) fn twice(args: &RunArgs, exporters: &[&dyn Exporter]) -> Result<Exit, CliError> {
    let exports = exports(&args.output, exporters)?;
    if !args.plan.net.repeats() {
        return Err(CliError::Usage {
            why: format!(
                "the network {} runs in real time, where no two runs are the same",
                args.plan.net
            ),
            fix: "use run, or leave --net out",
        });
    }
    let folder = tempfile::tempdir()?;
    let first = one_run(1, args, folder.path())?;
    if first.has_no_result() {
        return Ok(first.exit);
    }
    let second = one_run(2, args, folder.path())?;
    if second.has_no_result() {
        return Ok(second.exit);
    }
    keep(args, &first)?;
    let mut out = text_output(&exports);
    if let Some(difference) = compare_files(&first.events, &second.events)? {
        write!(out, "{difference}")?;
        return Ok(Exit::Broken);
    }
    let (hash, other) = (first.trace_hash()?, second.trace_hash()?);
    if hash != other || first.exit != second.exit {
        writeln!(out, "the traces are equal, but not what came of them:")?;
        writeln!(out, "  run 1: trace_hash {hash}, exit {}", first.exit.code())?;
        writeln!(out, "  run 2: trace_hash {other}, exit {}", second.exit.code())?;
        return Ok(Exit::Broken);
    }
    writeln!(out, "both runs are the same: trace_hash {hash}")?;
    if first.exit == Exit::Broken {
        writeln!(out, "both broke a promise; see: {}", repeat_command(&args.plan))?;
    }
    Ok(first.exit)
}

/// A run in a process of its own, and the files that it left.
struct Finished {
    exit: Exit,
    events: PathBuf,
    trace: PathBuf,
    json: PathBuf,
    /// The exports, in the order of the options.
    exports: Vec<PathBuf>,
}

impl Finished {
    fn has_no_result(&self) -> bool {
        matches!(self.exit, Exit::Usage | Exit::NoProgress)
    }

    fn trace_hash(&self) -> Result<String, CliError> {
        let text = fs::read_to_string(&self.json).map_err(|e| read_error(&self.json, e))?;
        let json: serde_json::Value = serde_json::from_str(&text)
            .map_err(|e| read_error(&self.json, io::Error::new(io::ErrorKind::InvalidData, e)))?;
        Ok(json["trace_hash"].as_str().unwrap_or_default().to_owned())
    }
}

fn one_run(number: u32, args: &RunArgs, folder: &Path) -> Result<Finished, CliError> {
    let file = |name: &str| folder.join(format!("{number}.{name}"));
    let (events, trace, json) = (file("events"), file("trace"), file("json"));
    let failed = |why: String| CliError::Child { number, why };
    let program =
        std::env::current_exe().map_err(|e| failed(format!("cannot find itself: {e}")))?;
    let mut command = Command::new(program);
    command.args(args.plan.deciding_words()).arg("--events").arg(&events).arg("--json").arg(&json);
    if args.output.trace.is_some() {
        command.arg("--trace").arg(&trace);
    }
    let mut exports = Vec::new();
    for (at, ExportArg { format, .. }) in args.output.exports().iter().enumerate() {
        let file = file(&format!("export.{at}"));
        let mut word = OsString::from(format!("{format}="));
        word.push(&file);
        command.arg("--export").arg(word);
        exports.push(file);
    }
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|e| failed(format!("cannot start: {e}")))?;
    // A panic or a signal is no exit of ours.
    let exit =
        Exit::of_code(status.code()).ok_or_else(|| failed(format!("ended with {status}")))?;
    Ok(Finished { exit, events, trace, json, exports })
}

/// Copies the first run's results to the files that the options name.
fn keep(args: &RunArgs, run: &Finished) -> Result<(), CliError> {
    let output = &args.output;
    let exports = output.exports();
    let traces = [(&output.events, &run.events), (&output.trace, &run.trace)];
    let traces = traces.into_iter().filter_map(|(to, from)| Some((to.as_ref()?, from)));
    for (to, from) in traces.chain(exports.iter().map(|to| &to.file).zip(&run.exports)) {
        if to.as_os_str() == "-" {
            io::stdout().write_all(&fs::read(from).map_err(|e| read_error(from, e))?)?;
            continue;
        }
        fs::copy(from, to).map_err(|source| CliError::File {
            path: to.clone(),
            action: "write it",
            source,
        })?;
    }
    Ok(())
}

fn compare_files(first: &Path, second: &Path) -> Result<Option<String>, CliError> {
    let open = |path: &Path| File::open(path).map(BufReader::new).map_err(|e| read_error(path, e));
    compare(&mut open(first)?, &mut open(second)?).map_err(|e| read_error(first, e))
}

fn read_error(path: &Path, source: io::Error) -> CliError {
    CliError::File { path: path.to_owned(), action: "read it back", source }
}

/// The first difference of two traces in words, or `None` if they are the same.
pub(super) fn compare(
    first: &mut dyn BufRead,
    second: &mut dyn BufRead,
) -> io::Result<Option<String>> {
    let mut before: VecDeque<String> = VecDeque::with_capacity(CONTEXT_LINES + 1);
    let mut policy = String::new();
    let mut number: u64 = 0;
    loop {
        number += 1;
        let (mine, theirs) = (line(first)?, line(second)?);
        if mine != theirs {
            let mut text = format!("the traces differ first at line {number}");
            if !policy.is_empty() {
                text += &format!(", in {policy}");
            }
            text += ":\n";
            for line in &before {
                text += &format!("    {line}\n");
            }
            let ended = || "(the trace ends here)".to_owned();
            text += &format!("  1 {}\n", mine.unwrap_or_else(ended));
            text += &format!("  2 {}\n", theirs.unwrap_or_else(ended));
            return Ok(Some(text));
        }
        let Some(line) = mine else { return Ok(None) };
        if line.starts_with("policy ") {
            policy.clone_from(&line);
        }
        before.push_back(line);
        if before.len() > CONTEXT_LINES {
            before.pop_front();
        }
    }
}

fn line(trace: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if trace.read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
