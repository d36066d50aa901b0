//! Which captured spans this thread is inside of, so that the calls around and inside them nest: entering a span makes
//! its place that of the running code, leaving it brings back the one before, in whatever order that happens.

use std::cell::RefCell;

use glasshull::foreign::{self, Panics, Place};
use tracing_core::span::Id;

/// Captured spans one thread is inside of at a time. Beyond, the tree below is that of the last one.
const MAX_ENTERED: usize = 1024;

/// Spans that were left while a call inside them went on, and are remembered until it is over.
const MAX_LEFT: usize = 16;

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread { entered: Vec::new(), left: Vec::new() }) };
}

#[derive(Default)]
struct Thread {
    entered: Vec<Entered>,
    /// Of spans that were left: their place, and the one before.
    left: Vec<(Place, Place)>,
}

struct Entered {
    span: Id,
    place: Place,
    before: Place,
    began: u64,
    panics: Panics,
}

/// One stay in a span, over now.
pub(crate) struct Stay {
    /// Ticks for which the thread was in it; none if it still is, as it entered it twice.
    pub(crate) busy: u64,
    /// When it was left.
    pub(crate) ended: u64,
    /// A panic led out of it.
    pub(crate) panicked: Option<Panics>,
}

/// The place of the running code.
pub(crate) fn here() -> Place {
    with(|thread| thread.heal());
    Place::here()
}

/// The thread enters a span.
pub(crate) fn enter(span: &Id, place: Place) {
    with(|thread| {
        thread.heal();
        if thread.entered.len() < MAX_ENTERED {
            let before = place.enter();
            let (began, panics) = (foreign::now(), Panics::so_far());
            thread.entered.push(Entered { span: span.clone(), place, before, began, panics });
        }
    });
}

/// The thread leaves a span. None if it was not in it.
pub(crate) fn leave(span: &Id) -> Option<Stay> {
    let ended = foreign::now();
    with(|thread| {
        let at = thread.entered.iter().rposition(|entered| entered.span == *span)?;
        let left = thread.entered.remove(at);
        match thread.entered.get_mut(at) {
            // The span entered after it was left after it.
            Some(next) => next.before = left.before,
            None => thread.go_back(&left),
        }
        let is_inside = thread.entered.iter().any(|entered| entered.span == *span);
        let busy = if is_inside { 0 } else { ended.saturating_sub(left.began).max(1) };
        Some(Stay { busy, ended, panicked: Some(left.panics).filter(|panics| panics.is_another()) })
    })?
}

/// The span is closed: whoever forgot to leave it has left it.
pub(crate) fn forget(span: &Id) {
    while leave(span).is_some() {}
}

fn with<T>(work: impl FnOnce(&mut Thread) -> T) -> Option<T> {
    THREAD.try_with(|thread| thread.try_borrow_mut().ok().map(|mut thread| work(&mut thread))).ok().flatten()
}

impl Thread {
    fn go_back(&mut self, left: &Entered) {
        if Place::here() == left.place {
            left.before.enter();
        } else {
            // A call inside it goes on, and will bring the span's place back when it ends.
            if self.left.len() == MAX_LEFT {
                self.left.remove(0);
            }
            self.left.push((left.place, left.before));
        }
    }

    /// Goes back from where calls brought back the place of a span that was left meanwhile.
    fn heal(&mut self) {
        while let Some(at) = self.left.iter().rposition(|(place, _)| *place == Place::here()) {
            let (place, before) = self.left.remove(at);
            if self.entered.iter().any(|entered| entered.place == place) {
                return;
            }
            before.enter();
        }
    }
}
