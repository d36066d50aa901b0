//! What the running code is part of: the captured call around it, or the decision that nothing is captured.

use std::cell::Cell;

/// The place of the running code in a trace. Small, copied at each captured call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// All zero: none yet.
    pub(crate) trace_id: [u8; 16],
    /// The captured call around; 0: none.
    pub(crate) call_id: u64,
    /// Number of captured calls around.
    pub(crate) depth: u32,
    /// The call around runs in another process.
    pub(crate) remote: bool,
    /// The probes that decided not to capture this request, by [`bit`](crate::probe::Probe::bit).
    pub(crate) refused: u64,
}

impl Frame {
    /// Nothing is decided.
    pub(crate) const NONE: Self = Self { trace_id: [0; 16], call_id: 0, depth: 0, remote: false, refused: 0 };

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

thread_local! {
    // Both need no destructor, so they can be used as long as the thread runs.
    static CURRENT: Cell<Frame> = const { Cell::new(Frame::NONE) };
    static CAPTURING: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn current() -> Frame {
    CURRENT.get()
}

/// Sets the frame and returns the one before.
pub(crate) fn replace(frame: Frame) -> Frame {
    CURRENT.replace(frame)
}

/// Whether this thread is inside the code of a value that is being captured: calls in there are not.
pub(crate) fn is_capturing() -> bool {
    CAPTURING.get()
}

/// Marks the time in which user code of values runs.
pub(crate) struct Capturing(());

impl Capturing {
    pub(crate) fn begin() -> Self {
        CAPTURING.set(true);
        Self(())
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        CAPTURING.set(false);
    }
}
