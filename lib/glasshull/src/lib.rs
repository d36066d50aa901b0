//! See what any function of a running program did: its arguments, what it returned or how it failed, how long it took,
//! and the tree of calls below it. Capturing is switched on and off from a Glasshull hub, on running servers, without
//! a redeploy.
//!
//! # In five lines
//!
//! ```
//! #[glasshull::trace]
//! fn price(sku: &str, quantity: u32) -> Result<u64, String> {
//!     Ok(u64::from(quantity) * sku.len() as u64)
//! }
//!
//! fn main() {
//!     let _glasshull = glasshull::init(); // Reads GLASSHULL_HUB, GLASSHULL_SERVICE, ..; keep it until the end.
//!     assert_eq!(price("HAT", 2), Ok(6));
//! }
//! ```
//!
//! With a hub running (`glasshull up`), `glasshull functions` now lists `price`, before it ever ran, and
//! `glasshull trace price` shows its calls as they happen. The hub may be absent, come later, or go away: the program is not
//! affected.
//!
//! # What it costs
//!
//! A function that is not captured costs one relaxed load of its own static and a branch. There is no global switch:
//! capturing one function leaves all others as they are. While a function is captured, its arguments are written when
//! it is entered (before they can change) into a ring of bounded size that belongs to the thread; one
//! background thread without an async runtime does the rest. Everything is bounded: a full ring or a full buffer means
//! that calls are dropped, that they are counted, and that people are told. If capturing takes more CPU time than
//! [`Builder::cpu_budget`] allows, fewer requests are captured, whole ones; where that is not enough, the probe is suspended
//! for a while. Its status says so. A probe ends at its own time, also when the hub is gone.
//!
//! # In your tests
//!
//! With the feature `testing`, `glasshull::testing` captures what a closure or a future does, without a hub, for tests to
//! assert.
//!
//! # Switched off
//!
//! Without the feature `enabled` (on by default) the attribute leaves functions exactly as they are, nothing is linked,
//! and the API is there and does nothing.
//!
//! # What is captured
//!
//! Values are captured through [`Serialize`](https://docs.rs/serde/latest/serde/trait.Serialize.html) if their type implements it, else through `Debug`, else as their
//! type's name. The compiler decides this where the function stands, so in `fn f<T: Clone>(value: T)` a `value` is
//! opaque whatever `T` turns out to be: only declared bounds count. Where `T: Debug` cannot be declared,
//! [`capture(..)`](macro@trace#options) says what to capture instead. One value takes at most 4 KiB, is at most 8 levels
//! deep, has at most 64 items in a list, and texts of at most 1 KiB; what was cut says so. Code of values that panics,
//! fails, calls traced functions or does not end is contained. It runs on the calling thread, as the function is
//! entered and left: a `Serialize` that waits for a lock (that of a `Mutex` does) waits there, so `skip` such arguments.
//!
//! A call ends in one of these ways: it returned; it returned an `Err`, of which the message, the type and up to 16
//! sources are kept; it panicked, with message and place; its future was dropped before it was ready; or it is still running,
//! and is shown as such after half a second.
//!
//! Whether a request is captured is decided once, at the first traced function it comes to; everything below inherits that,
//! across `.await`, and with one line across threads, tasks and processes: see [`context`], and with the features `http`
//! and `tower` the modules `propagation` and `tower`.
//!
//! # What is never captured
//!
//! Values of arguments, fields and map keys whose names speak of secrets (`password`, `secret`, `token`, `api_key`,
//! `authorization`, `cookie`, `card`, `cvv`, `iban` and a hundred of their like, in any case, with or without `_` and
//! `-`) are withheld as they are captured: they never reach the ring, let alone leave the process, and conditions see nothing of
//! them. [`Builder::redact`] adds names, [`Builder::redact_except`] takes some away. Printed values (`Debug`), error
//! messages and panics are searched for `name: value` and `name=value` of such names; [`Builder::strict`] shows no printed
//! values at all. This works by name: a secret in a field called `data` needs `redact(data)` on the function,
//! [`Builder::redact`], or [`Builder::redact_values`], which looks for what addresses, card numbers and tokens look like.
//! `docs/redaction.md` tells all of it.

#[cfg(feature = "enabled")]
mod agent;
#[cfg(feature = "enabled")]
mod async_call;
#[cfg(feature = "enabled")]
mod call;
#[cfg(feature = "enabled")]
mod clock;
#[cfg(feature = "enabled")]
pub mod context;
#[cfg(not(feature = "enabled"))]
mod disabled;
#[cfg(feature = "enabled")]
#[doc(hidden)]
pub mod foreign;
#[cfg(all(feature = "enabled", unix))]
mod fork;
#[cfg(feature = "enabled")]
mod frame;
#[cfg(all(feature = "enabled", any(test, fuzzing)))]
#[doc(hidden)]
#[allow(missing_docs)]
pub mod fuzzing;
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
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "enabled")]
mod thread;
#[cfg(all(feature = "enabled", feature = "tower"))]
pub mod tower;
#[cfg(feature = "enabled")]
mod traceparent;
#[cfg(feature = "enabled")]
mod value;

/// Makes functions traceable.
///
/// It stands on a function, a method, an `async fn`; or on an `impl` block, a trait or an inline module, and then means each
/// function with a body in it.
///
/// ```
/// struct Cart { lines: Vec<(String, u32)> }
///
/// #[glasshull::trace]
/// impl Cart {
///     fn add(&mut self, sku: &str, quantity: u32) -> usize {
///         self.lines.push((sku.to_owned(), quantity));
///         self.lines.len()
///     }
///
///     #[glasshull::trace(skip(self), redact(voucher))]
///     async fn pay(&self, voucher: &str) -> Result<(), std::io::Error> {
///         Ok(())
///     }
/// }
/// # Cart { lines: vec![] }.add("HAT", 1);
/// ```
///
/// # Options
///
/// - `skip(a, b)`, `skip_all`: arguments whose values are not captured.
/// - `redact(a)`: arguments whose values are withheld, and shown as withheld.
/// - `capture(a = expression, ..)`: what is captured for the argument `a`, or, if there is none of that name, besides the
///   arguments. The expression sees the arguments as the body does, by reference where a pattern takes them apart; it runs
///   only while the function is captured, cannot change or leave anything, and a panic in it stays there.
/// - `name = "..."`: stands for the function's own name, the last part of its path.
/// - `except(f, g)`, on a block: functions that are passed over.
///
/// ```
/// use std::sync::Mutex;
///
/// // A `T` that is not `Debug` is opaque, the list is long, and who waits for the lock has better things to do.
/// #[glasshull::trace(skip(queue), capture(id = item.as_ref(), list = list.len()))]
/// fn enqueue<T: AsRef<str>>(item: &T, list: &[u8], queue: &Mutex<Vec<usize>>) {
///     queue.lock().unwrap().push(item.as_ref().len() + list.len());
/// }
/// # enqueue(&"a", &[], &Mutex::default());
/// ```
///
/// `skip`, `skip_all` and `redact` on a block hold for the arguments of that name of each function in it. A function in the block may
/// have an attribute with options of its own.
///
/// # Paths
///
/// A function is known by `crate::module::name`. Where the attribute stands on the `impl` block or the trait, it is
/// `crate::module::Type::name`; on a single method the macro cannot see the type, and the path goes without.
///
/// # What it does not touch
///
/// In a block, `const fn`, functions without a body or with `...`, and what stands in `extern` blocks and in
/// `impl GlobalAlloc` is passed over; on one of these themselves it is an error. Functions with `#[track_caller]` or
/// `#[target_feature]` and functions that return `!` keep their body in place; their returned value is not captured.
///
/// Of a function that returns a future, arguments are captured that its `async` block uses: the others are not there when
/// it runs. Inside macros they are seen where the macro takes expressions, as `format!` does.
///
/// Another attribute called `trace` in a traced block keeps its meaning: if it is another crate's, the function has both;
/// if it is ours under another path, or behind `cfg_attr`, it counts as the function's own.
///
/// # What it makes
///
/// The function keeps its type, the order in which it drops things, and what its body may do. Of
///
/// ```
/// # use std::num::ParseIntError;
/// #[glasshull::trace]
/// fn double(text: &str) -> Result<u32, ParseIntError> {
///     Ok(2 * text.parse::<u32>()?)
/// }
/// ```
///
/// it makes, in essence,
///
/// ```text
/// fn double(text: &str) -> Result<u32, ParseIntError> {
///     let mut call = {
///         static SITE: Site = Site::new("crate::module::double", file!(), line!(), &["text"], false);
///         #[distributed_slice(SITES)] // Known to the hub before it runs.
///         static LISTED: &Site = &SITE;
///         if SITE.is_on() {           // One relaxed load.
///             let mut entering = enter(&SITE);
///             if let Some(recorder) = entering.recorder() {
///                 if recorder.argument("text") { (&&&&Value(&text)).put(recorder); }
///             }
///             entering.begin()
///         } else {
///             Call::off()
///         }
///     };
///     let returned = call_once(move || -> Result<u32, ParseIntError> {
///         let text = text;            // Binds each argument again, so that drops keep their order.
///         let value: Result<u32, ParseIntError> = { Ok(2 * text.parse::<u32>()?) };
///         return value;
///     });
///     if call.is_open() {
///         let split = (&Returned(&returned)).split();
///         if let Some(recorder) = call.end(split.is_err()) {
///             match split {
///                 Ok(value) => (&&&&Value(value)).put(recorder),
///                 Err(error) => (&&&&&Failure(error)).put(recorder),
///             }
///         }
///         call.finish();
///     }
///     returned
/// }
/// ```
///
/// The body of an `async fn` moves into an `async move` block instead, which begins its call when it is polled first. The
/// function becomes a plain one that gives that future, `fn .. -> impl Future<Output = ..>`: so it is one word larger than
/// without the attribute, and no more. It stays an `async fn`, and holds its arguments once more, where attributes that
/// may be macros stand behind this one (`#[tokio::main]`, `#[async_trait]`), and where it returns `!`. A function whose last
/// expression is `async move { .. }` or `Box::pin(async move { .. })`, and whose signature tells the future's `Output`
/// (as with `async_trait`), is treated as the `async fn` it stands for.
pub use glasshull_macros::trace;

#[cfg(not(feature = "enabled"))]
pub use disabled::*;
#[cfg(feature = "enabled")]
pub use {
    context::{Context, FutureExt, spawnable},
    guard::Guard,
    settings::{Builder, DEFAULT_HUB, StartError, builder, init},
    value::redaction::Sensitive,
};

/// What `#[glasshull::trace]` makes calls into. No part of the API: it changes without notice.
#[cfg(feature = "enabled")]
#[doc(hidden)]
pub mod __private {
    pub use core::line;
    pub use linkme;

    pub use crate::async_call::{AsyncCall, AsyncEntering, Running, begin_apart, enter_async, run};
    pub use crate::call::{Call, Entering, call_once, either, enter};
    pub use crate::site::{SITES, Site};
    pub use crate::specialize::{Failure, Returned, Value, compute, traits as specialize};
    pub use crate::value::{Recorder, Word};
}
