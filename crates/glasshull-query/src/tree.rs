//! `TREE ..`: calls in their original hierarchy, across services.
//!
//! Three reads of one snapshot: which calls are meant; then of their traces only who called whom, so that also a very
//! large trace has its right shape; then whole the calls that are shown.

mod shape;
mod wanted;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;
use glasshull_api::Failure;
use glasshull_api::answers::{Call, Tree, TreeCall};
use glasshull_api::statement::{self, Hops, Surroundings};

use crate::asking::Asking;
use crate::calls::calls;
use crate::failure::failure;
use shape::{Link, Shape, Shown};
use wanted::Wanted;

/// Calls of the traces of one tree whose place in it is known; of larger traces the deepest are left out. Each takes
/// about 200 bytes.
const MAX_LINKS: usize = 500_000;

/// Ids that one question compares; more are read by trace and sorted out here.
const MAX_COMPARED_IDS: usize = 1_000;

/// What one tree may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) calls: usize,
    /// Of values, as JSON.
    pub(crate) bytes: usize,
}

/// Answers `TREE ..`.
pub(crate) async fn tree(asking: &Asking, tree: &statement::Tree, limits: Limits) -> Result<Tree, Failure> {
    let wanted = wanted::wanted(asking, &tree.of).await?;
    let around = tree.surroundings.unwrap_or(Surroundings { descendants: Hops::All, ..Surroundings::default() });
    grow(asking, &wanted, around, limits).await.map_err(|error| failure(&error, ""))
}

async fn grow(asking: &Asking, wanted: &Wanted, around: Surroundings, limits: Limits) -> Result<Tree, DataFusionError> {
    let mut partial: Vec<String> = wanted.partial.iter().cloned().collect();
    let links = links(asking, wanted).await?;
    if links.len() == MAX_LINKS {
        partial.push(format!("The traces hold more than {MAX_LINKS} calls: the deepest are missing."));
    }
    let shape = Shape::new(links);
    let (shown, cut) = shape.shown(|link| wanted.meant(link), around, limits.calls);
    if cut > 0 {
        partial.push(format!("There are {cut} more calls than the {} shown.", limits.calls));
    }
    let mut whole = Whole::read(asking, &shape, &shown, limits.bytes).await?;
    let calls: Vec<TreeCall> = shown.iter().filter_map(|shown| whole.tree_call(&shape, shown)).collect();
    if calls.len() < shown.len() && whole.too_large {
        partial.push(format!("The tree is too large: {} of its calls are missing.", shown.len() - calls.len()));
    }
    partial.extend(asking.unreadable.told());
    Ok(Tree { calls, partial: (!partial.is_empty()).then(|| partial.join(" ")), elapsed_ms: 0.0 })
}

/// Who called whom in the wanted traces. Of more than can be held, the calls nearest to the roots, so that no ancestor
/// is left out before its descendants.
async fn links(asking: &Asking, wanted: &Wanted) -> Result<Vec<Link>, DataFusionError> {
    let mut traces: Vec<&str> = wanted.traces.iter().map(String::as_str).collect();
    traces.sort_unstable();
    if traces.is_empty() {
        return Ok(Vec::new());
    }
    let columns = ["trace_id", "call_id", "parent_id", "started_at", "depth", "position"].map(col);
    let frame = asking.calls()?.filter(any_of("trace_id", &traces))?.select(columns)?;
    let links = first_links(asking, frame.clone()).await?;
    if links.len() < MAX_LINKS {
        return Ok(links);
    }
    drop(links);
    first_links(asking, frame.sort(vec![col("depth").sort(true, false)])?).await
}

async fn first_links(asking: &Asking, frame: DataFrame) -> Result<Vec<Link>, DataFusionError> {
    let mut links = Vec::new();
    let mut stream = asking.stream(frame.limit(0, Some(MAX_LINKS))?).await?;
    while let Some(batch) = stream.try_next().await? {
        read_links(&batch, &mut links)?;
    }
    Ok(links)
}

fn read_links(batch: &RecordBatch, links: &mut Vec<Link>) -> Result<(), DataFusionError> {
    let text = |at: usize| cast(batch.column(at), &DataType::Utf8);
    let (traces, calls, parents) = (text(0)?, text(1)?, text(2)?);
    let started = cast(batch.column(3), &DataType::Int64)?;
    let (depths, positions) =
        (batch.column(4).as_primitive::<UInt32Type>(), batch.column(5).as_primitive::<UInt32Type>());
    for row in 0..batch.num_rows() {
        let parent = parents.is_valid(row).then(|| parents.as_string::<i32>().value(row).into());
        links.push(Link {
            trace: traces.as_string::<i32>().value(row).into(),
            call: calls.as_string::<i32>().value(row).into(),
            parent,
            started_at_ns: started.as_primitive::<Int64Type>().value(row),
            depth: depths.value(row),
            position: positions.value(row),
        });
    }
    Ok(())
}

/// `column IN (..)`.
fn any_of(column: &str, values: &[&str]) -> Expr {
    col(column).in_list(values.iter().map(|value| lit(*value)).collect(), false)
}

/// The calls that are shown, whole.
struct Whole {
    calls: HashMap<(String, String), Vec<Call>>,
    too_large: bool,
}

impl Whole {
    async fn read(asking: &Asking, shape: &Shape, shown: &[Shown], bytes: usize) -> Result<Self, DataFusionError> {
        let mut whole = Self { calls: HashMap::new(), too_large: false };
        let Some(frame) = shown_calls(asking, shape, shown)? else { return Ok(whole) };
        let ids: HashSet<(&str, &str)> = shown.iter().map(|shown| shape.link(shown.at).id()).collect();
        let mut room = bytes;
        let mut stream = asking.stream(frame).await?;
        while let Some(batch) = stream.try_next().await? {
            for call in calls(&batch).into_iter().filter(|call| ids.contains(&(&*call.trace_id, &*call.call_id))) {
                let Some(left) = room.checked_sub(size(&call)) else {
                    whole.too_large = true;
                    return Ok(whole);
                };
                room = left;
                whole.calls.entry((call.trace_id.clone(), call.call_id.clone())).or_default().push(call);
            }
        }
        Ok(whole)
    }

    fn tree_call(&mut self, shape: &Shape, shown: &Shown) -> Option<TreeCall> {
        let (trace, call) = shape.link(shown.at).id();
        let call = self.calls.get_mut(&(trace.to_owned(), call.to_owned()))?.pop()?;
        Some(TreeCall { level: shown.level, matched: shown.matched, hidden_children: shown.hidden_children, call })
    }
}

/// The rows of the calls that are shown, as narrowly as can be asked.
fn shown_calls(asking: &Asking, shape: &Shape, shown: &[Shown]) -> Result<Option<DataFrame>, DataFusionError> {
    let links = || shown.iter().map(|shown| shape.link(shown.at));
    let times = links().map(|link| link.started_at_ns);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(None) };
    let mut traces: Vec<&str> = links().map(|link| &*link.trace).collect();
    traces.sort_unstable();
    traces.dedup();
    let time = |ns| lit(ScalarValue::TimestampNanosecond(Some(ns), Some("UTC".into())));
    let mut filter = any_of("trace_id", &traces).and(col("started_at").between(time(first), time(last)));
    if shown.len() <= MAX_COMPARED_IDS {
        let ids: Vec<&str> = links().map(|link| &*link.call).collect();
        filter = filter.and(any_of("call_id", &ids));
    }
    asking.calls()?.filter(filter).map(Some)
}

/// What a call takes as JSON, about.
fn size(call: &Call) -> usize {
    /// The values that are not text, and the keys.
    const REST: usize = 400;
    let values = [&call.args, &call.returned, &call.error];
    let values: usize = values.into_iter().flatten().map(crate::answer::size).sum();
    REST + values + call.function.len() + call.file.len() + call.thread.len()
}
