//! Events as lines: `[PID] SECONDS.MICROSECONDS: LINE`.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use kerbside_protocol::trace::TARGET;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::file::{self, TraceError};

/// Writes each event of Kerbside as one line, in one write, in the form of MIT's `KRB5_TRACE`.
///
/// A [`Subscriber`]; with the feature `tracing-subscriber` a layer, too. Other events than ours it does not hear. A line
/// that cannot be written is lost: no exchange fails for its trace.
pub struct TraceWriter {
    sink: Mutex<Box<dyn Write + Send>>,
    pid: u32,
}

impl fmt::Debug for TraceWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceWriter").finish_non_exhaustive()
    }
}

impl TraceWriter {
    /// A writer into `sink`, which is handed whole lines.
    pub fn new(sink: impl Write + Send + 'static) -> Self {
        Self {
            sink: Mutex::new(Box::new(sink)),
            pid: std::process::id(),
        }
    }

    /// A writer at the end of a file, as `KRB5_TRACE` names it: `/dev/stdout` and `/dev/stderr` are this process's.
    ///
    /// # Errors
    /// As [`krb5_trace_from_env`](crate::krb5_trace_from_env).
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        file::open(path).map(Self::new)
    }

    /// Whether this event is one of ours.
    pub(super) fn hears(metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET && *metadata.level() <= Level::DEBUG
    }

    pub(super) fn write(&self, event: &Event<'_>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = Line(format!(
            "[{}] {}.{:06}: ",
            self.pid,
            now.as_secs(),
            now.subsec_micros()
        ));
        event.record(&mut line);
        line.0.push('\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = sink.write_all(line.0.as_bytes());
        let _ = sink.flush();
    }
}

impl Subscriber for TraceWriter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::hears(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Self::hears(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        self.write(event);
    }

    // No span is ever enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message of an event, on one line.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing into a string does not fail.
            let _ = write!(OneLine(&mut self.0), "{value:?}");
        }
    }
}

/// Keeps control characters, which a peer may have put into a name, out of the file and off the terminal.
struct OneLine<'a>(&'a mut String);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if character.is_control() {
                write!(self.0, "\\x{:02X}", u32::from(character))?;
            } else {
                self.0.push(character);
            }
        }
        Ok(())
    }
}
