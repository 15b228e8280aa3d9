//! Executable of a session in its images: a module, or a script whose first line names one.
//!
//! A file that begins with `#!` is run as a Unix kernel runs it: its first line names an
//! interpreter and at most one argument, and the interpreter gets the script's path. Leaves out
//! compiling, and interpreters that are scripts themselves.

use super::Image;
use bytes::Bytes;
use std::sync::Arc;
use thiserror::Error;

/// Name of the user's own image, in `file://image:path` and as a device.
pub const USER_IMAGE: &str = "image";

/// Limit of a script's first line in bytes, the `#!` included.
pub const FIRST_LINE_BYTES_MAX: usize = 256;

const MARK: &[u8] = b"#!";

/// Image with its name.
#[derive(Clone, Debug)]
pub struct NamedImage {
    /// [`USER_IMAGE`], or the system image's name.
    pub name: String,
    /// Image.
    pub image: Arc<Image>,
}

/// File of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// Index of the image in the list.
    pub image: usize,
    /// Absolute path, without symbolic links.
    pub path: String,
    /// Content.
    pub bytes: Bytes,
}

/// Module of a session, and the script that it runs, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// Module: the file itself, or its interpreter.
    pub module: ImageFile,
    /// Interpreter line and path of a script; `None` for a module.
    pub script: Option<Script>,
}

/// Script and its interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Interpreter, as the first line names it.
    pub interpreter: String,
    /// Argument in the first line.
    pub argument: Option<String>,
    /// Absolute path of the script, without symbolic links, so that no other image's file hides it.
    pub path: String,
}

impl Executable {
    /// Command line for `args`: unchanged for a module; for a script, its interpreter's, with the
    /// script's path in the place of the program's own name.
    pub fn command_line(&self, args: Vec<String>) -> Vec<String> {
        let Some(script) = &self.script else { return args };
        let mut line = vec![script.interpreter.clone()];
        line.extend(script.argument.clone());
        line.push(script.path.clone());
        line.extend(args.into_iter().skip(1));
        line
    }
}

/// Error of a search for an executable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExecutableError {
    /// No image has that name.
    #[error("there is no image \"{name}\": {}", those(known))]
    NoImage {
        /// Name.
        name: String,
        /// Names of all images.
        known: Vec<String>,
    },
    /// No image has the file.
    #[error("there is no file {path} in the {}", images_of(images))]
    NoFile {
        /// Path of the file.
        path: String,
        /// Names of the searched images.
        images: Vec<String>,
    },
    /// The first line of a script cannot be run.
    #[error("the first line of the script {script} {why}")]
    BadFirstLine {
        /// Path of the script.
        script: String,
        /// Flaw of the line.
        why: String,
    },
    /// No image has a script's interpreter.
    #[error("the script {script} wants the interpreter {interpreter}, which no image has")]
    NoInterpreter {
        /// Path of the script.
        script: String,
        /// Path of the interpreter.
        interpreter: String,
    },
    /// A script's interpreter is a script.
    #[error(
        "the script {script} wants the interpreter {interpreter}, which is a script itself: name a module"
    )]
    Nested {
        /// Path of the script.
        script: String,
        /// Path of the interpreter.
        interpreter: String,
    },
}

fn those(names: &[String]) -> String {
    if names.is_empty() {
        "none is there".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}

fn images_of(names: &[String]) -> String {
    match names {
        [name] => format!("image {name}"),
        names => format!("images {}", names.join(", ")),
    }
}

/// Finds the executable `path` in the image of that name or, without a name, in the first image
/// that has it.
///
/// # Errors
/// There is no such image or file, or it is a script that cannot be run.
pub fn find(
    images: &[NamedImage],
    image: Option<&str>,
    path: &str,
) -> Result<Executable, ExecutableError> {
    let names = || images.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    if let Some(name) = image.filter(|name| images.iter().all(|it| it.name != *name)) {
        return Err(ExecutableError::NoImage { name: name.to_owned(), known: names() });
    }
    let found = file(images, image, path).ok_or_else(|| ExecutableError::NoFile {
        path: path.to_owned(),
        images: image.map_or_else(names, |name| vec![name.to_owned()]),
    })?;
    if !found.bytes.starts_with(MARK) {
        return Ok(Executable { module: found, script: None });
    }
    let script = first_line(&found)?;
    let Some(module) = file(images, None, &script.interpreter) else {
        let Script { interpreter, path: script, .. } = script;
        return Err(ExecutableError::NoInterpreter { script, interpreter });
    };
    if module.bytes.starts_with(MARK) {
        let Script { interpreter, path: script, .. } = script;
        return Err(ExecutableError::Nested { script, interpreter });
    }
    Ok(Executable { module, script: Some(script) })
}

fn file(images: &[NamedImage], only: Option<&str>, path: &str) -> Option<ImageFile> {
    let mut found = images.iter().enumerate().filter_map(|(place, named)| {
        let (path, bytes) = named.image.real_file(path)?;
        only.is_none_or(|only| only == named.name).then_some(ImageFile {
            image: place,
            path,
            bytes,
        })
    });
    found.next()
}

fn first_line(script: &ImageFile) -> Result<Script, ExecutableError> {
    let bad = |why: &str| ExecutableError::BadFirstLine {
        script: script.path.clone(),
        why: why.to_owned(),
    };
    let head = &script.bytes[..script.bytes.len().min(FIRST_LINE_BYTES_MAX + 1)];
    let end = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    if end > FIRST_LINE_BYTES_MAX {
        return Err(bad("is longer than 256 bytes"));
    }
    let line = std::str::from_utf8(&head[MARK.len()..end]).map_err(|_| bad("is not UTF-8"))?;
    if line.contains(|c: char| c.is_control() && c != '\t') {
        return Err(bad("has a control character: save it with Unix line ends"));
    }
    let blank = [' ', '\t'];
    let line = line.trim_matches(blank);
    let (interpreter, argument) = line.split_once(blank).unwrap_or((line, ""));
    if interpreter.is_empty() {
        return Err(bad("names no interpreter: write `#!/path/to/interpreter`"));
    }
    if !interpreter.starts_with('/') {
        let why = format!("names the interpreter {interpreter}, which is no absolute path");
        return Err(bad(&why));
    }
    let argument = argument.trim_matches(blank);
    Ok(Script {
        interpreter: interpreter.to_owned(),
        argument: (!argument.is_empty()).then(|| argument.to_owned()),
        path: script.path.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::ImageLimits;
    use super::*;

    enum Member<'a> {
        File(&'a [u8]),
        Link(&'a str),
    }
    use Member::{File, Link};

    const WASM: Member<'static> = File(b"\0asm");

    fn image(name: &str, members: &[(&str, Member<'_>)]) -> NamedImage {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, member) in members {
            let mut header = tar::Header::new_gnu();
            match member {
                File(bytes) => {
                    header.set_size(bytes.len() as u64);
                    tar.append_data(&mut header, path, *bytes).unwrap();
                }
                Link(target) => {
                    header.set_size(0);
                    header.set_entry_type(tar::EntryType::Symlink);
                    tar.append_link(&mut header, path, target).unwrap();
                }
            }
        }
        let image = Image::from_tar(&tar.into_inner().unwrap(), ImageLimits::default()).unwrap();
        NamedImage { name: name.to_owned(), image: Arc::new(image) }
    }

    fn line(executable: &Executable) -> Vec<String> {
        executable.command_line(["own name", "a", "b c"].map(str::to_owned).to_vec())
    }

    fn refused(script: &[u8], why: &str) {
        let images = [image("user", &[("s", File(script)), ("nested", File(b"#!/s"))])];
        let error = find(&images, None, "s").unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn a_module_is_run_with_the_command_line_that_is_asked_for() {
        let images = [image(USER_IMAGE, &[("bin/m", WASM), ("link", Link("bin/m"))])];
        let found = find(&images, Some("image"), "link").unwrap();
        assert_eq!((found.module.image, found.module.path.as_str()), (0, "/bin/m"));
        assert_eq!(found.script, None);
        assert_eq!(line(&found), ["own name", "a", "b c"]);
    }

    #[test]
    fn a_script_is_run_by_its_interpreter_which_may_lie_in_another_image() {
        let script = File(b"#! /bin/python3  -I -B \nprint()\n");
        let images = [
            image(USER_IMAGE, &[("python", File(b"the user's own"))]),
            image("python2.7", &[("python", Link("lib/run")), ("lib/run", script)]),
            image("python", &[("bin/python3", Link("../python")), ("python", WASM)]),
        ];
        let found = find(&images, Some("python2.7"), "python").unwrap();
        assert_eq!((found.module.image, found.module.path.as_str()), (2, "/python"));
        // The real path: /python is the user's own file in the session's tree.
        assert_eq!(line(&found), ["/bin/python3", "-I -B", "/lib/run", "a", "b c"]);
    }

    #[test]
    fn without_an_image_the_first_that_has_the_file_is_taken() {
        let images = [
            image(USER_IMAGE, &[("mine", WASM)]),
            image("one", &[("m", WASM)]),
            image("two", &[("m", WASM)]),
        ];
        assert_eq!(find(&images, None, "m").unwrap().module.image, 1);
        assert_eq!(find(&images, Some("two"), "m").unwrap().module.image, 2);
        let error = find(&images, None, "none").unwrap_err().to_string();
        assert_eq!(error, "there is no file none in the images image, one, two");
        let error = find(&images, Some("one"), "mine").unwrap_err().to_string();
        assert_eq!(error, "there is no file mine in the image one");
        let error = find(&images, Some("three"), "m").unwrap_err().to_string();
        assert_eq!(error, "there is no image \"three\": there are image, one, two");
    }

    #[test]
    fn the_users_interpreter_goes_before_the_systems() {
        let images = [
            image(USER_IMAGE, &[("s", File(b"#!/i")), ("i", WASM)]),
            image("one", &[("s", File(b"#!/other")), ("i", WASM)]),
        ];
        assert_eq!(find(&images, None, "s").unwrap().module.image, 0);
        assert_eq!(line(&find(&images, None, "s").unwrap()), ["/i", "/s", "a", "b c"]);
    }

    #[test]
    fn a_script_without_a_good_first_line_is_refused() {
        refused(b"#!", "names no interpreter");
        refused(b"#! \t\n/i", "names no interpreter");
        refused(b"#!python", "no absolute path");
        refused(b"#!/i\r\n", "control character");
        refused(b"#!/\xff\n", "not UTF-8");
        refused(format!("#!/{}\n", "i".repeat(300)).as_bytes(), "longer than 256 bytes");
        refused(format!("#!/{}\n", "i".repeat(253)).as_bytes(), "which no image has");
        refused(format!("#!/{}\n", "i".repeat(254)).as_bytes(), "longer than 256 bytes");
    }

    #[test]
    fn an_interpreter_that_is_missing_or_a_script_is_refused() {
        refused(
            b"#!/bin/none",
            "the script /s wants the interpreter /bin/none, which no image has",
        );
        refused(b"#!/nested", "a script itself");
        refused(b"#!/s", "a script itself");
    }
}
