//! Calls under way. The code made by `#[glasshull::trace]` holds one of these while the function runs.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::clock::ticks;
use crate::frame::{self, Frame, Here, TraceId, here};
use crate::panics;
use crate::record::Ending;
use crate::site::Site;
use crate::thread::{self, Begun, Hold};
use crate::value::Recorder;

/// Runs a body that moved into a closure. That it is asked for an `FnOnce` lets the body give away what it captured,
/// as a function's may.
#[inline(always)]
pub fn call_once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// The beginning of a call of a function that is on, while its arguments are recorded.
pub struct Entering(Option<Hold>);

/// Looks whether a call is to be captured.
#[cold]
#[inline(never)]
pub fn enter(site: &'static Site) -> Entering {
    Entering(here(|here| thread::begin(here, site)))
}

impl Entering {
    /// Where the arguments go, if they are wanted.
    #[inline(always)]
    pub fn recorder(&mut self) -> Option<&mut Recorder> {
        // SAFETY: `self` holds the capture, and lends what it gives.
        self.0.and_then(|hold| unsafe { thread::recorder(hold) })
    }

    /// Begins the call of a synchronous function.
    #[cold]
    #[inline(never)]
    pub fn begin(self) -> Call {
        let Some(hold) = self.0 else { return Call::off() };
        here(|here| {
            // SAFETY: `self` holds the capture; it is ended when it is dropped.
            match unsafe { thread::finish_begin(here, hold, true) } {
                Begun::Captured { agent_id, call_id, trace_id } => Call::captured(here, agent_id, call_id, trace_id),
                Begun::Suppressed { refused } => Call::suppressed(here, refused),
                Begun::Lost => Call::off(),
            }
        })
    }

    /// Begins the call of an async function.
    #[cold]
    #[inline(never)]
    pub fn begin_async(self) -> AsyncCall {
        let Some((frame, agent_id)) = self.begin_anywhere() else { return AsyncCall::off() };
        let open = agent_id.map(|agent_id| AsyncOpen { agent_id, busy: 0, ending: None });
        AsyncCall { entered: Some(Box::new(AsyncEntered { frame, open })) }
    }

    /// Begins a call that may end on any thread: what is around the calls inside it; and the agent, unless they are only
    /// to be suppressed.
    pub(crate) fn begin_anywhere(self) -> Option<(Frame, Option<u64>)> {
        let hold = self.0?;
        let around = frame::current();
        // SAFETY: as above.
        match here(|here| unsafe { thread::finish_begin(here, hold, false) }) {
            Begun::Captured { agent_id, call_id, trace_id } => {
                let frame = Frame { trace_id, call_id, depth: around.depth + 1, remote: false, ..around };
                Some((frame, Some(agent_id)))
            }
            Begun::Suppressed { refused } => Some((suppressed(&around, refused), None)),
            Begun::Lost => None,
        }
    }
}

impl Drop for Entering {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.is_some() {
            here(Here::end_capture);
        }
    }
}

fn suppressed(around: &Frame, refused: u64) -> Frame {
    Frame { call_id: 0, remote: false, refused, ..*around }
}

/// A synchronous call: begins at [`Entering::begin`], ends when it is dropped at the latest.
pub struct Call {
    state: State,
    was_panicking: bool,
    panics: u32,
    agent_id: u64,
    call_id: u64,
    /// The call around, of a call inside one.
    around: u64,
    /// What a request's first call found; of others nothing.
    before: Option<Frame>,
    hold: Option<Hold>,
    // It belongs to the thread it began on.
    not_send: PhantomData<*mut ()>,
}

/// How far a call is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is not captured, or it has ended.
    Off,
    /// Nothing below it is captured.
    Suppressing,
    Open,
    /// What it gave is being recorded.
    Ending(Ending),
    /// Its end is recorded; its frame is to be left.
    Ended,
}

impl Call {
    /// A call that is not captured.
    #[inline(always)]
    pub const fn off() -> Self {
        Self {
            state: State::Off,
            was_panicking: false,
            panics: 0,
            agent_id: 0,
            call_id: 0,
            around: 0,
            before: None,
            hold: None,
            not_send: PhantomData,
        }
    }

    #[inline]
    fn captured(here: &Here, agent_id: u64, call_id: u64, trace_id: TraceId) -> Self {
        let (around, before) = match here.is_inside_call() {
            true => {
                let around = here.call_id.get();
                here.go_down(call_id);
                (around, None)
            }
            false => (0, Some(go_into(here, call_id, trace_id))),
        };
        Self {
            state: State::Open,
            was_panicking: std::thread::panicking(),
            panics: panics::count(),
            agent_id,
            call_id,
            around,
            before,
            ..Self::off()
        }
    }

    #[cold]
    fn suppressed(here: &Here, refused: u64) -> Self {
        let before = here.frame();
        here.set_frame(&suppressed(&before, refused));
        Self { state: State::Suppressing, before: Some(before), ..Self::off() }
    }

    /// Whether what it gives is to be captured.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        self.state != State::Off
    }

    /// The function returned, and whether `Err`: where that goes, if it is wanted. [`Self::finish`] is to follow.
    #[cold]
    #[inline(never)]
    pub fn end(&mut self, is_error: bool) -> Option<&mut Recorder> {
        self.ending(if is_error { Ending::Error } else { Ending::Returned })
    }

    #[inline]
    fn ending(&mut self, ending: Ending) -> Option<&mut Recorder> {
        if self.state != State::Open {
            return None;
        }
        self.hold = here(|here| thread::end(here, self.agent_id));
        self.state = if self.hold.is_some() { State::Ending(ending) } else { State::Ended };
        // SAFETY: `self` holds the capture, and lends what it gives.
        self.hold.map(|hold| unsafe { thread::end_recorder(hold) })
    }

    /// What it gave is recorded.
    #[cold]
    #[inline(never)]
    pub fn finish(&mut self) {
        here(|here| {
            if let (State::Ending(ending), Some(hold)) = (self.state, self.hold) {
                // SAFETY: `self` holds the capture; nothing lent is in use.
                unsafe { thread::finish_end(hold, self.call_id, 0, ending) };
                here.end_capture();
            }
            match &self.before {
                None => here.go_up(self.around),
                Some(before) => here.set_frame(before),
            }
            self.state = State::Off;
        });
    }

    /// Ends otherwise than by returning.
    #[cold]
    #[inline(never)]
    fn leave(&mut self) {
        if std::thread::panicking() && !self.was_panicking {
            panics::last_since(self.panics, |message, place| {
                if let Some(out) = self.ending(Ending::Panicked) {
                    out.panic(message, place);
                }
            });
        } else {
            let _ = self.ending(Ending::Returned);
        }
        self.finish();
    }
}

/// Goes into the first call of a request; gives what was before.
#[cold]
fn go_into(here: &Here, call_id: u64, trace_id: TraceId) -> Frame {
    let before = here.frame();
    here.set_frame(&Frame { trace_id, call_id, depth: before.depth + 1, remote: false, ..before });
    before
}

impl Drop for Call {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_open() {
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
    agent_id: u64,
    /// Ticks in which it was polled.
    busy: u64,
    /// How it ends, while what it gave is being recorded.
    ending: Option<Ending>,
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

    /// The function returned, and whether `Err`: where that goes, if it is wanted. [`Self::finish`] is to follow.
    #[cold]
    #[inline(never)]
    pub fn end(&mut self, is_error: bool) -> Option<&mut Recorder> {
        self.ending(if is_error { Ending::Error } else { Ending::Returned })
    }

    fn ending(&mut self, ending: Ending) -> Option<&mut Recorder> {
        let open = self.entered.as_mut()?.open.as_mut()?;
        if open.ending.is_some() {
            return None;
        }
        let agent_id = open.agent_id;
        let Some(hold) = here(|here| thread::end_anywhere(here, agent_id, ticks())) else {
            self.end_outside(ending);
            return None;
        };
        open.ending = Some(ending);
        // SAFETY: the capture is under way until `finish`, and `self` lends what it gives.
        Some(unsafe { thread::end_recorder(hold) })
    }

    /// What it gave is recorded.
    #[cold]
    #[inline(never)]
    pub fn finish(&mut self) {
        let ending = self.entered.as_ref().and_then(|entered| entered.open.as_ref()?.ending);
        if let Some(ending) = ending
            && !here(|here| self.write_end(here, ending))
        {
            self.end_outside(ending);
        }
        self.entered = None;
    }

    fn write_end(&self, here: &Here, ending: Ending) -> bool {
        let Some(AsyncEntered { frame, open: Some(open) }) = self.entered.as_deref() else { return true };
        let hold = thread::find_of(here, open.agent_id);
        // SAFETY: the capture is under way, and nothing lent is in use.
        let written = hold.is_some_and(|hold| unsafe { thread::finish_end(hold, frame.call_id, open.busy, ending) });
        here.end_capture();
        written
    }

    /// The end has no place in a ring.
    #[cold]
    fn end_outside(&mut self, ending: Ending) {
        if let Some(entered) = &mut self.entered
            && let Some(open) = entered.open.take()
        {
            thread::end_outside(open.agent_id, entered.frame.call_id, ticks(), open.busy, ending);
        }
    }
}

impl Drop for AsyncCall {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_open() {
            self.cancel();
        }
    }
}

impl AsyncCall {
    #[cold]
    #[inline(never)]
    fn cancel(&mut self) {
        let _ = self.ending(Ending::Cancelled);
        self.finish();
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
                if let Some(out) = self.call.ending(Ending::Panicked) {
                    out.panic(message, place);
                }
                self.call.finish();
            });
        }
        frame::replace(self.before);
    }
}
