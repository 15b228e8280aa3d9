//! Flaws of a description with their places: all of them, not only the first.
//!
//! Leaves out the rules themselves, which [`json`](super::json) and [`check`](super::check) hold.

use super::{DESCRIPTION_BYTES_MAX, NodeName};
use std::fmt;
use thiserror::Error;

/// Limit of listed flaws; of further ones only the number is kept.
pub const FLAWS_MAX: usize = 100;

/// Refusal of a job description.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DescriptionError {
    /// Larger than [`DESCRIPTION_BYTES_MAX`]: HTTP status 413.
    #[error("the job description has {bytes} bytes, the most are {DESCRIPTION_BYTES_MAX}")]
    TooLarge {
        /// Size.
        bytes: usize,
    },
    /// Invalid JSON, or nested too deeply: HTTP status 422.
    #[error("the job description is no JSON: {why}")]
    NotJson {
        /// Message of the parser, with the place.
        why: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 if the line begins there.
        column: usize,
    },
    /// JSON, but no job: HTTP status 400.
    #[error(transparent)]
    Flawed(Flaws),
}

impl DescriptionError {
    /// HTTP status of the refusal.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 413,
            Self::NotJson { .. } => 422,
            Self::Flawed(_) => 400,
        }
    }
}

/// The flaws of a description, at least one, in the order of its nodes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Flaws {
    listed: Vec<Flaw>,
    omitted: usize,
}

impl Flaws {
    /// The first [`FLAWS_MAX`] flaws.
    pub fn listed(&self) -> &[Flaw] {
        &self.listed
    }

    /// Number of further flaws.
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for Flaws {
    /// Writes a line for each flaw.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, flaw) in self.listed.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{flaw}")?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl From<Flaw> for DescriptionError {
    fn from(flaw: Flaw) -> Self {
        Self::Flawed(Flaws { listed: vec![flaw], omitted: 0 })
    }
}

/// Flaw of a description.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{node}, field `{field}`: {why}")]
pub struct Flaw {
    /// Node.
    pub node: NodeRef,
    /// Field.
    pub field: Field,
    /// The flaw and its fix.
    pub why: String,
}

/// Flaws while a description is read.
#[derive(Debug, Default)]
pub(super) struct FlawList {
    listed: Vec<Flaw>,
    omitted: usize,
}

impl FlawList {
    pub(super) fn add(&mut self, flaw: Flaw) {
        if self.listed.len() < FLAWS_MAX {
            self.listed.push(flaw);
        } else {
            self.omitted += 1;
        }
    }

    /// Value of `read`; `None`, with the flaw added, if it is flawed.
    pub(super) fn keep<T>(&mut self, read: Result<T, Flaw>) -> Option<T> {
        read.map_err(|flaw| self.add(flaw)).ok()
    }

    pub(super) fn into_result<T>(self, sound: T) -> Result<T, DescriptionError> {
        if self.listed.is_empty() {
            return Ok(sound);
        }
        Err(DescriptionError::Flawed(Flaws { listed: self.listed, omitted: self.omitted }))
    }
}

/// Part of a description that a flaw is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRef {
    /// List of nodes itself.
    Job,
    /// Node without a valid name, or with that of an earlier one, by its index from 0.
    Index(usize),
    /// Node with a name.
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

/// Path of a field within its node, such as `devices[1].path`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field(Vec<FieldStep>);

/// Step of the path from a node to one of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldStep {
    /// Field of that name.
    Name(String),
    /// Item of a list, from 0.
    Index(usize),
}

impl Field {
    /// Steps from the node to the field.
    pub fn steps(&self) -> &[FieldStep] {
        &self.0
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                FieldStep::Name(name) if at == 0 => f.write_str(name)?,
                FieldStep::Name(name) => write!(f, ".{name}")?,
                FieldStep::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Place of the reader in a description, for flaws.
#[derive(Clone, Debug)]
pub(super) struct FieldPlace {
    node: NodeRef,
    field: Field,
}

impl FieldPlace {
    pub(super) fn of(node: NodeRef) -> Self {
        Self { node, field: Field::default() }
    }

    pub(super) fn field(&self, name: &str) -> Self {
        self.step(FieldStep::Name(name.to_owned()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.step(FieldStep::Index(index))
    }

    fn step(&self, step: FieldStep) -> Self {
        let mut place = self.clone();
        place.field.0.push(step);
        place
    }

    pub(super) fn flaw(&self, why: impl Into<String>) -> Flaw {
        Flaw { node: self.node.clone(), field: self.field.clone(), why: why.into() }
    }
}
