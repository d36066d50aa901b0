//! Async calls under way. The future made by `#[glasshull::trace]` holds one of these.
//!
//! What a future is made of is known to it alone, and where its values lie too: so the body itself records the arguments,
//! as the first thing it does. What is around it, and polls it, must learn of the call that began there: it offers a place
//! for it in a thread-local, just for that moment. Off, nothing of this happens, and the future holds one empty word.

use std::cell::Cell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr::{self, null, null_mut};
use std::task::{Context, Poll};

use crate::call::{Entering, enter};
use crate::clock::ticks;
use crate::frame::{self, Frame, Here, here};
use crate::panics;
use crate::record::Ending;
use crate::site::Site;
use crate::thread::{self, End};
use crate::value::{Recorder, Word};

/// An async call: begins when its future is polled first, ends when that is ready, panics or is dropped.
pub struct AsyncCall {
    /// None where it is not captured, or has ended. When it is dropped it ends, and leaves nothing to be dropped.
    entered: ManuallyDrop<Option<Box<AsyncEntered>>>,
}

struct AsyncEntered {
    frame: Frame,
    open: Option<AsyncOpen>,
}

struct AsyncOpen {
    agent_id: u64,
    site: u32,
    /// Ticks in which it was polled.
    busy: u64,
    /// When the present poll began, or the last one ended.
    since: u64,
    /// How it ends, while what it gave is being recorded.
    ending: Option<Ending>,
}

/// Where the call of a body that is about to be polled is to be put.
#[derive(Clone, Copy)]
struct Offer {
    call: *mut AsyncCall,
    site: *const Site,
    switches: u32,
}

impl Offer {
    const NONE: Self = Self { call: null_mut(), site: null(), switches: 0 };

    /// Offers a place, if it is free, until it is taken or withdrawn. That place.
    fn make(call: &mut AsyncCall, site: &'static Site) -> *mut AsyncCall {
        let is_free = !call.is_open();
        let call: *mut AsyncCall = call;
        if is_free {
            let switches = site.switches();
            // It may have been switched off since it was looked at, and counted already.
            let is_on = site.is_on();
            OFFER.set(if is_on { Self { call, site, switches } } else { Self::NONE });
        }
        call
    }

    /// The place for a call of this function, for whoever asks first.
    fn take(site: &'static Site) -> Option<*mut AsyncCall> {
        let Self { call, site: of, switches } = OFFER.replace(Self::NONE);
        // A body that found its function off has left its offer to others: calls of the same function inside it. They find
        // it on again after it was switched.
        (!call.is_null() && ptr::eq(of, site) && site.switches() == switches).then_some(call)
    }
}

thread_local! {
    static OFFER: Cell<Offer> = const { Cell::new(Offer::NONE) };
}

/// The beginning of an async call of a function that is on, while its arguments are recorded.
pub struct AsyncEntering {
    entering: Entering,
    call: *mut AsyncCall,
}

/// Looks whether a call is to be captured. For the body given to [`run`], before all else it does.
#[cold]
#[inline(never)]
pub fn enter_async(site: &'static Site) -> AsyncEntering {
    match Offer::take(site) {
        Some(call) => AsyncEntering { entering: enter(site), call },
        None => AsyncEntering { entering: Entering::NOTHING, call: null_mut() },
    }
}

impl AsyncEntering {
    /// Where the arguments go, if they are wanted.
    #[inline(always)]
    pub fn recorder(&mut self) -> Option<&mut Recorder> {
        self.entering.recorder()
    }

    /// Begins the call, with the poll that is under way.
    #[cold]
    #[inline(never)]
    pub fn begin(self) {
        let Some((frame, by)) = self.entering.begin_anywhere() else { return };
        let open = by.map(|(agent_id, site)| AsyncOpen { agent_id, site, busy: 0, since: ticks(), ending: None });
        // SAFETY: whoever polls this body offered it, and leaves it alone until the poll has ended.
        unsafe { (*self.call).entered = ManuallyDrop::new(Some(Box::new(AsyncEntered { frame, open }))) };
        frame::replace(frame);
    }
}

impl AsyncCall {
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

    /// The function returned this: all that is to be done.
    #[cold]
    #[inline(never)]
    pub fn end_with(&mut self, word: Word) {
        if let Some(out) = self.ending(Ending::Returned) {
            out.word(word);
        }
        self.finish();
    }

    fn ending(&mut self, ending: Ending) -> Option<&mut Recorder> {
        let entered = self.entered.as_mut()?;
        let open = entered.open.as_mut()?;
        if open.ending.is_some() {
            return None;
        }
        let end = open.end(entered.frame.call_id, ending);
        let Some(hold) = here(|here| thread::end_anywhere(here, &end, open.since)) else {
            thread::end_outside(&end, open.since);
            entered.open = None;
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
        if let Some(entered) = self.entered.take()
            && let Some(open) = &entered.open
            && let Some(ending) = open.ending
        {
            let end = open.end(entered.frame.call_id, ending);
            if !here(|here| write_end(here, &end)) {
                thread::end_outside(&end, open.since);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn cancel(&mut self) {
        if let Some(open) = self.entered.as_mut().and_then(|entered| entered.open.as_mut()) {
            open.since = ticks();
        }
        let _ = self.ending(Ending::Cancelled);
        self.finish();
    }
}

impl AsyncOpen {
    fn end(&self, call_id: u64, ending: Ending) -> End {
        let Self { agent_id, site, busy, .. } = *self;
        End { agent_id, site, call_id, busy, ending }
    }

    /// A poll ended. Ticks of different cores may differ, and a thread may have moved.
    fn was_polled(&mut self) {
        let now = ticks();
        self.busy = self.busy.saturating_add(now.saturating_sub(self.since));
        self.since = now;
    }
}

/// Ends the capture of an end.
fn write_end(here: &Here, end: &End) -> bool {
    let hold = thread::find_of(here, end.agent_id);
    // SAFETY: the capture is under way, and nothing lent is in use.
    let written = hold.is_some_and(|hold| unsafe { thread::finish_end(hold) });
    here.end_capture();
    written
}

impl Drop for AsyncCall {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_open() {
            self.cancel();
        }
    }
}

/// Begins a call in code of its own, so that a body that is off has as little of that in it as can be.
#[cold]
#[inline(never)]
pub fn begin_apart(begin: impl FnOnce()) {
    begin();
}

/// Runs the body of an async function, which begins the call by [`enter_async`] if it is to be captured; `finish` captures
/// what it gave.
#[inline(always)]
pub fn run<S, F, E>(site: S, body: F, finish: E) -> Running<S, F, E>
where
    S: Fn() -> &'static Site,
    F: Future,
    E: Fn(&F::Output, &mut AsyncCall),
{
    Running { body, call: AsyncCall { entered: ManuallyDrop::new(None) }, site, finish }
}

/// The body of an async function that may be captured.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Running<S, F, E> {
    body: F,
    call: AsyncCall,
    // Both are closures that hold nothing.
    site: S,
    finish: E,
}

impl<S, F, E> Future for Running<S, F, E>
where
    S: Fn() -> &'static Site,
    F: Future,
    E: Fn(&F::Output, &mut AsyncCall),
{
    type Output = F::Output;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `body` is structurally pinned: it is never moved out of `self`, `Running` has no `Drop` of its own,
        // is `Unpin` only if the body is, and is not packed. The others are never pinned.
        let (body, call, site, finish) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.body), &mut this.call, (this.site)(), &this.finish)
        };
        if call.is_open() || site.is_on() {
            poll_captured(body, call, site, finish, context)
        } else {
            body.poll(context)
        }
    }
}

#[cold]
#[inline(never)]
fn poll_captured<F: Future>(
    body: Pin<&mut F>,
    call: &mut AsyncCall,
    site: &'static Site,
    finish: &impl Fn(&F::Output, &mut AsyncCall),
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    let polling = Polling::begin(call, site);
    let polled = body.poll(context);
    drop(polling);
    if let Poll::Ready(output) = &polled
        && call.is_open()
    {
        finish(output, call);
    }
    polled
}

impl AsyncEntered {
    /// Goes inside the call. What was around.
    fn enter(&mut self) -> Frame {
        if let Some(open) = &mut self.open {
            open.since = ticks();
        }
        frame::replace(self.frame)
    }
}

/// One poll of a body; its end, also by a panic, when it is dropped.
struct Polling {
    /// The call it is part of, or may become part of. It is left alone meanwhile, but for what [`AsyncEntering::begin`]
    /// does.
    call: *mut AsyncCall,
    /// What was around.
    frame: Frame,
    panics: u32,
    was_panicking: bool,
}

impl Polling {
    fn begin(call: &mut AsyncCall, site: &'static Site) -> Self {
        let frame = match &mut *call.entered {
            Some(entered) => entered.enter(),
            None => frame::current(),
        };
        let (panics, was_panicking) = (panics::count(), std::thread::panicking());
        Self { call: Offer::make(call, site), frame, panics, was_panicking }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        OFFER.set(Offer::NONE);
        // SAFETY: it is borrowed exclusively for longer than this, and nobody else uses it now.
        let call = unsafe { &mut *self.call };
        if let Some(open) = call.entered.as_mut().and_then(|entered| entered.open.as_mut()) {
            open.was_polled();
        }
        if std::thread::panicking() && !self.was_panicking {
            panics::last_since(self.panics, |message, place| {
                if let Some(out) = call.ending(Ending::Panicked) {
                    out.panic(message, place);
                }
                call.finish();
            });
        }
        frame::replace(self.frame);
    }
}
