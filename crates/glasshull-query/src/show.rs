//! `SHOW ..` and `FIND ..`: as SQL over the tables, or from their documentation.

use std::time::Duration;

use glasshull_api::Failure;
use glasshull_api::answers::{Column, ColumnKind, Rows};
use glasshull_api::statement::{Find, Show, ShowWhat, Statement};
use serde_json::Value;

use crate::docs;
use crate::failure::no_table;

/// Traces that `SHOW TRACES` shows.
const MAX_TRACES: usize = 1_000;

/// Longer ago nothing was captured, and dates have an end.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What `FIND` tells of a call.
const FOUND: &str =
    "started_at, duration_ns, service, instance, function, outcome, args, returned, error, call_id, trace_id";

/// The question in SQL that a statement stands for whose answer is rows; `None` for the others.
pub fn question(statement: &Statement) -> Option<String> {
    match statement {
        Statement::Sql(text) => Some(text.clone()),
        Statement::Show(show) => Some(sql(show)),
        Statement::Find(wanted) => Some(find(wanted)),
        Statement::Trace(_) | Statement::Untrace(_) | Statement::Tree(_) => None,
    }
}

/// The question in SQL that `SHOW ..` stands for.
pub(crate) fn sql(show: &Show) -> String {
    let (table, named_by, order) = match show.what {
        ShowWhat::Functions => ("functions", "function", "service, function".to_owned()),
        ShowWhat::Instances => ("instances", "instance", "connected DESC, service, instance".to_owned()),
        ShowWhat::Probes => ("probes", "statement", "created_at DESC".to_owned()),
        ShowWhat::Traces => ("traces", "function", format!("started_at DESC LIMIT {MAX_TRACES}")),
    };
    let filter = show.like.as_ref().map(|like| format!("WHERE {named_by} LIKE '{}'", like.replace('\'', "''")));
    format!("SELECT * FROM {table} {} ORDER BY {order}", filter.unwrap_or_default())
}

/// The question in SQL that `FIND ..` stands for.
pub(crate) fn find(find: &Find) -> String {
    let text = find.text.replace('\'', "''");
    let mentions = ["args", "returned", "error"].map(|values| format!("mentions({values}, '{text}')")).join(" OR ");
    let ago =
        |since: Duration| format!("AND started_at >= now() - INTERVAL '{} seconds'", since.min(LONGEST).as_secs_f64());
    let since = find.since.map(ago);
    format!("SELECT {FOUND} FROM calls WHERE ({mentions}) {} ORDER BY started_at DESC", since.unwrap_or_default())
}

/// `SHOW TABLES`.
pub(crate) fn tables() -> Rows {
    let rows = docs::schema().tables.into_iter().map(|table| vec![table.name.into(), table.doc.into()]);
    texts(&["table", "doc"], rows.collect())
}

/// `SHOW COLUMNS FROM table`.
pub(crate) fn columns(table: &str, sql: &str) -> Result<Rows, Failure> {
    let name = table.rsplit('.').next().unwrap_or(table).trim_matches('"');
    let found = docs::schema().tables.into_iter().find(|table| table.name.eq_ignore_ascii_case(name));
    let table = found.ok_or_else(|| no_table(name, sql))?;
    let kind = |kind: ColumnKind| serde_json::to_value(kind).unwrap_or(Value::Null);
    let rows = table.columns.into_iter().map(|column| vec![column.name.into(), kind(column.kind), column.doc.into()]);
    Ok(texts(&["column", "type", "doc"], rows.collect()))
}

fn texts(columns: &[&str], rows: Vec<Vec<Value>>) -> Rows {
    let columns = columns.iter().map(|name| Column { name: (*name).into(), kind: ColumnKind::Text }).collect();
    Rows { columns, rows, partial: None, elapsed_ms: 0.0 }
}
