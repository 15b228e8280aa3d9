//! `stayput job`: what it prints where, and how it ends.

use std::path::Path;
use std::process::Command;

use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
use stayput_runtime::engine::Engine;
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local;
use stayput_runtime::session::SessionSpec;

use crate::support::{Said, Variant, stayput, stayput_in};

/// A file of that text, and what `job check` says of it.
fn check(text: &str) -> (String, Said) {
    let folder = Variant::new(&[]);
    let file = folder.put("job.json", text.as_bytes());
    let said = stayput(&["job", "check", &file]);
    (file, said)
}

#[test]
fn a_good_job_is_explained() {
    let (_, said) = check(
        r#"[{"name": "zerovmdemo", "exec": {"path": "file://python2.7:python", "args": "demo.py"},
             "devices": [{"name": "python2.7"}, {"name": "stdout"},
                {"name": "input", "path": "swift://~/demo/logile.txt"},
                {"name": "image", "path": "swift://~/demo/demo.tar"}]}]"#,
    );
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    for part in ["a good job", "python of the image python2.7", "which lies there", "demo.py"] {
        assert!(said.stdout.contains(part), "`{part}` is not in {}", said.stdout);
    }
}

#[test]
fn every_flaw_is_told_with_its_place_and_nothing_else() {
    let (file, said) = check("[{\"name\": \"a\",\n \"exec\": {},\n \"count\": 0, \"more\": 1}]");
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    for (line, part) in lines.iter().zip([
        ":2:2: error: node \"a\", field `exec.path`: is missing",
        ":3:2: error: node \"a\", field `count`: must be a whole number from 1 to 10000",
        ":3:14: warning: node \"a\", field `more`: is no field of a node",
    ]) {
        assert!(line.starts_with(&format!("{file}{part}")), "{line}");
    }
    assert_eq!(lines.len(), 3, "{said:?}");
}

#[test]
fn a_warning_leaves_a_job_good() {
    let (_, said) = check(r#"[{"name": "a", "exec": {"path": "swift://~/c/x"}, "more": 1}]"#);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("warning: node \"a\", field `more`"), "{said:?}");
    assert!(said.stdout.contains("any storage node"), "{said:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let said = stayput(&["job", "check", "nowhere/job.json"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.starts_with("error: nowhere/job.json: cannot read"), "{said:?}");
}

#[test]
fn the_schema_is_printed_as_json() {
    let said = stayput(&["job", "schema"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

/// Begins a job in a folder of its own; gives the folder and what was said.
fn begun(language: &str) -> (tempfile::TempDir, Said) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let said = stayput_in(folder.path(), &["job", "new", "--lang", language, "my-job"]);
    assert_eq!(said.code, 0, "{said:?}");
    (folder, said)
}

fn build(folder: &Path) {
    let done =
        Command::new("sh").arg("build.sh").current_dir(folder).output().expect("there is a shell");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_starter_has_a_description_without_a_flaw_and_says_how_to_run_it() {
    for (language, built) in [("rust", "job.wasm"), ("c", "job.wasm"), ("python", "job.tar")] {
        let (folder, said) = begun(language);
        let run = format!(
            "stayput job run job.json --file swift://~/my-job/{built}={built} \
             --file swift://~/my-job/input.txt=input.txt"
        );
        let own = folder.path().join("my-job");
        let readme = std::fs::read_to_string(own.join("README.md")).expect("it is there");
        assert!(said.stdout.contains(&run) && readme.contains(&run), "{said:?}\n{readme}");
        assert!(!readme.contains('{'), "{readme}");
        let checked = stayput_in(&own, &["job", "check", "job.json"]);
        assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked:?}");
        let again = stayput_in(folder.path(), &["job", "new", "--lang", language, "my-job"]);
        assert_eq!(again.code, 2, "{again:?}");
        assert!(again.stderr.contains("my-job: cannot make it"), "{again:?}");
    }
    for name in ["..", "a/b", "/tmp/x", "", ".hidden"] {
        let said = stayput(&["job", "new", "--lang", "c", name]);
        assert_eq!(said.code, 2, "{said:?}");
    }
}

/// Builds a starter with its own script and runs what comes out on its own input.
fn assert_counts(language: &str) {
    let (folder, _) = begun(language);
    let own = folder.path().join("my-job");
    build(&own);
    let module = std::fs::read(own.join("job.wasm")).expect("build.sh made it");
    let device = |name: &str, kind, mode| DeviceSpec { name: name.to_owned(), kind, mode, size: 0 };
    let spec = SessionSpec {
        module: Engine::new().compile(&module).expect("it is a command"),
        args: vec!["my-job".to_owned(), "banana".to_owned()],
        env: Vec::new(),
        devices: vec![
            device("stdout", DeviceKind::SequentialWrite, DeviceMode::Pipe),
            device("input", DeviceKind::RandomRead, DeviceMode::File),
        ],
        images: Vec::new(),
        limits: SessionLimits::default(),
        entropy: [0; 32],
    };
    let input = std::fs::read(own.join("input.txt")).expect("it is there");
    let run = local::run(spec, [("input".to_owned(), input.into())].into());
    assert_eq!(run.outcome.end.exit_code(), Some(0), "{:?}", run.outcome);
    assert_eq!(&run.outputs["stdout"][..], b"2\n");
}

#[test]
#[ignore = "needs rustc with wasm32-wasip1, or Debian's rustc, libstd-rust-dev-wasm32 and lld"]
fn a_starter_in_rust_builds_and_counts() {
    assert_counts("rust");
}

#[test]
#[ignore = "needs clang, wasi-libc and libclang-rt-14-dev-wasm32"]
fn a_starter_in_c_builds_and_counts() {
    assert_counts("c");
}

#[test]
#[ignore = "needs tar and Python 3"]
fn a_starter_in_python_packs_and_counts() {
    let (folder, _) = begun("python");
    let own = folder.path().join("my-job");
    build(&own);
    let list = Command::new("tar").args(["tf", "job.tar"]).current_dir(&own).output();
    assert_eq!(list.expect("tar is there").stdout, b"main.py\n");
    // Outside of a session the device is a file beside the program.
    let program = std::fs::read_to_string(own.join("main.py")).expect("it is there");
    std::fs::write(own.join("main.py"), program.replace("/dev/input", "input.txt"))
        .expect("writable");
    let done = Command::new("python3").args(["main.py", "banana"]).current_dir(&own).output();
    assert_eq!(done.expect("python3 is there").stdout, b"2\n");
}
