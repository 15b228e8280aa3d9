//! The paths of a description: objects, files within images, and devices of other nodes.

use super::NodeName;
use std::fmt;

const SWIFT: &str = "swift://";
const FILE: &str = "file://";
const ZVM: &str = "zvm://";
const TCP: &str = "tcp://";

const ACCOUNT_BYTES_MAX: usize = 256;
const CONTAINER_BYTES_MAX: usize = 256;
const OBJECT_BYTES_MAX: usize = 1024;

/// Whose account a path means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// `~` or `.`: the caller's own.
    Own,
    /// An account by name.
    Named(String),
}

/// `swift://account/container/object`, decoded. `*` in a name is a wildcard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectPath {
    /// Whose.
    pub account: Account,
    /// The container.
    pub container: String,
    /// The object; none for the container itself, which reads as its listing.
    pub object: Option<String>,
}

/// Where a device's bytes come from or go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DevicePath {
    /// An object or a container.
    Swift(ObjectPath),
    /// A device of another node.
    Zvm {
        /// The node.
        node: NodeName,
        /// The device's name, without `/dev/`.
        device: String,
    },
    /// A network address.
    Tcp {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
}

/// Where an executable lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecPath {
    /// In the store.
    Swift(ObjectPath),
    /// In an image.
    Image {
        /// The system image; none for the user's image, then the system images in order.
        image: Option<String>,
        /// The path within it, without a leading slash.
        path: String,
    },
}

impl ObjectPath {
    /// Parses `swift://account/container[/object]`; names may be percent-encoded.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix(SWIFT).ok_or_else(|| format!("must begin with `{SWIFT}`"))?;
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
            return Err("has a wildcard in the account, where none is allowed".to_owned());
        }
        let container = name_of("container", container, CONTAINER_BYTES_MAX)?;
        let object = match object.filter(|object| !object.is_empty()) {
            Some(object) => Some(name_of_object(object)?),
            None => None,
        };
        Ok(Self { account, container, object })
    }

    /// Whether any of its names has a `*`.
    pub fn has_wildcard(&self) -> bool {
        self.container.contains('*') || self.object.as_ref().is_some_and(|name| name.contains('*'))
    }
}

fn name_of(what: &str, encoded: &str, bytes_max: usize) -> Result<String, String> {
    let name = decode(encoded)?;
    match name.len() {
        0 => Err(format!("lacks the {what}: write `{SWIFT}account/container/object`")),
        len if len > bytes_max => {
            Err(format!("has a name of {len} bytes for the {what}, the most are {bytes_max}"))
        }
        _ if name.contains('/') => Err(format!("has a slash in the name of the {what}")),
        _ => Ok(name),
    }
}

fn name_of_object(encoded: &str) -> Result<String, String> {
    let name = decode(encoded)?;
    if name.len() > OBJECT_BYTES_MAX {
        return Err(format!(
            "has a name of {} bytes for the object, the most are {OBJECT_BYTES_MAX}",
            name.len()
        ));
    }
    Ok(name)
}

fn decode(encoded: &str) -> Result<String, String> {
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
            _ => return Err("has a `%` without two hexadecimal digits: write `%25`".to_owned()),
        }
    }
    let name = String::from_utf8(bytes).map_err(|_| "has a name that is not UTF-8".to_owned())?;
    if name.chars().any(char::is_control) {
        return Err("has a control character in a name".to_owned());
    }
    Ok(name)
}

impl DevicePath {
    /// Parses the path of a device.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with(SWIFT) {
            return ObjectPath::parse(text).map(Self::Swift);
        }
        if let Some(rest) = text.strip_prefix(ZVM) {
            let wrong = || format!("must be `{ZVM}node:/dev/name`");
            let (node, path) = rest.split_once(':').ok_or_else(wrong)?;
            let device = path.strip_prefix("/dev/").ok_or_else(wrong)?;
            let node = NodeName::new(node).ok_or_else(wrong)?;
            NodeName::new(device).ok_or_else(wrong)?;
            return Ok(Self::Zvm { node, device: device.to_owned() });
        }
        if let Some(rest) = text.strip_prefix(TCP) {
            let wrong = || format!("must be `{TCP}host:port`");
            let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|port| *port > 0 && is_number).ok_or_else(wrong)?;
            if host.is_empty() || host.chars().any(|c| c.is_control() || c == '/') {
                return Err(wrong());
            }
            return Ok(Self::Tcp { host: host.to_owned(), port });
        }
        Err(format!("must begin with `{SWIFT}` or `{ZVM}`"))
    }
}

impl ExecPath {
    /// Parses the path of an executable.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with(SWIFT) {
            let path = ObjectPath::parse(text)?;
            if path.object.is_none() {
                return Err("names a container, not an executable object".to_owned());
            }
            if path.has_wildcard() {
                return Err("has a wildcard, but an executable is one object".to_owned());
            }
            return Ok(Self::Swift(path));
        }
        let (image, path) = match text.strip_prefix(FILE) {
            Some(rest) => match rest.split_once(':') {
                Some((image, path)) => (Some(image), path),
                None => (None, rest),
            },
            None if text.contains("://") => {
                return Err(format!("must begin with `{SWIFT}` or `{FILE}`, or be relative"));
            }
            None if text.starts_with('/') => {
                return Err(format!("is absolute: write it relative, or as `{FILE}image:path`"));
            }
            None => (None, text),
        };
        if image.is_some_and(|image| NodeName::new(image).is_none()) {
            return Err(format!("has no good image name: write `{FILE}image:path`"));
        }
        let path = path.trim_start_matches('/');
        if path.is_empty() || path.split('/').any(|name| name == "..") {
            return Err("names no file within an image".to_owned());
        }
        if path.chars().any(char::is_control) {
            return Err("has a control character".to_owned());
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

/// Only what would be read differently is encoded, so that paths stay readable.
fn encode(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    f.write_str(&name.replace('%', "%25"))
}
