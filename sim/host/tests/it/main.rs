//! The seam's own code, over a machine that does nothing but keep time and notes.

mod figures;
mod host;
mod links;
mod machine;
mod spans;
