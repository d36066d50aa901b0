//! `FIND`.

use std::time::Duration;

use super::ast::Find;
use super::duration::duration_ns;
use super::scanner::{Scanner, run};
use super::trace;
use crate::Failure;

/// What a text that is not quoted is made of: ids, numbers, addresses.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ':' | '/' | '+')
}

/// Reads `FIND ..`.
pub(super) fn find(scanner: &mut Scanner<'_>) -> Result<Find, Failure> {
    scanner.expect_word("FIND")?;
    let begin = scanner.clone();
    let text = match scanner.quoted()? {
        Some(quoted) => quoted,
        None => scanner.take(run(scanner.rest(), is_plain)).to_string(),
    };
    if text.trim().is_empty() {
        return Err(begin.expected("what is to be found, such as 'ORD-12345'", &[]));
    }
    let mut since = None;
    while !scanner.at_end() {
        let begin = scanner.clone();
        if !scanner.take_word("SINCE") {
            return Err(scanner.expected("SINCE or the end of the statement", &["SINCE"]));
        }
        trace::once(&begin, &mut since, length(scanner))?;
    }
    Ok(Find { text, since })
}

fn length(scanner: &mut Scanner<'_>) -> Result<Duration, Failure> {
    match duration_ns(scanner)? {
        Some(ns) => Ok(Duration::from_nanos(ns)),
        None => Err(scanner.expected("a length of time, such as 1h", &[])),
    }
}
