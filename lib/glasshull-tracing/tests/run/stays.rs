//! Being in a span: once, several times, never, in whatever order it is entered and left, and until a panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use glasshull::context::Context;
use glasshull_wire::v1::Outcome;
use tracing::Span;
use tracing::span::EnteredSpan;

use crate::hub::{Call, PATIENCE, TestHub, agent, draw, probe};
use crate::program::{captured, in_program};

#[tracing::instrument]
fn work(n: u32) {}

#[glasshull::trace]
fn calls(n: u32) {
    work(n);
}

#[glasshull::trace(skip(entered))]
fn leaves(entered: EnteredSpan) {
    work(1);
    drop(entered);
    work(2);
}

const HERE: &str = "stays::*";

fn names(drawn: &str) -> String {
    drawn.replace("stays::", "").replace(" -> ?", "").replace(" -> null", "")
}

#[test]
fn spans_left_in_another_order_do_not_keep_their_place() {
    let drawn = captured(HERE, || {
        let (a, b) = (tracing::info_span!("a"), tracing::info_span!("b"));
        let (in_a, in_b) = (a.enter(), b.enter());
        work(1);
        drop(in_a);
        work(2);
        drop(in_b);
        work(3);
    });
    // `b` was made before `a` was entered.
    let expected = "\na {}\nb {}\n    work {\"n\":1}\n    work {\"n\":2}\nwork {\"n\":3}\n";
    assert_eq!(names(&drawn), expected);
}

#[test]
fn a_span_left_inside_a_call_is_left() {
    let drawn = captured(HERE, || {
        leaves(tracing::info_span!("moved").entered());
        work(3);
        calls(4);
        tracing::info_span!("next").in_scope(|| work(5));
    });
    let expected = r#"
moved {}
    leaves {"entered":{"$glasshull":"skipped"}}
        work {"n":1}
        work {"n":2}
work {"n":3}
calls {"n":4}
    work {"n":4}
next {}
    work {"n":5}
"#;
    assert_eq!(names(&drawn), expected);
}

#[test]
fn a_span_entered_twice_is_left_twice() {
    let drawn = captured(HERE, || {
        let span = tracing::info_span!("twice");
        span.in_scope(|| {
            span.in_scope(|| work(1));
            work(2);
        });
        work(3);
        let clone = span.clone();
        drop(span);
        clone.in_scope(|| work(4));
    });
    let expected = "\ntwice {}\n    work {\"n\":1}\n    work {\"n\":2}\n    work {\"n\":4}\nwork {\"n\":3}\n";
    assert_eq!(names(&drawn), expected);
}

#[test]
fn a_forgotten_guard_does_not_keep_the_place_of_a_span_that_is_closed() {
    let drawn = captured(HERE, || {
        let span = tracing::info_span!("forgotten");
        std::mem::forget(span.enter());
        drop(span);
        work(1);
    });
    assert_eq!(names(&drawn), "\nforgotten {}\nwork {\"n\":1}\n");
}

/// The one call of a span, under a probe.
fn one(run: impl Fn(Span)) -> Call {
    let hub = TestHub::start();
    let agent = agent(&hub);
    let span = || tracing::info_span!("one");
    in_program(|| {
        drop(span());
        hub.probe(vec![probe("stays::one")]);
        agent.context().in_scope(|| run(span()));
    });
    assert!(agent.flush(PATIENCE));
    hub.calls(1).remove(0)
}

const WHILE: Duration = Duration::from_millis(20);

#[test]
fn a_span_is_busy_while_it_is_entered_and_ends_when_it_is_left_last() {
    let call = one(|span| {
        span.in_scope(|| std::thread::sleep(WHILE));
        std::thread::sleep(WHILE);
        span.in_scope(|| span.in_scope(|| std::thread::sleep(WHILE)));
    });
    let [total, idle, once] = [call.duration_ns, call.idle_ns, WHILE.as_nanos() as u64];
    assert!(total >= 3 * once && idle >= once && total - idle >= 2 * once, "{total} {idle}");
    // What comes between the last stay and the closing is not in it, however slow the machine is.
    let (began, at_most) = (Instant::now(), Cell::new(Duration::ZERO));
    let left = one(|span| {
        span.in_scope(|| ());
        at_most.set(began.elapsed());
        std::thread::sleep(2 * began.elapsed());
    });
    assert!(u128::from(left.duration_ns) <= at_most.get().as_nanos(), "{}", left.duration_ns);
}

#[test]
fn a_span_that_is_never_entered_lasts_until_it_is_closed_and_is_idle() {
    let call = one(|span| {
        std::thread::sleep(WHILE);
        drop(span);
    });
    assert!(call.duration_ns >= WHILE.as_nanos() as u64 && call.duration_ns - call.idle_ns < 1_000);
}

#[test]
fn a_span_may_be_left_and_closed_on_other_threads() {
    let call = one(|span| {
        let (agent, subscriber) = (Context::current(), tracing::dispatcher::get_default(Clone::clone));
        let elsewhere = std::thread::spawn(move || {
            tracing::dispatcher::with_default(&subscriber, || {
                agent.in_scope(|| {
                    span.in_scope(|| ());
                    drop(span);
                });
            });
        });
        elsewhere.join().unwrap();
    });
    assert_eq!(call.outcome, Outcome::Returned);
}

#[test]
fn a_span_that_was_open_when_its_subscriber_went_away_was_cancelled() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    let span = || tracing::info_span!("kept");
    in_program(|| drop(span()));
    hub.probe(vec![probe("stays::kept")]);
    in_program(|| agent.context().in_scope(|| std::mem::forget(span())));
    // The forgotten span keeps the subscriber; nothing ends it, and nothing breaks.
    assert!(agent.flush(PATIENCE));
    hub.wait("it runs", |state| state.rows.iter().find(|row| row.outcome == Outcome::Running).cloned());
}

mod panics {
    #[tracing::instrument(fields(rows))]
    pub(super) fn around(n: u32) {
        tracing::Span::current().record("rows", 1);
        let _ = super::Cleanup(n).fails();
    }

    #[tracing::instrument]
    pub(super) fn while_cleaning_up() {}
}

struct Cleanup(u32);

impl Cleanup {
    #[tracing::instrument(skip(self), err)]
    fn fails(&self) -> Result<(), std::fmt::Error> {
        panic!("no {}", self.0)
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        panics::while_cleaning_up();
    }
}

#[test]
fn a_panic_that_unwinds_through_a_span_is_its_calls() {
    let drawn = captured(HERE, || {
        assert!(catch_unwind(AssertUnwindSafe(|| panics::around(7))).is_err());
        work(1);
    });
    let place = drawn.split("\"place\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(place.contains("stays.rs:"), "{place}");
    let expected = format!(
        r#"
panics::around {{"n":7,"rows":null}} ** {{"message":"no 7","place":"{place}","fields":{{"rows":1}}}}
    fails {{}} ** {{"message":"no 7","place":"{place}"}}
    panics::while_cleaning_up {{}}
work {{"n":1}}
"#
    );
    assert_eq!(names(&drawn), expected);
}

#[test]
fn capture_may_end_while_spans_are_open() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    in_program(|| {
        work(0);
        hub.probe(vec![probe("stays::work")]);
        agent.context().in_scope(|| {
            let span = tracing::info_span!("outer");
            let _entered = span.enter();
            hub.probe(vec![]);
            work(1);
        });
        agent.context().in_scope(|| work(2));
    });
    assert!(agent.flush(PATIENCE));
    assert_eq!(draw(&hub.state().ended()), "\n");
}

#[glasshull::trace(skip_all)]
fn deeper(run: impl FnOnce()) {
    run();
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// Enters and leaves spans in any order, also those entered outside of the call it is in.
fn wander(random: &mut Random, inside: &mut Vec<EnteredSpan>, depth: usize) {
    for _ in 0..12 {
        match random.below(6) {
            0 | 1 => inside.push(tracing::info_span!("wandered").entered()),
            2 | 3 if !inside.is_empty() => drop(inside.swap_remove(random.below(inside.len()))),
            4 if depth < 3 => deeper(|| wander(random, inside, depth + 1)),
            _ => work(0),
        }
    }
}

#[test]
fn whatever_order_spans_are_left_in_nothing_is_below_them_afterwards() {
    const WALKS: u32 = 60;
    let hub = TestHub::start();
    let agent = agent(&hub);
    let walk = |seed: u32| {
        wander(&mut Random(seed.into()), &mut Vec::new(), 0);
        work(seed);
    };
    in_program(|| {
        (0..20).for_each(walk);
        hub.probe(vec![probe(HERE)]);
        agent.context().in_scope(|| {
            for seed in 1..=WALKS {
                walk(seed);
                // The rings are not what this is about.
                assert!(agent.flush(PATIENCE));
            }
        });
    });
    let calls = hub.state().ended();
    assert!(calls.iter().filter(|call| call.function.ends_with("wandered")).count() > 10 * WALKS as usize);
    let ids: Vec<u64> = calls.iter().map(|call| call.call_id).collect();
    assert!(calls.iter().all(|call| call.parent_id.is_none_or(|parent| ids.contains(&parent))));
    for seed in 1..=WALKS {
        let last = calls.iter().find(|call| call.args == format!("{{\"n\":{seed}}}")).unwrap();
        assert_eq!((last.parent_id, last.depth), (None, 0), "walk {seed}");
    }
}
