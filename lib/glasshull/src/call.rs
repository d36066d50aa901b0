//! Calls under way. The code made by `#[glasshull::trace]` holds one of these while the function runs.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::agent::Agent;
use crate::clock::ticks;
use crate::frame::{self, Frame};
use crate::panics;
use crate::record::Ending;
use crate::site::Site;
use crate::thread::{self, Begun, Record};

/// Runs a body that moved into a closure. That it is asked for an `FnOnce` lets the body give away what it captured,
/// as a function's may.
#[inline(always)]
pub fn call_once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// A synchronous call: begins at [`enter`], ends when it is dropped at the latest.
pub struct Call {
    entered: Option<Entered>,
    // It belongs to the thread it began on.
    not_send: PhantomData<*mut ()>,
}

struct Entered {
    before: Frame,
    open: Option<Open>,
}

struct Open {
    agent_id: u64,
    call_id: u64,
    panics: u32,
    was_panicking: bool,
}

/// Begins a call of a function that is on.
#[cold]
#[inline(never)]
pub fn enter(site: &'static Site, values: &mut dyn FnMut(&mut crate::value::Recorder)) -> Call {
    let entered = thread::begin(site, values, true).map(|begun| match begun {
        Begun::Captured { agent_id, frame } => {
            let (panics, was_panicking) = (panics::count(), std::thread::panicking());
            let open = Open { agent_id, call_id: frame.call_id, panics, was_panicking };
            Entered { before: frame::replace(frame), open: Some(open) }
        }
        Begun::Suppressed { frame } => Entered { before: frame::replace(frame), open: None },
    });
    Call { entered, not_send: PhantomData }
}

impl Call {
    /// A call that is not captured.
    #[inline(always)]
    pub const fn off() -> Self {
        Self { entered: None, not_send: PhantomData }
    }

    /// Whether what it gives is to be captured.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        self.entered.is_some()
    }

    /// The function returned.
    #[cold]
    #[inline(never)]
    pub fn returned(mut self, value: Record<'_>) {
        self.end(Ending::Returned, value);
    }

    /// The function returned `Err`.
    #[cold]
    #[inline(never)]
    pub fn failed(mut self, error: Record<'_>) {
        self.end(Ending::Error, error);
    }

    fn end(&mut self, ending: Ending, value: Record<'_>) {
        if let Some(open) = self.entered.as_mut().and_then(|entered| entered.open.take()) {
            thread::end(open.agent_id, open.call_id, ending, value);
        }
    }

    #[cold]
    #[inline(never)]
    fn leave(&mut self) {
        let Some(entered) = &mut self.entered else { return };
        if let Some(open) = entered.open.take() {
            if std::thread::panicking() && !open.was_panicking {
                panics::last_since(open.panics, |message, place| {
                    let value: Record<'_> = &mut |out| out.panic(message, place);
                    thread::end(open.agent_id, open.call_id, Ending::Panicked, value);
                });
            } else {
                thread::end(open.agent_id, open.call_id, Ending::Returned, &mut |_| {});
            }
        }
        frame::replace(entered.before);
    }
}

impl Drop for Call {
    #[inline(always)]
    fn drop(&mut self) {
        if self.entered.is_some() {
            self.leave();
        }
    }
}

/// An async call: begins when its future is polled first, ends when that is ready, panics or is dropped.
pub struct AsyncCall {
    entered: Option<Box<AsyncEntered>>,
}

struct AsyncEntered {
    frame: Frame,
    open: Option<AsyncOpen>,
}

struct AsyncOpen {
    agent: Arc<Agent>,
    /// Ticks in which it was polled.
    busy: u64,
}

/// Begins an async call of a function that is on.
#[cold]
#[inline(never)]
pub fn enter_async(site: &'static Site, values: &mut dyn FnMut(&mut crate::value::Recorder)) -> AsyncCall {
    let entered = thread::begin(site, values, false).map(|begun| {
        Box::new(match begun {
            Begun::Captured { frame, .. } => {
                let open = thread::current_agent().map(|agent| AsyncOpen { agent, busy: 0 });
                AsyncEntered { frame, open }
            }
            Begun::Suppressed { frame } => AsyncEntered { frame, open: None },
        })
    });
    AsyncCall { entered }
}

impl AsyncCall {
    /// A call that is not captured.
    #[inline(always)]
    pub const fn off() -> Self {
        Self { entered: None }
    }

    /// Runs the function's body as part of this call. Gives the call back with what the body gives.
    #[inline(always)]
    pub fn run<F: Future>(self, body: F) -> Running<F> {
        Running { body, call: self }
    }

    /// Whether what it gives is to be captured.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        self.entered.is_some()
    }

    /// The function returned.
    #[cold]
    #[inline(never)]
    pub fn returned(mut self, value: Record<'_>) {
        self.end(Ending::Returned, value);
    }

    /// The function returned `Err`.
    #[cold]
    #[inline(never)]
    pub fn failed(mut self, error: Record<'_>) {
        self.end(Ending::Error, error);
    }

    fn end(&mut self, ending: Ending, value: Record<'_>) {
        if let Some(entered) = &mut self.entered
            && let Some(open) = entered.open.take()
        {
            thread::end_anywhere(&open.agent, entered.frame.call_id, None, open.busy, ending, value);
        }
    }
}

impl Drop for AsyncCall {
    #[inline(always)]
    fn drop(&mut self) {
        if self.entered.is_some() {
            self.end(Ending::Cancelled, &mut |_| {});
        }
    }
}

/// The body of an async function that may be captured.
pub struct Running<F> {
    body: F,
    call: AsyncCall,
}

impl<F: Future> Future for Running<F> {
    type Output = (F::Output, AsyncCall);

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `body` is structurally pinned: it is never moved out of `self`, `Running` has no `Drop` of its own,
        // is `Unpin` only if the body is, and is not packed. `call` is never pinned.
        let (body, call) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.body), &mut this.call)
        };
        let polled = match &mut call.entered {
            None => body.poll(context),
            Some(_) => call.poll(|| body.poll(context)),
        };
        polled.map(|output| (output, AsyncCall { entered: call.entered.take() }))
    }
}

impl AsyncCall {
    #[cold]
    #[inline(never)]
    fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let frame = self.entered.as_ref().map_or(Frame::NONE, |entered| entered.frame);
        let (panics, was_panicking) = (panics::count(), std::thread::panicking());
        let _poll = Polled { call: self, before: frame::replace(frame), began: ticks(), panics, was_panicking };
        poll()
    }
}

/// One poll of a call's body; its end, also by a panic.
struct Polled<'a> {
    call: &'a mut AsyncCall,
    before: Frame,
    began: u64,
    panics: u32,
    was_panicking: bool,
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        if let Some(open) = self.call.entered.as_mut().and_then(|entered| entered.open.as_mut()) {
            // Ticks of different cores may differ, and a thread may have moved.
            open.busy = open.busy.saturating_add(ticks().saturating_sub(self.began));
        }
        if std::thread::panicking() && !self.was_panicking {
            panics::last_since(self.panics, |message, place| {
                self.call.end(Ending::Panicked, &mut |out| out.panic(message, place));
            });
        }
        frame::replace(self.before);
    }
}
