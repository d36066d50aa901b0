//! What a call costs: bare, traceable, traced, and traced by others.

mod subjects;

use std::hint::black_box;
use std::time::Duration;

use tracing_subscriber::fmt::format::FmtSpan;

use subjects::{finish, off, on};

use crate::Outcome;
use crate::report::{Report, Row};
use crate::rounds::{Subject, measure as measure_rounds};
use crate::stand_in::StandIn;

const ROUNDS: usize = 400;

/// Calls in a burst: they fit into a thread's ring, so that each is captured and none is cheap because it is dropped.
const CALLS: u64 = 128;

/// What a sender needs to empty a ring.
const REST: Duration = Duration::from_millis(3);

/// Measures on this thread, beside a stand-in for the hub that acknowledges everything.
pub(crate) fn measure() -> Outcome<Report> {
    let hub = StandIn::start("*::subjects::on::*")?;
    let guard = glasshull::builder()
        .hub(hub.address())
        .service("bench")
        // The governor would switch the probe off: a loop of calls is all this process does.
        .cpu_budget(0.0)
        .init();
    hub.wait_until_probed()?;
    fastrace::set_reporter(Nowhere, fastrace::collector::Config::default());
    let mut rows = measure_rounds(&mut subjects(), ROUNDS, CALLS);
    guard.flush(Duration::from_secs(10));
    rows.push(Row::new("glasshull: calls captured, of those called while on", hub.captured() as f64, "calls"));
    rows.push(Row::new("glasshull: called while on", ((ROUNDS + 1) as u64 * CALLS) as f64, "calls"));
    Ok(Report::new("capture", rows))
}

fn subjects() -> Vec<Subject> {
    let tracing_on = tracing_json();
    let (order, same_order, items) = (subjects::order(), subjects::order(), (0..10_000).collect::<Vec<u64>>());
    vec![
        subject("floor: two reads of the cycle counter", |_| subjects::two_clock_reads()),
        subject("bare function", |i| subjects::bare(i, 7, subjects::TEXT)),
        subject("glasshull: traceable, off", |i| off::call(i, 7, subjects::TEXT)),
        traced("glasshull: two integers, a text, a return", |i| on::call(i, 7, subjects::TEXT)),
        traced("glasshull: a struct of six fields, a Result", move |_| on::order(&order)),
        traced("glasshull: a list of 10,000 items", move |_| on::items(&items)),
        traced("glasshull: async, ready at once", |i| finish(on::asynchronous(i, 1))),
        traced("glasshull: async, ready at the 11th poll", |i| finish(on::asynchronous(i, 11))),
        root("glasshull: a root", |i| on::call(i, 7, subjects::TEXT)),
        subject("bare: a struct of six fields, a Result", move |_| subjects::bare_order(&same_order)),
        subject("bare: async, ready at once", |i| finish(subjects::bare_async(i, 1))),
        subject("bare: async, ready at the 11th poll", |i| finish(subjects::bare_async(i, 11))),
        subject("glasshull: async, off", |i| finish(off::asynchronous(i, 1))),
        subject("fastrace: no root", |i| subjects::fastrace_span(i, 7, subjects::TEXT)),
        in_fastrace("fastrace: span", |i| subjects::fastrace_span(i, 7, subjects::TEXT)),
        in_fastrace("fastrace: span, arguments as properties", |i| subjects::fastrace_arguments(i, 7, subjects::TEXT)),
        subject("tracing: no subscriber", |i| subjects::tracing_off(i, 7, subjects::TEXT)),
        in_tracing(tracing_on.clone(), "tracing: JSON layer, arguments", |i| {
            subjects::tracing_span(i, 7, subjects::TEXT)
        }),
        in_tracing(tracing_on, "tracing: JSON layer, arguments and return", |i| {
            subjects::tracing_return(i, 7, subjects::TEXT)
        }),
    ]
}

fn subject<T: 'static>(what: &'static str, call: impl Fn(u64) -> T + 'static) -> Subject {
    let burst = move |calls| {
        for i in 0..calls {
            black_box(call(black_box(i)));
        }
    };
    Subject { what, burst: Box::new(burst), rest: Duration::ZERO }
}

/// Calls in one captured request a burst.
fn traced<T: 'static>(what: &'static str, call: impl Fn(u64) -> T + 'static) -> Subject {
    let mut inner = subject(what, call);
    Subject { what, burst: Box::new(move |calls| on::request(|| (inner.burst)(calls))), rest: REST }
}

/// Each call a request of its own.
fn root<T: 'static>(what: &'static str, call: impl Fn(u64) -> T + 'static) -> Subject {
    Subject { rest: REST, ..subject(what, call) }
}

/// One root a burst, as a request would have.
fn in_fastrace(what: &'static str, call: impl Fn(u64) -> u64 + 'static) -> Subject {
    let mut inner = subject(what, call);
    let burst = move |calls| {
        let root = fastrace::Span::root("root", fastrace::collector::SpanContext::random());
        let _local = root.set_local_parent();
        (inner.burst)(calls);
    };
    Subject { what, burst: Box::new(burst), rest: REST }
}

fn in_tracing(subscriber: tracing::Dispatch, what: &'static str, call: impl Fn(u64) -> u64 + 'static) -> Subject {
    let mut inner = subject(what, call);
    let burst = move |calls| tracing::dispatcher::with_default(&subscriber, || (inner.burst)(calls));
    Subject { what, burst: Box::new(burst), rest: Duration::ZERO }
}

/// Lines of JSON that nobody reads, so that formatting is measured and no disk.
fn tracing_json() -> tracing::Dispatch {
    let subscriber = tracing_subscriber::fmt().json().with_span_events(FmtSpan::CLOSE).with_writer(std::io::sink);
    tracing::Dispatch::new(subscriber.finish())
}

/// A reporter that throws everything away.
struct Nowhere;

impl fastrace::collector::Reporter for Nowhere {
    fn report(&mut self, spans: Vec<fastrace::collector::SpanRecord>) {
        drop(spans);
    }
}
