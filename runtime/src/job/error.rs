//! What is wrong with a description, and where: every flaw of it, not only the first.

use super::{DESCRIPTION_BYTES_MAX, NodeName};
use std::fmt;
use thiserror::Error;

/// The most flaws that are told one by one; of more, only their number is.
pub const FLAWS_MAX: usize = 100;

/// Why a job description is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DescriptionError {
    /// Larger than [`DESCRIPTION_BYTES_MAX`]: HTTP status 413.
    #[error("the job description has {bytes} bytes, the most are {DESCRIPTION_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No JSON, or nested too deeply: HTTP status 422.
    #[error("the job description is no JSON: {why}")]
    NotJson {
        /// What the parser said, the place included.
        why: String,
        /// The line of it, from 1.
        line: usize,
        /// The column of it, from 1; 0 if the line begins there.
        column: usize,
    },
    /// JSON, but no job: HTTP status 400.
    #[error(transparent)]
    Flawed(Flaws),
}

impl DescriptionError {
    /// The HTTP status that it stands for.
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
    /// The flaws, the first [`FLAWS_MAX`] of them.
    pub fn listed(&self) -> &[Flaw] {
        &self.listed
    }

    /// How many more there are.
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for Flaws {
    /// A line for each.
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

/// One thing that is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{node}, field `{field}`: {why}")]
pub struct Flaw {
    /// The node.
    pub node: NodeRef,
    /// The field.
    pub field: Field,
    /// What is wrong, and what would be right.
    pub why: String,
}

/// Flaws while they are found.
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

    /// What was read; if it is flawed, the flaw is added and there is nothing.
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

/// Which part of the description an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRef {
    /// The list of nodes itself.
    Job,
    /// A node without a good name, or with that of an earlier one, by its place from 0.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field(Vec<FieldStep>);

/// One step on the way from a node to a field of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldStep {
    /// To the field of that name.
    Name(String),
    /// To the item of a list, from 0.
    Index(usize),
}

impl Field {
    /// The way from the node to the field.
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

/// Where reading is, so that every error can say so.
#[derive(Clone, Debug)]
pub(super) struct Place {
    node: NodeRef,
    field: Field,
}

impl Place {
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
