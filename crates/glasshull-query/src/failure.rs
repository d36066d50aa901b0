//! DataFusion's errors as failures people can act on.

use datafusion::common::{DataFusionError, Diagnostic, SchemaError, Span};
use glasshull_api::statement::nearest;
use glasshull_api::{Code, Failure, Position};

use crate::calls::FILTER_FAILED;
use crate::docs;

/// The failure of a question, with its place in the statement where DataFusion tells it.
pub(crate) fn failure(error: &DataFusionError, sql: &str) -> Failure {
    let position = diagnostic(error).and_then(|diagnostic| diagnostic.span).and_then(|span| place(sql, span));
    let root = error.find_root();
    let failure = match root {
        DataFusionError::SQL(error, _) => return syntax(&error.to_string(), sql),
        DataFusionError::ResourcesExhausted(_) => memory(root),
        DataFusionError::SchemaError(error, _) => schema(error, position),
        DataFusionError::Internal(message) => Failure::new(Code::Internal, sentence(message)),
        DataFusionError::ExecutionJoin(error) => Failure::new(Code::Internal, sentence(&error.to_string())),
        other => meaning(&other.strip_backtrace(), sql),
    };
    match position {
        Some(position) => failure.at(position),
        None => failure,
    }
}

/// With a place in the statement, where it is the statement's fault and none is known: that of what the message quotes,
/// or else the whole statement.
pub(crate) fn located(failure: Failure, sql: &str) -> Failure {
    const FAULTS: [Code; 3] = [Code::StatementSyntax, Code::StatementMeaning, Code::StatementForbidden];
    if failure.fix.is_some() || !failure.known_code().is_some_and(|code| FAULTS.contains(&code)) {
        return failure;
    }
    let mut quoted = failure.message.split('\'').skip(1).step_by(2);
    let place = quoted.find_map(|text| Some(Position::of(sql, text_in(sql, text)?, text.len())));
    // What the message speaks of is what is to be replaced.
    let meant = failure.hint.as_deref().and_then(|hint| hint.strip_prefix(ASKS)?.strip_suffix('?')).map(str::to_owned);
    let failure = match (failure.position.or(place), meant) {
        (Some(position), Some(meant)) if position.length > 0 => failure.meant(meant, position),
        _ => failure,
    };
    let whole = || Position::of(sql, sql.len() - sql.trim_start().len(), sql.trim().len());
    let position = failure.position.or(place).unwrap_or_else(whole);
    failure.at(position)
}

/// How a hint begins that tells what may have been meant.
const ASKS: &str = "Did you mean ";

/// Where a text stands by itself, not as a part of a longer word.
fn text_in(sql: &str, text: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let alone = |at: usize| !sql[..at].ends_with(is_part) && !sql[at + text.len()..].starts_with(is_part);
    sql.match_indices(text).map(|(at, _)| at).find(|at| !text.is_empty() && alone(*at))
}

/// The innermost diagnostic that has a place.
fn diagnostic(error: &DataFusionError) -> Option<&Diagnostic> {
    match error {
        DataFusionError::Diagnostic(diagnostic, inner) => {
            self::diagnostic(inner).or_else(|| diagnostic.span.is_some().then_some(diagnostic))
        }
        DataFusionError::Context(_, inner) => diagnostic(inner),
        DataFusionError::Shared(inner) => diagnostic(inner),
        DataFusionError::Collection(errors) => errors.iter().find_map(diagnostic),
        _ => None,
    }
}

fn place(sql: &str, span: Span) -> Option<Position> {
    let start = offset(sql, span.start.line, span.start.column)?;
    let end = offset(sql, span.end.line, span.end.column).unwrap_or(start);
    Some(Position::of(sql, start, end.saturating_sub(start)))
}

/// Where a line and a column, both from 1, lie in a text.
fn offset(sql: &str, line: u64, column: u64) -> Option<usize> {
    let (line, column) = (usize::try_from(line).ok()?.checked_sub(1)?, usize::try_from(column).ok()?.checked_sub(1)?);
    let start = match line {
        0 => 0,
        line => sql.match_indices('\n').nth(line - 1)?.0 + 1,
    };
    let within = sql[start..].char_indices().nth(column).map_or(sql.len() - start, |(at, _)| at);
    Some(start + within)
}

/// What does not parse. sqlparser tells the place as text only: `.. at Line: 1, Column: 8`.
fn syntax(message: &str, sql: &str) -> Failure {
    let message = message.strip_prefix("sql parser error: ").unwrap_or(message);
    if message.contains("recursion limit exceeded") {
        return Failure::new(Code::StatementSyntax, "The statement is nested too deeply.");
    }
    let (what, place) = match message.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, line_and_column(place)),
        None => (message, None),
    };
    let failure = Failure::new(Code::StatementSyntax, sentence(what));
    let Some(at) = place.and_then(|(line, column)| offset(sql, line, column)) else {
        return failure.at(Position::of(sql, sql.len(), 0));
    };
    let word = word_at(sql, at);
    let failure = failure.at(Position::of(sql, at, word.len()));
    // A misspelt word is taken for a name, and the fault found at the next one.
    let before = word_before(sql, at);
    match (meant(word), meant(before)) {
        (Some(meant), _) => failure.meant(meant, Position::of(sql, at, word.len())),
        (None, Some(meant)) => {
            let start = sql[..at].trim_end().len() - before.len();
            let failure = failure.hint(format!("Did you mean {meant} in place of {before}?"));
            failure.meant(meant, Position::of(sql, start, before.len()))
        }
        (None, None) => failure,
    }
}

/// The word of SQL that a misspelt one may have meant.
fn meant(word: &str) -> Option<&'static str> {
    nearest(word, SQL_WORDS).filter(|nearest| !nearest.eq_ignore_ascii_case(word))
}

/// Words a misspelt one may have meant.
const SQL_WORDS: [&str; 24] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "JOIN",
    "LEFT",
    "INNER",
    "UNION",
    "WITH",
    "DISTINCT",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "NULL",
    "CASE",
    "WHEN",
    "THEN",
    "INTERVAL",
    "PARTITION",
    "DESCRIBE",
];

fn line_and_column(place: &str) -> Option<(u64, u64)> {
    let (line, column) = place.split_once(", Column: ")?;
    Some((line.trim().parse().ok()?, column.trim().parse().ok()?))
}

fn word_at(sql: &str, at: usize) -> &str {
    let rest = sql.get(at..).unwrap_or_default();
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    &rest[..word.max(first)]
}

fn word_before(sql: &str, at: usize) -> &str {
    let rest = sql.get(..at).unwrap_or_default().trim_end();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    &rest[rest.trim_end_matches(is_part).len()..]
}

fn memory(error: &DataFusionError) -> Failure {
    let message = error.strip_backtrace();
    if message.contains("disk") {
        return Failure::new(Code::QueryMemory, "The query needs more room on disk than its limit.")
            .hint("Ask for fewer rows or columns, or for a shorter time.");
    }
    Failure::new(Code::QueryMemory, "The query needs more memory than its limit.")
        .hint("Ask for fewer rows or columns, or for a shorter time (WHERE started_at > now() - INTERVAL '5 minutes').")
}

fn schema(error: &SchemaError, position: Option<Position>) -> Failure {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return Failure::new(Code::StatementMeaning, sentence(&error.to_string()));
    };
    let failure = Failure::new(Code::StatementMeaning, format!("There is no column {}.", field.name));
    let mut names: Vec<&str> = valid_fields.iter().map(|field| field.name.as_str()).collect();
    names.dedup();
    match nearest(&field.name, names.iter().copied()) {
        Some(name) => match position {
            Some(position) => failure.meant(name, position),
            None => failure.hint(format!("Did you mean {name}?")),
        },
        None if names.is_empty() => failure,
        None if names.contains(&"args") => {
            failure.hint(format!("There are {}; an argument is written args->>'{}'.", names.join(", "), field.name))
        }
        None => failure.hint(format!("There are {}.", names.join(", "))),
    }
}

/// What DataFusion says before what it has to say.
const PREFIXES: [&str; 7] = [
    "Error during planning: ",
    "Arrow error: ",
    "Execution error: ",
    "Internal error: ",
    "Parser error: ",
    "Cast error: ",
    "Compute error: ",
];

fn meaning(message: &str, sql: &str) -> Failure {
    if let Some(failure) = mistaken(message) {
        return failure;
    }
    if let Some((_, error)) = message.split_once(FILTER_FAILED) {
        // It is written as Rust would write the value.
        let error = if error.contains("DivideByZero") { "Divide by zero error" } else { error };
        return Failure::new(Code::StatementMeaning, sentence(error));
    }
    let message = PREFIXES.iter().fold(message, |message, prefix| message.strip_prefix(prefix).unwrap_or(message));
    let table = message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found"));
    match table {
        Some(table) => no_table(table.rsplit('.').next().unwrap_or(table), sql),
        None => with_its_hint(message),
    }
}

/// What people write who know conditions of probes, or JSON elsewhere. The messages as they come show some captured value.
fn mistaken(message: &str) -> Option<Failure> {
    let (what, hint) = if message.contains("Cannot cast string") {
        (
            "A text is compared with a number or a time, and not every text there is one.",
            "Write the value as a text, returned = '0' instead of returned = 0, or convert what can be: try_cast(returned AS bigint) > 0.",
        )
    } else if message.contains("Cannot access field at argument") {
        ("Dots do not lead into JSON.", "Write args->'order'->>'coupon' for args.order.coupon.")
    } else {
        return None;
    };
    Some(Failure::new(Code::StatementMeaning, what).hint(hint))
}

/// DataFusion tells what may have been meant in a line of its own. It knows hundreds of functions: those that people ask
/// with go before the others.
fn with_its_hint(message: &str) -> Failure {
    const ITS_HINT: &str = "\nDid you mean '";
    let Some((message, meant)) = message.split_once(ITS_HINT) else {
        return Failure::new(Code::StatementMeaning, sentence(message));
    };
    let failure = Failure::new(Code::StatementMeaning, sentence(message));
    let usual = message.split('\'').nth(1).and_then(|name| nearest(name, USUAL_FUNCTIONS));
    match usual.or_else(|| meant.split_once('\'').map(|(meant, _)| meant)) {
        Some(meant) => failure.hint(format!("{ASKS}{meant}?")),
        None => failure,
    }
}

/// Functions most questions are made of.
const USUAL_FUNCTIONS: [&str; 14] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "now",
    "date_bin",
    "date_trunc",
    "approx_percentile_cont",
    "approx_distinct",
    "coalesce",
    "lower",
    "length",
    "mentions",
];

/// The failure of a table that does not exist.
pub(crate) fn no_table(name: &str, sql: &str) -> Failure {
    let mut failure = Failure::new(Code::StatementMeaning, format!("There is no table {name}."));
    failure.position = text_in(sql, name).map(|at| Position::of(sql, at, name.len()));
    match nearest(name, docs::table_names()) {
        Some(near) => match failure.position {
            Some(position) => failure.meant(near, position),
            None => failure.hint(format!("Did you mean {near}?")),
        },
        None => failure.hint(format!("There are {}.", docs::table_names().collect::<Vec<_>>().join(", "))),
    }
}

/// A message as one sentence, without DataFusion's advice to its own developers.
fn sentence(message: &str) -> String {
    /// What people still read, in characters.
    const MOST: usize = 500;
    let message = message.split("\n\nbacktrace:").next().unwrap_or(message);
    let message =
        message.split("\nThis issue was likely caused by").next().unwrap_or(message).trim_end_matches(['.', ' ', '\n']);
    let cut: String = message.chars().take(MOST).collect();
    if cut.len() < message.len() { format!("{cut}…") } else { format!("{cut}.") }
}
