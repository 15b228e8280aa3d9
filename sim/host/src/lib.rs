//! The seam between Stayput and its machines: all that a node, a proxy, a worker or a client may
//! ask of its host. Every other crate of `sim` may depend on it; it depends on none of them, starts
//! no thread, opens no socket or file, and decides no fault.
//!
//! # The contract
//! Every backend keeps these promises; the suite `contract` (feature `contract`) tests them.
//!
//! - **Clock.** [`Host::now`] never goes back, and is the same for all hosts of a world.
//!   [`Host::sleep_until`] ends no earlier than its time.
//! - **Network.** A connection carries bytes in order, each at most once. What was written before a
//!   close is delivered before the end of the stream, unless a fault is in between. Connecting to a
//!   host that runs but does not listen is refused; one that cannot be reached does not answer, so
//!   **every caller sets a limit** ([`Host::timeout`]). A slow reader stops its writer.
//! - **Disk.** What [`File::sync`], [`Disk::sync_dir`] and [`Disk::commit`] have returned for
//!   survives every crash; what was merely written survives a crash of the process and not a loss
//!   of power. A batch is in the table whole or not at all. An open file outlives its name.
//! - **Entropy.** The same seed, purpose, identity and attempt give the same bits, whatever else
//!   was drawn.
//! - **Compute.** Work runs to its end or is dropped whole; it never runs twice.
//! - **Spans and metrics.** Recording them changes nothing. A host without a recorder knows no
//!   jobs.
//! - **Tasks.** Tasks belong to their host. When it crashes they are dropped without running
//!   further, peers see their connections reset (nothing at all after a loss of power), and the
//!   next start runs the host's main function on what its disks kept.

mod attempt;
mod backend;
mod checksum;
mod compute;
pub mod config;
#[cfg(feature = "contract")]
pub mod contract;
mod disk;
pub mod distribution;
mod entropy;
mod host;
mod local_future;
mod machine;
mod metric;
mod net;
pub mod quantity;
mod span;
pub mod time;
pub mod topology;

pub use attempt::Attempt;
pub use backend::{Backend, HostMain, HostStartError, LocalMain, RunEnd, Serving};
pub use checksum::{Checksum, KnownContents, Md5Sum};
pub use compute::{ComputeWork, SpentFuel};
pub use disk::{Batch, Disk, DiskError, File, Row};
pub use entropy::{Entropy, Seed};
pub use host::{CountGuard, Host, TaskGuard, TimedOut};
pub use local_future::LocalFuture;
pub use machine::Machine;
pub use metric::HostMetric;
pub use net::{BoxStream, Label, Listener, MessagePart, Purpose, Stream};
pub use span::{AttemptKind, JobNumber, JobNumberError, OpenSpan, Recorder, Span, SpanKind};
pub use time::Time;
