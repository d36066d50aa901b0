//! Segments that become one, and the objects that are left over.

use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::segments::{MAX_PATH_BYTES, add, segment};
use super::{SqliteCatalog, bounded, from_database, get};
use crate::{CatalogError, DoomedObject, Merge, Result, SegmentRow};

const TAKE: &str = "
    DELETE FROM segments WHERE path = $1
    RETURNING path, window_start_ns, window_end_ns, min_started_at_ns, max_started_at_ns, calls, bytes,
        index_place, summary_place, checksum";

pub(super) async fn merge(catalog: &SqliteCatalog, merge: &Merge) -> Result<bool> {
    let mut transaction = catalog.begin().await?;
    let mut taken = Vec::new();
    for path in &merge.inputs {
        taken.extend(take(&mut transaction, path).await?);
    }
    if exists(&mut transaction, &merge.output.path).await? {
        return if taken.is_empty() { Ok(true) } else { Err(clash(&merge.output.path)) };
    }
    if taken.len() < merge.inputs.len() {
        return Ok(false);
    }
    check(&taken, &merge.output)?;
    add(&mut transaction, &merge.output).await?;
    let output = sqlx::query("DELETE FROM doomed_objects WHERE path = $1").bind(&merge.output.path);
    output.execute(&mut *transaction).await.map_err(from_database)?;
    for path in &merge.inputs {
        let (path, hub) = (path.clone(), merge.hub.clone());
        put(&mut transaction, &DoomedObject { path, hub, at_ns: merge.at_ns, unfinished: false }).await?;
    }
    transaction.commit().await.map_err(from_database)?;
    Ok(true)
}

async fn take(connection: &mut SqliteConnection, path: &str) -> Result<Option<SegmentRow>> {
    let taken = sqlx::query(TAKE).bind(path).fetch_optional(connection).await.map_err(from_database)?;
    taken.as_ref().map(segment).transpose()
}

async fn exists(connection: &mut SqliteConnection, path: &str) -> Result<bool> {
    let found = sqlx::query_scalar("SELECT COUNT(*) FROM segments WHERE path = $1").bind(path);
    let found: i64 = found.fetch_one(connection).await.map_err(from_database)?;
    Ok(found > 0)
}

fn clash(path: &str) -> CatalogError {
    CatalogError::Damaged(format!("{path} exists beside the segments it would replace"))
}

/// What comes must hold the calls of what goes, in their window.
fn check(taken: &[SegmentRow], output: &SegmentRow) -> Result<()> {
    let window = |segment: &SegmentRow| (segment.window_start_ns, segment.window_end_ns);
    if let Some(other) = taken.iter().find(|input| window(input) != window(output)) {
        return Err(CatalogError::Damaged(format!("{} lies in another window than {}", other.path, output.path)));
    }
    let calls: u64 = taken.iter().map(|input| input.calls).sum();
    if calls != output.calls {
        let (path, has) = (&output.path, output.calls);
        return Err(CatalogError::Damaged(format!("{path} holds {has} calls and would replace {calls}")));
    }
    Ok(())
}

const PUT: &str = "
    INSERT INTO doomed_objects (path, hub, doomed_at_ns, unfinished)
    SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM segments WHERE path = $1)
    ON CONFLICT (path) DO UPDATE SET
        hub = excluded.hub, doomed_at_ns = excluded.doomed_at_ns, unfinished = excluded.unfinished";

async fn put(connection: &mut SqliteConnection, object: &DoomedObject) -> Result<()> {
    let put = sqlx::query(PUT)
        .bind(bounded("an object's path", &object.path, MAX_PATH_BYTES)?)
        .bind(bounded("the hub's name", &object.hub, MAX_PATH_BYTES)?)
        .bind(object.at_ns)
        .bind(object.unfinished);
    put.execute(connection).await.map_err(from_database)?;
    Ok(())
}

pub(super) async fn doom(catalog: &SqliteCatalog, object: &DoomedObject) -> Result<()> {
    let mut transaction = catalog.begin().await?;
    put(&mut transaction, object).await?;
    transaction.commit().await.map_err(from_database)
}

const DOOMED: &str = "
    SELECT path, hub, doomed_at_ns, unfinished FROM doomed_objects
    WHERE hub = $1 AND path NOT IN (SELECT path FROM segments)
    ORDER BY doomed_at_ns, path";

pub(super) async fn doomed(catalog: &SqliteCatalog, hub: &str) -> Result<Vec<DoomedObject>> {
    let rows = sqlx::query(DOOMED).bind(hub).fetch_all(&catalog.pool).await;
    rows.map_err(from_database)?.iter().map(object).collect()
}

pub(super) async fn forget_doomed(catalog: &SqliteCatalog, paths: &[String]) -> Result<()> {
    let mut transaction = catalog.begin().await?;
    for path in paths {
        let forget = sqlx::query("DELETE FROM doomed_objects WHERE path = $1").bind(path);
        forget.execute(&mut *transaction).await.map_err(from_database)?;
    }
    transaction.commit().await.map_err(from_database)
}

fn object(row: &SqliteRow) -> Result<DoomedObject> {
    Ok(DoomedObject {
        path: get(row, "path")?,
        hub: get(row, "hub")?,
        at_ns: get(row, "doomed_at_ns")?,
        unfinished: get(row, "unfinished")?,
    })
}
