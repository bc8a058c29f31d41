//! What a front adds to the exchanges: how a message travels, and where work that takes time is done.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::attempt::Transport;
use crate::error::Error;
use crate::flights::{Flight, Outcome, Wait};
use crate::schedule::Target;
use crate::trace;
use crate::transport::{self, Delivered, Job, Undelivered};

/// A front. The exchanges are written once, as futures; a blocking front's futures are always ready.
pub(crate) trait Driver: Wait + Send + Sync {
    /// One round trip.
    fn deliver(&self, job: Job) -> impl Future<Output = Result<Delivered, Undelivered>> + Send;

    /// Work that blocks (files, the resolver) or computes for long (string-to-key).
    fn offload<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> impl Future<Output = Result<R, Error>> + Send;

    /// Work that is written for tokio (DNS).
    fn on_tokio<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> impl Future<Output = Result<R, Error>> + Send;
}

impl Wait for Blocking {
    async fn wait<V: Clone + Send>(&self, flight: &Flight<V>) -> Outcome<V> {
        flight.block()
    }
}

impl Wait for Tokio {
    async fn wait<V: Clone + Send>(&self, flight: &Flight<V>) -> Outcome<V> {
        flight.landed().await
    }
}

/// Everything happens on the caller's thread.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Blocking;

impl Driver for Blocking {
    async fn deliver(&self, job: Job) -> Result<Delivered, Undelivered> {
        let by_proxy = |target: &Target| target.transport == Transport::Https;
        if !job.targets.iter().any(by_proxy) {
            return transport::blocking::deliver(&job);
        }
        // HTTPS is written once, for tokio.
        match self.on_tokio(transport::tokio::deliver(job)).await {
            Ok(result) => result,
            Err(_) => Err(Undelivered {
                attempts: Vec::new(),
                took: Duration::ZERO,
            }),
        }
    }

    async fn offload<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Error> {
        Ok(work())
    }

    async fn on_tokio<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Result<R, Error> {
        // A thread of its own: the caller's may belong to a runtime already.
        let thread = std::thread::Builder::new()
            .name("kerbside-net".to_owned())
            .spawn(trace::carried(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                Ok::<R, std::io::Error>(runtime.block_on(work))
            }));
        let thread = thread.map_err(|_| Error::Interrupted)?;
        match thread.join() {
            Ok(Ok(result)) => Ok(result),
            _ => Err(Error::Interrupted),
        }
    }
}

/// Nothing blocks a thread of the runtime.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tokio;

impl Driver for Tokio {
    async fn deliver(&self, job: Job) -> Result<Delivered, Undelivered> {
        transport::tokio::deliver(job).await
    }

    async fn offload<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Error> {
        tokio::task::spawn_blocking(trace::carried(work))
            .await
            .map_err(|_| Error::Interrupted)
    }

    async fn on_tokio<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Result<R, Error> {
        Ok(work.await)
    }
}

/// Runs a future of the blocking front, which never waits for a waker.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(result) => result,
        // Only a future that waits for another thread could come here, and there is none.
        Poll::Pending => Err(Error::Interrupted),
    }
}
