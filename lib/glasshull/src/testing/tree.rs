//! Calls in the order of their tree, and drawn.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use glasshull_wire::{CallRow, Calls, markers, v1};

use super::{Call, Outcome, json};

/// A row with what its order depends on.
struct Row {
    id: u64,
    parent: Option<u64>,
    position: u32,
    started_at_ns: i64,
    call: Call,
}

/// All calls: roots in the order of their beginning, each followed by those below it.
pub(super) fn ordered(batches: &[v1::CallBatch]) -> Vec<Call> {
    let mut rows: Vec<Row> = batches.iter().filter_map(|batch| Calls::decode(batch).ok()).flat_map(rows).collect();
    rows.sort_by_key(|row| (row.started_at_ns, row.position));
    let ids: HashMap<u64, usize> = rows.iter().enumerate().map(|(place, row)| (row.id, place)).collect();
    let mut below: HashMap<Option<u64>, Vec<Row>> = HashMap::new();
    for row in rows {
        below.entry(row.parent.filter(|parent| ids.contains_key(parent))).or_default().push(row);
    }
    below.values_mut().for_each(|rows| rows.sort_by_key(|row| row.parent.map(|_| row.position)));
    let mut calls = Vec::new();
    // From the last on, as a stack: a tree may be deeper than this thread's own.
    let mut waiting: Vec<(Row, Option<usize>)> = Vec::new();
    let add = |waiting: &mut Vec<_>, rows: Option<Vec<Row>>, parent| {
        waiting.extend(rows.into_iter().flatten().rev().map(|row| (row, parent)));
    };
    add(&mut waiting, below.remove(&None), None);
    while let Some((row, parent)) = waiting.pop() {
        add(&mut waiting, below.remove(&Some(row.id)), Some(calls.len()));
        calls.push(Call { parent, ..row.call });
    }
    calls
}

fn rows(calls: Calls) -> Vec<Row> {
    let row = |place: usize| {
        let row = calls.row(place);
        let call = Call {
            function: calls.functions[row.function as usize].path.clone(),
            args: row.args.unwrap_or("{}").to_owned(),
            returned: row.returned.map(str::to_owned),
            error: row.error.map(str::to_owned),
            outcome: Outcome::of(row.outcome),
            duration: Duration::from_nanos(row.duration_ns),
            idle: Duration::from_nanos(row.idle_ns),
            depth: row.depth,
            parent: None,
            thread: calls.threads[row.thread as usize].clone(),
        };
        let CallRow { call_id: id, parent_id: parent, position, started_at_ns, .. } = row;
        Row { id, parent, position, started_at_ns, call }
    };
    (0..calls.len()).map(row).collect()
}

/// Draws calls that are in order.
pub(super) fn draw(calls: &[Call], dropped: u64) -> String {
    let mut out = String::new();
    let last: HashMap<Option<usize>, usize> =
        calls.iter().enumerate().map(|(place, call)| (call.parent, place)).collect();
    // For each level above the call and its own: whether more follow there.
    let mut more: Vec<bool> = Vec::new();
    let mut levels: Vec<usize> = Vec::with_capacity(calls.len());
    for (place, call) in calls.iter().enumerate() {
        let level = call.parent.map_or(0, |parent| levels[parent] + 1);
        levels.push(level);
        more.truncate(level);
        more.push(last[&call.parent] > place);
        if level > 0 {
            more[1..level].iter().for_each(|more| out.push_str(if *more { "|   " } else { "    " }));
            out.push_str(if more[level] { "|-- " } else { "`-- " });
        }
        let _ = writeln!(out, "{}({}) {}", call.function, arguments(call), ending(call));
    }
    if dropped > 0 {
        let _ = writeln!(out, "({dropped} calls were dropped)");
    }
    out
}

fn arguments(call: &Call) -> String {
    let entries = json::entries(&call.args).into_iter();
    let drawn: Vec<String> = entries.map(|(name, value)| format!("{name}: {}", marked(value))).collect();
    drawn.join(", ")
}

fn ending(call: &Call) -> String {
    let message = || {
        let error = call.error.as_deref().unwrap_or_default();
        let message = json::entries(error).into_iter().find(|(key, _)| *key == "message");
        marked(message.map_or(error, |(_, message)| message))
    };
    match call.outcome {
        Outcome::Returned => format!("-> {}", call.returned.as_deref().map_or_else(|| "?".to_owned(), marked)),
        Outcome::Error => format!("!! {}", message()),
        Outcome::Panicked => format!("** {}", message()),
        Outcome::Cancelled => "~~ cancelled".to_owned(),
        Outcome::Running => ".. running".to_owned(),
    }
}

/// The value with its markers in angle brackets. In a text the quotes of what looks like a marker are escaped.
fn marked(value: &str) -> String {
    let opening = format!("{{\"{}\":\"", markers::KEY);
    let mut parts = value.split(&opening);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (told, rest) = part.split_once("\"}").unwrap_or((part, ""));
        let _ = write!(out, "<{told}>{rest}");
    }
    out
}
