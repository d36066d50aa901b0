//! What receiving costs the hub, what a call weighs on disk, and how soon it can be seen.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;
use crate::firehose::{BATCH_CALLS, Firehose, now_ns};
use crate::hub_process::HubProcess;
use crate::report::{Report, Row, quantile};

/// A million calls, about.
const BATCHES: u64 = 250;

/// Calls that are followed from their end until a listener is told of them.
const FOLLOWED: u64 = 500;

/// Time between them; not a divisor of anybody's timer.
const BETWEEN: Duration = Duration::from_millis(17);

const PATIENCE: Duration = Duration::from_secs(30);

/// Measures one hub: first how soon calls are seen, while it is idle, then how much it can take.
pub(crate) fn measure() -> Outcome<Report> {
    let hub = HubProcess::start()?;
    let mut rows = visibility(&hub)?;
    rows.extend(durability(hub)?);
    Ok(Report::new("hub", rows))
}

fn durability(hub: HubProcess) -> Outcome<Vec<Row>> {
    let mut firehose = Firehose::connect(hub.address())?;
    firehose.send(2)?;
    let (cpu, began) = (hub.cpu_seconds()?, Instant::now());
    firehose.send(BATCHES)?;
    let (cpu, elapsed) = (hub.cpu_seconds()? - cpu, began.elapsed().as_secs_f64());
    let million = (BATCHES * BATCH_CALLS) as f64 / 1e6;
    let stored = ((BATCHES + 2) * BATCH_CALLS) as f64;
    drop(firehose);
    let (all, segments) = hub.stop()?;
    Ok(vec![
        Row::new("hub CPU for a million calls received durably", cpu / million, "s"),
        Row::new("calls received durably in a second, one instance", million * 1e6 / elapsed, "calls/s"),
        Row::new("a call on disk, in segments", segments as f64 / stored, "bytes"),
        Row::new("a call on disk, everything after a stop", all as f64 / stored, "bytes"),
    ])
}

/// A call's argument is the time at which it was made.
#[glasshull::trace]
fn followed(made_at_ns: i64) -> i64 {
    made_at_ns
}

fn visibility(hub: &HubProcess) -> Outcome<Vec<Row>> {
    let _guard = glasshull::builder().hub(hub.address()).service("followed").init();
    hub.statement("TRACE *::followed FOR 5m")?;
    let calls = hub.tail("*::followed")?;
    let (seen, delays) = mpsc::channel();
    std::thread::spawn(move || {
        for call in calls {
            let delay = arguments(&call).map(|made_at_ns| (now_ns() - made_at_ns) as f64 / 1e6);
            if delay.is_some_and(|delay| seen.send(delay).is_err()) {
                return;
            }
        }
    });
    wait_for_the_first(&delays)?;
    let mut milliseconds = Vec::new();
    for _ in 0..FOLLOWED {
        followed(now_ns());
        std::thread::sleep(BETWEEN);
        milliseconds.extend(delays.try_iter());
    }
    milliseconds.extend(delays.recv_timeout(Duration::from_secs(1)));
    Ok(vec![
        Row::new("from a call's end to a listener, p50", quantile(&milliseconds, 0.5), "ms"),
        Row::new("from a call's end to a listener, p99", quantile(&milliseconds, 0.99), "ms"),
    ])
}

fn wait_for_the_first(delays: &mpsc::Receiver<f64>) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    while delays.recv_timeout(BETWEEN).is_err() {
        if Instant::now() > deadline {
            return Err("No call arrived.".into());
        }
        followed(now_ns());
    }
    Ok(())
}

fn arguments(event: &Value) -> Option<i64> {
    event["args"]["made_at_ns"].as_i64()
}
