//! Result of a session, wherever it ran.
//!
//! Leaves out sessions that a host lost: they have no result, and run elsewhere.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stayput_runtime::outcome::{Accounting, EndReason};

/// Limit on the time of a session, waits included.
pub const SESSION_TIME_MAX: Duration = Duration::from_secs(10);
/// Limit on the bytes of a session's outputs together while they are staged.
pub const STAGED_BYTES_MAX: u64 = 64 << 20;

/// End, costs and outputs of a session.
#[derive(Clone, Debug)]
pub struct SessionResult {
    /// Name of the session.
    pub name: String,
    /// End of the session.
    pub end: SessionEnd,
    /// Fuel that it used.
    pub fuel: u64,
    /// Time from its start to its end.
    pub took: Duration,
    /// Time of that on a core.
    pub core: Duration,
    /// Bytes that it read and wrote, by device.
    pub accounting: Accounting,
    /// Contents that its devices wrote, by name.
    pub outputs: Vec<(String, Bytes)>,
    /// True if it ran on a host that holds its input.
    pub colocated: bool,
    /// Agreement of its copies.
    pub copies: Agreement,
}

/// Agreement of the copies of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Copies with the same result.
    pub agreeing: u8,
    /// Copies that were asked for.
    pub asked: u8,
    /// Hosts of copies that had another result, or none.
    pub deviating: Vec<String>,
}

impl Agreement {
    /// Agreement of a session that ran once.
    pub const ALONE: Self = Self { agreeing: 1, asked: 1, deviating: Vec::new() };
}

/// End of a session, final in each case: another attempt would end the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The guest ended, by itself or for what it did.
    Guest(EndReason),
    /// It took longer than [`SESSION_TIME_MAX`].
    OutOfTime,
    /// It never began.
    Refused(SessionRefusal),
}

/// Flaw of a session's code, for which it never began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum SessionRefusal {
    /// Its module cannot be run.
    #[error("{why}")]
    Module {
        /// The flaw.
        why: String,
    },
    /// An image of it cannot be unpacked.
    #[error("{why}")]
    Image {
        /// The flaw.
        why: String,
    },
}

impl SessionEnd {
    /// Exit code of a guest that ended by itself.
    #[must_use]
    pub fn exit_code(&self) -> Option<u32> {
        match self {
            Self::Guest(end) => end.exit_code(),
            Self::OutOfTime | Self::Refused(_) => None,
        }
    }
}

impl std::fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Guest(end) => end.fmt(f),
            Self::OutOfTime => f.write_str("out of time"),
            Self::Refused(refusal) => {
                let why = refusal.to_string().replace([',', '\n', '\r'], ";");
                write!(f, "refused: {why}")
            }
        }
    }
}

impl SessionResult {
    /// Output of the device of that name; empty if it wrote nothing.
    #[must_use]
    pub fn output(&self, device: &str) -> Bytes {
        let found = self.outputs.iter().find(|(name, _)| name == device);
        found.map(|(_, output)| output.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_guest_that_exits_has_an_exit_code() {
        let exited = SessionEnd::Guest(EndReason::Exited { code: 3 });
        assert_eq!(exited.exit_code(), Some(3));
        assert_eq!(SessionEnd::OutOfTime.exit_code(), None);
        let refusal = SessionRefusal::Module { why: "no module".to_owned() };
        assert_eq!(SessionEnd::Refused(refusal).exit_code(), None);
    }

    #[test]
    fn a_refusal_fits_into_one_item_of_a_header() {
        let why = "line 1, column 2:\nbad".to_owned();
        let end = SessionEnd::Refused(SessionRefusal::Image { why });
        assert_eq!(end.to_string(), "refused: line 1; column 2:;bad");
    }

    #[test]
    fn ends_keep_their_form_on_the_wire() {
        let json = |end: &SessionEnd| serde_json::to_string(end).expect("it is plain data");
        assert_eq!(json(&SessionEnd::OutOfTime), r#""out_of_time""#);
        let why = "w".to_owned();
        let refused = SessionEnd::Refused(SessionRefusal::Module { why });
        assert_eq!(json(&refused), r#"{"refused":{"module":{"why":"w"}}}"#);
        let read: SessionEnd = serde_json::from_str(&json(&refused)).expect("it was written so");
        assert_eq!(read, refused);
    }
}
