//! Which callsites our layer wants to hear of: those whose function is being captured, and no others.

use std::sync::{Mutex, PoisonError};

use glasshull::foreign;
use tracing_core::callsite::rebuild_interest_cache;
use tracing_core::dispatcher::{Dispatch, WeakDispatch, with_default};
use tracing_core::{Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

use crate::callsites::Callsite;

/// Subscribers with our layer that are remembered: a program has one, its tests one each at a time.
const MAX_DISPATCHES: usize = 64;

static DISPATCHES: Mutex<Vec<WeakDispatch>> = Mutex::new(Vec::new());

/// The filter of our layer. `tracing` remembers the answer for each callsite; when functions are switched, it is told to
/// ask again.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) up_to: LevelFilter,
}

impl<S: Subscriber> Filter<S> for Gate {
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let is_on = *metadata.level() <= self.up_to && Callsite::register(metadata).is_some_and(Callsite::is_on);
        if is_on { Interest::always() } else { Interest::never() }
    }

    /// Asked where other layers answered differently, and of callsites that `tracing` does not know: those of `log`.
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        *metadata.level() <= self.up_to && Callsite::register(metadata).is_some_and(Callsite::is_on)
    }

    /// Callsites above it are not even made known. What is below it must be, so that it can be captured one day.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.up_to)
    }
}

/// A subscriber with our layer is in use from now on.
pub(crate) fn used_in(dispatch: &Dispatch) {
    let mut dispatches = DISPATCHES.lock().unwrap_or_else(PoisonError::into_inner);
    dispatches.retain(|dispatch| dispatch.upgrade().is_some());
    if dispatches.len() < MAX_DISPATCHES {
        dispatches.push(dispatch.downgrade());
    }
    drop(dispatches);
    foreign::when_switched(ask_again);
}

/// Has `tracing` ask which callsites are wanted.
fn ask_again() {
    let dispatches = DISPATCHES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // Where there is but one subscriber, `tracing` asks that of the thread it is told on; here it is another's.
    if let Some(dispatch) = dispatches.iter().find_map(WeakDispatch::upgrade) {
        with_default(&dispatch, rebuild_interest_cache);
    }
}
