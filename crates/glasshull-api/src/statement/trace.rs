//! `TRACE` and `UNTRACE`.

use std::time::Duration;

use super::ast::{Condition, Pattern, Trace, Untrace};
use super::capture::capture;
use super::condition;
use super::duration::{DurationNs, duration_ns};
use super::limits::{
    DEFAULT_CALLS, DEFAULT_CALLS_PER_SECOND, DEFAULT_DURATION, MAX_CALLS, MAX_CALLS_PER_SECOND, MAX_DURATION,
    MAX_LABEL_BYTES, MAX_PATTERN_BYTES, MAX_PATTERNS, MAX_SAMPLE_ONE_IN, MAX_SELECTORS, MIN_DURATION,
};
use super::scanner::{Scanner, run};
use crate::answers::{Selector, ValueLimits};
use crate::{Code, Failure, Position};

/// Words the clauses of `TRACE` begin with.
const CLAUSES: [&str; 7] = ["ON", "WHERE", "FOR", "LIMIT", "RATE", "SAMPLE", "CAPTURE"];

/// Reads `TRACE ..`.
pub(super) fn trace(scanner: &mut Scanner<'_>) -> Result<Trace, Failure> {
    scanner.expect_word("TRACE")?;
    let patterns = patterns(scanner)?;
    let mut clauses = Clauses::default();
    while !scanner.at_end() {
        clauses.read(scanner)?;
    }
    Ok(Trace {
        patterns,
        selectors: clauses.selectors.unwrap_or_default(),
        condition: clauses.condition,
        duration: clauses.duration.unwrap_or(DEFAULT_DURATION),
        max_calls: clauses.max_calls.unwrap_or(DEFAULT_CALLS),
        max_calls_per_second: clauses.max_calls_per_second.unwrap_or(DEFAULT_CALLS_PER_SECOND),
        sample_one_in: clauses.sample_one_in.unwrap_or(1),
        value_limits: clauses.value_limits.unwrap_or_default(),
    })
}

/// Reads `UNTRACE ..`.
pub(super) fn untrace(scanner: &mut Scanner<'_>) -> Result<Untrace, Failure> {
    scanner.expect_word("UNTRACE")?;
    let bare = &scanner.rest()[..run(scanner.rest(), is_pattern)];
    if bare.eq_ignore_ascii_case("ALL") {
        scanner.take(bare.len());
        return Ok(Untrace::All);
    }
    if is_probe_id(bare) {
        return Ok(Untrace::Probe(scanner.take(bare.len()).to_ascii_lowercase()));
    }
    match pattern(scanner)? {
        Some(pattern) => Ok(Untrace::Pattern(pattern)),
        None => Err(scanner.expected("a probe's id, a pattern or ALL", &["ALL"])),
    }
}

/// `p` and a number.
fn is_probe_id(word: &str) -> bool {
    word.strip_prefix(['p', 'P']).is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
}

#[derive(Default)]
struct Clauses {
    selectors: Option<Vec<Selector>>,
    condition: Option<Condition>,
    duration: Option<Duration>,
    max_calls: Option<u64>,
    max_calls_per_second: Option<u32>,
    sample_one_in: Option<u32>,
    value_limits: Option<ValueLimits>,
}

impl Clauses {
    /// Reads one clause, whichever it is.
    fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Failure> {
        let begin = scanner.clone();
        let word = scanner.word().unwrap_or_default().to_ascii_uppercase();
        if CLAUSES.contains(&word.as_str()) {
            scanner.take(word.len());
        }
        match word.as_str() {
            "ON" => once(&begin, &mut self.selectors, selectors(scanner)),
            "WHERE" => once(&begin, &mut self.condition, condition::condition(scanner)),
            "FOR" => once(&begin, &mut self.duration, lifetime(scanner)),
            "LIMIT" => once(&begin, &mut self.max_calls, max_calls(scanner)),
            "RATE" => once(&begin, &mut self.max_calls_per_second, rate(scanner)),
            "SAMPLE" => once(&begin, &mut self.sample_one_in, sample(scanner)),
            "CAPTURE" => once(&begin, &mut self.value_limits, capture(scanner)),
            _ => {
                Err(scanner
                    .expected("ON, WHERE, FOR, LIMIT, RATE, SAMPLE, CAPTURE or the end of the statement", &CLAUSES))
            }
        }
    }
}

/// Fills a clause's place unless it is taken.
pub(super) fn once<T>(begin: &Scanner<'_>, place: &mut Option<T>, value: Result<T, Failure>) -> Result<(), Failure> {
    if place.is_some() {
        let word = begin.word().unwrap_or_default().to_ascii_uppercase();
        return Err(begin.failure(format!("{word} is given twice.")));
    }
    *place = Some(value?);
    Ok(())
}

fn patterns(scanner: &mut Scanner<'_>) -> Result<Vec<Pattern>, Failure> {
    let mut patterns = Vec::new();
    loop {
        if patterns.len() == MAX_PATTERNS {
            return Err(too_many(scanner, MAX_PATTERNS, "patterns"));
        }
        let next = if begins_clause(scanner) { None } else { pattern(scanner)? };
        patterns.push(next.ok_or_else(|| scanner.expected("a pattern, such as `pricing::*`", &[]))?);
        if !scanner.take_sign(",") {
            return Ok(patterns);
        }
    }
}

/// Whether a clause begins where a pattern could: `capture::*` is none.
fn begins_clause(scanner: &Scanner<'_>) -> bool {
    is_clause(&scanner.rest()[..run(scanner.rest(), is_pattern)])
}

fn is_clause(word: &str) -> bool {
    CLAUSES.iter().any(|clause| clause.eq_ignore_ascii_case(word))
}

fn too_many(scanner: &Scanner<'_>, most: usize, what: &str) -> Failure {
    let failure = scanner.failure(format!("A probe has at most {most} {what}."));
    Failure { code: Code::ProbeLimits.text().into(), ..failure }
}

/// Takes a pattern; `None` where none begins here.
fn pattern(scanner: &mut Scanner<'_>) -> Result<Option<Pattern>, Failure> {
    let begin = scanner.clone();
    let text = match scanner.quoted()? {
        Some(quoted) => quoted,
        None => bare_pattern(scanner).to_string(),
    };
    if text.len() > MAX_PATTERN_BYTES {
        return Err(begin.failure(format!("A pattern has at most {MAX_PATTERN_BYTES} bytes.")));
    }
    let taken = begin.rest().len() - scanner.rest().len();
    match Pattern::new(&text) {
        Some(pattern) => Ok(Some(pattern)),
        None if taken == 0 => Ok(None),
        None => {
            Err(begin.failure("A pattern is a function's path or `file:`, a file's path and perhaps `:` and a line."))
        }
    }
}

/// Takes what can be read as a pattern without quotes.
fn bare_pattern<'a>(scanner: &mut Scanner<'a>) -> &'a str {
    let rest = scanner.rest();
    let is_place = rest.get(..PLACE.len()).is_some_and(|start| start.eq_ignore_ascii_case(PLACE));
    let bytes = run(rest, |c| is_pattern(c) || (is_place && is_file(c)));
    scanner.take(bytes)
}

/// What a path is made of, besides blanks: those need quotes.
fn is_pattern(c: char) -> bool {
    c.is_alphanumeric() || "_:*.{}#<>&$!".contains(c)
}

fn is_file(c: char) -> bool {
    "/\\-+@~".contains(c)
}

/// What a pattern of a file begins with.
pub(super) const PLACE: &str = "file:";

impl Pattern {
    /// Reads a pattern as it stands between quotes; `None` where it is empty or names a line 0.
    pub fn new(text: &str) -> Option<Self> {
        let Some(place) = text.get(..PLACE.len()).filter(|start| start.eq_ignore_ascii_case(PLACE)) else {
            return (!text.is_empty()).then(|| Self::Path(text.into()));
        };
        let place = &text[place.len()..];
        let (file, line) = match place.rsplit_once(':') {
            Some((file, line)) if is_number(line) => (file, Some(line.parse().ok().filter(|line| *line > 0)?)),
            _ => (place, None),
        };
        (!file.is_empty()).then(|| Self::Place { file: file.into(), line })
    }

    /// Whether it can be written without quotes.
    pub(super) fn is_bare(text: &str) -> bool {
        let is_place = text.get(..PLACE.len()) == Some(PLACE);
        text.chars().all(|c| is_pattern(c) || (is_place && is_file(c)))
            && !is_clause(text)
            && !is_probe_id(text)
            && !text.eq_ignore_ascii_case("ALL")
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn selectors(scanner: &mut Scanner<'_>) -> Result<Vec<Selector>, Failure> {
    let mut selectors = Vec::new();
    loop {
        if selectors.len() == MAX_SELECTORS {
            return Err(too_many(scanner, MAX_SELECTORS, "selectors"));
        }
        let key = label(scanner, "a key, such as `class`", is_key)?;
        scanner.expect_sign("=")?;
        let value = label(scanner, "a value", is_value)?;
        selectors.push(Selector { key, value });
        if !scanner.take_sign(",") {
            return Ok(selectors);
        }
    }
}

/// Takes a key or a value, in quotes or without.
fn label(scanner: &mut Scanner<'_>, what: &str, is_bare: fn(char) -> bool) -> Result<String, Failure> {
    let begin = scanner.clone();
    let text = match scanner.quoted()? {
        Some(quoted) => quoted,
        None => scanner.take(run(scanner.rest(), is_bare)).to_string(),
    };
    match text.len() {
        0 => Err(begin.expected(what, &[])),
        1..=MAX_LABEL_BYTES => Ok(text),
        bytes => Err(begin.failure(format!("A key or value has at most {MAX_LABEL_BYTES} bytes, this one {bytes}."))),
    }
}

/// What a selector's key is made of, without quotes.
pub(super) fn is_key(c: char) -> bool {
    c.is_alphanumeric() || "_.-/".contains(c)
}

/// What a selector's value is made of, without quotes.
pub(super) fn is_value(c: char) -> bool {
    is_key(c) || "*:@+".contains(c)
}

fn lifetime(scanner: &mut Scanner<'_>) -> Result<Duration, Failure> {
    let begin = scanner.clone();
    let Some(ns) = duration_ns(scanner)? else {
        return Err(scanner.expected("a length of time, such as 60s or 5m", &[]));
    };
    let duration = Duration::from_nanos(ns);
    if (MIN_DURATION..=MAX_DURATION).contains(&duration) {
        return Ok(duration);
    }
    let message = format!("A probe lives from 100ms to 24h, not {}.", DurationNs(ns));
    let length = begin.rest().len() - scanner.rest().len();
    Err(Failure::new(Code::ProbeLimits, message).at(Position::of(begin.text(), begin.offset(), length)))
}

fn max_calls(scanner: &mut Scanner<'_>) -> Result<u64, Failure> {
    let calls = scanner.number_within("A probe's number of calls", MAX_CALLS, Code::ProbeLimits)?;
    scanner.expect_word("CALLS")?;
    Ok(calls)
}

fn rate(scanner: &mut Scanner<'_>) -> Result<u32, Failure> {
    let rate = scanner.number_within("A probe's rate", MAX_CALLS_PER_SECOND.into(), Code::ProbeLimits)?;
    scanner.expect_word("PER")?;
    scanner.expect_word("SECOND")?;
    Ok(rate as u32)
}

fn sample(scanner: &mut Scanner<'_>) -> Result<u32, Failure> {
    let begin = scanner.clone();
    if scanner.whole_number()? != Some(1) {
        return Err(begin.expected("1, as in SAMPLE 1 IN 10", &[]));
    }
    scanner.expect_word("IN")?;
    Ok(scanner.number_within("A sample's size", MAX_SAMPLE_ONE_IN.into(), Code::ProbeLimits)? as u32)
}
