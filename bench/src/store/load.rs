//! A hub under load: how much less it takes while it is asked, how soon it acknowledges, how soon calls are seen.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::batches::{Batches, Frame};
use super::fleet::{self, Pace, Sent};
use super::floors::Floors;
use super::{questions, tell, workload};
use crate::Outcome;
use crate::firehose::now_ns;
use crate::hub_process::HubProcess;
use crate::report::{Row, quantile};

/// Batches of each part, as fast as they are taken: two million calls, as many as make a hub publish.
const BATCHES: usize = 500;

/// How long it is loaded at half the top rate.
const HALF: Duration = Duration::from_secs(20);

/// Time between calls that are followed; not a divisor of anybody's timer.
const BETWEEN: Duration = Duration::from_millis(17);

/// Between two looks: far less than what is measured, so that looking is no load of its own.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Calls that are looked for are not older.
const LOOKS_BACK_NS: i64 = 3_000_000_000;

const PATIENCE: Duration = Duration::from_secs(30);

/// Milliseconds: beyond the disk's own sync, and for a call to be seen.
const ACK_MS_GOAL: f64 = 15.0;
const SEEN_MS_GOAL: f64 = 150.0;

/// Ingest while querying takes at least seven tenths of ingest alone.
const DISTURBED_GOAL: f64 = 1.0 / 0.7;

/// Measures a hub of its own, with batches that were packed; `top` is what another took in a second.
pub(super) fn measure(packed: &Path, top: f64, floors: &Floors) -> Outcome<Vec<Row>> {
    let hub = HubProcess::start()?;
    tell("ingest alone, and while querying");
    // What it takes while files, pages and connections are new, and its memory fills, is not what it takes.
    fleet::send(hub.address(), batches(packed, BATCHES)?, Pace::Top)?;
    let alone = fleet::send(hub.address(), batches(packed, BATCHES)?, Pace::Top)?;
    let (disturbed, asked) = while_asked(&hub, || fleet::send(hub.address(), batches(packed, BATCHES)?, Pace::Top))?;
    let slower = alone.calls_per_second() / disturbed.calls_per_second();
    tell("half the top rate");
    let (sent, seen) = at_half(&hub, packed, top.min(alone.calls_per_second()) / 2.0)?;
    let ack = |share| quantile(&sent.milliseconds, share);
    let late = |share| quantile(&seen, share);
    let sync = Some(floors.sync_p99_ms);
    let ack_goal = Some(ACK_MS_GOAL + floors.sync_p99_ms);
    let resident = hub.resident()?;
    Ok(vec![
        Row::new("memory of the hub under load, most", resident.most as f64 / (1 << 20) as f64, "MiB"),
        Row {
            goal: Some(DISTURBED_GOAL),
            ..Row::new("ingest alone, to ingest while merging and querying", slower, "×")
        },
        Row::new("questions answered meanwhile, a second", asked / disturbed.seconds, "/s"),
        Row::new("half the top rate", sent.calls_per_second(), "calls/s"),
        Row {
            floor: Some(floors.sync_p50_ms),
            ..Row::new("acknowledgement at half the top rate, p50", ack(0.5), "ms")
        },
        Row { goal: ack_goal, floor: sync, ..Row::new("acknowledgement at half the top rate, p99", ack(0.99), "ms") },
        Row::new("from a call's end to an answer with it, p50", late(0.5), "ms"),
        Row { goal: Some(SEEN_MS_GOAL), ..Row::new("from a call's end to an answer with it, p99", late(0.99), "ms") },
    ])
}

/// So many batches, from the first again where there are fewer.
fn batches(packed: &Path, number: usize) -> Outcome<impl Iterator<Item = Outcome<Frame>>> {
    Batches::open(packed)?;
    let packed = packed.to_owned();
    let again = std::iter::repeat_with(move || Batches::open(&packed).into_iter().flatten());
    Ok(again.flatten().take(number))
}

/// Sends while somebody asks one question after the other; how many were answered.
fn while_asked(hub: &HubProcess, send: impl FnOnce() -> Outcome<Sent>) -> Outcome<(Sent, f64)> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask_until(hub, &over).map_err(|error| error.to_string()));
        let sent = send();
        over.store(true, Ordering::Relaxed);
        let asked = asking.join().map_err(|_| "who asks panicked")??;
        Ok((sent?, asked))
    })
}

/// What people ask: one trace, one value, one function's slowest.
fn ask_until(hub: &HubProcess, over: &AtomicBool) -> Outcome<f64> {
    let all = questions::all(workload::CALLS_PER_HOUR);
    let asked = &all[1..4];
    let mut answered = 0.0;
    while !over.load(Ordering::Relaxed) {
        for question in asked {
            if question.ours.iter().any(|statement| hub.statement(statement).is_ok()) {
                answered += 1.0;
            }
        }
    }
    Ok(answered)
}

/// A call's argument is the time at which it was made.
#[glasshull::trace]
fn looked_for(made_at_ns: i64) -> i64 {
    made_at_ns
}

/// Loads the hub with half of what it takes; milliseconds from the end of calls of a real program to an answer with them.
fn at_half(hub: &HubProcess, packed: &Path, calls_per_second: f64) -> Outcome<(Sent, Vec<f64>)> {
    let number = (calls_per_second * HALF.as_secs_f64() / super::batches::BATCH_CALLS as f64) as usize;
    let _guard = glasshull::builder().hub(hub.address()).service("looked-for").init();
    hub.statement("TRACE *::looked_for FOR 5m")?;
    wait_for_the_first(hub)?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                looked_for(now_ns());
                std::thread::sleep(BETWEEN);
            }
        });
        let looking = scope.spawn(|| look_until(hub, &over).map_err(|error| error.to_string()));
        let sent =
            batches(packed, number).and_then(|frames| fleet::send(hub.address(), frames, Pace::Of(calls_per_second)));
        over.store(true, Ordering::Relaxed);
        let seen = looking.join().map_err(|_| "who looks panicked")??;
        Ok((sent?, seen))
    })
}

fn wait_for_the_first(hub: &HubProcess) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    while newest(hub, 0)?.is_empty() {
        if Instant::now() > deadline {
            return Err("No call arrived.".into());
        }
        looked_for(now_ns());
    }
    Ok(())
}

/// Asks again and again: how old each call is when it is first seen.
fn look_until(hub: &HubProcess, over: &AtomicBool) -> Outcome<Vec<f64>> {
    let (mut last, mut milliseconds) = (now_ns(), Vec::new());
    while !over.load(Ordering::Relaxed) {
        let made = newest(hub, last)?;
        let now = now_ns();
        milliseconds.extend(made.iter().map(|at| (now - at) as f64 / 1e6));
        last = made.into_iter().max().unwrap_or(last);
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(milliseconds)
}

/// When calls were made that were made after this time and can be seen, as they say themselves.
fn newest(hub: &HubProcess, after_ns: i64) -> Outcome<Vec<i64>> {
    let since = now_ns().saturating_sub(LOOKS_BACK_NS).max(after_ns);
    let rows = hub.rows(&format!(
        "SELECT args->>'made_at_ns' FROM calls WHERE service = 'looked-for' AND started_at > to_timestamp_nanos({since})"
    ))?;
    let made = rows.iter().filter_map(|row| row.first()?.as_str()?.parse().ok());
    Ok(made.filter(|&made| made > after_ns).collect())
}
