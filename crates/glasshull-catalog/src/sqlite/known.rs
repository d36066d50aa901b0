//! Instances and functions: what is known to run.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteRow;

use super::{SqliteCatalog, bounded, from_database, get, limited, unsigned};
use crate::{CatalogError, FunctionRow, InstanceId, InstanceRow, Result};

/// A label, a path or a file's name, in bytes: four times what the wire lets through.
const MAX_NAME_BYTES: usize = 4 * 1_024;

/// An instance's tags or a function's arguments, as JSON, in bytes.
const MAX_LIST_BYTES: usize = 128 * 1_024;

const PUT_INSTANCE: &str = "
    INSERT INTO instances
        (id, service, instance, class, release, host, pid, sdk, tags, started_at_ns, connected_at_ns, left_at_ns)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (id) DO UPDATE SET
        service = excluded.service, instance = excluded.instance, class = excluded.class, release = excluded.release,
        host = excluded.host, pid = excluded.pid, sdk = excluded.sdk, tags = excluded.tags,
        started_at_ns = excluded.started_at_ns, connected_at_ns = excluded.connected_at_ns,
        left_at_ns = excluded.left_at_ns";

pub(super) async fn put_instance(catalog: &SqliteCatalog, instance: &InstanceRow) -> Result<()> {
    let tags = json(&instance.tags)?;
    let put = sqlx::query(PUT_INSTANCE)
        .bind(instance.id.to_string())
        .bind(bounded("the service", &instance.service, MAX_NAME_BYTES)?)
        .bind(bounded("the instance's name", &instance.instance, MAX_NAME_BYTES)?)
        .bind(bounded("the class", &instance.class, MAX_NAME_BYTES)?)
        .bind(bounded("the release", &instance.release, MAX_NAME_BYTES)?)
        .bind(bounded("the host", &instance.host, MAX_NAME_BYTES)?)
        .bind(i64::from(instance.pid))
        .bind(bounded("the SDK's name", &instance.sdk, MAX_NAME_BYTES)?)
        .bind(bounded("the list of tags", &tags, MAX_LIST_BYTES)?)
        .bind(instance.started_at_ns)
        .bind(instance.connected_at_ns)
        .bind(instance.left_at_ns);
    put.execute(&catalog.pool).await.map_err(from_database)?;
    Ok(())
}

const INSTANCES: &str = "
    SELECT id, service, instance, class, release, host, pid, sdk, tags, started_at_ns, connected_at_ns, left_at_ns
    FROM instances
    WHERE connected_at_ns >= $1
    ORDER BY connected_at_ns DESC, id
    LIMIT $2";

pub(super) async fn instances(catalog: &SqliteCatalog, since_ns: i64, limit: usize) -> Result<Vec<InstanceRow>> {
    let rows = sqlx::query(INSTANCES).bind(since_ns).bind(limited(limit)).fetch_all(&catalog.pool).await;
    rows.map_err(from_database)?.iter().map(instance).collect()
}

fn instance(row: &SqliteRow) -> Result<InstanceRow> {
    Ok(InstanceRow {
        id: instance_id(row, "id")?,
        service: get(row, "service")?,
        instance: get(row, "instance")?,
        class: get(row, "class")?,
        release: get(row, "release")?,
        host: get(row, "host")?,
        pid: unsigned(row, "pid")?,
        sdk: get(row, "sdk")?,
        tags: from_json(row, "tags")?,
        started_at_ns: get(row, "started_at_ns")?,
        connected_at_ns: get(row, "connected_at_ns")?,
        left_at_ns: get(row, "left_at_ns")?,
    })
}

/// An instance's id, which is kept as 32 hexadecimal digits.
pub(super) fn instance_id(row: &SqliteRow, column: &str) -> Result<InstanceId> {
    let text: &str = get(row, column)?;
    let number = u128::from_str_radix(text, 16).map_err(|e| CatalogError::Damaged(format!("{column}: {e}")))?;
    Ok(InstanceId(number.to_be_bytes()))
}

const PUT_FUNCTION: &str = "
    INSERT INTO functions (service, path, file, line, arguments, is_async, seen_at_ns)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (service, path, file, line) DO UPDATE SET
        arguments = excluded.arguments, is_async = excluded.is_async, seen_at_ns = excluded.seen_at_ns";

pub(super) async fn put_functions(catalog: &SqliteCatalog, functions: &[FunctionRow], seen_at_ns: i64) -> Result<()> {
    let mut transaction = catalog.begin().await?;
    for function in functions {
        let arguments = json(&function.arguments)?;
        let put = sqlx::query(PUT_FUNCTION)
            .bind(bounded("the service", &function.service, MAX_NAME_BYTES)?)
            .bind(bounded("a function's path", &function.path, MAX_NAME_BYTES)?)
            .bind(bounded("a function's file", &function.file, MAX_NAME_BYTES)?)
            .bind(i64::from(function.line))
            .bind(bounded("a function's list of arguments", &arguments, MAX_LIST_BYTES)?)
            .bind(function.is_async)
            .bind(seen_at_ns);
        put.execute(&mut *transaction).await.map_err(from_database)?;
    }
    transaction.commit().await.map_err(from_database)
}

const FUNCTIONS: &str = "
    SELECT service, path, file, line, arguments, is_async
    FROM functions
    ORDER BY service, path, file, line
    LIMIT $1";

pub(super) async fn functions(catalog: &SqliteCatalog, limit: usize) -> Result<Vec<FunctionRow>> {
    let rows = sqlx::query(FUNCTIONS).bind(limited(limit)).fetch_all(&catalog.pool).await;
    rows.map_err(from_database)?.iter().map(function).collect()
}

fn function(row: &SqliteRow) -> Result<FunctionRow> {
    Ok(FunctionRow {
        service: get(row, "service")?,
        path: get(row, "path")?,
        file: get(row, "file")?,
        line: unsigned(row, "line")?,
        arguments: from_json(row, "arguments")?,
        is_async: get(row, "is_async")?,
    })
}

/// Tables that grow with time, each with what tells a row's age. A probe that runs has none.
const AGES: [(&str, &str); 4] = [
    ("instances", "connected_at_ns"),
    ("functions", "seen_at_ns"),
    ("sequences", "published_at_ns"),
    ("probes", "ended_at_ns"),
];

pub(super) async fn forget(catalog: &SqliteCatalog, before_ns: i64, most: usize) -> Result<()> {
    let mut transaction = catalog.begin().await?;
    for (table, age) in AGES {
        let newest = format!("SELECT {age} FROM {table} WHERE {age} IS NOT NULL ORDER BY {age} DESC LIMIT 1 OFFSET $2");
        let forget = format!("DELETE FROM {table} WHERE {age} < $1 OR {age} < ({newest})");
        let forget = sqlx::query(AssertSqlSafe(forget)).bind(before_ns).bind(limited(most));
        forget.execute(&mut *transaction).await.map_err(from_database)?;
    }
    transaction.commit().await.map_err(from_database)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| CatalogError::Damaged(e.to_string()))
}

fn from_json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T> {
    serde_json::from_str(get(row, column)?).map_err(|e| CatalogError::Damaged(format!("{column}: {e}")))
}
