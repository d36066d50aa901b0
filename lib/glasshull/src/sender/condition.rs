//! Conditions of probes: compiled once, when a probe arrives, evaluated for each call. What is not known (a value that is
//! missing, withheld, or of another type) makes a comparison unknown, as in SQL; a call is kept only where the whole is
//! true. What one evaluation may cost is bounded: comparisons, literals, and the bytes that are looked at.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;

use glasshull_wire::Message as _;
use glasshull_wire::limits::{
    MAX_COMPARISONS, MAX_CONDITION_BYTES, MAX_CONDITION_DEPTH, MAX_LIKE_BYTES, MAX_LITERALS, MAX_PATH_STEPS,
};
use glasshull_wire::v1::{self, Comparison, Literal, Operator, Subject, literal};

use super::like::Like;
use crate::record::values;
use crate::value::redaction::Redaction;
use crate::value::{Found, Hidden, Step, look_up};

/// Bytes and pattern steps one evaluation may take: about a millisecond. Beyond, the condition is undecided.
const MAX_STEPS: usize = 1_000_000;

/// What a condition may look at.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) arguments: &'a [&'static str],
    /// Their values, each behind its length.
    pub(crate) values: &'a [u8],
    pub(crate) returned: Option<&'a [u8]>,
    /// The error object.
    pub(crate) error: Option<&'a [u8]>,
    pub(crate) outcome: &'static str,
    pub(crate) duration_ns: u64,
    pub(crate) redaction: &'a Redaction,
}

/// A condition that keeps to the limits, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Condition(Node);

#[derive(Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(Test),
    /// Of a kind this version does not know.
    Unknown,
}

#[derive(Debug)]
struct Test {
    subject: Subject,
    path: Vec<Step>,
    check: Check,
}

#[derive(Debug)]
enum Check {
    IsNull,
    Compare(Operator, Literal),
    In(Set),
    Like(Like),
    Unknown,
}

/// The values behind `IN`.
#[derive(Debug, Default)]
struct Set {
    texts: HashSet<Box<str>>,
    integers: HashSet<i128>,
    others: Vec<Literal>,
}

/// Why a comparison is unknown although its value is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Hidden(Hidden),
    OtherType,
    TooCostly,
}

/// What an evaluation comes to.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    Holds,
    HoldsNot,
    /// It depends on something that is not known. Where that has a cause people can do something about, it is told.
    Undecided(Option<Clue<'a>>),
}

/// The first comparison that was unknown, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clue<'a> {
    test: &'a Test,
    why: Why,
}

impl Condition {
    /// Compiles a condition from outside.
    ///
    /// # Errors
    /// Which limit it exceeds.
    pub(crate) fn compile(condition: &v1::Condition) -> Result<Self, &'static str> {
        if condition.encoded_len() > MAX_CONDITION_BYTES {
            return Err("its condition is larger than allowed");
        }
        let mut left = Left { comparisons: MAX_COMPARISONS, literals: MAX_LITERALS };
        left.node(condition, MAX_CONDITION_DEPTH).map(Self)
    }

    pub(crate) fn evaluate<'c>(&'c self, facts: &Facts<'_>) -> Verdict<'c> {
        let mut evaluation = Evaluation { facts: *facts, steps: 0, clue: None };
        match evaluation.node(&self.0) {
            Some(true) => Verdict::Holds,
            Some(false) => Verdict::HoldsNot,
            None => Verdict::Undecided(evaluation.clue),
        }
    }
}

/// What a condition may still have.
struct Left {
    comparisons: usize,
    literals: usize,
}

impl Left {
    fn node(&mut self, condition: &v1::Condition, levels: usize) -> Result<Node, &'static str> {
        use v1::condition::Kind;
        let Some(levels) = levels.checked_sub(1) else { return Err("its condition is nested deeper than allowed") };
        Ok(match &condition.kind {
            None => Node::Unknown,
            Some(Kind::All(inner)) => Node::All(self.nodes(inner, levels)?),
            Some(Kind::Any(inner)) => Node::Any(self.nodes(inner, levels)?),
            Some(Kind::Not(inner)) => Node::Not(Box::new(self.node(inner, levels)?)),
            Some(Kind::Comparison(comparison)) => self.test(comparison)?,
        })
    }

    /// Those that cost least come first: what decides early saves the others.
    fn nodes(&mut self, inner: &v1::Conditions, levels: usize) -> Result<Vec<Node>, &'static str> {
        let mut nodes = inner.conditions.iter().map(|inner| self.node(inner, levels)).collect::<Result<Vec<_>, _>>()?;
        nodes.sort_by_key(Node::cost);
        Ok(nodes)
    }

    fn test(&mut self, comparison: &Comparison) -> Result<Node, &'static str> {
        let too_many = "its condition has more comparisons than allowed";
        self.comparisons = self.comparisons.checked_sub(1).ok_or(too_many)?;
        let too_many = "its condition has more values than allowed";
        self.literals = self.literals.checked_sub(comparison.values.len()).ok_or(too_many)?;
        if comparison.path.len() > MAX_PATH_STEPS {
            return Err("its condition has a longer path than allowed");
        }
        let (Ok(subject), Ok(operator)) =
            (Subject::try_from(comparison.subject), Operator::try_from(comparison.operator))
        else {
            return Ok(Node::Unknown);
        };
        // A condition on an error means its message.
        let message = (subject == Subject::Error).then_some("message");
        let path = message.into_iter().chain(comparison.path.iter().map(String::as_str)).map(Step::new).collect();
        Ok(Node::Test(Test { subject, path, check: check(operator, &comparison.values)? }))
    }
}

fn check(operator: Operator, literals: &[Literal]) -> Result<Check, &'static str> {
    Ok(match (operator, literals.first()) {
        (Operator::IsNull, _) => Check::IsNull,
        (Operator::In, _) => Check::In(Set::of(literals)),
        (Operator::Unspecified, _) | (_, None) => Check::Unknown,
        (Operator::Like, Some(Literal { value: Some(literal::Value::Text(pattern)) })) => {
            if pattern.len() > MAX_LIKE_BYTES {
                return Err("its condition has a longer pattern than allowed");
            }
            Check::Like(Like::new(pattern))
        }
        (Operator::Like, Some(_)) => Check::Unknown,
        (operator, Some(literal)) => Check::Compare(operator, literal.clone()),
    })
}

impl Set {
    fn of(literals: &[Literal]) -> Self {
        let mut set = Self::default();
        for literal in literals {
            match &literal.value {
                Some(literal::Value::Text(text)) => drop(set.texts.insert(text.as_str().into())),
                Some(literal::Value::Integer(integer)) => drop(set.integers.insert((*integer).into())),
                _ => set.others.push(literal.clone()),
            }
        }
        set
    }

    /// Whether one of them equals the value; unknown if none does and one could not be compared.
    fn has(&self, value: &Found<'_>) -> Option<bool> {
        if !self.texts.is_empty() && value.text().is_some_and(|text| self.texts.contains(text.as_ref())) {
            return Some(true);
        }
        let integers = match value {
            Found::Integer(integer) => Some(self.integers.contains(integer)),
            Found::Real(real) => Some(self.integers.iter().any(|integer| *integer as f64 == *real)),
            _ if self.integers.is_empty() => Some(false),
            _ => None,
        };
        let texts = (self.texts.is_empty() || value.text().is_some()).then_some(false);
        let others = self.others.iter().map(|literal| order(value, literal).map(Ordering::is_eq));
        fold([integers, texts].into_iter().chain(others), true)
    }
}

impl Node {
    fn cost(&self) -> u8 {
        match self {
            Self::Test(Test { subject: Subject::Duration | Subject::Outcome, .. }) => 0,
            Self::Test(Test { check: Check::Like(_), .. }) => 2,
            Self::Test(_) | Self::Unknown => 1,
            Self::All(_) | Self::Any(_) | Self::Not(_) => 3,
        }
    }
}

struct Evaluation<'c, 'f> {
    facts: Facts<'f>,
    steps: usize,
    clue: Option<Clue<'c>>,
}

impl<'c> Evaluation<'c, '_> {
    fn node(&mut self, node: &'c Node) -> Option<bool> {
        match node {
            Node::All(inner) => fold(inner.iter().map(|inner| self.node(inner)), false),
            Node::Any(inner) => fold(inner.iter().map(|inner| self.node(inner)), true),
            Node::Not(inner) => self.node(inner).map(|holds| !holds),
            Node::Test(test) => self.test(test).unwrap_or_else(|why| {
                self.clue.get_or_insert(Clue { test, why });
                None
            }),
            Node::Unknown => None,
        }
    }

    fn test(&mut self, test: &Test) -> Result<Option<bool>, Why> {
        if self.steps > MAX_STEPS {
            return Err(Why::TooCostly);
        }
        let facts = self.facts;
        let value = facts.find(test, &mut self.steps);
        if let Check::IsNull = test.check {
            return Ok(Some(matches!(value, Found::Missing | Found::Null)));
        }
        match (&test.check, &value) {
            (_, Found::Missing | Found::Null) | (Check::Unknown | Check::IsNull, _) => Ok(None),
            (_, Found::Hidden(hidden)) => Err(Why::Hidden(*hidden)),
            (Check::In(set), value) => set.has(value).map(Some).ok_or(Why::OtherType),
            (Check::Compare(operator, literal), value) => {
                let order = order(value, literal).ok_or(Why::OtherType)?;
                Ok(holds(*operator, order))
            }
            (Check::Like(like), value) => {
                let text = value.text().ok_or(Why::OtherType)?;
                like.matches(&text, &mut self.steps, MAX_STEPS).map(Some).ok_or(Why::TooCostly)
            }
        }
    }
}

impl<'f> Facts<'f> {
    fn find(&self, test: &Test, steps: &mut usize) -> Found<'f> {
        let look_up = |value: &'f [u8], path: &[Step], steps| look_up(value, path, self.redaction, steps);
        match test.subject {
            Subject::Unspecified => Found::Missing,
            Subject::Args => match test.path.split_first() {
                None => Found::Container,
                Some((argument, below)) => self.argument(argument, |value| look_up(value, below, steps)),
            },
            Subject::Returned => self.returned.map_or(Found::Missing, |value| look_up(value, &test.path, steps)),
            Subject::Error => self.error.map_or(Found::Missing, |error| look_up(error, &test.path, steps)),
            Subject::Outcome => Found::Text(self.outcome.into()),
            Subject::Duration => Found::Integer(self.duration_ns.into()),
        }
    }

    fn argument(&self, argument: &Step, look_up: impl FnOnce(&'f [u8]) -> Found<'f>) -> Found<'f> {
        let Some(place) = self.arguments.iter().position(|name| *name == argument.key()) else { return Found::Missing };
        match values(self.values).nth(place) {
            Some(value) => look_up(value),
            // There was no room for it.
            None => Found::Hidden(Hidden::Cut),
        }
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

fn holds(operator: Operator, order: Ordering) -> Option<bool> {
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

fn order(value: &Found<'_>, literal: &Literal) -> Option<Ordering> {
    match (value, literal.value.as_ref()?) {
        (Found::Bool(value), literal::Value::Boolean(literal)) => Some(value.cmp(literal)),
        (Found::Integer(value), literal::Value::Integer(literal)) => Some(value.cmp(&i128::from(*literal))),
        (Found::Integer(value), literal::Value::Real(literal)) => (*value as f64).partial_cmp(literal),
        (Found::Real(value), literal::Value::Integer(literal)) => value.partial_cmp(&(*literal as f64)),
        (Found::Real(value), literal::Value::Real(literal)) => value.partial_cmp(literal),
        // A number or a truth value compared with a text is compared as text, as `->>` does in SQL.
        (value, literal::Value::Text(literal)) => Some(value.text()?.as_ref().cmp(literal)),
        _ => None,
    }
}

impl fmt::Display for Clue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::Hidden(Hidden::Withheld) => "is withheld",
            Why::Hidden(Hidden::Cut) => "was cut at a limit",
            Why::Hidden(Hidden::NotCaptured) => "was not captured",
            Why::OtherType => "is of another type than what it is compared with",
            Why::TooCostly => "takes too long to compare",
        };
        let subject = match self.test.subject {
            Subject::Args => "args",
            Subject::Returned => "returned",
            Subject::Error => "error",
            Subject::Outcome => "outcome",
            Subject::Duration => "duration",
            Subject::Unspecified => "?",
        };
        write!(f, "`{subject}")?;
        let named = usize::from(self.test.subject == Subject::Error);
        self.test.path.iter().skip(named).try_for_each(|step| write!(f, ".{}", step.key()))?;
        write!(f, "` {why}")
    }
}

#[cfg(test)]
mod tests;
