//! What is SQL, and which of it is a question.

use super::{STATEMENTS, Scanner};
use crate::{Code, Failure, Position};

/// Words a question in SQL begins with.
const QUESTIONS: [&str; 6] = ["SELECT", "WITH", "VALUES", "EXPLAIN", "DESCRIBE", "DESC"];

/// Words a statement of SQL begins with that would change something.
const CHANGES: [&str; 34] = [
    "ALTER",
    "ANALYZE",
    "ATTACH",
    "BEGIN",
    "CALL",
    "COMMIT",
    "COPY",
    "CREATE",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DETACH",
    "DROP",
    "EXECUTE",
    "EXPORT",
    "GRANT",
    "IMPORT",
    "INSERT",
    "INSTALL",
    "KILL",
    "LOAD",
    "LOCK",
    "MERGE",
    "PRAGMA",
    "PREPARE",
    "REPLACE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SET",
    "START",
    "TRUNCATE",
    "UPDATE",
    "USE",
];

/// Whether a word begins a question that yields rows of its own choice.
pub(super) fn is_select(word: &str) -> bool {
    QUESTIONS[..3].iter().any(|select| select.eq_ignore_ascii_case(word))
}

/// Whether this is SQL's `SHOW TABLES` or `SHOW COLUMNS`.
pub(super) fn shows_schema(scanner: &Scanner<'_>) -> bool {
    let mut scanner = scanner.clone();
    scanner.take_word("SHOW") && (scanner.take_word("TABLES") || scanner.take_word("COLUMNS"))
}

/// Takes a whole statement as SQL where it can be a question.
pub(super) fn sql(scanner: &Scanner<'_>) -> Result<String, Failure> {
    let word = scanner.word().unwrap_or_default().to_ascii_uppercase();
    let is_question = QUESTIONS.contains(&word.as_str()) || shows_schema(scanner) || scanner.rest().starts_with('(');
    if is_question {
        return Ok(scanner.text().into());
    }
    if CHANGES.contains(&word.as_str()) {
        return Err(forbidden(scanner, &word));
    }
    let words: Vec<&str> = STATEMENTS.into_iter().chain(QUESTIONS).collect();
    Err(scanner.expected("TRACE, UNTRACE, SHOW, TREE, FIND or a query in SQL", &words))
}

fn forbidden(scanner: &Scanner<'_>, word: &str) -> Failure {
    let message = format!("{word} would change something; statements in SQL can only ask.");
    Failure::new(Code::StatementForbidden, message)
        .hint("Begin with SELECT, WITH, EXPLAIN or DESCRIBE.")
        .at(Position::of(scanner.text(), scanner.offset(), word.len()))
}
