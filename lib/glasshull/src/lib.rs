//! See what any function of a running program did: arguments, return value, error, time, call tree.

#[cfg(feature = "enabled")]
mod agent;
#[cfg(feature = "enabled")]
mod call;
#[cfg(feature = "enabled")]
mod clock;
#[cfg(feature = "enabled")]
pub mod context;
#[cfg(not(feature = "enabled"))]
mod disabled;
#[cfg(feature = "enabled")]
mod frame;
#[cfg(feature = "enabled")]
mod guard;
#[cfg(feature = "enabled")]
mod ids;
#[cfg(feature = "enabled")]
mod panics;
#[cfg(feature = "enabled")]
mod probe;
#[cfg(all(feature = "enabled", feature = "http"))]
pub mod propagation;
#[cfg(feature = "enabled")]
mod record;
#[cfg(feature = "enabled")]
mod ring;
#[cfg(feature = "enabled")]
mod sender;
#[cfg(feature = "enabled")]
mod settings;
#[cfg(feature = "enabled")]
mod site;
#[cfg(feature = "enabled")]
#[doc(hidden)]
pub mod specialize;
#[cfg(feature = "enabled")]
mod thread;
#[cfg(all(feature = "enabled", feature = "tower"))]
pub mod tower;
#[cfg(feature = "enabled")]
mod traceparent;
#[cfg(feature = "enabled")]
mod value;

pub use glasshull_macros::trace;

#[cfg(not(feature = "enabled"))]
pub use disabled::*;
#[cfg(feature = "enabled")]
pub use {
    context::{Context, FutureExt, spawnable},
    guard::Guard,
    settings::{Builder, DEFAULT_HUB, StartError, builder, init},
};

/// What `#[glasshull::trace]` makes calls into. No part of the API: it changes without notice.
#[cfg(feature = "enabled")]
#[doc(hidden)]
pub mod __private {
    pub use linkme;

    pub use crate::call::{AsyncCall, Call, Running, call_once, enter, enter_async};
    pub use crate::site::{SITES, Site};
    pub use crate::specialize::{self, Failure, Returned, Value};
    pub use crate::value::Recorder;
}
