//! Path of a store's file in the real directory, and the meaning of the system's errors.
//!
//! A name is its parts joined by `/`. Parts that would lead out of the directory, or that a file
//! system cannot hold, are refused before the system sees them. Leaves out links: whoever may make
//! them in the directory owns it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use stayput_host::DiskError;

/// The longest part of a name, in bytes: what the usual file systems hold.
const PART_BYTES_MAX: usize = 255;
/// The longest name, in bytes: systems take 4,096 with what comes before it.
const NAME_BYTES_MAX: usize = 2_048;

/// The real path of the store's file `name` below `root`.
///
/// # Errors
/// [`DiskError::Failed`] for a name that is none.
pub(super) fn file(root: &Path, name: &str) -> Result<PathBuf, DiskError> {
    check(name)?;
    Ok(root.join(name))
}

/// The real path of the store's directory `name`; an empty one is the whole disk.
///
/// # Errors
/// As [`file`].
pub(super) fn directory(root: &Path, name: &str) -> Result<PathBuf, DiskError> {
    let name = name.trim_end_matches('/');
    if name.is_empty() { Ok(root.to_owned()) } else { file(root, name) }
}

/// True if `name` is one.
pub(super) fn check(name: &str) -> Result<(), DiskError> {
    let refuse = |why: &str| {
        let what = format!("{:?} is no name of a file: {why}", shown(name));
        Err(DiskError::Failed { what })
    };
    if name.len() > NAME_BYTES_MAX {
        return refuse("it is too long");
    }
    for part in name.split('/') {
        match part {
            "" => return refuse("a part of it is empty"),
            "." | ".." => return refuse("a part of it leads elsewhere"),
            _ if part.len() > PART_BYTES_MAX => return refuse("a part of it is too long"),
            _ if part.contains('\0') => return refuse("there is a NUL in it"),
            _ => {}
        }
    }
    Ok(())
}

/// As much of a name as an error shows.
fn shown(name: &str) -> String {
    name.chars().take(100).collect()
}

/// Meaning of a system's error, from an action (`open`) on the file `name`.
pub(super) fn failed(doing: &'static str, name: &str) -> impl Fn(io::Error) -> DiskError {
    move |error| match error.kind() {
        ErrorKind::NotFound => DiskError::NotFound { path: name.to_owned() },
        ErrorKind::AlreadyExists => DiskError::Exists { path: name.to_owned() },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => DiskError::NoSpace,
        _ => DiskError::Failed { what: format!("{doing} {name}: {error}") },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lead_elsewhere_or_cannot_be_are_refused() {
        let long = "x".repeat(256);
        let deep = "x/".repeat(1_024) + "x";
        for name in ["", "/", "/etc/passwd", "..", "a/../../b", "a/..", "./a", "a//b", "a/", "a\0b"]
        {
            assert!(check(name).is_err(), "{name:?}");
        }
        assert!(check(&long).is_err() && check(&deep).is_err());
        for name in
            ["a", "a/b", "...", "a..b/.c", "~", "a b", "\u{202e}", "a\\b", "-rf", &long[..255]]
        {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leaves_the_directory(name in "[./a\\\\\0~]{0,12}") {
            let root = Path::new("/srv/d1/files");
            if let Ok(path) = file(root, &name) {
                let inside = path.strip_prefix(root).unwrap();
                let plain = |part| matches!(part, std::path::Component::Normal(_));
                prop_assert!(inside.components().all(plain), "{path:?}");
                prop_assert!(inside.components().count() > 0);
            }
        }
    }
}
