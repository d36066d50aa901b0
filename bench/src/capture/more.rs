//! What the rounds cannot show: single calls, threads beside each other, the sender, memory.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use glasshull::Guard;

use super::subjects::{self, on};
use super::{CALLS, REST, Times};
use crate::Outcome;
use crate::report::{Row, quantile};
use crate::rounds::rest;
use crate::stand_in::StandIn;

/// Bursts of each of these.
const BURSTS: u64 = 400;

fn call(i: u64) -> u64 {
    on::call(black_box(i), 7, subjects::TEXT)
}

/// The slowest of single calls, each between two looks at the clock.
pub(super) fn tail(times: &Times, counted: &mut u64) -> Vec<Row> {
    let per_tick = nanoseconds_a_tick();
    let mut single = Vec::with_capacity((BURSTS * CALLS) as usize);
    for _ in 0..BURSTS {
        rest(REST);
        on::request(|| {
            for i in 0..CALLS {
                let began = subjects::cycles();
                black_box(call(i));
                single.push(subjects::cycles().wrapping_sub(began) as f64 * per_tick);
            }
        });
    }
    *counted += BURSTS * (CALLS + 1);
    let median = quantile(&single, 0.5);
    let row = |what: &str, share: f64, goal: Option<f64>| Row {
        goal,
        floor: Some(times.floor()),
        ..Row::new(what, quantile(&single, share), "ns")
    };
    vec![
        row("glasshull: single calls between two clock reads, p50", 0.5, None),
        row("glasshull: single calls, p99", 0.99, Some(3.0 * median)),
        row("glasshull: single calls, p99.9", 0.999, None),
        row("glasshull: single calls, the slowest", 1.0, None),
    ]
}

fn nanoseconds_a_tick() -> f64 {
    let (began, ticks) = (Instant::now(), subjects::cycles());
    rest(Duration::from_millis(50));
    began.elapsed().as_nanos() as f64 / subjects::cycles().wrapping_sub(ticks) as f64
}

/// The best bursts of one thread alone, and of two at once. The best: two threads and a sender share the cores with
/// whatever else runs.
pub(super) fn two_threads(counted: &mut u64) -> Vec<Row> {
    let alone = bursts(1);
    let both = bursts(2);
    *counted += 3 * BURSTS * (CALLS + 1);
    let ratio = quantile(&both, 0.1) / quantile(&alone, 0.1);
    vec![
        Row::new("glasshull: one thread alone, best tenth", quantile(&alone, 0.1), "ns/call"),
        Row::new("glasshull: two threads at once, best tenth", quantile(&both, 0.1), "ns/call"),
        Row { goal: Some(1.15), ..Row::new("glasshull: two at once, of one alone", ratio, "parts") },
    ]
}

/// Nanoseconds a call of bursts that so many threads begin together.
fn bursts(threads: usize) -> Vec<f64> {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| (0..BURSTS).map(|_| burst(&barrier)).collect())).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|_| Vec::new())).collect()
    })
}

fn burst(barrier: &Barrier) -> f64 {
    std::thread::sleep(REST);
    barrier.wait();
    // Both are awake before either begins.
    rest(Duration::from_micros(100));
    let mut taken = Duration::ZERO;
    on::request(|| {
        let began = Instant::now();
        for i in 0..CALLS {
            black_box(call(i));
        }
        taken = began.elapsed();
    });
    taken.as_nanos() as f64 / CALLS as f64
}

/// Processor time of the SDK's thread, less what it takes where nothing is captured.
pub(super) fn sender(hub: &StandIn, guard: &Guard, counted: &mut u64) -> Outcome<Row> {
    const STEADY: u64 = 2_000;
    guard.flush(Duration::from_secs(10));
    let (began, before) = (Instant::now(), hub.sender_cpu()?);
    for _ in 0..STEADY {
        on::request(|| {
            (0..CALLS).for_each(|i| {
                black_box(call(i));
            })
        });
        // So many come as a busy server would make: 128 each millisecond.
        rest(Duration::from_millis(1));
    }
    *counted += STEADY * (CALLS + 1);
    guard.flush(Duration::from_secs(10));
    let busy = hub.sender_cpu()?.saturating_sub(before);
    let (lasted, idle) = (began.elapsed(), idle_share(hub)?);
    let net = busy.as_nanos() as f64 - idle * lasted.as_nanos() as f64;
    let calls = (STEADY * (CALLS + 1)) as f64;
    Ok(Row { goal: Some(150.0), ..Row::new("glasshull: the sender's CPU, of a call", net / calls, "ns/call") })
}

/// What the sender takes of a core while a probe is on and nothing happens.
fn idle_share(hub: &StandIn) -> Outcome<f64> {
    let (began, before) = (Instant::now(), hub.sender_cpu()?);
    std::thread::sleep(Duration::from_secs(1));
    let taken = hub.sender_cpu()?.saturating_sub(before);
    Ok(taken.as_secs_f64() / began.elapsed().as_secs_f64())
}

/// Resident memory of threads that never captured, and of threads that did.
pub(super) fn memory(counted: &mut u64) -> Vec<Row> {
    const THREADS: usize = 100;
    let idle = grown_by(THREADS, || {});
    let capturing = grown_by(THREADS, || {
        black_box(call(1));
    });
    *counted += THREADS as u64;
    let kib = |bytes: f64| bytes / 1024.0 / THREADS as f64;
    vec![
        Row::new("memory: a thread that never captured, stack and all", kib(idle), "KiB"),
        Row { goal: Some(80.0), ..Row::new("memory: added by a thread's capturing", kib(capturing - idle), "KiB") },
    ]
}

/// Bytes by which the process grows while so many threads have done their work and wait.
fn grown_by(threads: usize, work: impl Fn() + Sync) -> f64 {
    let (done, leave) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let before = resident();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                work();
                done.wait();
                leave.wait();
            });
        }
        done.wait();
        let grown = resident() - before;
        leave.wait();
        grown
    })
}

fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.map_or(f64::NAN, |pages| pages * 4_096.0)
}
