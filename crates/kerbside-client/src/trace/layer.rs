//! The writer beside other layers of `tracing-subscriber`.

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::TraceWriter;

impl<S: Subscriber> Layer<S> for TraceWriter {
    // `enabled` and the level are left at their defaults: what one layer refuses is refused for all of them.
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if Self::hears(event.metadata()) {
            self.write(event);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::prelude::*;
    use tracing_subscriber::{EnvFilter, Registry};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<String>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0
                .lock()
                .unwrap()
                .push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Sink {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// A log at "warn" and the trace, as `kerbside up` has them: each hears its own, whatever the other refuses.
    #[test]
    fn the_trace_stands_beside_a_log() {
        let (log, trace) = (Sink::default(), Sink::default());
        let filtered = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(log.clone())
            .with_filter(EnvFilter::new("warn"));
        let both = Registry::default()
            .with(filtered)
            .with(Some(TraceWriter::new(trace.clone())));
        tracing::subscriber::with_default(both, || {
            tracing::warn!("of the program");
            super::super::resolving("kdc.example.com");
        });
        let (log, trace) = (log.0.lock().unwrap(), trace.0.lock().unwrap());
        assert!(
            log.contains("of the program") && !log.contains("Resolving"),
            "{log}"
        );
        assert!(
            trace.ends_with(": Resolving hostname kdc.example.com\n"),
            "{trace}"
        );
        assert_eq!(trace.lines().count(), 1);
    }
}
