//! Limits of a session and the fuel of its host calls. Reaching a limit is a reported outcome.
//!
//! Leaves out limits of descriptions, modules and images, which stand beside their parsers.

/// Fuel of each host call, on top of its work.
pub const HOST_CALL_FUEL: u64 = 200;

/// Bytes that a host call moves for one unit of fuel, the rate of wasmi's bulk operations.
pub const HOST_BYTES_PER_FUEL: u64 = 64;

/// Fuel for each step of a host call through the tree, such as a name that is looked up or listed,
/// beyond [`HOST_CALL_STEPS`]. About the time that it takes the host.
pub const HOST_STEP_FUEL: u64 = 50;

/// Steps through the tree that the price of a host call covers.
pub const HOST_CALL_STEPS: u64 = 64;

/// Limit of the names that a session's open directories hold for their readers, in bytes; more
/// gives the guest `ENOMEM`.
pub const LISTED_BYTES_MAX: usize = 64 << 20;

/// Limit of the bytes of one [`Pause`](crate::session::Pause). A guest's larger request becomes
/// several.
pub const TRANSFER_BYTES_MAX: usize = 1 << 20;

/// Limit of a guest's path, in bytes.
pub const PATH_BYTES_MAX: usize = 4096;

/// Limit of one name within a path, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// Limit of the buffers of one scattered read or gathered write.
pub const SEGMENTS_MAX: u32 = 1024;

/// Limit of the subscriptions of one `poll_oneoff`.
pub const SUBSCRIPTIONS_MAX: u32 = 4096;

/// Limits of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Fuel; more of it ends the session as out of fuel.
    pub fuel_max: u64,
    /// Linear memory in bytes; `memory.grow` beyond it fails.
    pub memory_bytes_max: usize,
    /// Elements of each table.
    pub table_elements_max: usize,
    /// Bytes per device and direction; more gives the guest `EDQUOT`.
    pub channel_bytes_max: u64,
    /// Operations per device and direction; more gives the guest `EDQUOT`.
    pub channel_operations_max: u64,
    /// Bytes that the session may write into its tree; more gives the guest `ENOSPC`.
    pub tree_bytes_max: u64,
    /// Open files; more gives the guest `EMFILE`.
    pub open_files_max: usize,
}

impl Default for SessionLimits {
    /// ZeroCloud's figures, and ten seconds of a core that burns 10⁹ units of fuel a second.
    fn default() -> Self {
        Self {
            fuel_max: 10_000_000_000,
            memory_bytes_max: 256 << 20,
            table_elements_max: 1 << 20,
            channel_bytes_max: 1 << 30,
            channel_operations_max: 1 << 30,
            tree_bytes_max: 64 << 20,
            open_files_max: 1024,
        }
    }
}

/// Fuel for moving `bytes` through a host call, beside [`HOST_CALL_FUEL`].
pub(crate) fn fuel_for_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(HOST_BYTES_PER_FUEL)
}
