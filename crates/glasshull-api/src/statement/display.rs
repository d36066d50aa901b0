//! Statements as text: each form parses to the statement it was made from.

use std::fmt::{self, Display, Formatter};

use super::ast::{
    Comparison, Condition, Find, Hops, Literal, Operator, Pattern, Show, ShowWhat, Statement, Subject, Surroundings,
    Trace, Tree, TreeOf, Untrace,
};
use super::capture::in_units;
use super::duration::DurationNs;
use super::trace::{PLACE, is_key, is_value};
use crate::answers::{Selector, ValueLimits};

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Trace(trace) => trace.fmt(f),
            Statement::Untrace(untrace) => untrace.fmt(f),
            Statement::Show(show) => show.fmt(f),
            Statement::Tree(tree) => tree.fmt(f),
            Statement::Find(find) => find.fmt(f),
            Statement::Sql(sql) => f.write_str(sql),
        }
    }
}

impl Display for Trace {
    /// With every limit, so that a stored statement means the same after defaults have changed.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("TRACE ")?;
        joined(f, &self.patterns, ", ", quoted_pattern)?;
        if !self.selectors.is_empty() {
            f.write_str(" ON ")?;
            joined(f, &self.selectors, ", ", selector)?;
        }
        if let Some(condition) = &self.condition {
            write!(f, " WHERE {condition}")?;
        }
        write!(f, " FOR {}", DurationNs(self.duration.as_nanos() as u64))?;
        write!(f, " LIMIT {} CALLS RATE {} PER SECOND", self.max_calls, self.max_calls_per_second)?;
        if self.sample_one_in > 1 {
            write!(f, " SAMPLE 1 IN {}", self.sample_one_in)?;
        }
        if self.value_limits == ValueLimits::default() { Ok(()) } else { write!(f, " CAPTURE {}", self.value_limits) }
    }
}

impl Display for ValueLimits {
    /// As it stands behind `CAPTURE`: what is not said is left to the instance.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let count = |count: Option<u32>, what| count.map(|count| format!("{count} {what}"));
        let bytes = |bytes: Option<u32>, what| bytes.map(|bytes| format!("{} {what}", in_units(bytes.into())));
        let parts = [
            count(self.items, "ITEMS"),
            count(self.depth, "DEEP"),
            bytes(self.bytes, "VALUES"),
            bytes(self.text_bytes, "TEXTS"),
        ];
        let said: Vec<String> = parts.into_iter().flatten().collect();
        joined(f, &said, ", ", |f, part| f.write_str(part))
    }
}

impl Display for Pattern {
    /// As it stands between quotes.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Path(path) => f.write_str(path),
            Pattern::Place { file, line: None } => write!(f, "{PLACE}{file}"),
            Pattern::Place { file, line: Some(line) } => write!(f, "{PLACE}{file}:{line}"),
        }
    }
}

impl Display for Untrace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("UNTRACE ")?;
        match self {
            Untrace::All => f.write_str("ALL"),
            Untrace::Probe(id) => f.write_str(id),
            Untrace::Pattern(pattern) => quoted_pattern(f, pattern),
        }
    }
}

impl Display for Show {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.what {
            ShowWhat::Functions => "SHOW FUNCTIONS",
            ShowWhat::Instances => "SHOW INSTANCES",
            ShowWhat::Probes => "SHOW PROBES",
            ShowWhat::Traces => "SHOW TRACES",
        })?;
        self.like.iter().try_for_each(|like| write!(f, " LIKE {}", Quoted(like)))
    }
}

impl Display for Find {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "FIND {}", Quoted(&self.text))?;
        let ns = |since: &std::time::Duration| DurationNs(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        self.since.iter().try_for_each(|since| write!(f, " SINCE {}", ns(since)))
    }
}

impl Display for Tree {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.of {
            TreeOf::Id(id) => write!(f, "TREE {id}")?,
            TreeOf::Find(find) => write!(f, "TREE OF ({find})")?,
            // The line's end closes a comment the query may end with.
            TreeOf::Query(query) => write!(f, "TREE OF ({}\n)", query.sql)?,
        }
        self.surroundings.iter().try_for_each(|surroundings| surroundings.fmt(f))
    }
}

impl Display for Surroundings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        hops(f, " ANCESTORS", self.ancestors)?;
        hops(f, " DESCENDANTS", self.descendants)?;
        if self.siblings { f.write_str(" SIBLINGS") } else { Ok(()) }
    }
}

fn hops(f: &mut Formatter<'_>, word: &str, hops: Hops) -> fmt::Result {
    match hops {
        Hops::None => Ok(()),
        Hops::UpTo(levels) => write!(f, "{word} {levels}"),
        Hops::All => f.write_str(word),
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Condition::All(parts) => joined(f, parts, " AND ", |f, part| match part {
                Condition::All(_) | Condition::Any(_) => write!(f, "({part})"),
                _ => part.fmt(f),
            }),
            Condition::Any(parts) => joined(f, parts, " OR ", |f, part| match part {
                Condition::Any(_) => write!(f, "({part})"),
                _ => part.fmt(f),
            }),
            Condition::Not(inner) => match &**inner {
                Condition::Comparison(comparison) if is_word(comparison.operator) => comparison.write(f, true),
                inner => write!(f, "NOT ({inner})"),
            },
            Condition::Comparison(comparison) => comparison.fmt(f),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

/// Whether the operator is written as words, among which `NOT` has its place.
fn is_word(operator: Operator) -> bool {
    matches!(operator, Operator::Like | Operator::In | Operator::IsNull)
}

impl Comparison {
    fn write(&self, f: &mut Formatter<'_>, not: bool) -> fmt::Result {
        self.subject.fmt(f)?;
        self.path.iter().try_for_each(|key| step(f, key))?;
        f.write_str(operator(self.operator, not))?;
        match self.operator {
            Operator::IsNull => Ok(()),
            Operator::In => {
                f.write_str("(")?;
                joined(f, &self.values, ", ", |f, value| literal(f, self.subject, value))?;
                f.write_str(")")
            }
            _ => joined(f, &self.values, ", ", |f, value| literal(f, self.subject, value)),
        }
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Subject::Args => "args",
            Subject::Returned => "returned",
            Subject::Error => "error",
            Subject::Outcome => "outcome",
            Subject::Duration => "duration",
        })
    }
}

fn operator(operator: Operator, not: bool) -> &'static str {
    match (operator, not) {
        (Operator::Eq, _) => " = ",
        (Operator::Ne, _) => " != ",
        (Operator::Lt, _) => " < ",
        (Operator::Le, _) => " <= ",
        (Operator::Gt, _) => " > ",
        (Operator::Ge, _) => " >= ",
        (Operator::Like, false) => " LIKE ",
        (Operator::Like, true) => " NOT LIKE ",
        (Operator::In, false) => " IN ",
        (Operator::In, true) => " NOT IN ",
        (Operator::IsNull, false) => " IS NULL",
        (Operator::IsNull, true) => " IS NOT NULL",
    }
}

fn step(f: &mut Formatter<'_>, key: &str) -> fmt::Result {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
    match is_bare {
        true if key.bytes().all(|byte| byte.is_ascii_digit()) => write!(f, "[{key}]"),
        true => write!(f, ".{key}"),
        false => write!(f, "[{}]", Quoted(key)),
    }
}

fn literal(f: &mut Formatter<'_>, subject: Subject, literal: &Literal) -> fmt::Result {
    match literal {
        Literal::Text(text) => Quoted(text).fmt(f),
        Literal::Integer(ns) if subject == Subject::Duration => DurationNs(ns.unsigned_abs()).fmt(f),
        Literal::Integer(integer) => integer.fmt(f),
        Literal::Real(real) => write!(f, "{real:?}"),
        Literal::Boolean(true) => f.write_str("TRUE"),
        Literal::Boolean(false) => f.write_str("FALSE"),
    }
}

fn quoted_pattern(f: &mut Formatter<'_>, pattern: &Pattern) -> fmt::Result {
    let text = pattern.to_string();
    if Pattern::is_bare(&text) { f.write_str(&text) } else { Quoted(&text).fmt(f) }
}

fn selector(f: &mut Formatter<'_>, selector: &Selector) -> fmt::Result {
    label(f, &selector.key, is_key)?;
    f.write_str("=")?;
    label(f, &selector.value, is_value)
}

fn label(f: &mut Formatter<'_>, text: &str, is_bare: fn(char) -> bool) -> fmt::Result {
    if !text.contains("--") && text.chars().all(is_bare) { f.write_str(text) } else { Quoted(text).fmt(f) }
}

/// A text in single quotes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

fn joined<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    separator: &str,
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(at, item)| {
        if at > 0 {
            f.write_str(separator)?;
        }
        write(f, item)
    })
}
