//! A layer that leaves services as they are.

use tower_layer::Layer;

/// Leaves services as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceContextLayer;

impl<S> Layer<S> for TraceContextLayer {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        inner
    }
}
