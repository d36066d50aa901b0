//! A `tower` layer for servers: each request is handled in the context its headers tell of.
//!
//! ```
//! # #[derive(Clone)] struct Router;
//! # impl Router { fn layer(self, _: glasshull::tower::TraceContextLayer) -> Self { self } }
//! # let router = Router;
//! let router = router.layer(glasshull::tower::TraceContextLayer);
//! ```

use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::context::{FutureExt as _, InContext};

/// Puts [`TraceContext`] around a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceContextLayer;

impl<S> Layer<S> for TraceContextLayer {
    type Service = TraceContext<S>;

    fn layer(&self, inner: S) -> TraceContext<S> {
        TraceContext { inner }
    }
}

/// Runs a service in the context each request's headers tell of.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceContext<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for TraceContext<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = InContext<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let context = crate::propagation::extract(request.headers()).here();
        let future = context.in_scope(|| self.inner.call(request));
        future.in_context(context)
    }
}
