//! Log of a server: lines on standard error, for people or for machines, written by a thread of
//! their own.
//!
//! Logging never blocks: if standard error does not keep up, lines are dropped and counted. Control
//! characters in a line are escaped, whatever their source. Leaves out files and their rotation,
//! which are the system's (journald, logrotate).

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use clap::ValueEnum;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;

/// Capacity of the buffer for standard error, in lines.
const LINES_MAX: usize = 16_384;

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// Time, level, target, message and fields.
    Human,
    /// The same fields as one JSON object.
    Json,
}

/// Log filter: the levels that are written, by target.
#[derive(Clone, Debug)]
pub struct LogFilter(Targets);

/// Error of a text that is no log filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part:?} is none (write error, warn, info, debug, trace or off; or PLACE=LEVEL and several of them, such as warn,stayput::access=info)"
)]
pub struct BadLogFilter {
    part: String,
}

impl FromStr for LogFilter {
    type Err = BadLogFilter;

    fn from_str(text: &str) -> Result<Self, BadLogFilter> {
        // The library would take a misspelt level for a target, and log nothing from then on.
        let level = |part: &str| part.rsplit('=').next().is_some_and(is_level);
        match text.split(',').find(|part| !level(part)) {
            Some(part) => Err(BadLogFilter { part: part.to_owned() }),
            None => text.parse().map(Self).map_err(|_| BadLogFilter { part: text.to_owned() }),
        }
    }
}

fn is_level(word: &str) -> bool {
    ["off", "error", "warn", "info", "debug", "trace"].contains(&word)
        && word.parse::<LevelFilter>().is_ok()
}

/// Log of a process. Buffered lines are written when this is dropped, for a second at most.
#[derive(Debug)]
pub struct Logs {
    dropped: ErrorCounter,
    _written: WorkerGuard,
}

impl Logs {
    /// Installs the global subscriber: events of this process go to standard error.
    #[must_use]
    pub fn to_stderr(form: LogForm, filter: &LogFilter) -> Self {
        let lines = NonBlockingBuilder::default().buffered_lines_limit(LINES_MAX);
        let (writer, written) = lines.thread_name("stayput-log").finish(io::stderr());
        let dropped = writer.error_counter();
        let installed =
            tracing::subscriber::set_global_default(subscriber(form, filter, Lines(writer)));
        // A program that embeds this one may have a subscriber already, which then gets all events.
        let _has_its_own = installed;
        Self { dropped, _written: written }
    }

    /// Lines that were dropped so far.
    #[must_use]
    pub fn dropped(&self) -> ErrorCounter {
        self.dropped.clone()
    }
}

/// Writes what `filter` lets through to `writer`.
fn subscriber<W>(form: LogForm, filter: &LogFilter, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let LogFilter(targets) = filter.clone();
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match form {
        LogForm::Human => lines.with_ansi(false).boxed(),
        LogForm::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    Box::new(registry().with(lines.with_filter(targets)))
}

/// Writer that escapes control characters, so that each event is one line.
#[derive(Clone, Debug)]
struct Lines<W>(W);

impl<'w> MakeWriter<'w> for Lines<NonBlocking> {
    type Writer = Lines<NonBlocking>;

    fn make_writer(&'w self) -> Self::Writer {
        self.clone()
    }
}

impl<W: Write> Write for Lines<W> {
    /// Takes a whole line, with its end.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(escaped(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Escapes the control characters of `line` except for the newline at its end.
fn escaped(line: &str) -> String {
    let text = line.strip_suffix('\n').unwrap_or(line);
    let mut plain = String::with_capacity(line.len());
    for char in text.chars() {
        match char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') {
            // As JSON escapes them.
            true => plain.push_str(&format!("\\u{:04x}", u32::from(char))),
            false => plain.push(char),
        }
    }
    plain.push('\n');
    plain
}

/// Display of an untrusted text, cut to a number of bytes, with `…` in the place of the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounded<'a>(pub(super) &'a str, pub(super) usize);

impl fmt::Display for Bounded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, bytes_max) = *self;
        if text.len() <= bytes_max {
            return f.write_str(text);
        }
        let end = (0..=bytes_max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        write!(f, "{}…", &text[..end])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Text that is logged by `events`, in that format.
    fn logged(form: LogForm, filter: &str, events: impl FnOnce()) -> String {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let writer = Kept(Arc::clone(&kept));
        let filter = filter.parse().unwrap();
        tracing::subscriber::with_default(subscriber(form, &filter, writer), events);
        String::from_utf8(kept.lock().unwrap().clone()).unwrap()
    }

    #[derive(Clone)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(data);
            Ok(data.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'w> MakeWriter<'w> for Kept {
        type Writer = Lines<Self>;

        fn make_writer(&'w self) -> Self::Writer {
            Lines(self.clone())
        }
    }

    const BREAKS_OUT: &str = "a\r\nb\x1b[31m\u{85}c\u{2028}";

    fn break_out() {
        let _within = tracing::info_span!("request", trans_id = "tx1\n").entered();
        tracing::info!(path = BREAKS_OUT, error = %BREAKS_OUT, "as logged: {BREAKS_OUT}");
    }

    #[test]
    fn nothing_that_is_logged_can_begin_a_line_or_colour_it() {
        for form in [LogForm::Human, LogForm::Json] {
            let logged = logged(form, "info", break_out);
            let text = logged.strip_suffix('\n').expect("a line");
            assert!(!text.chars().any(|char| char.is_control() || char == '\u{2028}'), "{text:?}");
            assert!(text.contains("tx1"), "{text}");
        }
    }

    #[test]
    fn a_line_of_json_has_what_was_said_and_the_request_around_it() {
        let logged = logged(LogForm::Json, "info", break_out);
        let line: serde_json::Value = serde_json::from_str(&logged).unwrap();
        assert_eq!(line["message"], format!("as logged: {BREAKS_OUT}"));
        assert_eq!(line["path"], BREAKS_OUT);
        assert_eq!(line["span"]["trans_id"], "tx1\n");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn a_filter_lets_through_what_it_names() {
        let speak = || {
            tracing::info!(target: "stayput::access", "passed");
            tracing::info!("passed over");
            tracing::warn!("passed");
        };
        let logged = logged(LogForm::Human, "warn,stayput::access=info", speak);
        assert_eq!(logged.matches("passed").count(), 2, "{logged}");
        assert!(!logged.contains("passed over"), "{logged}");
    }

    #[test]
    fn what_is_no_filter_is_refused_with_a_way_out() {
        for text in ["", "inof", "info,", "stayput=loud", "stayput", "INFO "] {
            let error = text.parse::<LogFilter>().unwrap_err().to_string();
            assert!(error.contains("write error, warn"), "{text:?}: {error}");
        }
        for text in ["off", "info", "trace", "a::b=debug", "warn,a=info,b::c=trace"] {
            assert!(text.parse::<LogFilter>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_where_a_character_ends() {
        assert_eq!(Bounded("äöü", 6).to_string(), "äöü");
        assert_eq!(Bounded("äöü", 5).to_string(), "äö…");
        assert_eq!(Bounded("äöü", 0).to_string(), "…");
    }
}
