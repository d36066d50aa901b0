//! What a call's parent is: the span around, on whatever thread, the one that is named, or a call of the SDK's own.

use glasshull::context::Context;
use glasshull_tracing::layer_of_running;
use tracing::{Instrument as _, Span};
use tracing_subscriber::prelude::*;

use crate::program::{captured, captured_in};

/// On a thread of its own, with subscriber and agent, and with no place to begin with.
fn elsewhere(agent: &Context, run: impl FnOnce() + Send) {
    let subscriber = tracing::dispatcher::get_default(Clone::clone);
    let run = || tracing::dispatcher::with_default(&subscriber, || agent.in_scope(run));
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

mod detached {
    #[tracing::instrument]
    pub(super) fn work(place: &str) {}
}

#[test]
fn a_span_takes_its_place_along_to_other_threads() {
    let drawn = captured("parents::*", || {
        // No call is around yet: the context is the agent's alone.
        let agent = &Context::current();
        let request = tracing::info_span!("request");
        let watched = tracing::info_span!(parent: &request, "watched");
        elsewhere(agent, || watched.in_scope(|| detached::work("below one that is captured")));
        elsewhere(agent, || {
            tracing::info!(name: "told", parent: &watched, "from elsewhere");
            detached::work("nowhere");
        });
    });
    let expected = r#"
request {} -> ?
    watched {} -> ?
        detached::work {"place":"below one that is captured"} -> ?
        event::told {"message":"from elsewhere"} -> ?
detached::work {"place":"nowhere"} -> ?
"#;
    assert_eq!(drawn.replace("parents::", ""), expected);
}

#[test]
fn a_span_that_only_others_want_does_not_cut_the_tree() {
    struct WantsEverything;
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for WantsEverything {}
    let program = || tracing_subscriber::registry().with(WantsEverything).with(layer_of_running());
    let drawn = captured_in(program, "parents::*", || {
        let agent = &Context::current();
        tracing::info_span!("request").in_scope(|| {
            let unwatched = tracing::info_span!(target: "quiet", "unwatched");
            unwatched.in_scope(|| detached::work("here"));
            elsewhere(agent, || unwatched.in_scope(|| detached::work("there")));
        });
    });
    let expected = r#"
request {} -> ?
    detached::work {"place":"here"} -> ?
    detached::work {"place":"there"} -> ?
"#;
    assert_eq!(drawn.replace("parents::", ""), expected);
}

#[test]
fn a_root_is_a_root_wherever_it_begins() {
    let drawn = captured("parents::*", || {
        tracing::info_span!("around").in_scope(|| {
            tracing::info_span!(parent: None, "root").in_scope(|| detached::work("in the root"));
            tracing::info!(name: "alone", parent: None, "said");
            detached::work("around");
        });
    });
    let expected = r#"
around {} -> ?
    detached::work {"place":"around"} -> ?
root {} -> ?
    detached::work {"place":"in the root"} -> ?
event::alone {"message":"said"} -> ?
"#;
    assert_eq!(drawn.replace("parents::", ""), expected);
}

mod mixed {
    use super::*;

    #[glasshull::trace]
    pub(super) async fn outer(n: u32) -> u32 {
        let span = tracing::info_span!("span", n);
        let inner = inner(n).instrument(span.clone()).await;
        drop(span);
        inner + deepest(n)
    }

    #[glasshull::trace]
    async fn inner(n: u32) -> u32 {
        tokio::task::yield_now().await;
        instrumented(n).await
    }

    #[tracing::instrument(ret)]
    async fn instrumented(n: u32) -> u32 {
        tokio::task::yield_now().await;
        let n = deepest(n);
        tokio::task::yield_now().await;
        tracing::info!(name: "done", n);
        n
    }

    #[glasshull::trace]
    fn deepest(n: u32) -> u32 {
        n + 1
    }
}

#[test]
fn spans_and_traced_functions_nest_across_await_tasks_and_threads() {
    let drawn = captured("mixed::*", || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let here = Context::current();
        let subscriber = tracing::dispatcher::get_default(Clone::clone);
        runtime.block_on(async {
            use glasshull::FutureExt as _;
            use tracing::instrument::WithSubscriber as _;
            let task = |n| mixed::outer(n).in_context(here.clone()).with_subscriber(subscriber.clone());
            let tasks: Vec<_> = (0..5).map(|n| runtime.spawn(task(n))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    for n in 0..5 {
        let m = n + 1;
        let tree = format!(
            r#"parents::mixed::outer {{"n":{n}}} -> {}
    parents::mixed::span {{"n":{n}}} -> ?
        parents::mixed::inner {{"n":{n}}} -> {m}
            parents::mixed::instrumented {{"n":{n}}} -> "{m}"
                parents::mixed::deepest {{"n":{n}}} -> {m}
                parents::mixed::event::done {{"n":{m}}} -> ?
    parents::mixed::deepest {{"n":{n}}} -> {m}
"#,
            2 * m
        );
        assert!(drawn.contains(&tree), "{drawn}");
    }
}

#[test]
fn what_follows_from_a_span_is_not_below_it() {
    let drawn = captured("parents::*", || {
        let first = tracing::info_span!("first");
        let second = tracing::info_span!("second");
        second.follows_from(&first);
        drop(first);
        second.in_scope(|| {
            Span::current().follows_from(&second);
        });
    });
    assert_eq!(drawn.replace("parents::", ""), "\nfirst {} -> ?\nsecond {} -> ?\n");
}
