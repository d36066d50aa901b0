//! Segments and the journal's checkpoint.

use std::sync::Arc;

use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::known::instance_id;
use super::{SqliteCatalog, bounded, from_database, get, signed, unsigned};
use crate::{
    CatalogError, InstanceId, MAX_RUNNING_CALL_BYTES, Publication, Published, Result, RunningCall, SegmentRow,
};

/// An object's path or a hub's name, in bytes.
pub(super) const MAX_PATH_BYTES: usize = 1_024;

/// What a footer says of one part of a segment, in bytes: some numbers.
const MAX_PLACE_BYTES: usize = 256;

const CHECKPOINT: &str = "SELECT checkpoint, checksum FROM journals WHERE hub = $1";

const MOVE_CHECKPOINT: &str = "
    INSERT INTO journals (hub, checkpoint, checksum) VALUES ($1, $2, $3)
    ON CONFLICT (hub) DO UPDATE SET checkpoint = excluded.checkpoint, checksum = excluded.checksum";

/// What guards a number of somebody against a disk that changes it.
fn checksum(whose: &str, number: u64) -> i64 {
    crc32c::crc32c(format!("{whose} {number}").as_bytes()).into()
}

/// # Errors
/// The number in a row is not the one that was written.
fn check(row: &SqliteRow, whose: &str, number: u64) -> Result<u64> {
    match get::<Option<i64>>(row, "checksum")? {
        Some(written) if written != checksum(whose, number) => {
            Err(CatalogError::Damaged(format!("{number} is not what was written for {whose}; restore a copy")))
        }
        _ => Ok(number),
    }
}

pub(super) async fn publish(catalog: &SqliteCatalog, publication: &Publication) -> Result<()> {
    let mut transaction = catalog.begin().await?;
    let at = checkpoint(&mut transaction, &publication.hub).await?;
    if at == publication.checkpoint {
        return Ok(());
    }
    if at > publication.checkpoint {
        let to = publication.checkpoint;
        return Err(CatalogError::Damaged(format!("the journal's checkpoint would move back from {at} to {to}")));
    }
    let moved = sqlx::query(MOVE_CHECKPOINT)
        .bind(bounded("the hub's name", &publication.hub, MAX_PATH_BYTES)?)
        .bind(signed(publication.checkpoint))
        .bind(checksum(&publication.hub, publication.checkpoint));
    moved.execute(&mut *transaction).await.map_err(from_database)?;
    for segment in &publication.segments {
        add(&mut transaction, segment).await?;
    }
    for (instance, sequence) in &publication.sequences {
        put_sequence(&mut transaction, *instance, *sequence, publication.published_at_ns).await?;
    }
    replace_running(&mut transaction, publication).await?;
    transaction.commit().await.map_err(from_database)
}

async fn checkpoint(connection: &mut SqliteConnection, hub: &str) -> Result<u64> {
    let row = sqlx::query(CHECKPOINT).bind(hub).fetch_optional(connection).await.map_err(from_database)?;
    row.map_or(Ok(0), |row| check(&row, hub, unsigned(&row, "checkpoint")?))
}

const ADD_SEGMENT: &str = "
    INSERT INTO segments
        (path, window_start_ns, window_end_ns, min_started_at_ns, max_started_at_ns, calls, bytes,
        index_place, summary_place, checksum)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

pub(super) async fn add(connection: &mut SqliteConnection, segment: &SegmentRow) -> Result<()> {
    let add = sqlx::query(ADD_SEGMENT)
        .bind(bounded("a segment's path", &segment.path, MAX_PATH_BYTES)?)
        .bind(segment.window_start_ns)
        .bind(segment.window_end_ns)
        .bind(segment.min_started_at_ns)
        .bind(segment.max_started_at_ns)
        .bind(signed(segment.calls))
        .bind(signed(segment.bytes))
        .bind(place(segment.index.as_deref())?)
        .bind(place(segment.summary.as_deref())?)
        .bind(seal(segment));
    add.execute(connection).await.map_err(from_database)?;
    Ok(())
}

/// What a footer says of a part of a segment, as far as it may be long.
fn place(place: Option<&str>) -> Result<Option<&str>> {
    place.map(|place| bounded("a place in a segment", place, MAX_PLACE_BYTES)).transpose()
}

const PUT_SEQUENCE: &str = "
    INSERT INTO sequences (instance, sequence, published_at_ns, checksum) VALUES ($1, $2, $3, $4)
    ON CONFLICT (instance) DO UPDATE SET
        sequence = excluded.sequence,
        checksum = excluded.checksum,
        published_at_ns = CASE
            WHEN excluded.published_at_ns > sequences.published_at_ns THEN excluded.published_at_ns
            ELSE sequences.published_at_ns END
    WHERE excluded.sequence > sequences.sequence";

async fn put_sequence(c: &mut SqliteConnection, instance: InstanceId, sequence: u64, at_ns: i64) -> Result<()> {
    let put = sqlx::query(PUT_SEQUENCE).bind(instance.to_string()).bind(signed(sequence)).bind(at_ns);
    let put = put.bind(checksum(&instance.to_string(), sequence));
    put.execute(c).await.map_err(from_database)?;
    Ok(())
}

const ADD_RUNNING: &str = "
    INSERT INTO running_calls (hub, instance, call_id, started_at_ns, call) VALUES ($1, $2, $3, $4, $5)";

async fn replace_running(connection: &mut SqliteConnection, publication: &Publication) -> Result<()> {
    let forget = sqlx::query("DELETE FROM running_calls WHERE hub = $1").bind(&publication.hub);
    forget.execute(&mut *connection).await.map_err(from_database)?;
    for running in &publication.running {
        let add = sqlx::query(ADD_RUNNING)
            .bind(&publication.hub)
            .bind(running.instance.to_string())
            .bind(running.call_id.cast_signed())
            .bind(running.started_at_ns)
            .bind(bounded("a running call", &hex(&running.call), 2 * MAX_RUNNING_CALL_BYTES)?.to_owned());
        add.execute(&mut *connection).await.map_err(from_database)?;
    }
    Ok(())
}

pub(super) async fn published(catalog: &SqliteCatalog, hub: &str) -> Result<Published> {
    // One transaction, so that the three belong together.
    let mut transaction = catalog.pool.begin().await.map_err(from_database)?;
    let checkpoint = checkpoint(&mut transaction, hub).await?;
    let sequences =
        sqlx::query("SELECT instance, sequence, checksum FROM sequences").fetch_all(&mut *transaction).await;
    let running = sqlx::query("SELECT instance, call_id, started_at_ns, call FROM running_calls WHERE hub = $1");
    let running = running.bind(hub).fetch_all(&mut *transaction).await;
    Ok(Published {
        checkpoint,
        sequences: sequences.map_err(from_database)?.iter().map(sequence).collect::<Result<_>>()?,
        running: running.map_err(from_database)?.iter().map(running_call).collect::<Result<_>>()?,
    })
}

fn sequence(row: &SqliteRow) -> Result<(InstanceId, u64)> {
    let instance = instance_id(row, "instance")?;
    Ok((instance, check(row, &instance.to_string(), unsigned(row, "sequence")?)?))
}

fn running_call(row: &SqliteRow) -> Result<RunningCall> {
    Ok(RunningCall {
        instance: instance_id(row, "instance")?,
        call_id: get::<i64>(row, "call_id")?.cast_unsigned(),
        started_at_ns: get(row, "started_at_ns")?,
        call: from_hex(get(row, "call")?)?,
    })
}

const SEGMENTS: &str = "
    SELECT path, window_start_ns, window_end_ns, min_started_at_ns, max_started_at_ns, calls, bytes,
        index_place, summary_place, checksum
    FROM segments
    ORDER BY window_start_ns, path";

pub(super) async fn list(catalog: &SqliteCatalog) -> Result<Vec<SegmentRow>> {
    let rows = sqlx::query(SEGMENTS).fetch_all(&catalog.pool).await;
    rows.map_err(from_database)?.iter().map(segment).collect()
}

const EXPIRE_SEGMENTS: &str = "
    DELETE FROM segments WHERE window_end_ns <= $1
    RETURNING path, window_start_ns, window_end_ns, min_started_at_ns, max_started_at_ns, calls, bytes,
        index_place, summary_place, checksum";

const MOVE_MARKER: &str = "
    INSERT INTO markers (name, at_ns) VALUES ('retention', $1)
    ON CONFLICT (name) DO UPDATE SET at_ns = excluded.at_ns";

pub(super) async fn expired_at_ns(catalog: &SqliteCatalog) -> Result<Option<i64>> {
    let marker = sqlx::query_scalar("SELECT at_ns FROM markers WHERE name = 'retention'");
    marker.fetch_optional(&catalog.pool).await.map_err(from_database)
}

pub(super) async fn expire(catalog: &SqliteCatalog, before_ns: i64, now_ns: i64) -> Result<Vec<SegmentRow>> {
    let mut transaction = catalog.begin().await?;
    let expired = sqlx::query(EXPIRE_SEGMENTS).bind(before_ns).fetch_all(&mut *transaction).await;
    let expired = expired.map_err(from_database)?.iter().map(segment).collect::<Result<_>>()?;
    for forget in
        ["DELETE FROM running_calls WHERE started_at_ns < $1", "DELETE FROM sequences WHERE published_at_ns < $1"]
    {
        sqlx::query(forget).bind(before_ns).execute(&mut *transaction).await.map_err(from_database)?;
    }
    sqlx::query(MOVE_MARKER).bind(now_ns).execute(&mut *transaction).await.map_err(from_database)?;
    transaction.commit().await.map_err(from_database)?;
    Ok(expired)
}

/// The segment a row tells of.
///
/// # Errors
/// The row is not what was written.
pub(super) fn segment(row: &SqliteRow) -> Result<SegmentRow> {
    let place = |column| Ok::<_, CatalogError>(get::<Option<String>>(row, column)?.map(Arc::from));
    let segment = SegmentRow {
        path: get(row, "path")?,
        window_start_ns: get(row, "window_start_ns")?,
        window_end_ns: get(row, "window_end_ns")?,
        min_started_at_ns: get(row, "min_started_at_ns")?,
        max_started_at_ns: get(row, "max_started_at_ns")?,
        calls: unsigned(row, "calls")?,
        bytes: unsigned(row, "bytes")?,
        index: place("index_place")?,
        summary: place("summary_place")?,
    };
    match get::<Option<i64>>(row, "checksum")? {
        Some(written) if written != seal(&segment) => Err(CatalogError::Damaged(format!(
            "what stands of {} is not what was written; restore a copy",
            segment.path
        ))),
        _ => Ok(segment),
    }
}

/// What guards a segment's row against a disk that changes it.
fn seal(segment: &SegmentRow) -> i64 {
    let SegmentRow { path, window_start_ns, window_end_ns, min_started_at_ns, max_started_at_ns, .. } = segment;
    let SegmentRow { calls, bytes, index, summary, .. } = segment;
    let [index, summary] = [index, summary].map(|place| place.as_deref().unwrap_or_default());
    let numbers = format!("{window_start_ns} {window_end_ns} {min_started_at_ns} {max_started_at_ns} {calls} {bytes}");
    crc32c::crc32c(format!("{path} {numbers} {index} {summary}").as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let damaged = || CatalogError::Damaged("a running call is not hexadecimal".into());
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8).ok_or_else(damaged);
    if !text.len().is_multiple_of(2) {
        return Err(damaged());
    }
    text.as_bytes().as_chunks::<2>().0.iter().map(|[high, low]| Ok(digit(high)? << 4 | digit(low)?)).collect()
}
