//! The SDK against a hub: what is called, and the trees the hub gets.
#![allow(clippy::unused_unit)]

mod hub;

use std::sync::atomic::Ordering;
use std::time::Duration;

use glasshull::context::{self, Context, FutureExt as _};
use glasshull::{Guard, builder};
use glasshull_wire::v1::{self, ProbeState};
use hub::{PATIENCE, TestHub, agent, captured, draw, probe};

mod tree {
    #[glasshull::trace]
    pub(crate) fn order(sku: &str, quantity: u32) -> Result<u64, String> {
        let price = price(sku)?;
        let discount = discount(quantity);
        Ok(u64::from(quantity) * price - discount)
    }

    #[glasshull::trace]
    fn price(sku: &str) -> Result<u64, String> {
        match sku {
            "HAT" => Ok(500),
            _ => Err(format!("no price for {sku}")),
        }
    }

    #[glasshull::trace]
    fn discount(quantity: u32) -> u64 {
        if quantity > 1 { discount(quantity - 1) + 10 } else { 0 }
    }
}

#[test]
fn calls_arrive_as_the_tree_they_were() {
    let drawn = captured("tree::*", || {
        let _ = tree::order("HAT", 3);
        let _ = tree::order("CAT", 1);
    });
    let error = r#"{"message":"no price for CAT","type":"alloc::string::String"}"#;
    let expected = format!(
        r#"
tree::order {{"sku":"HAT","quantity":3}} -> 1480
    tree::price {{"sku":"HAT"}} -> 500
    tree::discount {{"quantity":3}} -> 20
        tree::discount {{"quantity":2}} -> 10
            tree::discount {{"quantity":1}} -> 0
tree::order {{"sku":"CAT","quantity":1}} !! {error}
    tree::price {{"sku":"CAT"}} !! {error}
"#
    );
    assert_eq!(drawn, expected);
}

#[test]
fn what_no_probe_wants_is_not_captured_and_does_not_break_the_tree() {
    let drawn = captured("tree::discount", || drop(tree::order("HAT", 2)));
    assert_eq!(drawn, "\ntree::discount {\"quantity\":2} -> 10\n    tree::discount {\"quantity\":1} -> 0\n");
}

mod outcomes {
    use std::fmt;

    #[derive(Debug)]
    pub(crate) struct Outer(pub(crate) Inner);
    #[derive(Debug)]
    pub(crate) struct Inner;

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("payment failed, password=hunter2")
        }
    }

    impl fmt::Display for Inner {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("card expired")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    impl std::error::Error for Inner {}

    #[glasshull::trace]
    pub(crate) fn typed() -> Result<(), Outer> {
        Err(Outer(Inner))
    }

    #[glasshull::trace]
    pub(crate) fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        typed()?;
        Ok(())
    }

    pub(crate) struct Silent;

    #[glasshull::trace]
    pub(crate) fn silent() -> Result<u8, Silent> {
        Err(Silent)
    }

    #[glasshull::trace]
    pub(crate) fn panics(n: u32) -> u32 {
        below(n)
    }

    #[glasshull::trace]
    fn below(n: u32) -> u32 {
        panic!("no {n}")
    }

    #[glasshull::trace]
    pub(crate) fn resumed() {
        std::panic::resume_unwind(Box::new("from elsewhere"))
    }
}

#[test]
fn errors_tell_their_causes_without_secrets() {
    let drawn = captured("outcomes::*", || {
        let _ = outcomes::boxed();
        let _ = outcomes::silent();
    });
    let message = "payment failed, password=[redacted]";
    let expected = format!(
        r#"
outcomes::boxed {{}} !! {{"message":"{message}","type":"alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>","causes":["card expired"]}}
    outcomes::typed {{}} !! {{"message":"{message}","type":"run::outcomes::Outer","causes":["card expired"]}}
outcomes::silent {{}} !! {{"message":"an error that cannot be displayed","type":"run::outcomes::Silent"}}
"#
    );
    assert_eq!(drawn, expected);
}

#[test]
fn panics_tell_their_message_and_place() {
    let drawn = captured("outcomes::*", || {
        let caught = std::panic::catch_unwind(|| outcomes::panics(7));
        assert!(caught.is_err());
        assert!(std::panic::catch_unwind(outcomes::resumed).is_err());
    });
    let place = drawn.split("\"place\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    assert!(place.contains("run.rs:"), "{place}");
    let panic = format!(r#"{{"message":"no 7","place":"{place}"}}"#);
    let expected = format!(
        r#"
outcomes::panics {{"n":7}} ** {panic}
    outcomes::below {{"n":7}} ** {panic}
outcomes::resumed {{}} ** {{"message":"a panic whose message is not known"}}
"#
    );
    assert_eq!(drawn, expected);
}

mod asynchronous {
    use std::future::pending;

    #[glasshull::trace]
    pub(crate) async fn outer(n: u32) -> u32 {
        let doubled = inner(n).await;
        tokio::task::yield_now().await;
        doubled + inner(1).await
    }

    #[glasshull::trace]
    async fn inner(n: u32) -> u32 {
        tokio::task::yield_now().await;
        2 * n
    }

    #[glasshull::trace]
    pub(crate) async fn hangs(n: u32) {
        inner(n).await;
        pending::<()>().await;
    }

    #[glasshull::trace]
    pub(crate) async fn panics() {
        tokio::task::yield_now().await;
        panic!("in a task");
    }

    #[glasshull::trace]
    pub(crate) async fn slow() {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

#[test]
fn the_tree_goes_on_across_await_tasks_and_threads() {
    let drawn = captured("asynchronous::*", || {
        let runtime = runtime();
        let here = Context::current();
        runtime.block_on(async {
            let tasks: Vec<_> =
                (0..3).map(|n| runtime.spawn(asynchronous::outer(n).in_context(here.clone()))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    let tree = |n: u32| {
        format!(
            "asynchronous::outer {{\"n\":{n}}} -> {}\n    asynchronous::inner {{\"n\":{n}}} -> {}\n    asynchronous::inner {{\"n\":1}} -> 2\n",
            2 * n + 2,
            2 * n
        )
    };
    for n in 0..3 {
        assert!(drawn.contains(&tree(n)), "{drawn}");
    }
}

#[test]
fn a_future_dropped_before_it_is_ready_was_cancelled() {
    let drawn = captured("asynchronous::*", || {
        runtime().block_on(async {
            let _ = tokio::time::timeout(Duration::from_millis(20), asynchronous::hangs(4)).await;
        });
    });
    assert_eq!(drawn, "\nasynchronous::hangs {\"n\":4} ~~\n    asynchronous::inner {\"n\":4} -> 8\n");
}

#[test]
fn a_panic_in_a_task_is_the_calls() {
    let drawn = captured("asynchronous::panics", || {
        let runtime = runtime();
        let work = context::spawnable(asynchronous::panics());
        assert!(runtime.block_on(runtime.spawn(work)).is_err());
    });
    assert!(drawn.contains(r#"asynchronous::panics {} ** {"message":"in a task","place":"#), "{drawn}");
}

#[test]
fn waiting_counts_as_idle() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("asynchronous::slow")]);
    agent.context().in_scope(|| runtime().block_on(asynchronous::slow()));
    let call = &hub.calls(1)[0];
    assert!(call.duration_ns >= 60_000_000, "{call:?}");
    assert!(call.idle_ns > call.duration_ns / 2 && call.idle_ns < call.duration_ns, "{call:?}");
}

mod threads {
    use glasshull::context;

    #[glasshull::trace]
    pub(crate) fn parent(n: u32) {
        let threads: Vec<_> = (0..n).map(|i| std::thread::spawn(context::carry(move || child(i)))).collect();
        threads.into_iter().for_each(|thread| drop(thread.join().unwrap()));
    }

    #[glasshull::trace]
    fn child(_i: u32) -> String {
        std::thread::current().name().unwrap_or("?").to_owned()
    }
}

#[test]
fn a_context_is_carried_to_threads() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("threads::*")]);
    agent.context().in_scope(|| threads::parent(3));
    let calls = hub.calls(4);
    let parent = calls.iter().find(|call| call.function.ends_with("parent")).unwrap();
    let children: Vec<_> = calls.iter().filter(|call| call.parent_id == Some(parent.call_id)).collect();
    let mut positions: Vec<u32> = children.iter().map(|child| child.position).collect();
    positions.sort_unstable();
    assert_eq!(positions, [0, 1, 2]);
    assert!(children.iter().all(|child| child.trace_id == parent.trace_id && child.depth == 1));
    assert!(children.iter().all(|child| child.started_at_ns >= parent.started_at_ns));
}

mod remote {
    use glasshull::Context;

    #[glasshull::trace]
    pub(crate) fn client() -> (Option<String>, Option<String>) {
        let context = Context::current();
        (context.traceparent(), context.tracestate())
    }

    #[glasshull::trace]
    pub(crate) fn server() {}
}

#[test]
fn the_tree_goes_on_across_processes() {
    let (client_hub, server_hub) = (TestHub::start(), TestHub::start());
    let (client, server) = (agent(&client_hub), agent(&server_hub));
    client_hub.probe(vec![probe("remote::client")]);
    server_hub.probe(vec![probe("remote::server")]);
    let (traceparent, tracestate) = client.context().in_scope(remote::client);
    server.context().in_scope(|| {
        Context::from_headers(traceparent.as_deref(), tracestate.as_deref()).enter_with(&server, remote::server);
    });
    let (client_call, server_call) = (&client_hub.calls(1)[0], &server_hub.calls(1)[0]);
    assert_eq!(server_call.parent_id, Some(client_call.call_id));
    assert_eq!(server_call.trace_id, client_call.trace_id);
    assert_eq!(server_call.depth, client_call.depth + 1);
}

mod in_turns {
    use glasshull::Context;

    #[glasshull::trace]
    pub(crate) fn request(step: impl Fn(usize)) -> Context {
        step(0);
        Context::current()
    }

    #[glasshull::trace]
    pub(crate) fn step(_request: usize) {}
}

#[test]
fn requests_that_take_turns_on_a_thread_keep_their_calls() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("in_turns::*")]);
    agent.context().in_scope(|| {
        let requests: Vec<_> = (0..3).map(|_| in_turns::request(|_| {})).collect();
        // Now several of the same one after the other, now each in turn.
        for turn in 0..60 {
            let request = if turn < 30 { turn / 10 } else { turn % 3 };
            requests[request].in_scope(|| in_turns::step(request));
        }
    });
    let calls = hub.calls(63);
    let roots: Vec<_> = calls.iter().filter(|call| call.parent_id.is_none()).collect();
    for (request, root) in roots.iter().enumerate() {
        let own: Vec<_> = calls.iter().filter(|call| call.parent_id == Some(root.call_id)).collect();
        assert_eq!(own.len(), 20);
        assert!(own.iter().all(|call| call.trace_id == root.trace_id));
        assert!(own.iter().all(|call| call.args == format!("{{\"_request\":{request}}}")), "{own:?}");
    }
    assert!(roots[0].trace_id != roots[1].trace_id && roots[1].trace_id != roots[2].trace_id);
}

/// Two processes in one: headers name no agent.
trait EnterWith {
    fn enter_with<T>(&self, agent: &Guard, run: impl FnOnce() -> T) -> T;
}

impl EnterWith for Context {
    fn enter_with<T>(&self, agent: &Guard, run: impl FnOnce() -> T) -> T {
        self.clone().with_agent_of(&agent.context()).in_scope(run)
    }
}

mod suppressed {
    use glasshull::Context;

    #[glasshull::trace]
    pub(crate) fn root(n: u32) -> Option<String> {
        leaf(n);
        Context::current().traceparent()
    }

    #[glasshull::trace]
    fn leaf(_n: u32) {}
}

#[test]
fn a_request_that_is_skipped_is_skipped_whole() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![v1::Probe { sample_one_in: 4, ..probe("suppressed::*") }]);
    let headers: Vec<Option<String>> = agent.context().in_scope(|| (0..40).map(suppressed::root).collect());
    assert!(agent.flush(PATIENCE));
    let calls = hub.state().ended();
    let roots = calls.iter().filter(|call| call.parent_id.is_none()).count();
    assert_eq!((roots, calls.len()), (10, 20), "{}", draw(&calls));
    let sampled = headers.iter().flatten().filter(|header| header.ends_with("-01")).count();
    let suppressed = headers.iter().flatten().filter(|header| header.ends_with("-00")).count();
    assert_eq!((sampled, suppressed), (10, 30));
    let report = hub.report("suppressed::*", |report| report.captured == 20);
    assert_eq!((report.skipped_by_sample, report.functions), (30, 2));
    // What another process decided holds here too.
    let refusing = headers.iter().flatten().find(|header| header.ends_with("-00")).unwrap();
    let context = Context::from_traceparent(refusing).unwrap().with_agent_of(&agent.context());
    context.in_scope(|| suppressed::root(99));
    assert!(agent.flush(PATIENCE));
    assert_eq!(hub.state().ended().len(), 20);
}

mod limited {
    #[glasshull::trace]
    pub(crate) fn root(n: u32) {
        leaf(n);
    }

    #[glasshull::trace]
    fn leaf(_n: u32) {}
}

#[test]
fn a_rate_is_kept_by_skipping_whole_requests() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![v1::Probe { max_calls_per_second: 10, ..probe("limited::*") }]);
    agent.context().in_scope(|| (0..1_000).for_each(limited::root));
    let report = hub.report("limited::*", |report| report.skipped_by_rate > 0 && report.captured > 0);
    assert_eq!(report.state(), ProbeState::Limited);
    assert!(report.reason.contains("more than 10 calls a second"), "{}", report.reason);
    assert!(agent.flush(PATIENCE));
    let calls = hub.state().ended();
    assert!((10..100).contains(&calls.len()), "{}", calls.len());
    let roots = calls.iter().filter(|call| call.parent_id.is_none()).count();
    assert_eq!(2 * roots, calls.len(), "a tree is not whole");
}

#[test]
fn a_rate_holds_for_requests_that_come_in_captured_too() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![v1::Probe { max_calls_per_second: 10, ..probe("limited::*") }]);
    let captured = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let context = Context::from_traceparent(captured).unwrap().with_agent_of(&agent.context());
    context.in_scope(|| (0..1_000).for_each(limited::root));
    assert!(agent.flush(PATIENCE));
    let calls = hub.state().ended();
    let leaves = calls.iter().filter(|call| call.function.ends_with("leaf")).count();
    assert!((10..100).contains(&calls.len()) && 2 * leaves == calls.len(), "{} {leaves}", calls.len());
    assert!(calls.iter().all(|call| call.trace_id[0] == 0x4b));
}

#[test]
fn a_number_of_calls_is_kept_exactly() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![v1::Probe { max_calls: 7, ..probe("limited::*") }]);
    agent.context().in_scope(|| (0..100).for_each(limited::root));
    let report = hub.report("limited::*", |report| report.state() == ProbeState::Limited);
    assert_eq!(report.reason, "all of its 7 calls are captured");
    assert!(agent.flush(PATIENCE));
    assert_eq!(hub.state().ended().len(), 7);
}

#[test]
fn a_probe_ends_by_itself_when_the_hub_is_gone() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![v1::Probe { remaining_ns: 300_000_000, ..probe("limited::*") }]);
    let address = hub.address;
    drop(hub);
    std::thread::sleep(Duration::from_millis(500));
    agent.context().in_scope(|| limited::root(1));
    let hub = TestHub::start_at(address);
    hub.wait("it connects again", |state| (!state.hellos.is_empty()).then_some(()));
    assert!(agent.flush(PATIENCE));
    assert_eq!(hub.state().ended(), []);
}

#[test]
fn a_probe_says_how_it_stands() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    let expired = v1::Probe { remaining_ns: 1, ..probe("*::leaf") };
    let complex = v1::Probe { patterns: vec!["x".into(); 100], ..probe("complex") };
    hub.probe(vec![probe("limited::root"), probe("nothing::here"), expired, complex]);
    let state = |id: &str| hub.report(id, |report| report.state() != ProbeState::Unspecified);
    assert_eq!(state("limited::root").state(), ProbeState::Active);
    assert_eq!((state("nothing::here").state(), state("nothing::here").functions), (ProbeState::NoMatch, 0));
    assert_eq!(state("complex").state(), ProbeState::Suspended);
    hub.report("*::leaf", |report| report.state() == ProbeState::Expired);
    drop(agent);
}

#[test]
fn a_process_offers_only_the_functions_it_is_told_to() {
    let hub = TestHub::start();
    let agent = builder().hub(hub.url()).service("test").functions(["tree::*"]).start().unwrap();
    hub.probe(vec![probe("*::price"), probe("limited::*")]);
    assert_eq!(hub.report("limited::*", |report| report.state() == ProbeState::NoMatch).functions, 0);
    agent.context().in_scope(|| {
        let _ = tree::order("HAT", 1);
        limited::root(1);
    });
    assert!(agent.flush(PATIENCE));
    let state = hub.state();
    assert!(state.functions.values().all(|function| function.path.contains("::tree::")), "{:?}", state.functions);
    assert_eq!(draw(&state.ended()), "\ntree::price {\"sku\":\"HAT\"} -> 500\n");
}

mod conditional {
    #[glasshull::trace]
    pub(crate) fn outer(coupon: &str) -> u32 {
        inner(coupon)
    }

    #[glasshull::trace]
    fn inner(coupon: &str) -> u32 {
        if coupon == "FREE" { 0 } else { 100 }
    }
}

#[test]
fn only_calls_for_which_the_condition_holds_are_kept() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    let comparison = v1::Comparison {
        subject: v1::Subject::Returned.into(),
        operator: v1::Operator::Eq.into(),
        values: vec![v1::Literal { value: Some(v1::literal::Value::Integer(0)) }],
        ..v1::Comparison::default()
    };
    let condition = v1::Condition { kind: Some(v1::condition::Kind::Comparison(comparison)) };
    hub.probe(vec![v1::Probe { condition: Some(condition), max_calls: 3, ..probe("conditional::*") }]);
    agent.context().in_scope(|| {
        for coupon in ["A", "FREE", "B", "FREE", "FREE"] {
            conditional::outer(coupon);
        }
    });
    assert!(agent.flush(PATIENCE));
    let calls = hub.state().ended();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.args == r#"{"coupon":"FREE"}"#), "{}", draw(&calls));
    let report = hub.report("conditional::*", |report| report.captured == 3);
    assert_eq!((report.skipped_by_condition, report.state()), (4, ProbeState::Limited));
}

mod hanging {
    use std::sync::mpsc::Receiver;

    #[glasshull::trace(skip_all)]
    pub(crate) fn until(released: Receiver<()>) -> u32 {
        let _ = released.recv();
        9
    }
}

#[test]
fn a_call_that_hangs_is_shown_as_running_and_replaced_when_it_ends() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("hanging::until")]);
    let (release, released) = std::sync::mpsc::channel();
    let context = agent.context();
    let thread = std::thread::spawn(move || context.in_scope(|| hanging::until(released)));
    let running = hub.wait("a running call", |state| state.rows.first().cloned());
    assert_eq!(running.outcome, v1::Outcome::Running);
    assert!(running.duration_ns >= 400_000_000, "{running:?}");
    release.send(()).unwrap();
    thread.join().unwrap();
    let ended = &hub.calls(1)[0];
    assert_eq!((ended.call_id, ended.started_at_ns), (running.call_id, running.started_at_ns));
    assert_eq!(ended.returned.as_deref(), Some("9"));
    assert_eq!(hub.state().rows.len(), 2);
    assert_eq!(hub.faults().refuse.load(Ordering::Relaxed), 0);
}

#[test]
fn a_call_shown_as_running_is_shown_as_ended_even_if_its_end_fails_the_condition() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    let comparison = v1::Comparison {
        subject: v1::Subject::Outcome.into(),
        operator: v1::Operator::Ne.into(),
        values: vec![v1::Literal { value: Some(v1::literal::Value::Text("returned".into())) }],
        ..v1::Comparison::default()
    };
    let condition = v1::Condition { kind: Some(v1::condition::Kind::Comparison(comparison)) };
    hub.probe(vec![v1::Probe { condition: Some(condition), ..probe("hanging::until") }]);
    let (release, released) = std::sync::mpsc::channel();
    let context = agent.context();
    let thread = std::thread::spawn(move || context.in_scope(|| hanging::until(released)));
    let running = hub.wait("a running call", |state| state.rows.first().cloned());
    release.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(hub.calls(1)[0].call_id, running.call_id);
}

mod closing {
    use std::fmt;
    use std::sync::atomic::{AtomicU32, Ordering};

    use glasshull::Guard;

    pub(crate) static PRINTED: AtomicU32 = AtomicU32::new(0);

    pub(crate) struct Counted;

    impl fmt::Debug for Counted {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            PRINTED.fetch_add(1, Ordering::Relaxed);
            f.write_str("Counted")
        }
    }

    #[glasshull::trace(skip_all)]
    pub(crate) fn disconnect(agent: Option<Guard>) -> Counted {
        drop(agent);
        Counted
    }

    #[glasshull::trace(skip_all)]
    pub(crate) async fn disconnect_async(agent: Option<Guard>) -> Counted {
        drop(agent);
        Counted
    }
}

#[test]
fn once_disconnected_no_code_of_values_runs() {
    for (agent_goes, printed) in [(false, 2), (true, 0)] {
        for run in [
            |agent: Option<Guard>| closing::disconnect(agent),
            |agent: Option<Guard>| runtime().block_on(closing::disconnect_async(agent)),
        ] {
            let hub = TestHub::start();
            let agent = agent(&hub);
            hub.probe(vec![probe("closing::*")]);
            let context = agent.context();
            let (inside, _outside) = if agent_goes { (Some(agent), None) } else { (None, Some(agent)) };
            context.in_scope(|| run(inside));
        }
        assert_eq!(closing::PRINTED.swap(0, Ordering::Relaxed), printed);
    }
}
