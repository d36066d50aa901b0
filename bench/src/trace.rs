//! How soon an order reaches everybody: from TRACE to the first captured call of each of fifty processes.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;
use crate::firehose::now_ns;
use crate::hub_process::HubProcess;
use crate::report::{Report, Row, quantile};

const INSTANCES: usize = 50;

/// How often each instance calls: what is measured cannot be finer.
const BETWEEN: Duration = Duration::from_millis(5);

const PATIENCE: Duration = Duration::from_secs(60);

/// Traces five times; each instance's delay counts once a time.
const TIMES: usize = 5;

/// Measures on fifty processes of this same program.
pub(crate) fn measure() -> Outcome<Report> {
    let hub = HubProcess::start()?;
    let instances = Instances::start(hub.address())?;
    wait(|| Ok(hub.rows("SHOW INSTANCES")?.len() == INSTANCES))?;
    let mut milliseconds = Vec::new();
    for time in 0..TIMES {
        milliseconds.extend(trace_once(&hub, time)?);
    }
    drop(instances);
    let row = |what: &str, share| Row::new(what, quantile(&milliseconds, share), "ms");
    let rows = vec![
        row("from TRACE to an instance's first call, p50 of 50 instances", 0.5),
        row("from TRACE to an instance's first call, p99", 0.99),
        row("from TRACE to the last instance's first call", 1.0),
    ];
    Ok(Report::new("trace", rows))
}

/// Milliseconds from the order to each instance's first call.
fn trace_once(hub: &HubProcess, time: usize) -> Outcome<Vec<f64>> {
    let ordered = now_ns();
    hub.statement("TRACE *::tick FOR 60s")?;
    let first = format!("SELECT min(args->>'at_ns') FROM calls WHERE args->>'at_ns' >= '{ordered}' GROUP BY instance");
    let mut rows = Vec::new();
    wait(|| {
        rows = hub.rows(&first)?;
        Ok(rows.len() == INSTANCES)
    })
    .map_err(|error| format!("round {time}: {} of {INSTANCES} instances: {error}", rows.len()))?;
    hub.statement("UNTRACE ALL")?;
    // The next order must not meet calls of this one.
    std::thread::sleep(Duration::from_secs(1));
    let delay = |row: &Vec<Value>| Some((row.first()?.as_str()?.parse::<i64>().ok()? - ordered) as f64 / 1e6);
    Ok(rows.iter().filter_map(delay).collect())
}

fn wait(mut until: impl FnMut() -> Outcome<bool>) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    while !until()? {
        if Instant::now() > deadline {
            return Err("It took too long.".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Processes that tick until they are dropped.
struct Instances(Vec<Child>);

impl Instances {
    fn start(hub: &str) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let start = |number| {
            let mut command = Command::new(&program);
            command.arg("instance").env("GLASSHULL_HUB", hub).env("GLASSHULL_SERVICE", "ticker");
            command.env("GLASSHULL_CLASS", if number % 2 == 0 { "even" } else { "odd" }).stdin(Stdio::piped()).spawn()
        };
        Ok(Self((0..INSTANCES).map(start).collect::<Result<_, _>>()?))
    }
}

impl Drop for Instances {
    fn drop(&mut self) {
        for child in &mut self.0 {
            drop(child.stdin.take());
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// Ticks until standard input closes.
pub(crate) fn be_an_instance() -> Outcome {
    let _guard = glasshull::init();
    let parent = std::thread::spawn(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    while !parent.is_finished() {
        tick(now_ns());
        std::thread::sleep(BETWEEN);
    }
    Ok(())
}

/// The argument is the time of the call.
#[glasshull::trace]
fn tick(at_ns: i64) {
    std::hint::black_box(at_ns);
}
