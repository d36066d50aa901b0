//! Programs with our layer, and what is captured in them.

use glasshull_tracing::layer_of_running;
use tracing::Subscriber;
use tracing::subscriber::with_default;
use tracing_subscriber::prelude::*;

use crate::hub::{PATIENCE, TestHub, agent, draw, probe};

/// A program whose subscriber has our layer, and no other.
pub(crate) fn program() -> impl Subscriber + Send + Sync {
    tracing_subscriber::registry().with(layer_of_running())
}

/// Runs code as part of such a program.
pub(crate) fn in_program<T>(run: impl FnOnce() -> T) -> T {
    with_default(program(), run)
}

/// Runs code twice: so that its callsites become known, and under a probe. Draws what comes to the hub.
#[track_caller]
pub(crate) fn captured(pattern: &str, run: impl Fn()) -> String {
    captured_in(program, pattern, run)
}

/// The same in a program of another kind.
#[track_caller]
pub(crate) fn captured_in<P>(program: impl Fn() -> P, pattern: &str, run: impl Fn()) -> String
where
    P: Subscriber + Send + Sync + 'static,
{
    let hub = TestHub::start();
    let agent = agent(&hub);
    with_default(program(), || {
        run();
        hub.probe(vec![probe(pattern)]);
        agent.context().in_scope(&run);
    });
    assert!(agent.flush(PATIENCE));
    let calls = hub.state().ended();
    draw(&calls)
}
