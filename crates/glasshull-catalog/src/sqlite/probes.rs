//! Probes: their statements, their ends, what they captured.

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};

use super::{SqliteCatalog, bounded, from_database, get, limited, signed, unsigned};
use crate::{CatalogError, ProbeCounts, ProbeEnd, ProbeRow, Result};

/// A statement, in bytes: more than the longest the language accepts.
const MAX_STATEMENT_BYTES: usize = 256 * 1_024;

/// An owner, a state or a reason, in bytes.
const MAX_TEXT_BYTES: usize = 4 * 1_024;

const NEXT_NUMBER: &str = "UPDATE numbers SET last = last + 1 WHERE name = 'probe' RETURNING last";

const ADD: &str = "
    INSERT INTO probes
        (number, statement, owner, created_at_ns, expires_at_ns, ended_at_ns, end_state, end_reason,
         captured, skipped_by_sample, skipped_by_rate, skipped_by_condition, skipped_by_governor, cpu_ns,
         captured_bytes, truncated_calls, failed_values, printed_values, undecided, condition_ns)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";

pub(super) async fn add(catalog: &SqliteCatalog, probe: &ProbeRow) -> Result<String> {
    let mut transaction = catalog.begin().await?;
    let number: i64 = sqlx::query_scalar(NEXT_NUMBER).fetch_one(&mut *transaction).await.map_err(from_database)?;
    let end = probe.end.as_ref();
    let add = sqlx::query(ADD)
        .bind(number)
        .bind(bounded("the statement", &probe.statement, MAX_STATEMENT_BYTES)?)
        .bind(bounded("the owner", &probe.owner, MAX_TEXT_BYTES)?)
        .bind(probe.created_at_ns)
        .bind(probe.expires_at_ns)
        .bind(end.map(|end| end.at_ns))
        .bind(end.map(|end| bounded("the state", &end.state, MAX_TEXT_BYTES)).transpose()?)
        .bind(end.map(|end| bounded("the reason", &end.reason, MAX_TEXT_BYTES)).transpose()?);
    bind_counts(add, &probe.counts).execute(&mut *transaction).await.map_err(from_database)?;
    transaction.commit().await.map_err(from_database)?;
    Ok(format!("p{number}"))
}

/// Binds all counts, in the order in which the statements name them.
fn bind_counts<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    counts: &ProbeCounts,
) -> Query<'q, Sqlite, SqliteArguments> {
    query
        .bind(signed(counts.captured))
        .bind(signed(counts.skipped_by_sample))
        .bind(signed(counts.skipped_by_rate))
        .bind(signed(counts.skipped_by_condition))
        .bind(signed(counts.skipped_by_governor))
        .bind(signed(counts.cpu_ns))
        .bind(signed(counts.captured_bytes))
        .bind(signed(counts.truncated_calls))
        .bind(signed(counts.failed_values))
        .bind(signed(counts.printed_values))
        .bind(signed(counts.undecided))
        .bind(signed(counts.condition_ns))
}

const END: &str = "
    UPDATE probes SET ended_at_ns = $2, end_state = $3, end_reason = $4
    WHERE number = $1 AND ended_at_ns IS NULL";

pub(super) async fn end(catalog: &SqliteCatalog, id: &str, end: &ProbeEnd) -> Result<bool> {
    let Some(number) = number(id) else { return Ok(false) };
    let ended = sqlx::query(END)
        .bind(number)
        .bind(end.at_ns)
        .bind(bounded("the state", &end.state, MAX_TEXT_BYTES)?)
        .bind(bounded("the reason", &end.reason, MAX_TEXT_BYTES)?);
    let ended = ended.execute(&catalog.pool).await.map_err(from_database)?;
    Ok(ended.rows_affected() > 0)
}

const COUNT: &str = "
    UPDATE probes SET
        captured = captured + $2,
        skipped_by_sample = skipped_by_sample + $3,
        skipped_by_rate = skipped_by_rate + $4,
        skipped_by_condition = skipped_by_condition + $5,
        skipped_by_governor = skipped_by_governor + $6,
        cpu_ns = cpu_ns + $7,
        captured_bytes = captured_bytes + $8,
        truncated_calls = truncated_calls + $9,
        failed_values = failed_values + $10,
        printed_values = printed_values + $11,
        undecided = undecided + $12,
        condition_ns = condition_ns + $13
    WHERE number = $1";

pub(super) async fn count(catalog: &SqliteCatalog, id: &str, more: &ProbeCounts) -> Result<()> {
    let Some(number) = number(id) else { return Ok(()) };
    bind_counts(sqlx::query(COUNT).bind(number), more).execute(&catalog.pool).await.map_err(from_database)?;
    Ok(())
}

const PROBES: &str = "
    SELECT number, statement, owner, created_at_ns, expires_at_ns, ended_at_ns, end_state, end_reason,
        captured, skipped_by_sample, skipped_by_rate, skipped_by_condition, skipped_by_governor, cpu_ns,
        captured_bytes, truncated_calls, failed_values, printed_values, undecided, condition_ns
    FROM probes
    WHERE ended_at_ns IS NULL OR $1
    ORDER BY number DESC
    LIMIT $2";

pub(super) async fn list(catalog: &SqliteCatalog, with_ended: bool, limit: usize) -> Result<Vec<ProbeRow>> {
    let rows = sqlx::query(PROBES).bind(with_ended).bind(limited(limit)).fetch_all(&catalog.pool).await;
    rows.map_err(from_database)?.iter().map(probe).collect()
}

fn probe(row: &SqliteRow) -> Result<ProbeRow> {
    Ok(ProbeRow {
        id: format!("p{}", get::<i64>(row, "number")?),
        statement: get(row, "statement")?,
        owner: get(row, "owner")?,
        created_at_ns: get(row, "created_at_ns")?,
        expires_at_ns: get(row, "expires_at_ns")?,
        end: probe_end(row)?,
        counts: counts(row)?,
    })
}

fn counts(row: &SqliteRow) -> Result<ProbeCounts> {
    Ok(ProbeCounts {
        captured: unsigned(row, "captured")?,
        skipped_by_sample: unsigned(row, "skipped_by_sample")?,
        skipped_by_rate: unsigned(row, "skipped_by_rate")?,
        skipped_by_condition: unsigned(row, "skipped_by_condition")?,
        skipped_by_governor: unsigned(row, "skipped_by_governor")?,
        cpu_ns: unsigned(row, "cpu_ns")?,
        captured_bytes: unsigned(row, "captured_bytes")?,
        truncated_calls: unsigned(row, "truncated_calls")?,
        failed_values: unsigned(row, "failed_values")?,
        printed_values: unsigned(row, "printed_values")?,
        undecided: unsigned(row, "undecided")?,
        condition_ns: unsigned(row, "condition_ns")?,
    })
}

fn probe_end(row: &SqliteRow) -> Result<Option<ProbeEnd>> {
    let Some(at_ns) = get(row, "ended_at_ns")? else { return Ok(None) };
    let missing = || CatalogError::Damaged("a probe has an end without a state".into());
    Ok(Some(ProbeEnd {
        at_ns,
        state: get::<Option<String>>(row, "end_state")?.ok_or_else(missing)?,
        reason: get::<Option<String>>(row, "end_reason")?.ok_or_else(missing)?,
    }))
}

/// The number in `p17`.
fn number(id: &str) -> Option<i64> {
    id.strip_prefix('p')?.parse().ok()
}
