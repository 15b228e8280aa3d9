//! Progress on standard error; nothing when that is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use stayput_engine::run::{Phase, Progress};
use stayput_engine::scenario::Policy;

/// A bar for the run of one policy.
pub(super) struct Bar {
    bar: ProgressBar,
    policy: Policy,
}

impl Bar {
    pub(super) fn new(policy: Policy) -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg:40} {bar:30} {pos}/{len}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, policy }
    }

    pub(super) fn show(&self, progress: Progress) {
        let what = match progress.phase {
            Phase::Loading => "loading".to_owned(),
            Phase::Jobs => {
                let now = Duration::from_nanos(progress.now.as_nanos());
                format!("jobs, at {} of the world's time", stayput_engine::quantity::duration(now))
            }
        };
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
        self.bar.set_message(format!("{}: {what}", self.policy));
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
