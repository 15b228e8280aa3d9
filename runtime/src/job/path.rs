//! Paths of a description: objects, files within images, and devices of other nodes.
//!
//! Leaves out whether anything is there.

use super::NodeName;
use std::fmt;
use thiserror::Error;

const SWIFT: &str = "swift://";
const FILE: &str = "file://";
const ZVM: &str = "zvm://";
const TCP: &str = "tcp://";

const ACCOUNT_BYTES_MAX: usize = 256;
const CONTAINER_BYTES_MAX: usize = 256;
const OBJECT_BYTES_MAX: usize = 1024;

/// Account of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// The caller's own: `~` or `.`.
    Own,
    /// An account by name.
    Named(String),
}

/// `swift://account/container/object`, decoded. `*` in a name is a wildcard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectPath {
    /// Account.
    pub account: Account,
    /// Container.
    pub container: String,
    /// Object; `None` for the container itself, which reads as its listing.
    pub object: Option<String>,
}

/// Source or target of a device's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DevicePath {
    /// Object or container.
    Swift(ObjectPath),
    /// Device of another node.
    Zvm {
        /// Node.
        node: NodeName,
        /// Name of the device, without `/dev/`.
        device: String,
    },
    /// Network address.
    Tcp {
        /// Host.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Location of an executable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecPath {
    /// Object in the store.
    Swift(ObjectPath),
    /// File in an image.
    Image {
        /// System image; `None` for the user's image, then the system images in order.
        image: Option<String>,
        /// Path within it, without a leading slash.
        path: String,
    },
}

/// Flaw of a path in a description, as the end of a sentence that begins with the path's field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JobPathError {
    /// The scheme is none that the field may have.
    #[error("must begin with {schemes}")]
    Scheme {
        /// Allowed schemes.
        schemes: &'static str,
    },
    /// The rest after the scheme has another form.
    #[error("must be `{form}`")]
    Form {
        /// The right form.
        form: &'static str,
    },
    /// The account has a wildcard.
    #[error("has a wildcard in the account, where none is allowed")]
    AccountWildcard,
    /// A name is missing.
    #[error("lacks the {part}: write `{SWIFT}account/container/object`")]
    MissingName {
        /// Account or container.
        part: &'static str,
    },
    /// A name is too long.
    #[error("has a name of {bytes} bytes for the {part}, the most are {bytes_max}")]
    LongName {
        /// Account, container or object.
        part: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The name of an account or a container has a slash.
    #[error("has a slash in the name of the {part}")]
    SlashInName {
        /// Account or container.
        part: &'static str,
    },
    /// A percent sign is not followed by two hexadecimal digits.
    #[error("has a `%` without two hexadecimal digits: write `%25`")]
    Percent,
    /// A decoded name is not UTF-8.
    #[error("has a name that is not UTF-8")]
    NotUtf8,
    /// A decoded name has a control character.
    #[error("has a control character in a name")]
    ControlInName,
    /// The path has a control character.
    #[error("has a control character")]
    Control,
    /// An executable's path names a container.
    #[error("names a container, not an executable object")]
    ExecutableContainer,
    /// An executable's path has a wildcard.
    #[error("has a wildcard, but an executable is one object")]
    ExecutableWildcard,
    /// An executable's path is absolute.
    #[error("is absolute: write it relative, or as `{FILE}image:path`")]
    Absolute,
    /// The name of an image is none.
    #[error("has no good image name: write `{FILE}image:path`")]
    ImageName,
    /// The path within an image names no file.
    #[error("names no file within an image")]
    NoImageFile,
}

impl ObjectPath {
    /// Parses `swift://account/container[/object]`; names may be percent-encoded.
    ///
    /// # Errors
    /// [`JobPathError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, JobPathError> {
        let rest =
            text.strip_prefix(SWIFT).ok_or(JobPathError::Scheme { schemes: "`swift://`" })?;
        let (account, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let (container, object) = match rest.split_once('/') {
            Some((container, object)) => (container, Some(object)),
            None => (rest, None),
        };
        let account = match account {
            "~" | "." => Account::Own,
            name => Account::Named(name_of("account", name, ACCOUNT_BYTES_MAX)?),
        };
        if matches!(&account, Account::Named(name) if name.contains('*')) {
            return Err(JobPathError::AccountWildcard);
        }
        let container = name_of("container", container, CONTAINER_BYTES_MAX)?;
        let object = match object.filter(|object| !object.is_empty()) {
            Some(object) => Some(name_of_object(object)?),
            None => None,
        };
        Ok(Self { account, container, object })
    }

    /// True if one of its names has a `*`.
    pub fn has_wildcard(&self) -> bool {
        self.container.contains('*') || self.object.as_ref().is_some_and(|name| name.contains('*'))
    }
}

fn name_of(part: &'static str, encoded: &str, bytes_max: usize) -> Result<String, JobPathError> {
    let name = decode(encoded)?;
    match name.len() {
        0 => Err(JobPathError::MissingName { part }),
        bytes if bytes > bytes_max => Err(JobPathError::LongName { part, bytes, bytes_max }),
        _ if name.contains('/') => Err(JobPathError::SlashInName { part }),
        _ => Ok(name),
    }
}

fn name_of_object(encoded: &str) -> Result<String, JobPathError> {
    let name = decode(encoded)?;
    let (part, bytes, bytes_max) = ("object", name.len(), OBJECT_BYTES_MAX);
    if bytes > bytes_max {
        return Err(JobPathError::LongName { part, bytes, bytes_max });
    }
    Ok(name)
}

fn decode(encoded: &str) -> Result<String, JobPathError> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: &u8| (*byte as char).to_digit(16);
        match after {
            [high, low, after @ ..] if digit(high).is_some() && digit(low).is_some() => {
                bytes.push((digit(high).unwrap_or(0) * 16 + digit(low).unwrap_or(0)) as u8);
                rest = after;
            }
            _ => return Err(JobPathError::Percent),
        }
    }
    let name = String::from_utf8(bytes).map_err(|_| JobPathError::NotUtf8)?;
    if name.chars().any(char::is_control) {
        return Err(JobPathError::ControlInName);
    }
    Ok(name)
}

impl DevicePath {
    /// Parses the path of a device.
    ///
    /// # Errors
    /// [`JobPathError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, JobPathError> {
        if text.starts_with(SWIFT) {
            return ObjectPath::parse(text).map(Self::Swift);
        }
        if let Some(rest) = text.strip_prefix(ZVM) {
            let wrong = || JobPathError::Form { form: "zvm://node:/dev/name" };
            let (node, path) = rest.split_once(':').ok_or_else(wrong)?;
            let device = path.strip_prefix("/dev/").ok_or_else(wrong)?;
            let node = NodeName::new(node).ok_or_else(wrong)?;
            NodeName::new(device).ok_or_else(wrong)?;
            return Ok(Self::Zvm { node, device: device.to_owned() });
        }
        if let Some(rest) = text.strip_prefix(TCP) {
            let wrong = || JobPathError::Form { form: "tcp://host:port" };
            let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|port| *port > 0 && is_number).ok_or_else(wrong)?;
            if host.is_empty() || host.chars().any(|c| c.is_control() || c == '/') {
                return Err(wrong());
            }
            return Ok(Self::Tcp { host: host.to_owned(), port });
        }
        Err(JobPathError::Scheme { schemes: "`swift://` or `zvm://`" })
    }
}

impl ExecPath {
    /// Parses the path of an executable.
    ///
    /// # Errors
    /// [`JobPathError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, JobPathError> {
        if text.starts_with(SWIFT) {
            let path = ObjectPath::parse(text)?;
            if path.object.is_none() {
                return Err(JobPathError::ExecutableContainer);
            }
            if path.has_wildcard() {
                return Err(JobPathError::ExecutableWildcard);
            }
            return Ok(Self::Swift(path));
        }
        let (image, path) = match text.strip_prefix(FILE) {
            Some(rest) => match rest.split_once(':') {
                Some((image, path)) => (Some(image), path),
                None => (None, rest),
            },
            None if text.contains("://") => {
                return Err(JobPathError::Scheme {
                    schemes: "`swift://` or `file://`, or be relative",
                });
            }
            None if text.starts_with('/') => {
                return Err(JobPathError::Absolute);
            }
            None => (None, text),
        };
        if image.is_some_and(|image| NodeName::new(image).is_none()) {
            return Err(JobPathError::ImageName);
        }
        let path = path.trim_start_matches('/');
        if path.is_empty() || path.split('/').any(|name| name == "..") {
            return Err(JobPathError::NoImageFile);
        }
        if path.chars().any(char::is_control) {
            return Err(JobPathError::Control);
        }
        Ok(Self::Image { image: image.map(str::to_owned), path: path.to_owned() })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("~"),
            Self::Named(name) => encode(f, name),
        }
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SWIFT}{}/", self.account)?;
        encode(f, &self.container)?;
        match &self.object {
            Some(object) => {
                f.write_str("/")?;
                encode(f, object)
            }
            None => Ok(()),
        }
    }
}

/// Encodes `%` only, so that paths stay readable.
fn encode(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    f.write_str(&name.replace('%', "%25"))
}
