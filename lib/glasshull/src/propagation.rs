//! Contexts in the headers of HTTP requests.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::context::Context;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Writes the context of the running code into the headers of a request that is about to be sent, so that the calls
/// it leads to become part of this trace. While nothing is decided, the headers stay as they are.
pub fn inject(headers: &mut HeaderMap) {
    inject_context(&Context::current(), headers);
}

/// Writes a context into headers; see [`inject`].
pub fn inject_context(context: &Context, headers: &mut HeaderMap) {
    for (name, value) in [(TRACEPARENT, context.traceparent()), (TRACESTATE, context.tracestate())] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
}

/// The context that the headers of a received request tell of; an empty one if they tell of none.
pub fn extract(headers: &HeaderMap) -> Context {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    Context::from_headers(text(TRACEPARENT), text(TRACESTATE))
}
