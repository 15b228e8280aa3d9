//! Runs a job: a WebAssembly module over its devices, in steps, with fuel and limits.
