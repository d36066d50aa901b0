//! Which captured spans this thread is inside of, so that the calls around and inside them nest: entering a span makes
//! its place that of the running code, leaving it brings back the one before, in whatever order that happens.

use std::cell::RefCell;

use glasshull::foreign::{self, Panics, Place};
use tracing_core::span::Id;

/// Captured spans one thread is inside of at a time. Beyond, the tree below is that of the last one.
const MAX_ENTERED: usize = 1024;

/// Spans that were left while a call inside them may have gone on, and are remembered until the thread is nowhere.
/// Beyond, the oldest are forgotten, and what follows such a call may be below a span that was left.
const MAX_LEFT: usize = 256;

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
        thread.heal();
        let at = thread.entered.iter().rposition(|entered| entered.span == *span)?;
        let left = thread.entered.remove(at);
        let is_inside = thread.is_inside(left.place);
        thread.go_back(&left, is_inside);
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
    fn is_inside(&self, place: Place) -> bool {
        self.entered.iter().any(|entered| entered.place == place)
    }

    /// From a span's place to the one before, wherever the span's is held.
    fn go_back(&mut self, left: &Entered, is_inside: bool) {
        let Entered { place, before, .. } = *left;
        if Place::here() == place {
            before.enter();
        }
        if is_inside {
            return;
        }
        let entered = self.entered.iter_mut().map(|other| &mut other.before);
        let others = entered.filter(|other| **other == place).map(|other| *other = before).count();
        self.left.iter_mut().filter(|(_, other)| *other == place).for_each(|(_, other)| *other = before);
        // Nobody was inside it, but a call that goes on, and will bring its place back when it ends.
        if others == 0 && Place::here() != before {
            if self.left.len() == MAX_LEFT {
                self.left.remove(0);
            }
            self.left.push((place, before));
        }
    }

    /// Goes back from where calls brought back the place of a span that was left meanwhile.
    fn heal(&mut self) {
        while let Some(at) = self.left.iter().rposition(|(place, _)| *place == Place::here())
            && !self.is_inside(self.left[at].0)
        {
            self.left.remove(at).1.enter();
        }
        if Place::here() == Place::NOWHERE {
            // No call goes on that could bring one back.
            self.left.clear();
        }
    }
}
