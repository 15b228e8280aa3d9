//! The community's own tests of WASI preview 1, run by this runtime.
//!
//! They are fetched, never committed: clone the branch `prod/testsuite-base` of
//! WebAssembly/wasi-testsuite, name the clone in `WASI_TESTSUITE`, and run `cargo test -p
//! stayput-runtime --test it -- --ignored --nocapture wasi_testsuite`. Left out: the tests of
//! preview 3.

use crate::support::{compile, spec, text};
use serde_json::Value;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::local;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The suite's built tests of preview 1.
const MODULES: usize = 72;

/// Tests that fail here, as language/name, and why each may.
const EXPECTED_FAILURES: [(&str, &str); 1] = [(
    "c/sock_shutdown-invalid_fd",
    "it takes descriptor 3 to be closed, but that is `/`, which every session has: ENOTSOCK is right",
)];

/// Tells the tests of Rust to accept POSIX's error numbers alone, where they take several.
const STRICT: &str = "ERRNO_MODE_UNIX";

/// Expectations of a test's description; each part may be missing.
struct Case {
    args: Vec<String>,
    env: Vec<(String, String)>,
    root: Option<PathBuf>,
    exit_code: u32,
    outputs: Vec<(&'static str, String)>,
}

impl Case {
    fn read(module: &Path) -> Self {
        let description = std::fs::read(module.with_extension("json"));
        let json = match description {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Err(_) => Value::Null,
        };
        let known = ["args", "env", "root", "exit_code", "stdout", "stderr"];
        let keys = json.as_object().into_iter().flat_map(|object| object.keys());
        keys.for_each(|key| assert!(known.contains(&key.as_str()), "{module:?} has {key:?}"));
        let string = |value: &Value| value.as_str().unwrap().to_owned();
        let pairs = json["env"].as_object().into_iter().flatten();
        Self {
            args: json["args"].as_array().into_iter().flatten().map(string).collect(),
            env: pairs.map(|(name, value)| (name.clone(), string(value))).collect(),
            root: json["root"].as_str().map(|root| module.with_file_name(root)),
            exit_code: json["exit_code"].as_u64().unwrap_or(0) as u32,
            outputs: ["stdout", "stderr"]
                .into_iter()
                .filter_map(|name| Some((name, json[name].as_str()?.to_owned())))
                .collect(),
        }
    }

    /// Failed expectations.
    fn play(&self, module: &Path, is_strict: bool) -> Result<(), String> {
        let name = module.file_name().unwrap().to_string_lossy().into_owned();
        let mut spec = spec(&compile(&std::fs::read(module).unwrap()), &[&name]);
        spec.args.extend(self.args.iter().cloned());
        spec.env = self.env.clone();
        spec.env.extend(is_strict.then(|| (STRICT.to_owned(), "1".to_owned())));
        spec.images = self.root.iter().map(|root| Arc::new(image_of(root))).collect();
        let run = local::run(spec, BTreeMap::new());
        if run.outcome.end.exit_code() != Some(self.exit_code) {
            return Err(format!("{:?}: {}", run.outcome.end, text(&run, "stderr").trim_end()));
        }
        for (device, wanted) in &self.outputs {
            let found = text(&run, device);
            if found != *wanted {
                return Err(format!("{device} is {found:?} and not {wanted:?}"));
            }
        }
        Ok(())
    }
}

fn image_of(directory: &Path) -> Image {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all(".", directory).unwrap();
    Image::from_tar(&builder.into_inner().unwrap(), ImageLimits::default()).unwrap()
}

fn modules(suite: &Path) -> Vec<(String, PathBuf)> {
    let mut modules = Vec::new();
    for language in ["assemblyscript", "c", "rust"] {
        let folder = suite.join("tests").join(language).join("testsuite/wasm32-wasip1");
        for entry in std::fs::read_dir(&folder).expect("WASI_TESTSUITE names a whole clone") {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "wasm") {
                let stem = path.file_stem().unwrap().to_string_lossy();
                modules.push((format!("{language}/{stem}"), path.clone()));
            }
        }
    }
    modules.sort();
    modules
}

#[test]
#[ignore = "needs WASI_TESTSUITE, a clone of WebAssembly/wasi-testsuite at prod/testsuite-base"]
fn the_wasi_testsuite_passes_but_for_what_is_listed() {
    let suite = std::env::var("WASI_TESTSUITE").expect("WASI_TESTSUITE names the clone");
    let modules = modules(Path::new(&suite));
    assert_eq!(modules.len(), MODULES, "the suite has other tests than those listed for");
    let mut surprises = Vec::new();
    let mut passed = 0;
    for (name, path) in &modules {
        let case = Case::read(path);
        let mut result = case.play(path, false);
        if name.starts_with("rust/") {
            result = result.and_then(|()| case.play(path, true));
        }
        passed += usize::from(result.is_ok());
        let expected = EXPECTED_FAILURES.iter().find(|(listed, _)| listed == name);
        match (result, expected) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => surprises.push(format!("{name} passes now")),
            (Err(_), Some((_, reason))) => println!("{name} fails: {reason}"),
            (Err(why), None) => surprises.push(format!("{name} fails: {why}")),
        }
    }
    println!("{passed} of {MODULES} pass");
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
