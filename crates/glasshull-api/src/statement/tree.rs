//! `TREE` and `SHOW`.

use super::ast::{Hops, Show, ShowWhat, Subquery, Surroundings, Tree, TreeOf};
use super::limits::{CALL_ID_CHARS, MAX_HOPS, MIN_ID_PREFIX, TRACE_ID_CHARS};
use super::scanner::{Scanner, run};
use super::{find, sql, trace};
use crate::{Code, Failure};

/// Words the clauses of `TREE` begin with.
const CLAUSES: [&str; 3] = ["ANCESTORS", "DESCENDANTS", "SIBLINGS"];

/// What can be shown; the last two are SQL's.
const SHOWN: [&str; 6] = ["FUNCTIONS", "INSTANCES", "PROBES", "TRACES", "TABLES", "COLUMNS"];

/// Reads `TREE ..`.
pub(super) fn tree(scanner: &mut Scanner<'_>) -> Result<Tree, Failure> {
    scanner.expect_word("TREE")?;
    let of = if scanner.take_word("OF") { found(scanner)? } else { TreeOf::Id(id(scanner)?) };
    let (mut ancestors, mut descendants, mut siblings) = (None, None, None);
    while !scanner.at_end() {
        let begin = scanner.clone();
        if scanner.take_word("ANCESTORS") {
            trace::once(&begin, &mut ancestors, hops(scanner))?;
        } else if scanner.take_word("DESCENDANTS") {
            trace::once(&begin, &mut descendants, hops(scanner))?;
        } else if scanner.take_word("SIBLINGS") {
            trace::once(&begin, &mut siblings, Ok(()))?;
        } else {
            return Err(scanner.expected("ANCESTORS, DESCENDANTS, SIBLINGS or the end of the statement", &CLAUSES));
        }
    }
    let silent = ancestors.is_none() && descendants.is_none() && siblings.is_none();
    let surroundings = Surroundings {
        ancestors: ancestors.unwrap_or_default(),
        descendants: descendants.unwrap_or_default(),
        siblings: siblings.is_some(),
    };
    Ok(Tree { of, surroundings: (!silent).then_some(surroundings) })
}

/// Takes `(SELECT ..)` or `(FIND ..)`.
fn found(scanner: &mut Scanner<'_>) -> Result<TreeOf, Failure> {
    let begin = scanner.clone();
    let (text, position) = scanner.parenthesized()?;
    let mut inner = Scanner::new(text);
    match inner.word() {
        Some(word) if sql::is_select(word) => Ok(TreeOf::Query(Subquery { sql: text.into(), position })),
        Some(word) if word.eq_ignore_ascii_case("FIND") => {
            find::find(&mut inner).map(TreeOf::Find).map_err(|failure| failure.within(position))
        }
        _ => Err(begin.failure("TREE OF is followed by a query, such as (SELECT call_id FROM calls LIMIT 1).")),
    }
}

/// Takes the beginning of an id.
fn id(scanner: &mut Scanner<'_>) -> Result<String, Failure> {
    let begin = scanner.clone();
    let text = match scanner.quoted()? {
        Some(quoted) => quoted,
        None => scanner.take(run(scanner.rest(), char::is_alphanumeric)).to_string(),
    };
    let is_hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.len() {
        _ if !is_hex => Err(begin.expected("OF or the id of a call or a trace", &["OF"])),
        MIN_ID_PREFIX..=TRACE_ID_CHARS => Ok(text.to_ascii_lowercase()),
        chars => Err(begin.failure(format!(
            "A call's id has {CALL_ID_CHARS} characters, a trace's {TRACE_ID_CHARS}, and at least the first \
             {MIN_ID_PREFIX} of them are needed; this one has {chars}."
        ))),
    }
}

fn hops(scanner: &mut Scanner<'_>) -> Result<Hops, Failure> {
    if !scanner.rest().starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(Hops::All);
    }
    let levels = scanner.number_within("A number of levels", MAX_HOPS.into(), Code::StatementSyntax)?;
    Ok(Hops::UpTo(levels as u32))
}

/// Reads `SHOW ..`.
pub(super) fn show(scanner: &mut Scanner<'_>) -> Result<Show, Failure> {
    scanner.expect_word("SHOW")?;
    let what = match scanner.word().unwrap_or_default().to_ascii_uppercase().as_str() {
        "FUNCTIONS" => ShowWhat::Functions,
        "INSTANCES" => ShowWhat::Instances,
        "PROBES" => ShowWhat::Probes,
        "TRACES" => ShowWhat::Traces,
        _ => return Err(scanner.expected("FUNCTIONS, INSTANCES, PROBES, TRACES or TABLES", &SHOWN)),
    };
    scanner.take(scanner.word().unwrap_or_default().len());
    let like = if scanner.take_word("LIKE") { Some(pattern(scanner)?) } else { None };
    if !scanner.at_end() {
        return Err(scanner.expected("LIKE or the end of the statement", &["LIKE"]));
    }
    Ok(Show { what, like })
}

fn pattern(scanner: &mut Scanner<'_>) -> Result<String, Failure> {
    match scanner.quoted()? {
        Some(pattern) => Ok(pattern),
        None => Err(scanner.expected("a text in quotes, such as '%price%'", &[])),
    }
}
