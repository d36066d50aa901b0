//! The whole API in a program: with the feature `enabled` and without it the same source builds, and does the same.
//! `cargo test -p glasshull --no-default-features --test disabled` is the second half of this test.

use std::time::Duration;

use glasshull::context::{self, Context, FutureExt as _};

#[glasshull::trace(skip(a), redact(b))]
fn function(a: u32, b: u32) -> u32 {
    a + b
}

struct Type;

#[glasshull::trace(except(left_alone))]
impl Type {
    async fn method(&self) -> u32 {
        7
    }

    #[glasshull::trace(name = "other")]
    fn named(&self) -> u32 {
        8
    }

    fn left_alone(&self) -> u32 {
        9
    }
}

#[test]
fn a_program_uses_all_of_the_api() {
    let guard = glasshull::builder()
        .hub("off")
        .key("k")
        .service("s")
        .name("n")
        .class("c")
        .release("r")
        .tag("a", "b")
        .redact(["x"])
        .buffer_bytes(1)
        .cpu_budget(0.1)
        .flush_within(Duration::ZERO)
        .report_to(|_| ())
        .init();
    assert!(!guard.is_on() && guard.flush(Duration::ZERO) && !guard.wait_for_probes(Duration::MAX));
    assert_eq!(function(1, 2), 3);
    let here = Context::current();
    assert!(!here.is_captured() && here.traceparent().is_none() && here.tracestate().is_none());
    assert_eq!(here.in_scope(|| Type.named() + Type.left_alone()), 17);
    let _entered = guard.context().with_agent_of(&here).enter();
    assert_eq!(std::thread::spawn(context::carry(|| 1)).join().unwrap(), 1);
    let both = async { glasshull::spawnable(Type.method()).await + Type.method().in_context(context::current()).await };
    assert_eq!(futures::executor::block_on(both), 14);
    assert!(Context::from_traceparent("nonsense").is_none());
    assert!(!Context::from_headers(None, None).is_captured());
}

#[cfg(feature = "http")]
#[test]
fn headers_stay_as_they_are_while_nothing_is_captured() {
    let mut headers = http::HeaderMap::new();
    glasshull::propagation::inject(&mut headers);
    assert!(headers.is_empty());
    assert!(!glasshull::propagation::extract(&headers).is_captured());
}
