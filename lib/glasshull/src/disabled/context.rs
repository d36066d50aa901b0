//! Contexts that hold nothing.

use std::future::Future;

/// The place of a piece of work in a trace; here it is nowhere.
#[derive(Clone, Debug, Default)]
pub struct Context(());

/// An empty context.
pub fn current() -> Context {
    Context(())
}

impl Context {
    /// An empty context.
    pub fn current() -> Self {
        Self(())
    }

    /// An empty context.
    pub fn with_agent_of(self, _other: &Self) -> Self {
        self
    }

    /// Does nothing.
    pub fn enter(&self) -> Entered {
        Entered(())
    }

    /// Runs the closure.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    /// Always false.
    pub fn is_captured(&self) -> bool {
        false
    }

    /// None.
    pub fn traceparent(&self) -> Option<String> {
        None
    }

    /// None.
    pub fn tracestate(&self) -> Option<String> {
        None
    }

    /// None.
    pub fn from_traceparent(_traceparent: &str) -> Option<Self> {
        None
    }

    /// An empty context.
    pub fn from_headers(_traceparent: Option<&str>, _tracestate: Option<&str>) -> Self {
        Self(())
    }
}

/// Does nothing.
#[must_use = "the context is left when this is dropped"]
#[derive(Debug)]
pub struct Entered(());

/// The closure itself.
pub fn carry<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    work
}

/// The future itself.
pub fn spawnable<F: Future>(work: F) -> F {
    work
}

/// Leaves futures as they are.
pub trait FutureExt: Future + Sized {
    /// The future itself.
    fn in_context(self, _context: Context) -> Self {
        self
    }
}

impl<F: Future> FutureExt for F {}
