use std::sync::Arc;
use std::time::Duration;

use crate::agent::{self, Agent};
use crate::context::Context;

/// Keeps the process connected. When it is dropped, what was captured is brought to the hub, within a limit
/// ([`Builder::flush_within`](crate::Builder::flush_within)), and capturing ends.
///
/// In a child that the process forks (without an exec), a guard is off and does nothing, nor does dropping it: there is
/// no thread that could send. A child that wants to be captured calls [`init`](crate::init) itself.
#[must_use = "capturing ends when this is dropped"]
#[derive(Debug)]
pub struct Guard {
    agent: Option<Arc<Agent>>,
    process: u32,
}

impl Guard {
    pub(crate) fn off() -> Self {
        Self { agent: None, process: 0 }
    }

    pub(crate) fn of(agent: Arc<Agent>) -> Self {
        Self { agent: Some(agent), process: std::process::id() }
    }

    /// Whether the SDK is on: the settings were sound. Whether the hub is there is another matter.
    pub fn is_on(&self) -> bool {
        self.agent().is_some()
    }

    /// None in a forked child: locks may be held there by threads that do not exist.
    fn agent(&self) -> Option<&Arc<Agent>> {
        self.agent.as_ref().filter(|_| self.process == std::process::id())
    }

    /// The context in which this agent captures; needed only for agents made by
    /// [`Builder::start`](crate::Builder::start).
    pub fn context(&self) -> Context {
        self.agent().map_or_else(Context::default, Context::of_agent)
    }

    /// Waits until a hub has said what it wants captured, and that is in place; false if none did within the time (one
    /// day at most), or the guard is off. For programs and tests that are over before a hub could say anything.
    ///
    /// ```
    /// # let guard = glasshull::builder().hub("off").init();
    /// // At most 2 seconds of a program that runs for less.
    /// let is_known = guard.wait_for_probes(std::time::Duration::from_secs(2));
    /// # assert!(!is_known);
    /// ```
    pub fn wait_for_probes(&self, within: Duration) -> bool {
        self.agent().is_some_and(|agent| agent.wait_for_probes(within))
    }

    /// Brings to the hub what was captured by now. False if that took longer than allowed; at once in a forked child.
    pub fn flush(&self, within: Duration) -> bool {
        match self.agent() {
            Some(agent) => agent.flush(within),
            None => self.agent.is_none(),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(agent) = self.agent() else {
            // A child's copy: to drop what the parent's threads were using could wait for them.
            std::mem::forget(self.agent.take());
            return;
        };
        agent::uninstall(agent);
        agent.stop(agent.settings.flush_within);
        agent.silence();
    }
}
