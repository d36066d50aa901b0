//! Questions have threads of their own: planning and evaluating them is work for the processor, which must not hold
//! up the threads on which a hub receives calls.

use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::thread;

use glasshull_api::{Code, Failure};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// A thread's stack, in bytes: what a statement nested as deeply as is allowed needs, several times over.
const STACK_BYTES: usize = 32 << 20;

/// Threads for reading files.
const READING_THREADS: usize = 16;

/// The threads. They end when this is dropped, without being waited for.
#[derive(Debug)]
pub(crate) struct Threads {
    handle: Handle,
    /// The runtime's owner drops it when this is gone.
    _alive: mpsc::Sender<()>,
}

impl Threads {
    pub(crate) fn new(threads: usize) -> Result<Self, Failure> {
        let (alive, gone) = mpsc::channel();
        let (made, runtime) = mpsc::channel();
        // A runtime waits for its threads when it is dropped, which must not happen where others' work is done; and to
        // leave its threads to themselves is no way out: glibc may then touch a large stack that is unmapped already.
        let owner = thread::Builder::new().name("glasshull-queries".into()).spawn(move || {
            let runtime = runtime_with(threads);
            let _ = made.send(
                runtime.as_ref().map(|runtime| runtime.handle().clone()).map_err(|error: &io::Error| error.to_string()),
            );
            let _ = gone.recv();
        });
        let failed = |error: String| Failure::new(Code::Internal, format!("No threads can be started: {error}."));
        owner.map_err(|error| failed(error.to_string()))?;
        let handle = runtime.recv().map_err(|error| failed(error.to_string()))?.map_err(failed)?;
        Ok(Self { handle, _alive: alive })
    }

    /// Does some work there; it ends where its result is not waited for any more.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Work<T> {
        Work(self.handle.spawn(work))
    }
}

fn runtime_with(threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .max_blocking_threads(READING_THREADS)
        .thread_stack_size(STACK_BYTES)
        .thread_name("glasshull-query")
        .enable_all()
        .build()
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
