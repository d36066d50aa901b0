//! Which calls a tree is about.

use std::collections::HashSet;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{col, lit};
use futures::TryStreamExt;
use glasshull_api::statement::TreeOf;
use glasshull_api::statement::limits::{CALL_ID_CHARS, TRACE_ID_CHARS};
use glasshull_api::{Code, Failure};

use super::shape::Meant;
use super::{any_of, call_id, call_text, trace_id};
use crate::asking::Asking;
use crate::failure::{failure, located};
use crate::show;
use crate::sql::{self, Question};

/// Ids that one `TREE OF` takes.
const MAX_IDS: usize = 10_000;

/// Traces of one tree.
const MAX_TRACES: usize = 1_000;

/// Ids that are named where a beginning fits several.
const MAX_NAMED: usize = 3;

/// The calls a tree is about, and the traces they are part of.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    calls: HashSet<u64>,
    /// Whose topmost calls are meant.
    whole_traces: HashSet<u128>,
    pub(super) traces: HashSet<String>,
    pub(super) partial: Option<String>,
}

impl Wanted {
    pub(super) fn meant(&self, call: Meant<'_>, trace: u128) -> bool {
        self.calls.contains(&call.link.call) || (call.is_top && self.whole_traces.contains(&trace))
    }
}

/// Finds them.
pub(super) async fn wanted(asking: &Asking, of: &TreeOf) -> Result<Wanted, Failure> {
    match of {
        TreeOf::Id(id) => by_id(asking, id).await,
        TreeOf::Query(query) => {
            let wanted = by_query(asking, &query.sql).await;
            wanted.map_err(|failure| located(failure, &query.sql).within(query.position))
        }
        TreeOf::Find(find) => by_query(asking, &show::find(find)).await,
    }
}

async fn by_id(asking: &Asking, id: &str) -> Result<Wanted, Failure> {
    let found = named(asking, id).await.map_err(|error| failure(&error, ""))?;
    let mut ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    ids.dedup();
    match ids[..] {
        [] => Err(not_found(id)),
        [id] => {
            let mut wanted = Wanted::default();
            wanted.add(id);
            wanted.traces.extend(found.iter().map(|(_, trace)| trace.clone()));
            Ok(wanted)
        }
        _ => Err(ambiguous(id, &ids)),
    }
}

/// Ids that are this one or begin with it, each with its trace: calls first, then traces. Some, where there are many.
async fn named(asking: &Asking, id: &str) -> Result<Vec<(String, String)>, DataFusionError> {
    let mut found = Vec::new();
    if id.len() <= CALL_ID_CHARS {
        found.extend(ids(asking, "call_id", id, id.len() == CALL_ID_CHARS).await?);
    }
    // A whole call id is that, though a trace id may begin with it.
    if found.is_empty() || id.len() < CALL_ID_CHARS {
        found.extend(ids(asking, "trace_id", id, id.len() == TRACE_ID_CHARS).await?);
    }
    found.sort();
    Ok(found)
}

async fn ids(asking: &Asking, column: &str, id: &str, whole: bool) -> Result<Vec<(String, String)>, DataFusionError> {
    let named = if whole { col(column).eq(lit(id)) } else { col(column).like(lit(format!("{id}%"))) };
    let columns = [col(column).alias("id"), col("trace_id").alias("trace")];
    let frame = asking.calls()?.filter(named)?.select(columns)?.distinct()?.limit(0, Some(MAX_NAMED + 1))?;
    let mut stream = asking.stream(frame).await?;
    let mut found = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        found.extend(texts(&batch, 0)?.into_iter().flatten().zip(texts(&batch, 1)?.into_iter().flatten()));
    }
    Ok(found)
}

fn not_found(id: &str) -> Failure {
    Failure::new(Code::NotFound, format!("There is no call and no trace whose id begins with {id}."))
        .hint("SHOW TRACES lists the newest.")
}

fn ambiguous(id: &str, ids: &[&str]) -> Failure {
    let some = ids.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if ids.len() > MAX_NAMED { ".." } else { "" };
    Failure::new(Code::StatementMeaning, format!("Several ids begin with {id}: {some}{more}."))
        .hint("Write more of the one that is meant.")
}

async fn by_query(asking: &Asking, query: &str) -> Result<Wanted, Failure> {
    let Question::Plan(statement) = sql::question(query)? else { return Err(sql::forbidden()) };
    let frame = asking.plan(statement, query).await?;
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let place = |name: &str| names.iter().position(|column| column == name);
    let (id, trace) = (place("call_id").unwrap_or(0), place("trace_id"));
    let failed = |error: DataFusionError| failure(&error, query);
    let frame = frame.limit(0, Some(MAX_IDS + 1)).map_err(failed)?;
    let mut wanted = Wanted::default();
    let mut stream = asking.stream(frame).await.map_err(failed)?;
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        wanted.add_batch(&batch, id, trace).map_err(failed)?;
    }
    wanted.find_traces(asking, trace.is_some()).await.map_err(failed)?;
    Ok(wanted)
}

impl Wanted {
    /// What is no id names nothing.
    fn add(&mut self, id: &str) {
        if id.len() == TRACE_ID_CHARS {
            self.whole_traces.extend(trace_id(id));
            self.traces.insert(id.to_owned());
        } else {
            self.calls.extend(call_id(id));
        }
    }

    fn add_batch(&mut self, batch: &RecordBatch, id: usize, trace: Option<usize>) -> Result<(), DataFusionError> {
        for id in texts(batch, id)?.iter().flatten() {
            if self.calls.len() + self.whole_traces.len() == MAX_IDS {
                self.partial = Some(format!("The query finds more than {MAX_IDS} ids: the others are missing."));
                return Ok(());
            }
            self.add(id);
        }
        if let Some(trace) = trace {
            self.traces.extend(texts(batch, trace)?.into_iter().flatten());
        }
        Ok(())
    }

    /// Looks up which traces the calls are part of, where that is not known.
    async fn find_traces(&mut self, asking: &Asking, known: bool) -> Result<(), DataFusionError> {
        if !known && !self.calls.is_empty() {
            let ids: Vec<String> = self.calls.iter().map(|id| call_text(*id)).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let frame = asking.calls()?.filter(any_of("call_id", &ids))?.select([col("trace_id")])?.distinct()?;
            let mut stream = asking.stream(frame.limit(0, Some(MAX_TRACES + 1))?).await?;
            while let Some(batch) = stream.try_next().await? {
                self.traces.extend(texts(&batch, 0)?.into_iter().flatten());
            }
        }
        if self.traces.len() > MAX_TRACES {
            self.partial =
                Some(format!("The calls are part of more than {MAX_TRACES} traces: the others are missing."));
            let mut traces: Vec<String> = self.traces.drain().collect();
            traces.sort_unstable();
            traces.truncate(MAX_TRACES);
            self.traces.extend(traces);
        }
        Ok(())
    }
}

/// A column as texts.
fn texts(batch: &RecordBatch, column: usize) -> Result<Vec<Option<String>>, DataFusionError> {
    let column = cast(batch.column(column), &DataType::Utf8)?;
    Ok(column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
}
