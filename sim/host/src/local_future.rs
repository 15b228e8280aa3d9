//! Futures of the seam, boxed.
//!
//! Leaves out futures that move between threads: a host's tasks do not.

use std::future::Future;
use std::pin::Pin;

/// Future that stays on its thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
