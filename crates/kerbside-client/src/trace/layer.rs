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
