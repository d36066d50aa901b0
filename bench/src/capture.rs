//! What a call costs: bare, traceable, traced, and traced by others.

mod more;
mod subjects;

use std::hint::black_box;
use std::time::Duration;

use tracing_subscriber::fmt::format::FmtSpan;

use subjects::{finish, off, on};

use crate::Outcome;
use crate::report::{Report, Row, quantile};
use crate::rounds::{self, Calls, Subject, measure as measure_rounds};
use crate::stand_in::StandIn;

const ROUNDS: usize = 400;

/// Calls in a burst: they fit into a thread's ring, so that each is captured and none is cheap because it is dropped.
const CALLS: u64 = 128;

/// Calls of a burst before these: what others left in the caches has to go. They are shown by themselves.
const FIRST: u64 = 16;

/// A list of 64 numbers takes some 600 bytes: so many fewer fit.
const LONG_ONE_IN: u64 = 4;

/// What a sender needs to empty a ring.
const REST: Duration = Duration::from_millis(3);

/// Further polls of the async function that is not ready at once.
const FURTHER_POLLS: u32 = 10;

/// Measures on this thread, beside a stand-in for the hub that acknowledges everything.
pub(crate) fn measure() -> Outcome<Report> {
    let hub = StandIn::start("*::subjects::on::*")?;
    let guard = glasshull::builder()
        .hub(hub.address())
        .service("bench")
        // The governor would cut the probe back: a loop of calls is all this process does.
        .cpu_budget(0.0)
        .init();
    hub.wait_until_probed()?;
    fastrace::set_reporter(Nowhere, fastrace::collector::Config::default());
    let mut subjects = subjects();
    let times = Times { all: measure_rounds(&mut subjects, ROUNDS, Calls { first: FIRST, steady: CALLS }) };
    let mut rows: Vec<Row> = (0..).zip(&subjects).map(|(place, subject)| times.row(place, subject.what)).collect();
    rows.extend(times.derived());
    let mut counted = (ROUNDS as u64 + 1) * captured_in_a_round();
    rows.extend(more::tail(&times, &mut counted));
    rows.extend(more::two_threads(&mut counted));
    rows.push(more::sender(&hub, &guard, &mut counted)?);
    rows.extend(more::memory(&mut counted));
    if !guard.flush(Duration::from_secs(30)) {
        return Err("The calls did not arrive in time.".into());
    }
    let (arrived, drops) = (hub.captured(), hub.drops());
    rows.push(Row::new("all: calls that arrived, of those made", arrived as f64, "calls"));
    rows.push(Row::new("all: calls made while on", counted as f64, "calls"));
    rows.extend(drops.map(|(reason, calls)| Row { goal: Some(0.0), ..Row::new(reason, calls as f64, "calls") }));
    Ok(Report::new("capture", rows))
}

/// What was measured of the subjects, in their order.
struct Times {
    all: Vec<rounds::Times>,
}

/// Subjects that others are compared with, by their places.
const FLOOR: usize = 0;
const BARE: usize = 1;
const OFF: usize = 2;
const ON: usize = 3;
const STRUCT: usize = 4;
const LIST: usize = 5;
const ASYNC: usize = 6;
const ASYNC_POLLS: usize = 7;
const ROOT: usize = 8;
const BARE_ASYNC: usize = 10;
const BARE_ASYNC_POLLS: usize = 11;
const OFF_ASYNC: usize = 12;
const FASTRACE: usize = 15;

impl Times {
    fn quantile(&self, subject: usize, share: f64) -> f64 {
        self.all.get(subject).map_or(f64::NAN, |times| quantile(&times.steady, share))
    }

    fn median(&self, subject: usize) -> f64 {
        self.quantile(subject, 0.5)
    }

    fn floor(&self) -> f64 {
        self.median(FLOOR)
    }

    fn row(&self, subject: usize, what: &str) -> Row {
        let goal = match subject {
            ON => Some(2.0 * self.floor()),
            STRUCT => Some(6.0 * self.floor()),
            LIST => Some(3_000.0),
            ASYNC => Some(5.0 * self.floor()),
            ROOT => Some(4.0 * self.floor()),
            _ => None,
        };
        Row {
            best: Some(self.quantile(subject, 0.0)),
            floor: Some(self.floor()),
            goal,
            ..Row::new(what, self.median(subject), "ns/call")
        }
    }

    /// Differences and ratios.
    fn derived(&self) -> Vec<Row> {
        let row = |what: &str, value: f64, goal: f64, unit| Row { goal: Some(goal), ..Row::new(what, value, unit) };
        let polls = |whole: usize, once: usize| (self.median(whole) - self.median(once)) / f64::from(FURTHER_POLLS);
        let poll = polls(ASYNC_POLLS, ASYNC) - polls(BARE_ASYNC_POLLS, BARE_ASYNC);
        let grown = subjects::grown_future() as f64;
        let first = self.all.get(ON).map_or(f64::NAN, |times| quantile(&times.first, 0.5));
        vec![
            Row::new("glasshull: two integers, a text, a return, the first 16 after other work", first, "ns/call"),
            row("glasshull: added by being traceable, off", self.median(OFF) - self.median(BARE), 0.4, "ns/call"),
            row(
                "glasshull: added to an async function, off",
                self.median(OFF_ASYNC) - self.median(BARE_ASYNC),
                1.0,
                "ns/call",
            ),
            row("glasshull: added to a future", grown, 16.0, "bytes"),
            Row {
                floor: Some(self.floor()),
                ..row("glasshull: added to each further poll", poll, self.floor(), "ns/poll")
            },
            row(
                "glasshull: of what fastrace takes with properties",
                self.median(ON) / self.median(FASTRACE),
                0.1,
                "parts",
            ),
        ]
    }
}

/// Calls captured in one round: a burst of each, in a request; polls are no calls.
fn captured_in_a_round() -> u64 {
    const TRACED: u64 = 4;
    let burst = Calls { first: FIRST, steady: CALLS };
    TRACED * (burst.all() + 1) + (burst.one_in(LONG_ONE_IN).all() + 1) + burst.all()
}

fn subjects() -> Vec<Subject> {
    let tracing_on = tracing_json();
    let (order, same_order, items) = (subjects::order(), subjects::order(), (0..10_000).collect::<Vec<u64>>());
    let polls = 1 + FURTHER_POLLS;
    vec![
        subject("floor: two reads of the cycle counter", |_| subjects::two_clock_reads()),
        subject("bare function", |i| subjects::bare(i, 7, subjects::TEXT)),
        subject("glasshull: traceable, off", |i| off::call(i, 7, subjects::TEXT)),
        traced("glasshull: two integers, a text, a return", |i| on::call(i, 7, subjects::TEXT)),
        traced("glasshull: a struct of six fields, a Result", move |_| on::order(&order)),
        Subject { one_in: LONG_ONE_IN, ..traced("glasshull: a list of 10,000 items", move |_| on::items(&items)) },
        traced("glasshull: async, ready at once", |i| finish(on::asynchronous(i, 1))),
        traced("glasshull: async, ready at the 11th poll", move |i| finish(on::asynchronous(i, polls))),
        root("glasshull: a root", |i| on::call(i, 7, subjects::TEXT)),
        subject("bare: a struct of six fields, a Result", move |_| subjects::bare_order(&same_order)),
        subject("bare: async, ready at once", |i| finish(subjects::bare_async(i, 1))),
        subject("bare: async, ready at the 11th poll", move |i| finish(subjects::bare_async(i, polls))),
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
    let burst = move |calls: Calls| {
        calls.make(|i| {
            black_box(call(black_box(i)));
        })
    };
    Subject { what, burst: Box::new(burst), one_in: 1, rest: Duration::ZERO }
}

/// Calls in one captured request a burst.
fn traced<T: 'static>(what: &'static str, call: impl Fn(u64) -> T + 'static) -> Subject {
    let mut inner = subject(what, call);
    Subject { what, burst: Box::new(move |calls| on::request(|| (inner.burst)(calls))), one_in: 1, rest: REST }
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
        (inner.burst)(calls)
    };
    Subject { what, burst: Box::new(burst), one_in: 1, rest: REST }
}

fn in_tracing(subscriber: tracing::Dispatch, what: &'static str, call: impl Fn(u64) -> u64 + 'static) -> Subject {
    let mut inner = subject(what, call);
    let burst = move |calls| tracing::dispatcher::with_default(&subscriber, || (inner.burst)(calls));
    Subject { what, burst: Box::new(burst), one_in: 1, rest: Duration::ZERO }
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
