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
        DataFusionError::SchemaError(error, _) => schema(error),
        DataFusionError::Internal(message) => Failure::new(Code::Internal, sentence(message)),
        DataFusionError::ExecutionJoin(error) => Failure::new(Code::Internal, sentence(&error.to_string())),
        other => meaning(&other.strip_backtrace()),
    };
    match position {
        Some(position) => failure.at(position),
        None => failure,
    }
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
    match nearest(word, SQL_WORDS) {
        Some(nearest) if !nearest.eq_ignore_ascii_case(word) => failure.hint(format!("Did you mean {nearest}?")),
        _ => failure,
    }
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

fn memory(error: &DataFusionError) -> Failure {
    let message = error.strip_backtrace();
    if message.contains("disk") {
        return Failure::new(Code::QueryMemory, "The query needs more room on disk than its limit.")
            .hint("Ask for fewer rows or columns, or for a shorter time.");
    }
    Failure::new(Code::QueryMemory, "The query needs more memory than its limit.")
        .hint("Ask for fewer rows or columns, or for a shorter time (WHERE started_at > now() - INTERVAL '5 minutes').")
}

fn schema(error: &SchemaError) -> Failure {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return Failure::new(Code::StatementMeaning, sentence(&error.to_string()));
    };
    let failure = Failure::new(Code::StatementMeaning, format!("There is no column {}.", field.name));
    let mut names: Vec<&str> = valid_fields.iter().map(|field| field.name.as_str()).collect();
    names.dedup();
    match nearest(&field.name, names.iter().copied()) {
        Some(name) => failure.hint(format!("Did you mean {name}?")),
        None if names.is_empty() => failure,
        None if names.contains(&"args") => {
            failure.hint(format!("There are {}; an argument is written args->>'{}'.", names.join(", "), field.name))
        }
        None => failure.hint(format!("There are {}.", names.join(", "))),
    }
}

/// What DataFusion says before what it has to say.
const PREFIXES: [&str; 3] = ["Error during planning: ", "Arrow error: ", "Execution error: "];

fn meaning(message: &str) -> Failure {
    if let Some((_, error)) = message.split_once(FILTER_FAILED) {
        // It is written as Rust would write the value.
        let error = if error.contains("DivideByZero") { "Divide by zero error" } else { error };
        return Failure::new(Code::StatementMeaning, sentence(error));
    }
    let message = PREFIXES.iter().fold(message, |message, prefix| message.strip_prefix(prefix).unwrap_or(message));
    let table = message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found"));
    match table {
        Some(table) => no_table(table.rsplit('.').next().unwrap_or(table)),
        None => Failure::new(Code::StatementMeaning, sentence(message)),
    }
}

/// The failure of a table that does not exist.
pub(crate) fn no_table(name: &str) -> Failure {
    let failure = Failure::new(Code::StatementMeaning, format!("There is no table {name}."));
    match nearest(name, docs::table_names()) {
        Some(near) => failure.hint(format!("Did you mean {near}?")),
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
