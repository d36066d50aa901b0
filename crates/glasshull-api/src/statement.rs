//! The statement language: one parser for the page, the command line and the API.
//!
//! ```text
//! TRACE pattern[, pattern..] [ON key=value[, ..]] [WHERE condition] [FOR duration]
//!       [LIMIT n CALLS] [RATE n PER SECOND] [SAMPLE 1 IN n]
//!       [CAPTURE n ITEMS | n DEEP | n KIB VALUES | n KIB TEXTS[, ..]]
//! UNTRACE probe | pattern | ALL
//! SHOW FUNCTIONS | INSTANCES | PROBES | TRACES [LIKE '..']
//! TREE id [ANCESTORS [n]] [DESCENDANTS [n]] [SIBLINGS]
//! TREE OF (SELECT call_id ..) | (FIND ..) [ANCESTORS [n]] [DESCENDANTS [n]] [SIBLINGS]
//! FIND 'text' [SINCE duration]
//! ```
//!
//! Everything else is SQL and is handed on as text; what would change data is refused here already. Words are written
//! in any case, clauses stand in any order, each once; comments are SQL's; a `;` at the end is allowed.
//!
//! Every failure names a place in the text, what was expected there and, where one is close, the right word.
//!
//! ```
//! use glasshull_api::statement::{Statement, parse};
//!
//! let Ok(Statement::Trace(trace)) = parse("trace pricing::* on class=blue for 60s") else { panic!() };
//! assert_eq!(trace.duration.as_secs(), 60);
//!
//! let failure = parse("TRACE pricing::* FRO 60s").unwrap_err();
//! assert_eq!(failure.hint.as_deref(), Some("Did you mean FOR?"));
//! ```

mod ast;
mod capture;
mod condition;
mod display;
mod docs;
mod duration;
mod find;
pub mod limits;
mod nearest;
mod scanner;
mod sql;
mod trace;
mod tree;

#[cfg(test)]
mod tests;

pub use ast::{
    Comparison, Condition, Find, Hops, Literal, Operator, Pattern, Show, ShowWhat, Statement, Subject, Subquery,
    Surroundings, Trace, Tree, TreeOf, Untrace,
};
pub use docs::docs;
pub use nearest::nearest;

use crate::{Code, Failure, Position};
use limits::MAX_STATEMENT_BYTES;
use scanner::Scanner;

/// Words our own statements begin with.
const STATEMENTS: [&str; 5] = ["TRACE", "UNTRACE", "SHOW", "TREE", "FIND"];

/// Reads one statement.
///
/// # Errors
///
/// [`Code::StatementSyntax`] where the text is not of the language, [`Code::StatementForbidden`] where it would change
/// data, [`Code::ProbeLimits`] where a probe asks for more than it may; each with its place.
pub fn parse(text: &str) -> Result<Statement, Failure> {
    if text.len() > MAX_STATEMENT_BYTES {
        return Err(too_long(text));
    }
    let mut scanner = Scanner::new(text);
    let statement = match scanner.word().map(|word| word.to_ascii_uppercase()).as_deref() {
        Some("TRACE") => Statement::Trace(trace::trace(&mut scanner)?),
        Some("UNTRACE") => Statement::Untrace(trace::untrace(&mut scanner)?),
        Some("TREE") => Statement::Tree(tree::tree(&mut scanner)?),
        Some("FIND") => Statement::Find(find::find(&mut scanner)?),
        Some("SHOW") if !sql::shows_schema(&scanner) => Statement::Show(tree::show(&mut scanner)?),
        _ => return sql::sql(&scanner).map(Statement::Sql),
    };
    scanner.end()?;
    Ok(statement)
}

fn too_long(text: &str) -> Failure {
    let message = format!("The statement has {} bytes; at most {MAX_STATEMENT_BYTES} are allowed.", text.len());
    Failure::new(Code::StatementSyntax, message).at(Position::of(text, MAX_STATEMENT_BYTES, 0))
}
