//! Calls as they arrive.

use std::time::Duration;

use glasshull_api::answers::{Call, TailEvent};
use glasshull_api::{Code, Failure};
use serde_json::{Value, json};

use crate::args::{Format, TailOrder};
use crate::client::{Client, Events};
use crate::commands::note;
use crate::failed::Failed;
use crate::output::Output;
use crate::plain::{cut, plain};
use crate::tree::describe;

/// Between two attempts to reach a hub again: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Follows until there are enough calls, or for ever. A hub that goes away is waited for; one that was never there, or
/// that refuses, is a failure.
pub(crate) fn tail(client: &Client, output: Output, order: &TailOrder) -> Result<(), Failed> {
    if matches!(output.format, Format::Json | Format::Csv) {
        let failure = Failure::new(Code::SettingsWrong, "A tail has no end that one document could have.");
        return Err(failure.hint("Use --format ndjson or table.").into());
    }
    let path = path(order);
    let mut left = order.limit.unwrap_or(u64::MAX);
    let mut events = client.events(&path)?;
    let mut pause = FIRST_PAUSE;
    while left > 0 {
        match events.next() {
            Some(Ok(event)) => {
                pause = FIRST_PAUSE;
                left -= show(output, &event)?;
            }
            Some(Err(_)) | None => events = again(client, &path, &mut pause)?,
        }
    }
    Ok(())
}

/// Connects again, as often as it takes.
fn again(client: &Client, path: &str, pause: &mut Duration) -> Result<Events, Failed> {
    note("The hub has gone; waiting for it.");
    loop {
        std::thread::sleep(*pause);
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        match client.events(path) {
            Ok(events) => {
                note("The hub is back. Calls that arrived meanwhile are found with `glasshull query`.");
                return Ok(events);
            }
            Err(Failed::Failure(failure)) if is_passing(&failure) => {}
            Err(failed) => return Err(failed),
        }
    }
}

fn is_passing(failure: &Failure) -> bool {
    matches!(failure.known_code(), Some(Code::AddressUnusable | Code::Stopping | Code::TooManyListeners))
}

/// How many calls were shown.
fn show(output: Output, event: &str) -> Result<u64, Failed> {
    match serde_json::from_str::<TailEvent>(event) {
        Ok(TailEvent::Call(call)) => show_call(output, &call).map(|()| 1),
        Ok(TailEvent::Skipped { calls }) => {
            note(&format!("{calls} more calls were passed over; see them with `glasshull query`, or raise --rate."));
            Ok(0)
        }
        // An event of a later version.
        Err(_) => Ok(0),
    }
}

fn show_call(output: Output, call: &Call) -> Result<(), Failed> {
    if output.format == Format::Ndjson {
        return output.json_line(call);
    }
    let time = call.started_at.get(11..23).unwrap_or(&call.started_at);
    let line = format!("{}  {}  {}  {}", plain(time), plain(&call.call_id), plain(&call.service), describe(call, ""));
    output.line(&output.width().map_or_else(|| line.clone(), |width| cut(&line, width)))
}

fn path(order: &TailOrder) -> String {
    let pairs = [
        ("function", order.pattern.as_ref().map(|pattern| json!(pattern))),
        ("probe", order.probe.as_ref().map(|probe| json!(probe))),
        ("max_per_second", order.rate.map(|rate| json!(rate))),
    ];
    let query: Vec<String> =
        pairs.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", escaped(&value?)))).collect();
    if query.is_empty() { "tail".into() } else { format!("tail?{}", query.join("&")) }
}

/// As RFC 3986 wants it in a query.
fn escaped(value: &Value) -> String {
    let text = crate::output::text(value);
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_travel_whole() {
        let order = TailOrder { pattern: Some("a::* &ö".into()), probe: None, rate: Some(7), limit: None };
        assert_eq!(path(&order), "tail?function=a%3A%3A%2A%20%26%C3%B6&max_per_second=7");
    }
}
