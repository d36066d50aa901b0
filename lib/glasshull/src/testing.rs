//! For your tests: what would be captured, without a hub.
//!
//! ```
//! use glasshull::testing::{self, Outcome};
//!
//! mod shop {
//!     #[glasshull::trace]
//!     pub fn order(sku: &str, quantity: u32) -> Result<u32, String> {
//!         Ok(quantity * price(sku)?)
//!     }
//!
//!     #[glasshull::trace]
//!     fn price(sku: &str) -> Result<u32, String> {
//!         if sku == "HAT" { Ok(500) } else { Err(format!("no price for {sku}")) }
//!     }
//! }
//!
//! let captured = testing::capture(["shop::*"], || shop::order("HAT", 2));
//! assert_eq!(captured.output, Ok(1_000));
//! assert_eq!(captured.one("price").arg("sku"), Some(r#""HAT""#));
//! let here = module_path!();
//! let expected = format!(r#"
//! {here}::shop::order(sku: "HAT", quantity: 2) -> 1000
//! `-- {here}::shop::price(sku: "HAT") -> 500
//! "#);
//! assert_eq!(captured.tree(), expected.trim_start());
//!
//! let captured = testing::capture(["shop::*"], || shop::order("CAT", 1));
//! let price = captured.one("price");
//! assert_eq!(price.outcome, Outcome::Error);
//! assert!(price.error.as_ref().unwrap().contains("no price for CAT"));
//! assert_eq!(price.parent, Some(0));
//! ```
//!
//! Only what runs in the closure (or the future, see [`capture_async`]) is captured: tests that run beside it neither see
//! it nor disturb it, nor does an agent the program has started. Threads and tasks it starts belong to it if they carry
//! their [`context`](crate::context).
//!
//! Values go the way they go in production: the same limits, the same redaction.
//!
//! # In your `Cargo.toml`
//!
//! ```toml
//! [dev-dependencies]
//! glasshull = { version = "0.1", features = ["testing"] }
//! ```
//!
//! The feature `testing` switches `enabled` on: where it is, `glasshull::testing` is there and captures; where it is not,
//! the module does not exist. It brings no dependency along.

mod json;
mod tree;

use std::sync::Arc;
use std::time::{Duration, Instant};

use glasshull_wire::{pattern, v1};

use crate::agent::Agent;
use crate::context::{Context, FutureExt as _};
use crate::sender::offline::Offline;
use crate::settings::{Builder, Settings};
use crate::{panics, site};

/// How long a test waits for others to finish their recordings: a process can have 31 at a time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a closure and captures the calls of functions that match one of the patterns, such as `shop::*` or
/// `Cart::add`.
///
/// # Panics
/// As [`Recording::start`] does.
#[track_caller]
pub fn capture<T>(patterns: impl IntoIterator<Item = impl Into<String>>, run: impl FnOnce() -> T) -> Captured<T> {
    let recording = Recording::start(patterns);
    let output = recording.context().in_scope(run);
    recording.finish().with(output)
}

/// The same for a future.
///
/// ```
/// # use glasshull::testing;
/// #[glasshull::trace]
/// async fn double(n: u32) -> u32 {
///     2 * n
/// }
///
/// # futures::executor::block_on(async {
/// let captured = testing::capture_async(["double"], double(4)).await;
/// assert_eq!(captured.calls[0].returned.as_deref(), Some("8"));
/// # });
/// ```
///
/// # Panics
/// As [`Recording::start`] does.
pub async fn capture_async<F: Future>(
    patterns: impl IntoIterator<Item = impl Into<String>>,
    run: F,
) -> Captured<F::Output> {
    let recording = Recording::start(patterns);
    let output = run.in_context(recording.context()).await;
    recording.finish().with(output)
}

/// Captures what runs in its [`context`](Self::context), until it is finished: for tests that neither [`capture`] nor
/// [`capture_async`] suit, as those of settings.
///
/// ```
/// # use glasshull::testing::Recording;
/// #[glasshull::trace]
/// fn hire(salary: u32) {}
///
/// let recording = Recording::start_with(glasshull::builder().redact(["salary"]), ["hire"]);
/// recording.context().in_scope(|| hire(90_000));
/// let captured = recording.finish();
/// assert_eq!(captured.calls[0].args, r#"{"salary":{"$glasshull":"redacted"}}"#);
/// ```
#[must_use = "what is captured is had by `finish`"]
pub struct Recording {
    agent: Arc<Agent>,
    sender: Option<Box<Offline>>,
}

impl Recording {
    /// Begins with the default settings; what the environment says does not matter.
    ///
    /// # Panics
    /// A pattern matches no function, or other tests have 31 recordings under way and do not finish one within a minute.
    #[track_caller]
    pub fn start(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::start_with(Builder::from_environment(|_| None).service("test"), patterns)
    }

    /// Begins with the settings of an agent; those that concern its connection do not matter.
    ///
    /// # Panics
    /// As [`Self::start`] does, and if a setting is wrong.
    #[track_caller]
    pub fn start_with(settings: Builder, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let patterns: Vec<String> = patterns.into_iter().map(Into::into).collect();
        let settings = settings.for_testing().unwrap_or_else(|error| panic!("{error}"));
        check(&patterns);
        panics::install_hook();
        let agent = agent(&settings);
        let sender = Some(Box::new(Offline::start(&agent, patterns)));
        Self { agent, sender }
    }

    /// What runs in this context is captured.
    pub fn context(&self) -> Context {
        Context::of_agent(&self.agent)
    }

    /// Ends it. What has not ended by now is [running](Outcome::Running).
    pub fn finish(mut self) -> Captured {
        let (batches, dropped) = self.sender.take().map(|sender| sender.finish()).unwrap_or_default();
        Captured { output: (), calls: tree::ordered(&batches), dropped }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.agent.close();
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

/// A pattern with a slip in it would let a test pass that asserts that nothing is captured.
#[track_caller]
fn check(patterns: &[String]) {
    let mut list = site::list();
    list.link();
    let matches = |pattern: &&String| list.sites().iter().any(|site| pattern::matches(pattern, site.path));
    if let Some(wrong) = patterns.iter().find(|pattern| !matches(pattern)) {
        let paths: Vec<&str> = list.sites().iter().map(|site| site.path).take(20).collect();
        let count = list.sites().len();
        drop(list);
        panic!("`{wrong}` matches none of the {count} traceable functions, which begin with {paths:?}");
    }
}

#[track_caller]
fn agent(settings: &Settings) -> Arc<Agent> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(agent) = Agent::new(settings.clone()) {
            return agent;
        }
        assert!(Instant::now() < deadline, "other tests have 31 recordings under way and finish none");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What was captured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Captured<T = ()> {
    /// What the closure or the future gave.
    pub output: T,
    /// Each call behind the one it was made in; otherwise in the order in which they began.
    pub calls: Vec<Call>,
    /// Calls that are missing, as they did not fit: one thread can capture 4 MiB.
    pub dropped: u64,
}

/// One execution of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The function's path: `crate::module::Type::name`.
    pub function: String,
    /// A JSON object of the arguments by name, as the hub would be sent it.
    pub args: String,
    /// What it returned, inside `Ok` if it is a `Result`, as JSON. None if it did not return, or did not say what.
    pub returned: Option<String>,
    /// The error it returned or the panic it ended with, as a JSON object with `message`.
    pub error: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, up to the recording's end if it is running.
    pub duration: Duration,
    /// Of this, the time an async call was not polled.
    pub idle: Duration,
    /// Number of captured calls around it.
    pub depth: u32,
    /// The call it was made in, by its place among [`Captured::calls`].
    pub parent: Option<usize>,
    /// Name of the thread it began on.
    pub thread: String,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It returned, and no `Err`.
    Returned,
    /// It returned an `Err`.
    Error,
    /// It panicked.
    Panicked,
    /// Its future was dropped before it was ready.
    Cancelled,
    /// It had not ended when the recording did.
    Running,
}

impl Outcome {
    fn of(outcome: i32) -> Self {
        match v1::Outcome::try_from(outcome) {
            Ok(v1::Outcome::Returned) => Self::Returned,
            Ok(v1::Outcome::Error) => Self::Error,
            Ok(v1::Outcome::Panicked) => Self::Panicked,
            Ok(v1::Outcome::Cancelled) => Self::Cancelled,
            Ok(v1::Outcome::Running | v1::Outcome::Unspecified) | Err(_) => Self::Running,
        }
    }
}

impl Call {
    /// One argument as JSON.
    pub fn arg(&self, name: &str) -> Option<&str> {
        json::entries(&self.args).into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl<T> Captured<T> {
    fn with<O>(self, output: O) -> Captured<O> {
        Captured { output, calls: self.calls, dropped: self.dropped }
    }

    /// The calls of functions that match a pattern.
    pub fn of(&self, pattern: &str) -> Vec<&Call> {
        self.calls.iter().filter(|call| pattern::matches(pattern, &call.function)).collect()
    }

    /// The only call of functions that match a pattern.
    ///
    /// # Panics
    /// There is none, or more than one.
    #[track_caller]
    pub fn one(&self, pattern: &str) -> &Call {
        match self.of(pattern)[..] {
            [call] => call,
            ref calls => panic!("{} calls match `{pattern}`:\n{}", calls.len(), self.tree()),
        }
    }

    /// All calls drawn as trees, a line each: `function(argument: value) -> returned`, and instead of `-> returned`
    /// `!! message` for an error, `** message` for a panic, `~~ cancelled` and `.. running`. Values are JSON; what stands
    /// for a value is in angle brackets, such as `<redacted>` and `<skipped>`. Times are not in it: two runs draw alike.
    pub fn tree(&self) -> String {
        tree::draw(&self.calls, self.dropped)
    }
}
