//! Without the feature `enabled`: a layer that does nothing.

use std::fmt;
use std::marker::PhantomData;

use tracing_core::{LevelFilter, Subscriber};
use tracing_subscriber::Layer;

/// A layer that does nothing.
pub struct CaptureLayer<S>(PhantomData<fn(S)>);

impl<S> CaptureLayer<S> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }

    /// Does nothing.
    #[must_use]
    pub fn up_to(self, _level: LevelFilter) -> Self {
        self
    }
}

impl<S: Subscriber> Layer<S> for CaptureLayer<S> {}

impl<S> fmt::Debug for CaptureLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaptureLayer")
    }
}
