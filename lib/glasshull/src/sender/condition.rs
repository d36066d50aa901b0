//! Conditions of probes, evaluated for one call. What is not known (a value that is missing, withheld, or of another
//! type) makes a comparison unknown, as in SQL; a call is kept only where the whole is true.

use std::cmp::Ordering;

use glasshull_wire::limits::{MAX_COMPARISONS, MAX_CONDITION_DEPTH};
use glasshull_wire::v1::{Comparison, Condition, Literal, Operator, Subject, condition, literal};

use crate::value::Tree;
use crate::value::redaction::Redaction;

/// What a condition may look at.
pub(crate) struct Facts<'a> {
    pub(crate) args: &'a dyn Fn() -> Tree,
    pub(crate) returned: Option<&'a [u8]>,
    /// The error object.
    pub(crate) error: Option<&'a [u8]>,
    pub(crate) outcome: &'static str,
    pub(crate) duration_ns: u64,
    pub(crate) redaction: &'a Redaction,
}

/// Whether a condition from outside keeps to the limits.
pub(crate) fn is_within_limits(condition: &Condition) -> bool {
    let mut comparisons = 0;
    is_shallow(condition, 0, &mut comparisons) && comparisons <= MAX_COMPARISONS
}

fn is_shallow(condition: &Condition, depth: usize, comparisons: &mut usize) -> bool {
    if depth >= MAX_CONDITION_DEPTH {
        return false;
    }
    match &condition.kind {
        None => true,
        Some(condition::Kind::All(inner) | condition::Kind::Any(inner)) => {
            inner.conditions.iter().all(|inner| is_shallow(inner, depth + 1, comparisons))
        }
        Some(condition::Kind::Not(inner)) => is_shallow(inner, depth + 1, comparisons),
        Some(condition::Kind::Comparison(_)) => {
            *comparisons += 1;
            true
        }
    }
}

/// Whether the condition is true. A condition of a kind this version does not know is unknown.
pub(crate) fn holds(condition: &Condition, facts: &Facts<'_>) -> bool {
    evaluate(condition, facts) == Some(true)
}

fn evaluate(condition: &Condition, facts: &Facts<'_>) -> Option<bool> {
    match condition.kind.as_ref()? {
        condition::Kind::All(inner) => fold(inner.conditions.iter().map(|inner| evaluate(inner, facts)), false),
        condition::Kind::Any(inner) => fold(inner.conditions.iter().map(|inner| evaluate(inner, facts)), true),
        condition::Kind::Not(inner) => evaluate(inner, facts).map(|holds| !holds),
        condition::Kind::Comparison(comparison) => compare(comparison, facts),
    }
}

/// `decisive` decides alone; otherwise one unknown makes the whole unknown.
fn fold(parts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut unknown = false;
    for part in parts {
        match part {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(!decisive) }
}

fn compare(comparison: &Comparison, facts: &Facts<'_>) -> Option<bool> {
    let root = subject(comparison, facts);
    let value = root.as_ref().and_then(|root| root.at(&comparison.path)).filter(|value| **value != Tree::Null);
    let operator = Operator::try_from(comparison.operator).ok()?;
    if operator == Operator::IsNull {
        return Some(value.is_none());
    }
    let value = value?;
    if operator == Operator::In {
        return fold(comparison.values.iter().map(|literal| order(value, literal).map(Ordering::is_eq)), true);
    }
    let literal = comparison.values.first()?;
    if operator == Operator::Like {
        return match &literal.value {
            Some(literal::Value::Text(pattern)) => Some(like(&value.text()?, pattern)),
            _ => None,
        };
    }
    let order = order(value, literal)?;
    Some(match operator {
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        _ => return None,
    })
}

fn subject(comparison: &Comparison, facts: &Facts<'_>) -> Option<Tree> {
    match Subject::try_from(comparison.subject).ok()? {
        Subject::Unspecified => None,
        Subject::Args => Some((facts.args)()),
        Subject::Returned => facts.returned.map(|value| Tree::read(value, facts.redaction)),
        Subject::Error => {
            facts.error.and_then(|error| Tree::read(error, facts.redaction).at(&["message".to_owned()]).cloned())
        }
        Subject::Outcome => Some(Tree::Text(facts.outcome.to_owned())),
        Subject::Duration => Some(Tree::Integer(facts.duration_ns.into())),
    }
}

fn order(value: &Tree, literal: &Literal) -> Option<Ordering> {
    match (value, literal.value.as_ref()?) {
        (Tree::Bool(value), literal::Value::Boolean(literal)) => Some(value.cmp(literal)),
        (Tree::Integer(value), literal::Value::Integer(literal)) => Some(value.cmp(&i128::from(*literal))),
        (Tree::Integer(value), literal::Value::Real(literal)) => (*value as f64).partial_cmp(literal),
        (Tree::Real(value), literal::Value::Integer(literal)) => value.partial_cmp(&(*literal as f64)),
        (Tree::Real(value), literal::Value::Real(literal)) => value.partial_cmp(literal),
        // A number or a truth value compared with a text is compared as text, as `->>` does in SQL.
        (value, literal::Value::Text(literal)) => Some(value.text()?.as_str().cmp(literal)),
        _ => None,
    }
}

/// SQL's LIKE: `%` any run of characters, `_` one.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '_' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '%')
}

#[cfg(test)]
mod tests;
