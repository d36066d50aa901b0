//! A tree of calls, drawn.

use glasshull_api::answers::{Call, Tree, TreeCall};
use serde_json::{Value, json};

use crate::args::Format;
use crate::commands::note;
use crate::failed::Failed;
use crate::output::{Grid, Output, text};
use crate::plain::{cut, duration, plain};

/// A value in a drawn tree where the output is no terminal, in characters.
const MAX_VALUE_CHARS: usize = 200;

/// Deeper levels are drawn as if they were here: beyond it lines hold nothing but lines.
const MAX_DRAWN_LEVELS: usize = 64;

pub(crate) fn print(output: Output, tree: &Tree) -> Result<(), Failed> {
    if let Some(partial) = &tree.partial {
        note(&format!("This is not all: {partial}"));
    }
    if output.format == Format::Table {
        return draw(&tree.calls, output.width()).iter().try_for_each(|line| output.line(line));
    }
    output.answer(tree, &tree.calls, || grid(&tree.calls))
}

fn grid(calls: &[TreeCall]) -> Grid {
    let row = |c: &TreeCall| {
        vec![
            json!(c.level),
            json!(c.call.call_id),
            json!(c.call.service),
            json!(c.call.function),
            json!(c.call.outcome),
            json!(c.call.started_at),
            json!(c.call.duration_ns),
            c.call.args.clone().unwrap_or_default(),
            c.call.returned.clone().unwrap_or_default(),
            c.call.error.clone().unwrap_or_default(),
        ]
    };
    let columns = [
        "level",
        "call_id",
        "service",
        "function",
        "outcome",
        "started_at",
        "duration_ns",
        "args",
        "returned",
        "error",
    ];
    Grid { rows: calls.iter().map(row).collect(), ..Grid::new(&columns) }
}

/// One line a call, with the lines that show which stands below which.
fn draw(calls: &[TreeCall], width: Option<usize>) -> Vec<String> {
    let last = last_of_their_parents(calls);
    // Whether a line goes on below, for each level.
    let mut open: Vec<bool> = Vec::new();
    let mut lines = Vec::with_capacity(calls.len());
    for (call, is_last) in calls.iter().zip(last) {
        let level = (call.level as usize).min(MAX_DRAWN_LEVELS);
        open.truncate(level.saturating_sub(1));
        let mut line: String = open.iter().map(|open| if *open { "│  " } else { "   " }).collect();
        if level > 0 {
            line += if is_last { "└─ " } else { "├─ " };
            open.resize(level - 1, false);
            open.push(!is_last);
        }
        line += &describe(&call.call, if call.matched { "▸ " } else { "" });
        if call.hidden_children > 0 {
            line += &format!("  (+{} below)", call.hidden_children);
        }
        lines.push(width.map_or_else(|| line.clone(), |width| cut(&line, width)));
    }
    lines
}

/// For each call whether no other child of the same parent follows.
fn last_of_their_parents(calls: &[TreeCall]) -> Vec<bool> {
    let mut last = vec![true; calls.len()];
    // The levels at which a call follows, seen from the end.
    let mut follows: Vec<bool> = Vec::new();
    for (index, call) in calls.iter().enumerate().rev() {
        let level = (call.level as usize).min(MAX_DRAWN_LEVELS);
        follows.resize((level + 1).max(follows.len()), false);
        last[index] = !follows[level];
        follows.truncate(level + 1);
        follows[level] = true;
    }
    last
}

/// `function(args) → returned  1.23ms`.
pub(crate) fn describe(call: &Call, mark: &str) -> String {
    let args = match &call.args {
        Some(Value::Object(args)) => {
            args.iter().map(|(name, value)| format!("{name}: {}", short(value))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => short(other),
        None => String::new(),
    };
    let ended = match call.outcome.as_str() {
        "returned" => call.returned.as_ref().map_or_else(String::new, |value| format!(" → {}", short(value))),
        "running" => " … still running".into(),
        outcome => format!(
            " ✗ {outcome}{}",
            call.error.as_ref().map_or_else(String::new, |error| format!(": {}", message(error)))
        ),
    };
    format!("{mark}{}({}){}  {}", plain(&call.function), plain(&args), plain(&ended), duration(call.duration_ns))
}

fn short(value: &Value) -> String {
    cut(&value.to_string(), MAX_VALUE_CHARS)
}

fn message(error: &Value) -> String {
    cut(&error.get("message").map_or_else(|| error.to_string(), text), MAX_VALUE_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(level: u32, function: &str) -> TreeCall {
        let call =
            Call { function: function.into(), outcome: "returned".into(), duration_ns: 1_500, ..Call::default() };
        TreeCall { level, matched: false, hidden_children: 0, call }
    }

    #[test]
    fn a_tree_is_drawn_with_its_branches() {
        let mut calls = vec![
            call(0, "root"),
            call(1, "a"),
            call(2, "b"),
            call(2, "c"),
            call(1, "d"),
            call(2, "e"),
            call(0, "next"),
        ];
        calls[3].matched = true;
        calls[3].call.args = Some(json!({"sku": "A1", "n": 2}));
        calls[3].call.returned = Some(json!(0));
        calls[4].call.outcome = "error".into();
        calls[4].call.error = Some(json!({"message": "out of stock\x1b[0m"}));
        calls[5].hidden_children = 3;
        let expected = "\
root()  1.50µs
├─ a()  1.50µs
│  ├─ b()  1.50µs
│  └─ ▸ c(sku: \"A1\", n: 2) → 0  1.50µs
└─ d() ✗ error: out of stock\\u{1b}[0m  1.50µs
   └─ e()  1.50µs  (+3 below)
next()  1.50µs";
        assert_eq!(draw(&calls, None).join("\n"), expected);
    }

    #[test]
    fn a_terminal_gets_lines_that_fit() {
        let lines = draw(&[call(0, "a_function_with_a_very_long_name")], Some(12));
        assert_eq!(lines, ["a_function_…"]);
    }

    #[test]
    fn very_deep_trees_are_drawn_too() {
        let calls: Vec<_> = (0..100_000).map(|level| call(level, "f")).collect();
        assert_eq!(draw(&calls, Some(80)).len(), 100_000);
    }
}
