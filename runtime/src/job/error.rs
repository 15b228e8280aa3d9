//! What is wrong with a description, and where.

use super::{DESCRIPTION_BYTES_MAX, NodeName};
use std::fmt;
use thiserror::Error;

/// Why a job description is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JobError {
    /// Larger than [`DESCRIPTION_BYTES_MAX`]: HTTP status 413.
    #[error("the job description has {bytes} bytes, the most are {DESCRIPTION_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No JSON, or nested too deeply: HTTP status 422.
    #[error("the job description is no JSON: {why}")]
    NotJson {
        /// What the parser said.
        why: String,
    },
    /// JSON, but no job: HTTP status 400.
    #[error("{node}, field `{field}`: {why}")]
    Flaw {
        /// The node.
        node: NodeRef,
        /// The field.
        field: Field,
        /// What is wrong, and what would be right.
        why: String,
    },
}

impl JobError {
    /// The HTTP status that it stands for.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 413,
            Self::NotJson { .. } => 422,
            Self::Flaw { .. } => 400,
        }
    }
}

/// Which part of the description an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRef {
    /// The list of nodes itself.
    Job,
    /// A node without a good name, by its place from 0.
    Index(usize),
    /// A node with a name.
    Named(NodeName),
}

impl fmt::Display for NodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job => f.write_str("the job"),
            Self::Index(index) => write!(f, "node {index} (from 0)"),
            Self::Named(name) => write!(f, "node \"{name}\""),
        }
    }
}

/// A field's place within its node, such as `devices[1].path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field(pub(super) String);

impl Field {
    /// The field's place as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where reading is, so that every error can say so.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) node: NodeRef,
    field: String,
}

impl Place {
    pub(super) fn of(node: NodeRef) -> Self {
        Self { node, field: String::new() }
    }

    pub(super) fn field(&self, name: &str) -> Self {
        let dot = if self.field.is_empty() { "" } else { "." };
        Self { node: self.node.clone(), field: format!("{}{dot}{name}", self.field) }
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self { node: self.node.clone(), field: format!("{}[{index}]", self.field) }
    }

    pub(super) fn flaw(&self, why: impl Into<String>) -> JobError {
        let node = self.node.clone();
        JobError::Flaw { node, field: Field(self.field.clone()), why: why.into() }
    }
}
