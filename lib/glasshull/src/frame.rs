//! What the running code is part of: the captured call around it, or the decision that nothing is captured.

use std::cell::Cell;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::thread::Local;

/// A trace's id: its 16 bytes as two words, little-endian.
pub(crate) type TraceId = [u64; 2];

/// A trace's id from its bytes.
pub(crate) fn trace_of(bytes: [u8; 16]) -> TraceId {
    let whole = u128::from_le_bytes(bytes);
    [whole as u64, (whole >> 64) as u64]
}

/// The bytes of a trace's id.
pub(crate) fn trace_bytes([first, second]: TraceId) -> [u8; 16] {
    (u128::from(first) | u128::from(second) << 64).to_le_bytes()
}

/// No trace has it.
pub(crate) const NO_TRACE: TraceId = [0; 2];

/// The place of the running code in a trace. Small, copied at each captured call.
///
/// What is written often does not lie beside what is seldom written, here or in [`Here`]: read together they would have to
/// wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Frame {
    /// Zero: none yet.
    pub(crate) trace_id: TraceId,
    /// The probes that decided not to capture this request, by [`bit`](crate::probe::Probe::bit).
    pub(crate) refused: u64,
    /// The captured call around; 0: none.
    pub(crate) call_id: u64,
    /// Number of captured calls around.
    pub(crate) depth: u32,
    /// The call around runs in another process.
    pub(crate) remote: bool,
}

impl Frame {
    /// Nothing is decided.
    pub(crate) const NONE: Self = Self { trace_id: NO_TRACE, call_id: 0, depth: 0, remote: false, refused: 0 };

    pub(crate) fn is_captured(&self) -> bool {
        self.call_id != 0
    }

    pub(crate) fn is_suppressed(&self) -> bool {
        self.call_id == 0 && self.refused != 0
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::NONE
    }
}

/// What a thread has at hand without looking for it. It needs no destructor, so it can be used as long as the thread
/// runs. The parts of the frame lie apart, as a call inside a captured one changes two of them only.
#[repr(C)]
pub(crate) struct Here {
    trace_id: [Cell<u64>; 2],
    refused: Cell<u64>,
    /// What the agent of the running code has of this thread, or null where that must be looked for.
    pub(crate) local: Cell<*mut Local>,
    pub(crate) call_id: Cell<u64>,
    depth: Cell<u32>,
    remote: Cell<bool>,
    /// Panics of this thread so far.
    pub(crate) panics: Cell<u32>,
    /// A value is being captured: its own code runs, and what the agent has of this thread is in use. Calls in there are
    /// not captured, nor are those of a signal handler that comes in between.
    capturing: Cell<bool>,
}

thread_local! {
    static HERE: Here = const {
        Here {
            trace_id: [const { Cell::new(0) }; 2],
            refused: Cell::new(0),
            local: Cell::new(std::ptr::null_mut()),
            call_id: Cell::new(0),
            depth: Cell::new(0),
            remote: Cell::new(false),
            panics: Cell::new(0),
            capturing: Cell::new(false),
        }
    };
}

/// Uses what this thread has at hand.
#[inline(always)]
pub(crate) fn here<T>(work: impl FnOnce(&Here) -> T) -> T {
    let here = HERE.with(std::ptr::from_ref);
    // SAFETY: it has no destructor, so it is there as long as the thread runs; the reference stays on the thread, and in
    // here. (What is given to `with` itself is not always inlined.)
    work(unsafe { &*here })
}

pub(crate) fn current() -> Frame {
    here(Here::frame)
}

/// Sets the frame and returns the one before.
pub(crate) fn replace(frame: Frame) -> Frame {
    here(|here| {
        let before = here.frame();
        here.set_frame(&frame);
        before
    })
}

/// Whether this thread is inside the code of a value that is being captured: calls in there are not.
pub(crate) fn is_capturing() -> bool {
    here(|here| here.capturing.get())
}

impl Here {
    #[inline]
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            trace_id: self.trace_id(),
            call_id: self.call_id.get(),
            depth: self.depth.get(),
            remote: self.remote.get(),
            refused: self.refused.get(),
        }
    }

    #[inline]
    pub(crate) fn set_frame(&self, frame: &Frame) {
        let Frame { trace_id, call_id, depth, remote, refused } = *frame;
        self.trace_id[0].set(trace_id[0]);
        self.trace_id[1].set(trace_id[1]);
        self.call_id.set(call_id);
        self.depth.set(depth);
        self.remote.set(remote);
        self.refused.set(refused);
    }

    /// Whether the running code is part of a call that was captured in this process.
    #[inline]
    pub(crate) fn is_inside_call(&self) -> bool {
        self.call_id.get() != 0 && !self.remote.get()
    }

    #[inline]
    pub(crate) fn trace_id(&self) -> TraceId {
        [self.trace_id[0].get(), self.trace_id[1].get()]
    }

    #[inline]
    pub(crate) fn depth(&self) -> u32 {
        self.depth.get()
    }

    /// Goes into a call inside the present one.
    #[inline]
    pub(crate) fn go_down(&self, call_id: u64) {
        self.call_id.set(call_id);
        self.depth.set(self.depth.get().wrapping_add(1));
    }

    /// Goes back from it.
    #[inline]
    pub(crate) fn go_up(&self, call_id: u64) {
        self.call_id.set(call_id);
        self.depth.set(self.depth.get().wrapping_sub(1));
    }

    /// Begins a capture, unless one is under way.
    #[inline]
    pub(crate) fn begin_capture(&self) -> bool {
        let is_first = !self.capturing.replace(true);
        // What a signal handler may change is read behind this.
        compiler_fence(Ordering::SeqCst);
        is_first
    }

    #[inline]
    pub(crate) fn end_capture(&self) {
        compiler_fence(Ordering::SeqCst);
        self.capturing.set(false);
    }
}
