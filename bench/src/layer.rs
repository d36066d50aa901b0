//! What `glasshull-tracing` costs a program that uses `tracing`: off, beside a printing layer that does not want these
//! spans, and on. Each program is a process of its own, as `tracing` has one answer for each callsite in a process.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

use crate::Outcome;
use crate::report::{Report, Row, quantile};
use crate::stand_in::StandIn;

/// Times each program runs, in turns.
const RUNS: usize = 5;

/// Bursts of one run.
const BURSTS: usize = 400;

/// Calls in a burst: they fit into a thread's ring, so that each is captured and none is cheap because it is dropped.
const CALLS: u64 = 64;

/// Before each burst where calls are captured: what a sender needs to empty a ring.
const REST: Duration = Duration::from_millis(3);

const PATIENCE: Duration = Duration::from_secs(30);

/// The programs: what `bench program NAME` is, and what it means.
const PROGRAMS: &[(&str, &str)] = &[
    ("bare", "the same function without span and event"),
    ("none", "no subscriber"),
    ("registry", "registry without layers, which wants everything"),
    ("info", "printing layer at INFO, which wants none of these"),
    ("off", "registry and glasshull, off"),
    ("info-off", "printing layer at INFO and glasshull, off"),
    ("info-on", "the same, on: span and event captured"),
    ("json", "JSON layer: the span's end and the event printed"),
];

/// Measures a span with three fields around an event with one, both at `DEBUG`.
pub(crate) fn measure() -> Outcome<Report> {
    let mut times = vec![Vec::new(); PROGRAMS.len()];
    for _ in 0..RUNS {
        for ((name, _), times) in PROGRAMS.iter().zip(&mut times) {
            times.push(run(name)?);
        }
    }
    let row = |((_, what), times): (&(&str, &str), &Vec<f64>)| Row {
        best: Some(quantile(times, 0.0)),
        ..Row::new(*what, quantile(times, 0.5), "ns/call")
    };
    Ok(Report::new("tracing", PROGRAMS.iter().zip(&times).map(row).collect()))
}

/// One run of a program: the median of its bursts, in nanoseconds a call.
fn run(name: &str) -> Outcome<f64> {
    let output = Command::new(std::env::current_exe()?).args(["program", name]).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.trim().parse().map_err(|_| format!("the program `{name}` says `{text}`"))?)
}

/// Is one of the programs.
pub(crate) fn be_a_program(name: &str) -> Outcome {
    let printing = || fmt::layer().with_writer(std::io::sink);
    let informing = || printing().with_filter(LevelFilter::INFO);
    let mut on = None;
    match name {
        "bare" | "none" => {}
        "registry" => registry().init(),
        "info" => registry().with(informing()).init(),
        "json" => registry().with(printing().json().with_span_events(fmt::format::FmtSpan::CLOSE)).init(),
        "off" => registry().with(glasshull_tracing::layer_of_running()).init(),
        "info-off" => registry().with(informing()).with(glasshull_tracing::layer_of_running()).init(),
        "info-on" => on = Some(captured_in(informing())?),
        other => return Err(format!("there is no program `{other}`").into()),
    }
    let call = if name == "bare" { bare } else { instrumented };
    let rest = if on.is_some() { REST } else { Duration::ZERO };
    let mut bursts: Vec<f64> = (0..=BURSTS).map(|_| burst(call, rest)).collect();
    // The first warms caches up.
    bursts.remove(0);
    crate::report::say(&quantile(&bursts, 0.5).to_string());
    Ok(())
}

/// A program of which the spans and events are captured, and what keeps it so.
fn captured_in<L>(layer: L) -> Outcome<(StandIn, glasshull::Guard)>
where
    L: tracing_subscriber::Layer<tracing_subscriber::Registry> + Send + Sync,
{
    let hub = StandIn::start("bench::layer::*")?;
    // The governor would switch the probe off: a loop of calls is all this process does.
    let guard = glasshull::builder().hub(hub.address()).service("bench").cpu_budget(0.0).init();
    registry().with(layer).with(glasshull_tracing::layer()).init();
    let deadline = Instant::now() + PATIENCE;
    while hub.captured() < 10 * CALLS {
        if Instant::now() > deadline {
            return Err("nothing is captured".into());
        }
        burst(instrumented, REST);
    }
    Ok((hub, guard))
}

fn burst(call: fn(u64, u64, &str) -> u64, rest: Duration) -> f64 {
    std::thread::sleep(rest);
    let began = Instant::now();
    for i in 0..CALLS {
        black_box(call(black_box(i), 7, "order-0123456789ab"));
    }
    began.elapsed().as_nanos() as f64 / CALLS as f64
}

#[inline(never)]
fn bare(a: u64, b: u64, text: &str) -> u64 {
    a.wrapping_mul(b).wrapping_add(text.len() as u64)
}

#[inline(never)]
#[tracing::instrument(level = "debug")]
fn instrumented(a: u64, b: u64, text: &str) -> u64 {
    let total = a.wrapping_mul(b).wrapping_add(text.len() as u64);
    tracing::debug!(total, "done");
    total
}
