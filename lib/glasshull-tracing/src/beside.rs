//! Our layer beside others: which spans it hears of must not depend on theirs, nor theirs on it.

use std::any::{TypeId, type_name};
use std::fmt;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::callsites::Callsite;
use crate::gate::Gate;
use crate::recording::Recording;

/// `tracing_subscriber::fmt().finish()` takes no layers with filters of their own: it panics.
const TAKES_NO_FILTERS: &str = "tracing_subscriber::fmt::Subscriber<";

/// The layer that lets Glasshull capture spans and events; made by [`layer`](crate::layer()).
///
/// It can be boxed, be optional, and be filtered further (`.with_filter(..)`), as any layer. To keep it to a
/// level, use [`up_to`](Self::up_to): what a further filter lets through exists also while nothing is captured.
// The recording layer behind its gate; without the gate where the subscriber takes none. There it hears of all that the
// subscriber itself wants, and passes over what is not captured.
pub struct CaptureLayer<S> {
    gated: Filtered<Recording, Gate, S>,
    is_gated: bool,
}

impl<S> CaptureLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    pub(crate) fn new() -> Self {
        let takes_none = type_name::<S>().contains(TAKES_NO_FILTERS);
        Self { gated: Recording.with_filter(Gate { up_to: LevelFilter::TRACE }), is_gated: !takes_none }
    }

    /// Lets spans and events be captured up to this level, and no more verbose ones: these then cost as little as without
    /// the layer. `TRACE`, all of them, unless this is called.
    #[must_use]
    pub fn up_to(mut self, level: LevelFilter) -> Self {
        self.gated.filter_mut().up_to = level;
        self
    }
}

impl<S> fmt::Debug for CaptureLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureLayer").field("up_to", &self.gated.filter().up_to).finish_non_exhaustive()
    }
}

/// The one or the other.
macro_rules! of {
    ($layer:ident.$method:ident($($argument:expr),*)) => {
        if $layer.is_gated {
            Layer::<S>::$method(&$layer.gated, $($argument),*)
        } else {
            Layer::<S>::$method(&Recording, $($argument),*)
        }
    };
}

impl<S> Layer<S> for CaptureLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        of!(self.on_register_dispatch(dispatch));
    }

    fn on_layer(&mut self, subscriber: &mut S) {
        if self.is_gated {
            self.gated.on_layer(subscriber);
        }
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_gated {
            return self.gated.register_callsite(metadata);
        }
        // It becomes known, also if others do not want it now.
        Callsite::register(metadata);
        Interest::always()
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        of!(self.enabled(metadata, context))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        of!(self.on_new_span(attributes, id, context));
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        if self.is_gated { Layer::<S>::max_level_hint(&self.gated) } else { None }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        of!(self.on_record(id, values, context));
    }

    fn event_enabled(&self, event: &Event<'_>, context: Context<'_, S>) -> bool {
        of!(self.event_enabled(event, context))
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        of!(self.on_event(event, context));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        of!(self.on_enter(id, context));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        of!(self.on_exit(id, context));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        of!(self.on_close(id, context));
    }

    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        // SAFETY: the caller promises to use the pointer as one to a value of the type it asks for, and not longer than
        // `self` lives; `gated` lives as long.
        if self.is_gated { unsafe { Layer::<S>::downcast_raw(&self.gated, id) } } else { None }
    }
}
