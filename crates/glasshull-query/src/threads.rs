//! Questions have threads of their own: planning and evaluating them is work for the processor, which must not hold
//! up the threads on which a hub receives calls.

use std::pin::Pin;
use std::task::{Context, Poll};

use glasshull_api::{Code, Failure};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// A thread's stack, in bytes: what a statement nested as deeply as is allowed needs, several times over.
const STACK_BYTES: usize = 32 << 20;

/// Threads for reading files.
const READING_THREADS: usize = 16;

/// The threads.
#[derive(Debug)]
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn new(threads: usize) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .max_blocking_threads(READING_THREADS)
            .thread_stack_size(STACK_BYTES)
            .thread_name("glasshull-query")
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => Ok(Self(Some(runtime))),
            Err(error) => Err(Failure::new(Code::Internal, format!("No threads can be started: {error}."))),
        }
    }

    /// Does some work there; it ends where its result is not waited for any more.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Work<T> {
        let handle = self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone());
        Work(handle.spawn(work))
    }
}

impl Drop for Threads {
    /// A runtime must not wait for its threads where others' work is done, as this may be.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Work under way.
pub(crate) struct Work<T>(JoinHandle<T>);

impl<T> Future for Work<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|error| {
            tracing::error!(%error, "a question ended in a panic");
            Failure::new(Code::Internal, format!("The query failed: {error}."))
        })
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
