//! Leaves headers as they are.

use http::HeaderMap;

use super::Context;

/// Does nothing.
pub fn inject(_headers: &mut HeaderMap) {}

/// Does nothing.
pub fn inject_context(_context: &Context, _headers: &mut HeaderMap) {}

/// An empty context.
pub fn extract(_headers: &HeaderMap) -> Context {
    Context::default()
}
