use std::sync::Arc;
use std::time::Duration;

use crate::agent::{self, Agent};
use crate::context::Context;

/// Keeps the process connected. When it is dropped, what was captured is brought to the hub, within a limit
/// ([`Builder::flush_within`](crate::Builder::flush_within)), and capturing ends.
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
        self.agent.is_some()
    }

    /// The context in which this agent captures; needed only for agents made by
    /// [`Builder::start`](crate::Builder::start).
    pub fn context(&self) -> Context {
        self.agent.as_ref().map_or_else(Context::default, Context::of_agent)
    }

    /// Brings to the hub what was captured by now. False if that took longer than allowed.
    pub fn flush(&self, within: Duration) -> bool {
        self.agent.as_ref().is_none_or(|agent| agent.flush(within))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(agent) = &self.agent else { return };
        agent::uninstall(agent);
        // In a forked child there is no sender that could answer.
        if self.process == std::process::id() {
            agent.stop(agent.settings.flush_within);
        }
        agent.silence();
    }
}
