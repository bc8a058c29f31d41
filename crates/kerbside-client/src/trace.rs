//! `KRB5_TRACE`: what Kerbside does, line by line in MIT's wording, from events that a program can also take as they are.
//!
//! [`install_krb5_trace`] says what a program can do with it.

mod events;
mod file;
#[cfg(feature = "tracing-subscriber")]
mod layer;
mod writer;

pub use file::TraceError;
pub use writer::TraceWriter;

pub(crate) use events::*;

use tracing::dispatcher;
use tracing::level_filters::LevelFilter;

use crate::environment;

/// The writer that `KRB5_TRACE` asks for: `None` without that variable, and in a program that has more rights than the
/// user who started it (as with MIT: a user could make it write into a file of somebody else).
///
/// # Errors
/// The file cannot be opened, or it is a credential cache or a keytab, which lines at its end would spoil.
pub fn krb5_trace_from_env() -> Result<Option<TraceWriter>, TraceError> {
    environment::trace_file()
        .map(|name| TraceWriter::open(name.as_ref()))
        .transpose()
}

/// Makes the writer that `KRB5_TRACE` asks for the subscriber of this process. Tells whether there is one now: there is
/// none without that variable, and where the program has a subscriber of its own already.
///
/// Every step of the exchanges, of the driver and of the contexts is an event for `tracing`, with the target
/// [`kerbside_protocol::trace::TARGET`], MIT's name of the trace point as its name, structured fields, and MIT's line as
/// `message`. No event holds a secret, or anything that was made from one.
///
/// | a program wants | it does |
/// |---|---|
/// | what MIT's programs do | this, at its start: nothing happens without `KRB5_TRACE` |
/// | the lines somewhere else | a [`TraceWriter`] as its subscriber |
/// | the events as data | a subscriber of its own that looks at that target |
/// | lines beside its own log | the feature `tracing-subscriber`, and [`TraceWriter`] as one more layer |
///
/// A subscriber of one thread (`tracing::subscriber::with_default`) hears the work that a client moves to other threads,
/// too. While it is the only subscriber of the process, tracing may withhold from it events that another thread came to
/// first: where threads have subscribers of their own, let the process have a global one.
///
/// ```no_run
/// kerbside_client::install_krb5_trace().expect("KRB5_TRACE names a file that can be written");
/// ```
///
/// With the feature `tracing-subscriber`, in a program that logs by it:
///
/// ```ignore
/// use tracing_subscriber::prelude::*;
///
/// tracing_subscriber::registry()
///     .with(tracing_subscriber::fmt::layer())
///     .with(kerbside_client::krb5_trace_from_env()?)
///     .init();
/// ```
///
/// # Errors
/// As [`krb5_trace_from_env`].
pub fn install_krb5_trace() -> Result<bool, TraceError> {
    let Some(writer) = krb5_trace_from_env()? else {
        return Ok(false);
    };
    Ok(tracing::subscriber::set_global_default(writer).is_ok())
}

/// Work for another thread, whose events go where this thread's go.
pub(crate) fn carried<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    // Nobody listens anywhere: the usual case costs nothing.
    let somebody = LevelFilter::current() != LevelFilter::OFF;
    let dispatch = somebody.then(|| dispatcher::get_default(Clone::clone));
    move || match dispatch {
        Some(dispatch) => dispatcher::with_default(&dispatch, work),
        None => work(),
    }
}

#[cfg(test)]
mod tests;
