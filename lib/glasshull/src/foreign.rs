//! What an adapter of another tracing library needs: functions that are made while the program runs, and calls whose end
//! may come on any thread. `glasshull-tracing` is made of it.
//!
//! It is hidden, and changes without notice: use the adapter.

mod fields;
mod functions;

use std::sync::Arc;

pub use fields::{Fields, Kept};
pub use functions::{Function, when_switched};
pub(crate) use functions::{functions, gates_may_have_moved, settle};

use crate::agent::{self, Agent};
use crate::call;
use crate::clock;
use crate::frame::{self, Frame, Here, here};
use crate::guard::Guard;
use crate::panics;
use crate::record::Ending;
use crate::thread;
use crate::value::Recorder;

thread_local! {
    static OURS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Marks this thread as the SDK's: what it logs is never captured, or capturing would feed itself.
pub(crate) fn this_thread_is_ours() {
    OURS.set(true);
}

/// Starts the process's agent as [`init`](crate::init) does, unless there is one. It runs until the program ends.
pub fn start_unless_running() {
    if agent::global().is_none() {
        std::mem::forget::<Guard>(crate::init());
    }
}

/// Ticks of the SDK's clock: where calls end.
pub fn now() -> u64 {
    clock::ticks()
}

/// A place in a trace: the call around, or the decision that nothing is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(Frame);

impl Place {
    /// Around the root of a trace.
    pub const NOWHERE: Self = Self(Frame::NONE);

    /// That of the running code.
    pub fn here() -> Self {
        Self(frame::current())
    }

    /// Whether it was decided that what happens here is captured, or that it is not.
    pub fn is_decided(&self) -> bool {
        self.0.is_captured() || self.0.is_suppressed()
    }

    /// Makes it the place of the running code; gives the one before.
    pub fn enter(self) -> Self {
        Self(frame::replace(self.0))
    }
}

/// A call under way, or the decision at a root that nothing below is captured. Dropped before [`Call::end`] it was
/// cancelled.
#[derive(Debug)]
pub struct Call {
    frame: Frame,
    /// The agent that captures it, and the function; until it has ended.
    by: Option<(u64, u32)>,
}

/// How a call ended.
#[derive(Debug)]
pub enum End {
    /// With the value it gave, where that is known.
    Returned(Option<Kept>),
    /// With the error it gave.
    Failed(Kept),
    /// With what the panic said.
    Panicked(Kept),
}

/// Begins a call below `parent`. None if it is not captured, and nothing is decided for what happens inside it.
pub fn begin(function: Function, parent: Place, values: &mut dyn FnMut(&mut Fields<'_>)) -> Option<Call> {
    if OURS.get() {
        return None;
    }
    let around = parent.enter();
    let mut entering = call::enter(function.site());
    if let Some(recorder) = entering.recorder() {
        let mut fields = Fields::of(recorder, function.arguments());
        values(&mut fields);
        fields.fill();
    }
    let begun = entering.begin_anywhere();
    around.enter();
    begun.map(|(frame, by)| Call { frame, by })
}

impl Call {
    /// Inside the call.
    pub fn place(&self) -> Place {
        Place(self.frame)
    }

    /// Whether it is captured, and has not ended.
    pub fn is_open(&self) -> bool {
        self.by.is_some()
    }

    /// For values that become known while it runs. None if it is not captured.
    pub fn keeper(&self) -> Option<Keeper> {
        self.by.and_then(|(agent_id, _)| thread::agent_of(agent_id)).map(Keeper)
    }

    /// The call ended at `ended`, and ran for `busy` ticks; 0 if it ran all the time. `later` are values that became
    /// known while it ran: they are told with what it gave.
    pub fn end(mut self, end: &End, later: &[(&'static str, Kept)], ended: u64, busy: u64) {
        let Some((agent_id, site)) = self.by.take() else { return };
        let (ending, value) = match end {
            End::Returned(value) => (Ending::Returned, fields::returned(value.as_ref(), later)),
            End::Failed(error) => (Ending::Error, fields::failed(error, later)),
            End::Panicked(panic) => (Ending::Panicked, fields::failed(panic, later)),
        };
        let value = value.as_ref().map(Kept::bytes);
        let call_id = self.frame.call_id;
        thread::end_with(&thread::End { agent_id, site, call_id, busy, ending }, ended, value);
    }
}

/// Writes values now that are told when their call ends.
#[derive(Clone, Debug)]
pub struct Keeper(Arc<Agent>);

impl Keeper {
    /// Writes a value. None where values cannot be captured.
    pub fn keep(&self, name: &'static str, write: &mut dyn FnMut(&mut Fields<'_>)) -> Option<Kept> {
        self.record(&[name], |recorder| write(&mut Fields::of(recorder, &[name])))
    }

    /// The same for the message of an error.
    pub fn keep_error(&self, error: &dyn std::fmt::Debug) -> Option<Kept> {
        self.record(&[], |recorder| recorder.message(format_args!("{error:?}")))
    }

    /// The same for the last panic of this thread.
    pub fn keep_panic(&self, since: Panics) -> Option<Kept> {
        self.record(&[], |recorder| panics::last_since(since.count, |message, place| recorder.panic(message, place)))
    }

    fn record(&self, names: &[&str], write: impl FnOnce(&mut Recorder)) -> Option<Kept> {
        // Where code of values runs already, that of another would not be contained.
        if !here(Here::begin_capture) {
            return None;
        }
        let _capturing = Capturing;
        Recorder::apart(&self.0.redaction, names, |recorder| {
            write(recorder);
            Kept::of(recorder)
        })
    }
}

/// A value is being written; until it is dropped.
struct Capturing;

impl Drop for Capturing {
    fn drop(&mut self) {
        here(Here::end_capture);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some((agent_id, site)) = self.by.take() {
            let call_id = self.frame.call_id;
            thread::end_with(&thread::End { agent_id, site, call_id, busy: 0, ending: Ending::Cancelled }, now(), None);
        }
    }
}

/// The panics of this thread up to a moment.
#[derive(Clone, Copy, Debug)]
pub struct Panics {
    count: u32,
    unwinding: bool,
}

impl Panics {
    /// Up to now.
    pub fn so_far() -> Self {
        Self { count: panics::count(), unwinding: std::thread::panicking() }
    }

    /// Whether a panic that came after it unwinds the thread now.
    pub fn is_another(self) -> bool {
        std::thread::panicking() && !self.unwinding
    }
}
