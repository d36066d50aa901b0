//! Spans and events as calls.

use glasshull::foreign::{self, Call, End, Function, Keeper, Kept, Place};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::callsites::{Callsite, Ending, Role};
use crate::values::{self, Arguments, Later, Outcome};
use crate::{entered, gate};

/// Spans above one that are looked at for its parent.
const MAX_ABOVE: usize = 256;

/// The layer behind the [`Gate`](gate::Gate): what comes here is to be captured.
pub(crate) struct Recording;

/// A span that is captured, or below which nothing is.
struct Captured {
    call: Call,
    /// Ticks in which a thread was in it.
    busy: u64,
    /// When it was last left.
    left: Option<u64>,
    later: Vec<(&'static str, Kept)>,
    end: Option<End>,
}

impl<S> Layer<S> for Recording
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        gate::used_in(dispatch);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(function) = Callsite::of(attributes.metadata()).and_then(Callsite::function) else { return };
        let Some(span) = context.span(id) else { return };
        let above = || span.parent().and_then(place_in);
        let parent = parent(attributes.is_contextual(), attributes.is_root(), above);
        let call = foreign::begin(function, parent, &mut |fields| attributes.record(&mut Arguments(fields)));
        if let Some(call) = call {
            span.extensions_mut().insert(Captured { call, busy: 0, left: None, later: Vec::new(), end: None });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let Some(keeper) = keeper_of(&span) else { return };
        let mut later = Later { keeper: &keeper, kept: Vec::new() };
        values.record(&mut later);
        let now = later.kept;
        change(&span, |captured| values::update(&mut captured.later, now));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        match Callsite::of(event.metadata()).map(|callsite| &callsite.role) {
            Some(Role::Calls(function)) => call_at_once(*function, event, &context),
            Some(Role::Ends(span, ending)) => end(span, *ending, event, &context),
            Some(Role::Nothing) | None => {}
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let place = context.span(id).and_then(|span| Some(span.extensions().get::<Captured>()?.call.place()));
        if let Some(place) = place {
            entered::enter(id, place);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some((stay, span)) = entered::leave(id).zip(context.span(id)) else { return };
        let panicked = stay.panicked.and_then(|panics| keeper_of(&span)?.keep_panic(panics));
        change(&span, |captured| {
            captured.busy = captured.busy.saturating_add(stay.busy);
            captured.left = captured.left.max(Some(stay.ended));
            captured.end = panicked.map(End::Panicked).or_else(|| captured.end.take());
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let captured = context.span(&id).and_then(|span| span.extensions_mut().remove::<Captured>());
        let Some(Captured { call, busy, left, later, end }) = captured else { return };
        entered::forget(&id);
        let end = end.unwrap_or(End::Returned(None));
        // It worked for no tick at all if it was never entered; 0 would mean that it worked all the time.
        call.end(&end, &later, left.unwrap_or_else(foreign::now), busy.max(1));
    }
}

/// An event: a call that begins and ends at one moment.
fn call_at_once<S>(function: Function, event: &Event<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let above = || context.event_span(event).and_then(place_in);
    let parent = parent(event.is_contextual(), event.is_root(), above);
    // Asked before it begins, so that no time lies between.
    let moment = foreign::now();
    if let Some(call) = foreign::begin(function, parent, &mut |fields| event.record(&mut Arguments(fields))) {
        call.end(&End::Returned(None), &[], moment, 0);
    }
}

/// What `#[instrument(ret, err)]` says of the span it is in.
fn end<S>(callsite: &Callsite, ending: Ending, event: &Event<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.event_span(event).filter(|span| callsite.is_of(span.metadata())) else { return };
    let Some(keeper) = keeper_of(&span) else { return };
    let mut outcome = Outcome { keeper: &keeper, ending, kept: None };
    event.record(&mut outcome);
    let kept = outcome.kept;
    change(&span, |captured| match (ending, kept) {
        (Ending::Returned, value) => captured.end = Some(End::Returned(value)),
        (Ending::Failed, Some(error)) => captured.end = Some(End::Failed(error)),
        (Ending::Failed, None) => {}
    });
}

/// Where a call begins: at the place of the running code, which may be deeper than the span around, if anything is
/// decided there; else at that of the closest captured span above.
fn parent(is_contextual: bool, is_root: bool, above: impl FnOnce() -> Option<Place>) -> Place {
    let here = if is_contextual { entered::here() } else { Place::NOWHERE };
    if is_root || here.is_decided() { here } else { above().unwrap_or(here) }
}

/// Inside a span, or the closest one above it that is captured.
fn place_in<'a, S: LookupSpan<'a>>(span: SpanRef<'a, S>) -> Option<Place> {
    let above = std::iter::successors(Some(span), SpanRef::parent).take(MAX_ABOVE);
    above.into_iter().find_map(|span| Some(span.extensions().get::<Captured>()?.call.place()))
}

/// No lock is held while values are written: their code may use the span.
fn keeper_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Keeper> {
    span.extensions().get::<Captured>()?.call.keeper()
}

fn change<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, change: impl FnOnce(&mut Captured)) {
    if let Some(captured) = span.extensions_mut().get_mut::<Captured>() {
        change(captured);
    }
}
