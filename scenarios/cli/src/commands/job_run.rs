//! `stayput job run`: a whole job on this machine. Its output goes to standard output, what it used
//! to standard error.
//!
//! Leaves out copies, and limits of time: sleeping takes none.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use md5::{Digest, Md5};
use stayput_engine::local::{Local, LocalJobError, Objects};
use stayput_engine::quantity::{bytes, count, printable};
use stayput_engine::scenario::read_bounded;
use stayput_jobs::answer::in_response;
use stayput_jobs::output::padded;
use stayput_jobs::plan::JobPlan;
use stayput_jobs::posted::{POSTED_BYTES_MAX, PostedJob};
use stayput_jobs::session::prepare::Preparer;
use stayput_jobs::store_access::as_lines;
use stayput_jobs::system_images::SystemImages;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::job::{Account, DeviceClass, Job};
use stayput_runtime::local::SessionRun;
use stayput_store::proxy::ListedObject;
use stayput_store::swift::Path;

use super::{CliError, Exit, FileArg, JobRunArgs};

/// Account that `~` stands for.
const ACCOUNT: &str = "AUTH_local";

/// Runs a job.
pub(super) fn run(args: &JobRunArgs) -> Result<Exit, CliError> {
    let job = read(&args.job)?;
    let data = args.data.as_deref().map(read).transpose()?;
    let account = Path::account_only(ACCOUNT).map_err(|bad| refused(args, &bad.to_string()))?;
    let posted = PostedJob::read(content_type_of(&job), job, data, &account);
    let posted = posted.map_err(|flaw| refused(args, &flaw.to_string()))?;
    let objects = Files(objects_of(&args.file)?);
    let images = images_of(&posted.job, &args.images)?;
    let preparer = Preparer::new(images.clone());
    let local = Local {
        objects: &objects,
        account: ACCOUNT,
        images: &images,
        preparer: &preparer,
        seed: args.seed,
        memo: None,
    };
    let plan = local.plan(&posted.job).map_err(|flaw| refused(args, &flaw.to_string()))?;
    let runs = local.run(&plan, &posted).map_err(|flaw| refused(args, &flaw.to_string()))?;
    answer(&plan, &runs)?;
    store(&plan, &runs, args.out.as_deref())?;
    print_sessions(&plan, &runs)?;
    Ok(exit_of(&runs))
}

fn refused(args: &JobRunArgs, why: &str) -> CliError {
    CliError::Usage {
        why: format!("{}: {why}", args.job.display()),
        fix: "`stayput job check` explains a description; `--file swift://~/c/o=PATH` gives it objects",
    }
}

fn read(file: &FilePath) -> Result<Bytes, CliError> {
    let unreadable = |why: String| CliError::Usage {
        why: format!("{}: {why}", file.display()),
        fix: "name a file that can be read",
    };
    match read_bounded(file, POSTED_BYTES_MAX) {
        Ok(Some(content)) => Ok(content.into()),
        Ok(None) => Err(unreadable(format!("has over {}", bytes(POSTED_BYTES_MAX)))),
        Err(error) => Err(unreadable(format!("cannot read: {error}"))),
    }
}

/// Content type of a job, from its first byte.
fn content_type_of(job: &[u8]) -> &'static str {
    let begins = job.iter().find(|byte| !byte.is_ascii_whitespace());
    match begins {
        Some(b'[' | b'{') => "application/json",
        Some(b'#') => "text/x-script",
        _ => "application/x-tar",
    }
}

/// The objects that files are given as, by container and name.
struct Files(BTreeMap<(String, String), Bytes>);

impl Objects for Files {
    fn names(&self) -> Vec<(&str, &str)> {
        self.0.keys().map(|(container, object)| (container.as_str(), object.as_str())).collect()
    }

    fn content(&self, container: &str, object: &str) -> Option<Bytes> {
        self.0.get(&(container.to_owned(), object.to_owned())).cloned()
    }

    fn listing(&self, container: &Path) -> Result<Bytes, LocalJobError> {
        let of = container.container().unwrap_or_default();
        let rows = self.0.iter().filter(|((container, _), _)| container == of);
        let rows = rows.map(|((_, name), content)| ListedObject {
            name: name.clone(),
            hash: Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: content.len() as u64,
            content_type: "application/octet-stream".to_owned(),
            last_modified: "1970-01-01T00:00:00.000000".to_owned(),
        });
        Ok(as_lines(container, &rows.collect::<Vec<_>>())?)
    }
}

fn objects_of(args: &[FileArg]) -> Result<BTreeMap<(String, String), Bytes>, CliError> {
    let mut objects = BTreeMap::new();
    for FileArg { path, file } in args {
        if let Account::Named(name) = &path.account
            && name != ACCOUNT
        {
            return Err(CliError::Usage {
                why: format!("--file {path} is in the account {name}"),
                fix: "call your own account `~`",
            });
        }
        let (container, name) = (&path.container, path.object.clone().unwrap_or_default());
        if !file.is_dir() {
            objects.insert((container.clone(), name), read(file)?);
            continue;
        }
        for (below, content) in files_below(file)? {
            let prefix = name.trim_end_matches('/');
            let name = if prefix.is_empty() { below } else { format!("{prefix}/{below}") };
            objects.insert((container.clone(), name), content);
        }
    }
    Ok(objects)
}

/// All files of a folder, by their paths in it.
fn files_below(folder: &FilePath) -> Result<Vec<(String, Bytes)>, CliError> {
    let failed =
        |path: &FilePath, source| CliError::File { path: path.to_owned(), action: "read", source };
    let (mut files, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(of) = left.pop() {
        let entries = std::fs::read_dir(&of).map_err(|error| failed(&of, error))?;
        for entry in entries {
            let path = entry.map_err(|error| failed(&of, error))?.path();
            if path.is_dir() {
                left.push(path);
            } else if let Some(name) = path.strip_prefix(folder).ok().and_then(FilePath::to_str) {
                files.push((name.to_owned(), read(&path)?));
            }
        }
    }
    Ok(files)
}

/// The system images that a job names, from the folder where they lie.
fn images_of(job: &Job, folder: &FilePath) -> Result<SystemImages, CliError> {
    let mut images = BTreeMap::new();
    let devices = job.nodes.iter().flat_map(|node| &node.devices);
    for device in devices.filter(|device| device.class == DeviceClass::SystemImage) {
        let file = folder.join(format!("{}.tar", device.name));
        if images.contains_key(&device.name) || !file.exists() {
            // A job that names one that is not there is refused by its plan, with the field.
            continue;
        }
        let image = Image::from_tar(&read(&file)?, ImageLimits::default());
        let image = image.map_err(|error| CliError::Usage {
            why: format!("{}: {error}", file.display()),
            fix: "`stayput image python` builds those of Python",
        })?;
        images.insert(device.name.clone(), Arc::new(image));
    }
    SystemImages::new(images)
        .map_err(|bad| CliError::Usage { why: bad.to_string(), fix: "rename the image" })
}

/// The response, as a client of a cluster would get it.
fn answer(plan: &JobPlan, runs: &[SessionRun]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (session, run) in plan.sessions.iter().zip(runs) {
        for device in in_response(&session.devices) {
            if let Some(output) = run.outputs.get(&device.name) {
                out.write_all(output)?;
            }
        }
    }
    out.flush()
}

/// Writes what sessions that exited store.
fn store(plan: &JobPlan, runs: &[SessionRun], out: Option<&FilePath>) -> Result<(), CliError> {
    for (session, run) in plan.sessions.iter().zip(runs).filter(|(_, run)| exit_code(run).is_some())
    {
        for device in &session.devices {
            let (Some(path), Some(output)) =
                (device.written_object(), run.outputs.get(&device.name))
            else {
                continue;
            };
            let output = padded(output.clone(), device);
            let size = bytes(output.len() as u64);
            let Some(out) = out else {
                writeln!(io::stderr(), "{path}: {size}, not kept without --out DIR")?;
                continue;
            };
            let file = place_below(out, path)?;
            let failed = |source| CliError::File { path: file.clone(), action: "write", source };
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            std::fs::write(&file, &output).map_err(failed)?;
            writeln!(io::stderr(), "{path}: {size} in {}", file.display())?;
        }
    }
    Ok(())
}

/// File of an object below `out`. Its name must not lead out of the folder.
fn place_below(out: &FilePath, path: &Path) -> Result<PathBuf, CliError> {
    let (container, object) =
        (path.container().unwrap_or_default(), path.object().unwrap_or_default());
    let parts: Vec<&str> = std::iter::once(container).chain(object.split('/')).collect();
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return Err(CliError::Usage {
            why: format!("{path} cannot be written below {}", out.display()),
            fix: "run it without --out, or call the object something else",
        });
    }
    Ok(parts.iter().fold(out.to_owned(), |folder, part| folder.join(part)))
}

/// Prints the end of each session and its fuel and bytes.
fn print_sessions(plan: &JobPlan, runs: &[SessionRun]) -> io::Result<()> {
    let mut err = io::stderr().lock();
    for (session, run) in plan.sessions.iter().zip(runs) {
        let name = printable(&session.session);
        let Some(outcome) = &run.outcome else {
            writeln!(err, "{name}: waits for a peer that waits for it")?;
            continue;
        };
        let total = outcome.accounting.total();
        let end = match outcome.end.exit_code() {
            Some(code) => format!("exit code {code}"),
            None => outcome.end.to_string(),
        };
        writeln!(
            err,
            "{name}: {}; {} fuel, {} read, {} written",
            printable(&end),
            count(outcome.fuel),
            bytes(total.read_bytes),
            bytes(total.written_bytes),
        )?;
    }
    Ok(())
}

fn exit_code(run: &SessionRun) -> Option<u32> {
    run.outcome.as_ref().and_then(|outcome| outcome.end.exit_code())
}

fn exit_of(runs: &[SessionRun]) -> Exit {
    if runs.iter().any(|run| run.outcome.is_none()) {
        return Exit::NoProgress;
    }
    if runs.iter().any(|run| exit_code(run).is_none()) {
        return Exit::Broken;
    }
    let code = runs.iter().filter_map(exit_code).find(|code| *code != 0);
    code.map_or(Exit::Kept, |code| Exit::Guest(u8::try_from(code).unwrap_or(u8::MAX)))
}
