//! What a row has values of: its columns, and the paths into their JSON.

use serde_json::Value;

/// How deep JSON is looked into, and how many values of one are looked at, in their order.
const MAX_DEPTH: usize = 6;
const MAX_LEAVES: usize = 64;
/// Items of a list that are looked at: the first say most, and each has keys of its own.
const MAX_ITEMS: usize = 4;

/// One step into JSON.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Step {
    Name(String),
    Item(usize),
    /// How many items a list has.
    Length,
}

/// Calls `found` with each value inside a JSON value that is neither a list nor an object, and with the length of lists.
/// Markers (what was withheld or cut) are no values.
pub(super) fn leaves(value: &Value, found: &mut impl FnMut(&[Step], &Value)) {
    let mut walk = Walk { path: Vec::new(), left: MAX_LEAVES };
    walk.value(value, found);
}

struct Walk {
    path: Vec<Step>,
    left: usize,
}

impl Walk {
    fn value(&mut self, value: &Value, found: &mut impl FnMut(&[Step], &Value)) {
        if self.left == 0 || self.path.len() > MAX_DEPTH {
            return;
        }
        match value {
            Value::Object(members) if members.contains_key("$glasshull") => {}
            Value::Object(members) => {
                for (name, member) in members {
                    self.step(Step::Name(name.clone()), member, found);
                }
            }
            Value::Array(items) => {
                self.step(Step::Length, &items.len().into(), found);
                for (at, item) in items.iter().take(MAX_ITEMS).enumerate() {
                    self.step(Step::Item(at), item, found);
                }
            }
            Value::Null => {}
            leaf => {
                self.left -= 1;
                found(&self.path, leaf);
            }
        }
    }

    fn step(&mut self, step: Step, value: &Value, found: &mut impl FnMut(&[Step], &Value)) {
        self.path.push(step);
        self.value(value, found);
        self.path.pop();
    }
}

/// As people read it: `args.order.lines[0].sku`.
pub(super) fn title(column: &str, path: &[Step]) -> String {
    path.iter().fold(column.to_owned(), |title, step| match step {
        Step::Name(name) => format!("{title}.{name}"),
        Step::Item(at) => format!("{title}[{at}]"),
        Step::Length => format!("{title}.length"),
    })
}

/// As SQL finds it, as text where it is inside JSON.
pub(super) fn expression(column: &str, path: &[Step]) -> String {
    let mut expression = identifier(column);
    for (at, step) in path.iter().enumerate() {
        let arrow = if at + 1 == path.len() { "->>" } else { "->" };
        match step {
            Step::Name(name) => expression += &format!("{arrow}{}", quoted(name)),
            Step::Item(item) => expression += &format!("{arrow}{item}"),
            Step::Length => return format!("json_length({})", json(column, &path[..at])),
        }
    }
    expression
}

/// The same as JSON.
fn json(column: &str, path: &[Step]) -> String {
    path.iter().fold(identifier(column), |expression, step| match step {
        Step::Name(name) => format!("{expression}->{}", quoted(name)),
        Step::Item(item) => format!("{expression}->{item}"),
        Step::Length => expression,
    })
}

/// A text as SQL writes it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn identifier(name: &str) -> String {
    const WORDS: [&str; 6] = ["release", "order", "group", "end", "user", "table"];
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && !WORDS.contains(&name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_inside_are_found_by_their_path_and_markers_are_none() {
        let value = serde_json::json!({
            "order": { "lines": [{ "sku": "A" }], "coupon": null },
            "card": { "$glasshull": "redacted" },
        });
        let mut found = Vec::new();
        leaves(&value, &mut |path, leaf| found.push((title("args", path), expression("args", path), leaf.clone())));
        let expected = [
            ("args.order.lines.length", "json_length(args->'order'->'lines')", Value::from(1)),
            ("args.order.lines[0].sku", "args->'order'->'lines'->0->>'sku'", Value::from("A")),
        ];
        assert_eq!(found, expected.map(|(title, sql, leaf)| (title.to_owned(), sql.to_owned(), leaf)));
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        let path = [Step::Name("it's".into())];
        assert_eq!(expression("release", &path), "\"release\"->>'it''s'");
        assert_eq!(expression("Odd \"Name\"", &[]), "\"Odd \"\"Name\"\"\"");
    }

    #[test]
    fn large_values_are_looked_at_in_part() {
        let value = Value::Array((0..10_000).map(Value::from).collect());
        let mut found = 0;
        leaves(&value, &mut |_, _| found += 1);
        assert_eq!(found, 1 + MAX_ITEMS);
        let deep = (0..100).fold(Value::from(1), |value, _| Value::Array(vec![value]));
        leaves(&deep, &mut |path, _| assert!(path.len() <= MAX_DEPTH + 1));
    }
}
