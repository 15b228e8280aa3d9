//! The option `--warm-up` as words, for commands that repeat a run.
//!
//! Leaves out its meaning, which is the statistics'.

use std::ffi::OsString;

use stayput_results::stats::WarmUp;

/// The option that leaves this warm-up out; empty for the default.
pub(super) fn warm_up_words(warm_up: WarmUp) -> Vec<OsString> {
    match warm_up == WarmUp::default() {
        true => Vec::new(),
        false => vec!["--warm-up".into(), warm_up.to_string().replace(' ', "").into()],
    }
}
