//! Calls under way. The code made by `#[glasshull::trace]` holds one of these while the function runs.

use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};

use crate::frame::{self, Frame, Here, TraceId, here};
use crate::panics;
use crate::record::Ending;
use crate::site::Site;
use crate::thread::{self, Begun, EasyCall, End, Hold};
use crate::value::{Recorder, Word};

/// Runs a body that moved into a closure. That it is asked for an `FnOnce` lets the body give away what it captured,
/// as a function's may.
#[inline(always)]
pub fn call_once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Runs a call, captured or not, each in code of its own.
#[inline(always)]
pub fn either<R>(on: bool, call: impl FnOnce(bool) -> R) -> R {
    if on {
        // In a place of its own: what is put there is put there where it is needed, and stays in registers where not.
        let mut call = ManuallyDrop::new(call);
        // SAFETY: it is not used afterwards.
        unsafe { captured(&mut call) }
    } else {
        call(false)
    }
}

/// # Safety
/// The closure is not used afterwards.
#[cold]
#[inline(never)]
unsafe fn captured<R>(call: &mut ManuallyDrop<impl FnOnce(bool) -> R>) -> R {
    // SAFETY: the caller keeps to it.
    let call = unsafe { ManuallyDrop::take(call) };
    call(true)
}

/// The beginning of a call of a function that is on, while its arguments are recorded.
pub struct Entering(Option<Hold>);

impl Entering {
    /// Nothing is to be captured.
    pub(crate) const NOTHING: Self = Self(None);
}

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
        let was_panicking = std::thread::panicking();
        // SAFETY: `self` holds the capture; it is ended when it is dropped.
        match unsafe { thread::finish_easy_begin(hold) } {
            Some(call) => here(|here| Call::inside(here, &call, was_panicking)),
            None => self.begin_otherwise(hold),
        }
    }

    #[cold]
    #[inline(never)]
    fn begin_otherwise(self, hold: Hold) -> Call {
        here(|here| {
            // SAFETY: as above.
            match unsafe { thread::finish_begin(here, hold, true) } {
                Begun::Captured { agent_id, site, call_id, trace_id } => {
                    let call = EasyCall { agent_id, site, call_id };
                    match here.is_inside_call() {
                        true => Call::inside(here, &call, std::thread::panicking()),
                        false => Call::root(here, &call, trace_id),
                    }
                }
                Begun::Suppressed { refused } => Call::suppressed(here, refused),
                Begun::Lost => Call::off(),
            }
        })
    }

    /// Begins a call that may end on any thread: what is around the calls inside it; and the agent and the function,
    /// unless they are only to be suppressed.
    pub(crate) fn begin_anywhere(self) -> Option<(Frame, Option<(u64, u32)>)> {
        let hold = self.0?;
        let around = frame::current();
        // SAFETY: as above.
        match here(|here| unsafe { thread::finish_begin(here, hold, false) }) {
            Begun::Captured { agent_id, site, call_id, trace_id } => {
                let frame = Frame { trace_id, call_id, depth: around.depth + 1, remote: false, ..around };
                Some((frame, Some((agent_id, site))))
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
    /// It is a request's first call, or the decision at that place.
    is_root: bool,
    panics: u32,
    site: u32,
    agent_id: u64,
    call_id: u64,
    /// The capture, while what it gave is being recorded.
    hold: MaybeUninit<Hold>,
    /// What was around, of any call that is not off.
    before: MaybeUninit<Frame>,
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
    Ending,
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
            is_root: false,
            panics: 0,
            site: 0,
            agent_id: 0,
            call_id: 0,
            hold: MaybeUninit::uninit(),
            before: MaybeUninit::uninit(),
            not_send: PhantomData,
        }
    }

    #[inline(always)]
    fn inside(here: &Here, call: &EasyCall, was_panicking: bool) -> Self {
        let mut inside = Self::open(call, false, was_panicking);
        inside.before = MaybeUninit::new(here.frame());
        here.go_down(call.call_id);
        inside
    }

    #[cold]
    fn root(here: &Here, call: &EasyCall, trace_id: TraceId) -> Self {
        let before = here.frame();
        let call_id = call.call_id;
        here.set_frame(&Frame { trace_id, call_id, depth: before.depth + 1, remote: false, ..before });
        let mut root = Self::open(call, true, std::thread::panicking());
        root.before = MaybeUninit::new(before);
        root
    }

    #[inline(always)]
    fn open(call: &EasyCall, is_root: bool, was_panicking: bool) -> Self {
        let EasyCall { agent_id, site, call_id } = *call;
        Self {
            state: State::Open,
            was_panicking,
            is_root,
            panics: panics::count(),
            site,
            agent_id,
            call_id,
            hold: MaybeUninit::uninit(),
            before: MaybeUninit::uninit(),
            not_send: PhantomData,
        }
    }

    #[cold]
    fn suppressed(here: &Here, refused: u64) -> Self {
        let before = here.frame();
        here.set_frame(&suppressed(&before, refused));
        let mut call = Self::off();
        (call.state, call.is_root, call.before) = (State::Suppressing, true, MaybeUninit::new(before));
        call
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

    #[inline(always)]
    fn ending(&mut self, ending: Ending) -> Option<&mut Recorder> {
        if self.state != State::Open {
            return None;
        }
        let Self { agent_id, site, call_id, .. } = *self;
        let end = End { agent_id, site, call_id, busy: 0, ending };
        let hold = here(
            #[inline(always)]
            |here| thread::end(here, &end),
        );
        let Some(hold) = hold else {
            self.state = State::Ended;
            return None;
        };
        (self.state, self.hold) = (State::Ending, MaybeUninit::new(hold));
        // SAFETY: `self` holds the capture, and lends what it gives.
        Some(unsafe { thread::end_recorder(hold) })
    }

    /// The same for ends that are rare.
    #[cold]
    #[inline(never)]
    fn ending_otherwise(&mut self, ending: Ending) -> Option<&mut Recorder> {
        self.ending(ending)
    }

    /// The function returned this: all that is to be done, at once.
    #[cold]
    #[inline(never)]
    pub fn end_with(&mut self, word: Word) {
        let Self { agent_id, call_id, .. } = *self;
        let written = here(
            #[inline(always)]
            |here| {
                let written = self.state == State::Open && thread::end_easily(here, agent_id, call_id, word);
                if written {
                    // SAFETY: that of a call that is open is known.
                    self.go_back(here, unsafe { self.before.assume_init_ref() });
                }
                written
            },
        );
        match written {
            true => self.state = State::Off,
            false => self.end_otherwise_with(word),
        }
    }

    #[cold]
    #[inline(never)]
    fn end_otherwise_with(&mut self, word: Word) {
        if let Some(out) = self.ending(Ending::Returned) {
            out.word(word);
        }
        self.finish();
    }

    /// What it gave is recorded.
    #[cold]
    #[inline(never)]
    pub fn finish(&mut self) {
        here(|here| {
            if self.state == State::Ending {
                // SAFETY: `self` holds the capture; nothing lent is in use.
                unsafe { thread::finish_end(self.hold.assume_init()) };
                here.end_capture();
            }
            if self.state != State::Off {
                // SAFETY: that of a call that is not off is known.
                self.go_back(here, unsafe { self.before.assume_init_ref() });
                self.state = State::Off;
            }
        });
    }

    /// Whoever entered something inside, and did not leave it, is forgotten.
    #[inline(always)]
    fn go_back(&self, here: &Here, before: &Frame) {
        match !self.is_root && here.call_id.get() == self.call_id {
            true => here.go_up(before.call_id),
            false => here.set_frame(before),
        }
    }

    /// Ends otherwise than by returning.
    #[cold]
    #[inline(never)]
    fn leave(&mut self) {
        if std::thread::panicking() && !self.was_panicking {
            panics::last_since(self.panics, |message, place| {
                if let Some(out) = self.ending_otherwise(Ending::Panicked) {
                    out.panic(message, place);
                }
            });
        } else {
            let _ = self.ending_otherwise(Ending::Returned);
        }
        self.finish();
    }
}

impl Drop for Call {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_open() {
            self.leave();
        }
    }
}
