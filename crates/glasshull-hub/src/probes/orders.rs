//! A probe as an order to one instance: whether it is meant, and what it is told.

use std::collections::BTreeMap;

use glasshull_api::answers::{Selector, ValueLimits};
use glasshull_api::statement::{Comparison, Condition, Literal, Operator, Pattern, Subject, Trace};
use glasshull_catalog::{FunctionRow, InstanceRow};
use glasshull_wire::limits::MAX_PATTERNS;
use glasshull_wire::pattern;
use glasshull_wire::v1::{self, condition::Kind, literal::Value};

use super::book::Entry;
use crate::instances::Connected;

/// The message for an instance; `None` if the probe is not meant for it or is over.
pub(super) fn order(entry: &Entry, instance: &Connected, now_ns: i64) -> Option<v1::Probe> {
    let remaining_ns = u64::try_from(entry.row.expires_at_ns.saturating_sub(now_ns)).ok().filter(|&left| left > 0)?;
    if !selects(&entry.trace.selectors, &instance.row) {
        return None;
    }
    Some(v1::Probe {
        probe_id: entry.row.id.clone(),
        patterns: patterns(&entry.trace.patterns, instance),
        condition: entry.trace.condition.as_ref().map(condition),
        remaining_ns,
        max_calls: entry.trace.max_calls,
        max_calls_per_second: entry.trace.max_calls_per_second,
        sample_one_in: entry.trace.sample_one_in,
        owner: entry.row.owner.clone(),
        limits: Some(value_limits(entry.trace.value_limits)),
    })
}

/// What was not said is left to the instance.
fn value_limits(asked: ValueLimits) -> v1::ValueLimits {
    v1::ValueLimits {
        bytes: asked.bytes.unwrap_or_default(),
        depth: asked.depth.unwrap_or_default(),
        items: asked.items.unwrap_or_default(),
        text_bytes: asked.text_bytes.unwrap_or_default(),
    }
}

/// Whether an instance is one of those after `ON`: values of one key are alternatives, all keys must hold.
pub(super) fn selects(selectors: &[Selector], instance: &InstanceRow) -> bool {
    let mut keys: BTreeMap<&str, bool> = BTreeMap::new();
    for selector in selectors {
        *keys.entry(&selector.key).or_default() |= selected(selector, instance);
    }
    keys.into_values().all(|holds| holds)
}

fn selected(selector: &Selector, instance: &InstanceRow) -> bool {
    let value = match selector.key.as_str() {
        "service" => &instance.service,
        "instance" => &instance.instance,
        "class" => &instance.class,
        "release" => &instance.release,
        "host" => &instance.host,
        tag => match instance.tags.get(tag) {
            Some(value) => value,
            None => return false,
        },
    };
    pattern::matches_whole(&selector.value, value)
}

/// Instances know paths only: a place in a file is told as the paths that this instance has there.
fn patterns(patterns: &[Pattern], instance: &Connected) -> Vec<String> {
    let mut told = Vec::new();
    for pattern in patterns {
        match pattern {
            Pattern::Path(path) => told.push(path.clone()),
            Pattern::Place { .. } => told.extend(at(pattern, instance).map(|function| function.path.clone())),
        }
    }
    told.dedup();
    told.truncate(MAX_PATTERNS);
    told
}

fn at<'a>(pattern: &'a Pattern, instance: &'a Connected) -> impl Iterator<Item = &'a FunctionRow> {
    let functions = instance.functions.iter().map(AsRef::as_ref);
    let enclosing = enclosing(pattern, functions.clone());
    functions.filter(move |function| matches(pattern, function, enclosing))
}

/// The line of the function that encloses the pattern's line: the last that begins at or before it.
pub(super) fn enclosing<'a>(pattern: &Pattern, functions: impl Iterator<Item = &'a FunctionRow>) -> Option<u32> {
    let Pattern::Place { file, line: Some(line) } = pattern else { return None };
    functions.filter(|f| f.line <= *line && lies_in(file, &f.file)).map(|f| f.line).max()
}

/// Whether a pattern names a function; `enclosing` is what [`enclosing`] found.
pub(super) fn matches(pattern: &Pattern, function: &FunctionRow, enclosing: Option<u32>) -> bool {
    match pattern {
        Pattern::Path(path) => pattern::matches(path, &function.path),
        Pattern::Place { file, line: None } => lies_in(file, &function.file),
        Pattern::Place { file, line: Some(_) } => Some(function.line) == enclosing && lies_in(file, &function.file),
    }
}

/// Whether an order names a function; a line in a file counts as its whole file, as one function alone does not tell
/// which one encloses the line.
pub(crate) fn names(trace: &Trace, function: &FunctionRow) -> bool {
    trace.patterns.iter().any(|pattern| match pattern {
        Pattern::Path(_) => matches(pattern, function, None),
        Pattern::Place { file, line } => lies_in(file, &function.file) && line.is_none_or(|line| function.line <= line),
    })
}

/// Whether `pattern` is the end of a file's path, at a `/`.
fn lies_in(pattern: &str, file: &str) -> bool {
    let behind = file.match_indices('/').map(|(at, _)| &file[at + 1..]);
    std::iter::once(file).chain(behind).any(|end| pattern::matches_whole(pattern, end))
}

fn condition(condition: &Condition) -> v1::Condition {
    let all = |parts: &[Condition]| v1::Conditions { conditions: parts.iter().map(self::condition).collect() };
    let kind = match condition {
        Condition::All(parts) => Kind::All(all(parts)),
        Condition::Any(parts) => Kind::Any(all(parts)),
        Condition::Not(inner) => Kind::Not(Box::new(self::condition(inner))),
        Condition::Comparison(inner) => Kind::Comparison(comparison(inner)),
    };
    v1::Condition { kind: Some(kind) }
}

fn comparison(comparison: &Comparison) -> v1::Comparison {
    v1::Comparison {
        subject: subject(comparison.subject) as i32,
        path: comparison.path.clone(),
        operator: operator(comparison.operator) as i32,
        values: comparison.values.iter().map(literal).collect(),
    }
}

fn subject(subject: Subject) -> v1::Subject {
    match subject {
        Subject::Args => v1::Subject::Args,
        Subject::Returned => v1::Subject::Returned,
        Subject::Error => v1::Subject::Error,
        Subject::Outcome => v1::Subject::Outcome,
        Subject::Duration => v1::Subject::Duration,
    }
}

fn operator(operator: Operator) -> v1::Operator {
    match operator {
        Operator::Eq => v1::Operator::Eq,
        Operator::Ne => v1::Operator::Ne,
        Operator::Lt => v1::Operator::Lt,
        Operator::Le => v1::Operator::Le,
        Operator::Gt => v1::Operator::Gt,
        Operator::Ge => v1::Operator::Ge,
        Operator::Like => v1::Operator::Like,
        Operator::In => v1::Operator::In,
        Operator::IsNull => v1::Operator::IsNull,
    }
}

fn literal(literal: &Literal) -> v1::Literal {
    let value = match literal {
        Literal::Text(text) => Value::Text(text.clone()),
        Literal::Integer(integer) => Value::Integer(*integer),
        Literal::Real(real) => Value::Real(*real),
        Literal::Boolean(boolean) => Value::Boolean(*boolean),
    };
    v1::Literal { value: Some(value) }
}
