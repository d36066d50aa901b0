//! A whole program, with nothing of ours in it but the one line.

#[path = "../../glasshull/tests/hub/mod.rs"]
mod hub;

use std::time::Instant;

use hub::{PATIENCE, TestHub, probe};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

#[tracing::instrument(ret)]
fn work(n: u32) -> u32 {
    log::warn!(target: "database", "slow query {n}");
    n + 1
}

#[test]
fn a_program_with_the_one_line_is_capturable() {
    let hub = TestHub::start();
    // SAFETY: this is the only test of this process, and no thread of its own runs yet.
    unsafe { std::env::set_var("GLASSHULL_HUB", hub.url()) };
    let quiet = tracing_subscriber::fmt::layer().with_writer(std::io::sink).with_filter(LevelFilter::WARN);
    tracing_subscriber::registry().with(quiet).with(glasshull_tracing::layer()).init();
    assert!(!glasshull::init().is_on(), "the layer connects the process");
    work(0);
    // The SDK's connection logs what it sends, through `log`: none of it is captured, or it would never come to rest.
    hub.probe(vec![probe("*")]);
    let deadline = Instant::now() + PATIENCE;
    let of = |calls: &[hub::Call], function: &str| calls.iter().filter(|call| call.function == function).count();
    for n in 1.. {
        assert!(Instant::now() < deadline);
        work(n);
        let calls = hub.state().ended();
        if of(&calls, "whole::work") > 20 && of(&calls, "log::event::warn") > 20 {
            break;
        }
        std::thread::yield_now();
    }
    let calls = hub.state().ended();
    let call = |function: &str| calls.iter().find(|call| call.function == function).unwrap();
    let (outer, inner) = (call("whole::work"), call("log::event::warn"));
    assert!(inner.args.contains("slow query") && inner.args.contains(r#""log.target":"database""#), "{inner:?}");
    assert!(outer.returned.is_some() && calls.iter().any(|call| Some(call.call_id) == inner.parent_id));
    let threads: Vec<&str> = calls.iter().map(|call| call.thread.as_str()).collect();
    assert!(!threads.contains(&"glasshull"), "{calls:?}");
}
