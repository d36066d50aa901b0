//! Programs that use [`tracing`](https://docs.rs/tracing) already: every `#[instrument]` and every span becomes a Glasshull function that can be
//! captured by name on running servers, its fields the arguments; every event a call without duration. No function of
//! the program is touched.
//!
//! # One line
//!
//! ```
//! use tracing_subscriber::prelude::*;
//!
//! # unsafe { std::env::set_var("GLASSHULL_HUB", "off") };
//! tracing_subscriber::registry()
//!     .with(tracing_subscriber::fmt::layer().with_filter(tracing_subscriber::filter::LevelFilter::INFO))
//!     .with(glasshull_tracing::layer()) // This one.
//!     .init();
//! ```
//!
//! With a hub running (`glasshull up`), `glasshull trace my_crate::orders::place` shows the calls of
//!
//! ```
//! mod orders {
//!     #[tracing::instrument(ret, err)]
//!     pub fn place(customer: &str, quantity: u32) -> Result<u64, std::num::TryFromIntError> {
//!         tracing::info!(quantity, "placing");
//!         Ok(u64::from(quantity) * u64::try_from(customer.len())?)
//!     }
//! }
//! # orders::place("ann", 2).unwrap();
//! ```
//!
//! in the program as it runs, with `customer`, `quantity`, what was returned or the error, the event below, and
//! whatever `#[glasshull::trace]` captures around and inside them.
//!
//! # What becomes what
//!
//! | tracing | Glasshull |
//! | --- | --- |
//! | a span's callsite | a function: `target::name`, where the target is the module's path unless one is given; file and line |
//! | an event's callsite | a function: `target::event::level_line`, such as `shop::cart::event::warn_57`, or `target::event::name` if it has a name |
//! | a record that comes through `log` | one function for each level: `log::event::warn` |
//! | a span, from its creation | a call, from its start |
//! | fields given at creation | arguments; one that is `Empty` is null |
//! | fields recorded later | the returned value's fields; if the call fails, `fields` of the error |
//! | `#[instrument(ret)]`, `#[instrument(err)]` | the returned value, the error |
//! | a panic that unwinds through the span | the call panicked |
//! | the last time the span was left | the call's end; the span's closing, if it was never entered |
//! | time in which it was entered | busy time |
//! | the span around, or `parent:` | the parent |
//! | an event | a call without duration below the span around; its level says nothing about that span's outcome |
//! | `follows_from` | nothing |
//!
//! `tracing` makes a callsite known when it runs first, so a function is known to the hub from then on, and captured
//! from a few milliseconds later. A span whose future is dropped before it is ready looks like one that returned.
//!
//! Spans and calls of `#[glasshull::trace]` nest in each other. A span that is captured takes its place in the tree along
//! to whatever thread it is entered on; one that is not captured does not, though spans below it still find the
//! captured one above it.
//!
//! Values keep to the limits and the redaction of the SDK: a field called `password` is withheld. `%x` and `?x` are
//! texts; numbers, booleans and strings are what they are.
//!
//! # Beside other layers
//!
//! The layer brings a filter of its own: it sees what is captured and nothing else, and other layers see nothing more or
//! less than they did. A filter that is a layer by itself (`registry().with(EnvFilter::..)`) decides for all layers,
//! that is how `tracing-subscriber` means it; what it disables cannot be captured. Let it filter the layer it is meant
//! for: `fmt::layer().with_filter(EnvFilter::from_default_env())`. The same holds for `tracing_subscriber::fmt()`: with
//! `fmt().finish().with(glasshull_tracing::layer())` what is printed can be captured, and no more; write
//! `registry().with(fmt::layer().with_filter(LevelFilter::INFO))` instead.
//!
//! # What it costs
//!
//! While nothing is captured, a callsite that no other layer wants is one that nobody wants: it costs two relaxed loads
//! and a branch each. Where a layer without a filter of its own wants it, `tracing` asks ours each time.
//!
//! One thing is more than it was. If the most verbose level that other layers want is `INFO`, `tracing` skips more
//! verbose callsites after one load, and `log` its records before they reach `tracing`. With this layer both are looked
//! at, as they might be captured. Where this matters, `glasshull_tracing::layer().up_to(LevelFilter::INFO)` leaves them
//! alone.

#[cfg(feature = "enabled")]
mod beside;
#[cfg(feature = "enabled")]
mod callsites;
#[cfg(not(feature = "enabled"))]
mod disabled;
#[cfg(feature = "enabled")]
mod entered;
#[cfg(feature = "enabled")]
mod gate;
#[cfg(feature = "enabled")]
mod recording;
#[cfg(feature = "enabled")]
mod values;

use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

#[cfg(feature = "enabled")]
pub use beside::CaptureLayer;
#[cfg(not(feature = "enabled"))]
pub use disabled::CaptureLayer;

/// A layer that lets Glasshull capture spans and events, and connects the process to its hub as
/// [`glasshull::init`] does, unless it is connected already.
///
/// So that what was captured last is sent before the program ends, connect before, and keep the guard:
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// # unsafe { std::env::set_var("GLASSHULL_HUB", "off") };
/// let _glasshull = glasshull::init();
/// tracing_subscriber::registry().with(glasshull_tracing::layer()).init();
/// ```
///
/// Never panics, and never waits for the hub.
pub fn layer<S>() -> CaptureLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    #[cfg(feature = "enabled")]
    glasshull::foreign::start_unless_running();
    layer_of_running()
}

/// The same, without connecting: for programs that connect later, and for tests with
/// [agents](https://docs.rs/glasshull/latest/glasshull/struct.Builder.html#method.start) of their own.
pub fn layer_of_running<S>() -> CaptureLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    CaptureLayer::new()
}
