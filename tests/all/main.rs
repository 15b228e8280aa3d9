//! The integration tests, by kind.
