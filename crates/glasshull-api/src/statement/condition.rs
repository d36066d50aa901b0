//! Conditions: what must hold for a call to be kept.

use super::ast::{Comparison, Condition, Literal, Operator, Subject};
use super::duration::duration_ns;
use super::limits::{MAX_COMPARISONS, MAX_CONDITION_DEPTH, MAX_IN_VALUES, MAX_PATH_STEPS};
use super::scanner::{Scanner, run};
use crate::{Code, Failure};

/// Words a comparison begins with.
const SUBJECTS: [(&str, Subject); 5] = [
    ("args", Subject::Args),
    ("returned", Subject::Returned),
    ("error", Subject::Error),
    ("outcome", Subject::Outcome),
    ("duration", Subject::Duration),
];

/// How a call can end.
const OUTCOMES: [&str; 5] = ["returned", "error", "panicked", "cancelled", "running"];

/// Signs of comparison; those that begin like another stand before it.
const SIGNS: [(&str, Operator); 7] = [
    ("!=", Operator::Ne),
    ("<>", Operator::Ne),
    ("<=", Operator::Le),
    (">=", Operator::Ge),
    ("=", Operator::Eq),
    ("<", Operator::Lt),
    (">", Operator::Gt),
];

/// Reads a condition as far as it goes.
pub(super) fn condition(scanner: &mut Scanner<'_>) -> Result<Condition, Failure> {
    let begin = scanner.clone();
    let mut reader = Reader { scanner, depth: 0, comparisons: 0 };
    let condition = reader.any()?;
    if condition.depth() > MAX_CONDITION_DEPTH { Err(too_deep(&begin)) } else { Ok(condition) }
}

fn too_deep(scanner: &Scanner<'_>) -> Failure {
    limits(scanner.failure(format!("A condition is nested at most {MAX_CONDITION_DEPTH} levels deep.")))
}

fn limits(failure: Failure) -> Failure {
    Failure { code: Code::ProbeLimits.text().into(), ..failure }
}

struct Reader<'s, 'a> {
    scanner: &'s mut Scanner<'a>,
    /// Parentheses and `NOT`s that are open.
    depth: usize,
    comparisons: usize,
}

impl Reader<'_, '_> {
    fn any(&mut self) -> Result<Condition, Failure> {
        let mut parts = vec![self.all()?];
        while self.scanner.take_word("OR") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Failure> {
        let mut parts = vec![self.part()?];
        while self.scanner.take_word("AND") {
            parts.push(self.part()?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn part(&mut self) -> Result<Condition, Failure> {
        if self.depth == MAX_CONDITION_DEPTH {
            return Err(too_deep(self.scanner));
        }
        self.depth += 1;
        let part = if self.scanner.take_word("NOT") {
            Condition::Not(Box::new(self.part()?))
        } else if self.scanner.take_sign("(") {
            let inner = self.any()?;
            self.close()?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(part)
    }

    fn close(&mut self) -> Result<(), Failure> {
        if self.scanner.take_sign(")") { Ok(()) } else { Err(self.scanner.expected("AND, OR or `)`", &["AND", "OR"])) }
    }

    fn comparison(&mut self) -> Result<Condition, Failure> {
        if self.comparisons == MAX_COMPARISONS {
            let most = format!("A condition has at most {MAX_COMPARISONS} comparisons.");
            return Err(limits(self.scanner.failure(most)));
        }
        self.comparisons += 1;
        let subject = subject(self.scanner)?;
        let path = if is_value(subject) { path(self.scanner)? } else { Vec::new() };
        self.scanner.skip_blanks();
        let sign = SIGNS.into_iter().find(|(sign, _)| self.scanner.take_sign(sign));
        if let Some((_, operator)) = sign {
            let values = vec![literal(self.scanner, subject)?];
            return Ok(Condition::Comparison(Comparison { subject, path, operator, values }));
        }
        self.predicate(subject, path)
    }

    /// Reads a comparison that is written in words.
    fn predicate(&mut self, subject: Subject, path: Vec<String>) -> Result<Condition, Failure> {
        const WORDS: [&str; 5] = ["LIKE", "IN", "IS", "NOT", "BETWEEN"];
        let scanner = &mut *self.scanner;
        let is = scanner.take_word("IS");
        let not = scanner.take_word("NOT");
        let compare =
            |operator, values| Condition::Comparison(Comparison { subject, path: path.clone(), operator, values });
        let positive = if is {
            scanner.expect_word("NULL")?;
            compare(Operator::IsNull, Vec::new())
        } else if scanner.take_word("LIKE") {
            compare(Operator::Like, vec![Literal::Text(text(scanner)?)])
        } else if scanner.take_word("IN") {
            compare(Operator::In, literals(scanner, subject)?)
        } else if scanner.take_word("BETWEEN") {
            let least = literal(scanner, subject)?;
            scanner.expect_word("AND")?;
            let most = literal(scanner, subject)?;
            Condition::All(vec![compare(Operator::Ge, vec![least]), compare(Operator::Le, vec![most])])
        } else {
            return Err(scanner.expected("=, !=, <, <=, >, >=, LIKE, IN, BETWEEN or IS NULL", &WORDS));
        };
        Ok(if not { Condition::Not(Box::new(positive)) } else { positive })
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

/// Whether it is a JSON value with parts of its own.
fn is_value(subject: Subject) -> bool {
    matches!(subject, Subject::Args | Subject::Returned)
}

fn subject(scanner: &mut Scanner<'_>) -> Result<Subject, Failure> {
    let word = scanner.word().unwrap_or_default();
    if let Some((_, subject)) = SUBJECTS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
        scanner.take_tight(word.len());
        return Ok(subject);
    }
    let failure = scanner.expected("args, returned, error, outcome or duration", &SUBJECTS.map(|(name, _)| name));
    Err(if failure.hint.is_none() && !word.is_empty() {
        failure.hint(format!("An argument is written args.{word}."))
    } else {
        failure
    })
}

/// Takes the steps to a part of a value: `.key`, `."key"`, `[0]`, `['key']`, `->'key'`, `->>'key'`, `->0`.
fn path(scanner: &mut Scanner<'_>) -> Result<Vec<String>, Failure> {
    let mut steps = Vec::new();
    loop {
        let step = if scanner.rest().starts_with('.') {
            scanner.take(1);
            Some(step(scanner)?)
        } else if scanner.rest().starts_with('[') {
            scanner.take(1);
            let inner = Some(step(scanner)?);
            scanner.skip_blanks();
            if !scanner.rest().starts_with(']') {
                return Err(scanner.expected("`]`", &[]));
            }
            scanner.take_tight(1);
            inner
        } else {
            let before = scanner.clone();
            scanner.skip_blanks();
            if scanner.take_sign("->>") || scanner.take_sign("->") {
                Some(step(scanner)?)
            } else {
                *scanner = before;
                None
            }
        };
        match step {
            Some(_) if steps.len() == MAX_PATH_STEPS => {
                return Err(limits(scanner.failure(format!("A path has at most {MAX_PATH_STEPS} steps."))));
            }
            Some(step) => steps.push(step),
            None => {
                scanner.skip_blanks();
                return Ok(steps);
            }
        }
    }
}

/// Takes a key or a place in a list, without the blanks behind it.
fn step(scanner: &mut Scanner<'_>) -> Result<String, Failure> {
    if let Some(key) = scanner.quoted_tight()? {
        return Ok(key);
    }
    match run(scanner.rest(), |c| c.is_alphanumeric() || c == '_') {
        0 => Err(scanner.expected("a key or a place in a list", &[])),
        bytes => Ok(scanner.take_tight(bytes).into()),
    }
}

fn literals(scanner: &mut Scanner<'_>, subject: Subject) -> Result<Vec<Literal>, Failure> {
    scanner.expect_sign("(")?;
    let mut values = Vec::new();
    loop {
        if values.len() == MAX_IN_VALUES {
            return Err(limits(scanner.failure(format!("IN has at most {MAX_IN_VALUES} values."))));
        }
        values.push(literal(scanner, subject)?);
        if scanner.take_sign(")") {
            return Ok(values);
        }
        if !scanner.take_sign(",") {
            return Err(scanner.expected("`,` or `)`", &[]));
        }
    }
}

/// Takes a value of the kind the subject has.
fn literal(scanner: &mut Scanner<'_>, subject: Subject) -> Result<Literal, Failure> {
    match subject {
        Subject::Duration => length_of_time(scanner),
        Subject::Outcome => outcome(scanner),
        Subject::Error => Ok(Literal::Text(text(scanner)?)),
        Subject::Args | Subject::Returned => value(scanner),
    }
}

fn length_of_time(scanner: &mut Scanner<'_>) -> Result<Literal, Failure> {
    let begin = scanner.clone();
    let Some(ns) = duration_ns(scanner)? else {
        return Err(scanner.expected("a length of time, such as 10ms or 1.5s", &[]));
    };
    i64::try_from(ns).map(Literal::Integer).map_err(|_| begin.failure("This is longer than any call."))
}

fn outcome(scanner: &mut Scanner<'_>) -> Result<Literal, Failure> {
    let begin = scanner.clone();
    let text = text(scanner)?;
    if OUTCOMES.contains(&text.as_str()) {
        return Ok(Literal::Text(text));
    }
    let failure = begin.failure(format!("An outcome is one of {}.", OUTCOMES.map(|o| format!("'{o}'")).join(", ")));
    Err(match super::nearest(&text, OUTCOMES) {
        Some(outcome) => failure.hint(format!("Did you mean '{outcome}'?")),
        None => failure,
    })
}

fn text(scanner: &mut Scanner<'_>) -> Result<String, Failure> {
    scanner.quoted()?.ok_or_else(|| scanner.expected("a text in quotes", &[]))
}

fn value(scanner: &mut Scanner<'_>) -> Result<Literal, Failure> {
    if let Some(text) = scanner.quoted()? {
        return Ok(Literal::Text(text));
    }
    for (word, value) in [("TRUE", true), ("FALSE", false)] {
        if scanner.take_word(word) {
            return Ok(Literal::Boolean(value));
        }
    }
    if scanner.word().is_some_and(|word| word.eq_ignore_ascii_case("NULL")) {
        return Err(scanner.failure("Nothing equals NULL.").hint("Write IS NULL or IS NOT NULL."));
    }
    number(scanner)
}

fn number(scanner: &mut Scanner<'_>) -> Result<Literal, Failure> {
    let rest = scanner.rest();
    let bytes = number_bytes(rest);
    let digits = rest[..bytes].replace('_', "");
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let number = match (is_whole, digits.parse::<i64>(), digits.parse::<f64>()) {
        (true, Ok(whole), _) => Some(Literal::Integer(whole)),
        (false, _, Ok(real)) if real.is_finite() => Some(Literal::Real(real)),
        _ => None,
    };
    match number {
        Some(number) => {
            scanner.take(bytes);
            Ok(number)
        }
        None if bytes == 0 || digits == "-" => {
            Err(scanner.expected("a text in quotes, a number, TRUE or FALSE", &["TRUE", "FALSE"]))
        }
        None => Err(scanner.failure(format!("{digits} is no number that can be compared."))),
    }
}

/// The bytes of the number that begins here: an optional sign, digits, a fraction, an exponent.
fn number_bytes(text: &str) -> usize {
    let digits = |from: usize| from + run(&text[from..], |c| c.is_ascii_digit() || c == '_');
    let sign = usize::from(text.starts_with('-'));
    let mut end = digits(sign);
    if end == sign {
        return sign;
    }
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    let exponent = text[end..].strip_prefix(['e', 'E']).map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
    match exponent.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        Some(rest) => digits(text.len() - rest.len()),
        None => end,
    }
}
