//! What a piece of work is part of, taken along to where the work goes on.
//!
//! Calls find their parent by themselves on one thread and across `.await`. Where work goes to another thread, another
//! task or another process, take the context along:
//!
//! ```
//! use glasshull::context::{self, Context, FutureExt as _};
//!
//! // A thread:
//! std::thread::spawn(context::carry(|| { /* .. */ }));
//! // A task: `tokio::spawn(glasshull::spawnable(work()))`, or with a context at hand:
//! let _task = async { /* .. */ }.in_context(Context::current());
//! // A request: `traceparent` to send along, if this request is captured or is known not to be.
//! let _header: Option<String> = Context::current().traceparent();
//! ```

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use crate::agent::Agent;
use crate::frame::{self, Frame, NO_TRACE, trace_bytes, trace_of};
use crate::thread;
use crate::traceparent::{TraceParent, format_depth, parse_depth};

/// The place of a piece of work in a trace. Cheap to make, to clone and to send.
#[derive(Clone, Debug, Default)]
pub struct Context {
    frame: Frame,
    agent: Option<Arc<Agent>>,
}

/// The context of the running code: the same as [`Context::current`].
pub fn current() -> Context {
    Context::current()
}

impl Context {
    /// The context of the running code.
    pub fn current() -> Self {
        Self { frame: frame::current(), agent: thread::scoped_agent() }
    }

    /// Makes this the context of the running code until the guard is dropped. For threads; in async code use
    /// [`FutureExt::in_context`], as a guard held across `.await` would stay where it is while the task moves.
    pub fn enter(&self) -> Entered {
        let agent = thread::scope_agent(self.agent.clone());
        Entered { frame: frame::replace(self.frame), agent, not_send: PhantomData }
    }

    /// Runs a closure in this context.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Whether the work is part of a captured call.
    pub fn is_captured(&self) -> bool {
        self.frame.is_captured()
    }

    /// The `traceparent` header (W3C Trace Context) for a request to another process: its calls then have the captured
    /// call around this code as their parent. If it is decided that this request is not captured, the header says so
    /// by its `sampled` flag. None while nothing is decided.
    pub fn traceparent(&self) -> Option<String> {
        let Frame { trace_id, call_id, .. } = self.frame;
        if self.frame.is_captured() {
            let trace_id = trace_bytes(trace_id);
            return Some(TraceParent { trace_id, parent_id: call_id, sampled: true }.format());
        }
        if !self.frame.is_suppressed() {
            return None;
        }
        // Nobody looks for these ids, but the standard wants some.
        let trace_id = if trace_id == NO_TRACE { crate::ids::random_16() } else { trace_bytes(trace_id) };
        Some(TraceParent { trace_id, parent_id: crate::ids::random() | 1, sampled: false }.format())
    }

    /// The `tracestate` header to send beside [`Self::traceparent`]: it tells the receiver that the decision is
    /// Glasshull's, not another tracer's, and how deep the call is.
    pub fn tracestate(&self) -> Option<String> {
        (self.frame.is_captured() || self.frame.is_suppressed()).then(|| format_depth(self.frame.depth))
    }

    /// The context a `traceparent` written by Glasshull tells of. None if it is not as the standard says; whatever it
    /// holds, it does no harm.
    pub fn from_traceparent(traceparent: &str) -> Option<Self> {
        let parent = TraceParent::parse(traceparent)?;
        Some(Self::remote(parent, 1))
    }

    /// The context that a request's headers tell of. Where `tracestate` does not say that `traceparent` is
    /// Glasshull's, only the trace's id is taken from it: another tracer's sampling is not ours to follow, and its
    /// spans are not calls.
    pub fn from_headers(traceparent: Option<&str>, tracestate: Option<&str>) -> Self {
        let Some(parent) = traceparent.and_then(TraceParent::parse) else { return Self::default() };
        match tracestate.and_then(parse_depth) {
            Some(depth) => Self::remote(parent, depth),
            None => Self { frame: Frame { trace_id: trace_of(parent.trace_id), ..Frame::NONE }, agent: None },
        }
    }

    fn remote(parent: TraceParent, depth: u32) -> Self {
        let TraceParent { trace_id, parent_id, sampled } = parent;
        let trace_id = trace_of(trace_id);
        let frame = match sampled {
            true => Frame { trace_id, call_id: parent_id, depth: depth.max(1), remote: true, refused: 0 },
            false => Frame { trace_id, refused: u64::MAX, ..Frame::NONE },
        };
        Self { frame, agent: None }
    }

    /// The same place in a trace, captured by the agent of another context: a context from a header names none. Needed
    /// only where a process has several agents.
    pub fn with_agent_of(mut self, other: &Self) -> Self {
        self.agent.clone_from(&other.agent);
        self
    }

    /// Takes the agent from the running code where the context does not name one: a context from a header does not.
    #[cfg(feature = "tower")]
    pub(crate) fn here(mut self) -> Self {
        self.agent = self.agent.or_else(thread::scoped_agent);
        self
    }

    pub(crate) fn of_agent(agent: &Arc<Agent>) -> Self {
        Self { frame: Frame::NONE, agent: Some(Arc::clone(agent)) }
    }
}

/// While it is there, the running code is in a [`Context`].
#[must_use = "the context is left when this is dropped"]
#[derive(Debug)]
pub struct Entered {
    frame: Frame,
    agent: Option<Arc<Agent>>,
    not_send: PhantomData<*mut ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        frame::replace(self.frame);
        thread::scope_agent(self.agent.take());
    }
}

/// A closure that runs in the present context, for another thread.
pub fn carry<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let context = Context::current();
    move || context.in_scope(work)
}

/// A future that runs in the present context, for another task.
pub fn spawnable<F: Future>(work: F) -> InContext<F> {
    work.in_context(Context::current())
}

/// Puts futures into contexts.
pub trait FutureExt: Future + Sized {
    /// Runs the future in a context, wherever it is polled.
    fn in_context(self, context: Context) -> InContext<Self> {
        InContext { future: self, context }
    }
}

impl<F: Future> FutureExt for F {}

/// A future in a context; see [`FutureExt::in_context`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct InContext<F> {
    future: F,
    context: Context,
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is structurally pinned: it is never moved out of `self`, `InContext` has no `Drop` of its
        // own, is `Unpin` only if the future is, and is not packed. `context` is never pinned.
        let (future, here) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), &this.context)
        };
        here.in_scope(|| future.poll(context))
    }
}
