//! What nobody captures does not exist. Alone in its process, as `tracing` asks all subscribers of a process at once.

#[path = "../../glasshull/tests/hub/mod.rs"]
mod hub;

use glasshull_tracing::layer_of_running;
use hub::{PATIENCE, TestHub, agent, probe};
use tracing::subscriber::with_default;
use tracing_subscriber::prelude::*;

/// Whether its own span exists, and an event in it would.
#[tracing::instrument]
fn work(n: u32) -> bool {
    assert!(!tracing::enabled!(tracing::Level::ERROR), "nobody listens to everything");
    !tracing::Span::current().is_disabled()
}

#[test]
fn a_span_exists_while_it_is_captured_and_at_no_other_time() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    let program = || tracing_subscriber::registry().with(layer_of_running());
    let run = || with_default(program(), || agent.context().in_scope(|| work(1)));
    assert!(!run());
    hub.probe(vec![probe("gates::work")]);
    assert!(run());
    hub.probe(vec![]);
    assert!(!run());
    hub.probe(vec![probe("gates::*")]);
    assert!(run());
    assert!(agent.flush(PATIENCE));
    assert_eq!(hub.calls(2).len(), 2);
    // One subscriber, in use while probes come and go.
    with_default(program(), || {
        let run = || agent.context().in_scope(|| work(2));
        assert!(run());
        hub.probe(vec![]);
        assert!(!run());
        hub.probe(vec![probe("work")]);
        assert!(run());
        drop(agent);
        assert!(!work(3));
    });
}
