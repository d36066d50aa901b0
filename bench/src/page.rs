//! The page in a real Chromium, over a hub with a million calls: what its first load takes, when one can work with it, how
//! evenly its table scrolls, how soon a large trace is drawn, what a live tail holds. The measuring itself is done by
//! `web/scripts/bench.mjs`, where the browser is driven.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Outcome;
use crate::firehose::{BATCH_CALLS, Firehose};
use crate::hub_process::HubProcess;
use crate::report::{Report, Row};

/// What the table is scrolled over, at least.
const CALLS: u64 = 1_000_000;

/// What `bench.mjs` says of one figure.
#[derive(Deserialize)]
struct Told {
    what: String,
    value: f64,
    unit: String,
    floor: Option<f64>,
    goal: Option<f64>,
}

/// Measures in about four minutes.
pub(crate) fn measure() -> Outcome<Report> {
    let hub = HubProcess::start()?;
    let mut firehose = Firehose::connect(hub.address())?;
    firehose.send(CALLS.div_ceil(BATCH_CALLS))?;
    drop(firehose);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/scripts/bench.mjs");
    let output = Command::new("node")
        .arg(script)
        .env("GLASSHULL_URL", hub.address())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("node cannot be started: {error}."))?;
    if !output.status.success() {
        return Err("The page could not be measured; what went wrong is told above.".into());
    }
    let told: Vec<Told> = serde_json::from_slice(&output.stdout)?;
    Ok(Report::new("page", told.into_iter().map(row).collect::<Outcome<_>>()?))
}

fn row(told: Told) -> Outcome<Row> {
    let unit = match told.unit.as_str() {
        "ms" => "ms",
        "KiB" => "KiB",
        "MiB" => "MiB",
        other => return Err(format!("bench.mjs says {other}, a unit nobody knows").into()),
    };
    Ok(Row { floor: told.floor, goal: told.goal, ..Row::new(told.what, told.value, unit) })
}
