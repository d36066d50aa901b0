//! `TREE ..`: calls in their original hierarchy, across services.
//!
//! Three reads of one snapshot: which calls are meant; then of their traces only who called whom, so that also a very
//! large trace has its right shape; then whole the calls that are shown. As columns a tree is had by the first two: what is
//! shown of a call is read along with its place.

mod columns;
mod shape;
mod wanted;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::num::NonZeroU64;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;
use glasshull_api::Failure;
use glasshull_api::answers::{Call, Tree, TreeCall, TreeColumns};
use glasshull_api::statement::{self, Hops, Surroundings};

use crate::asking::Asking;
use crate::calls::calls;
use crate::failure::failure;
use columns::Drawn;
use shape::{Link, Meant, Shape, Shown};
use wanted::Wanted;

/// Calls of the traces of one tree whose place in it is known; of larger traces the deepest are left out. As many as a
/// page can draw.
const MAX_LINKS: usize = 1_000_000;

/// What a call takes while its place is found, in bytes: its link, and its entries in the shape's lists.
const LINK_BYTES: usize = 100;

/// Ids that one question compares; more are read by trace and sorted out here.
const MAX_COMPARED_IDS: usize = 1_000;

/// The columns that say who called whom.
const LINK_COLUMNS: [&str; 6] = ["trace_id", "call_id", "parent_id", "started_at", "depth", "position"];

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
    grow(asking, &wanted, around(tree), limits).await.map_err(|error| failure(&error, ""))
}

/// Answers `TREE ..` as columns, with as many calls as can be held.
pub(crate) async fn tree_columns(asking: &Asking, tree: &statement::Tree) -> Result<TreeColumns, Failure> {
    let wanted = wanted::wanted(asking, &tree.of).await?;
    columns(asking, &wanted, around(tree)).await.map_err(|error| failure(&error, ""))
}

fn around(tree: &statement::Tree) -> Surroundings {
    tree.surroundings.unwrap_or(Surroundings { descendants: Hops::All, ..Surroundings::default() })
}

async fn grow(asking: &Asking, wanted: &Wanted, around: Surroundings, limits: Limits) -> Result<Tree, DataFusionError> {
    let mut partial: Vec<String> = wanted.partial.iter().cloned().collect();
    let links = Links::read(asking, wanted, Drawn::nothing()).await?;
    partial.extend(links.too_many());
    let Links { links, traces, taken: _taken, .. } = links;
    let shape = Shape::new(links);
    let meant = |call: Meant<'_>| wanted.meant(call, traces.id(call.link.trace));
    let (shown, cut) = shape.shown(meant, around, limits.calls);
    if cut > 0 {
        partial.push(format!("There are {cut} more calls than the {} shown.", limits.calls));
    }
    let mut whole = Whole::read(asking, &shape, &shown, &traces, limits.bytes).await?;
    let calls: Vec<TreeCall> = shown.iter().filter_map(|shown| whole.tree_call(&shape, shown)).collect();
    if calls.len() < shown.len() && whole.too_large {
        partial.push(format!("The tree is too large: {} of its calls are missing.", shown.len() - calls.len()));
    }
    partial.extend(asking.unreadable.told());
    Ok(Tree { calls, partial: told(&partial), elapsed_ms: 0.0 })
}

async fn columns(asking: &Asking, wanted: &Wanted, around: Surroundings) -> Result<TreeColumns, DataFusionError> {
    let mut partial: Vec<String> = wanted.partial.iter().cloned().collect();
    let links = Links::read(asking, wanted, Drawn::everything()).await?;
    partial.extend(links.too_many());
    let Links { links, traces, drawn, taken: _taken } = links;
    let shape = Shape::new(links);
    let meant = |call: Meant<'_>| wanted.meant(call, traces.id(call.link.trace));
    let (shown, _) = shape.shown(meant, around, MAX_LINKS);
    partial.extend(asking.unreadable.told());
    Ok(TreeColumns { partial: told(&partial), ..drawn.laid_out(&shape, &shown, &traces) })
}

fn told(partial: &[String]) -> Option<String> {
    (!partial.is_empty()).then(|| partial.join(" "))
}

/// Who called whom in the wanted traces, and what is drawn of each call.
struct Links {
    links: Vec<Link>,
    traces: Traces,
    drawn: Drawn,
    /// Their memory, of all questions'.
    taken: MemoryReservation,
}

impl Links {
    /// Of more than can be held, the calls nearest to the roots, so that no ancestor is left out before its descendants.
    async fn read(asking: &Asking, wanted: &Wanted, drawn: Drawn) -> Result<Self, DataFusionError> {
        let mut links = Self { links: Vec::new(), traces: Traces::default(), drawn, taken: asking.tree_memory() };
        let mut traces: Vec<&str> = wanted.traces.iter().map(String::as_str).collect();
        traces.sort_unstable();
        if traces.is_empty() {
            return Ok(links);
        }
        let names = LINK_COLUMNS.iter().chain(links.drawn.columns());
        let frame = asking.calls()?.filter(any_of("trace_id", &traces))?.select(names.map(|name| col(*name)))?;
        links.read_first(asking, frame.clone()).await?;
        if links.links.len() == MAX_LINKS {
            links.links.clear();
            links.drawn.clear();
            links.read_first(asking, frame.sort(vec![col("depth").sort(true, false)])?).await?;
        }
        Ok(links)
    }

    async fn read_first(&mut self, asking: &Asking, frame: DataFrame) -> Result<(), DataFusionError> {
        let mut stream = asking.stream(frame.limit(0, Some(MAX_LINKS))?).await?;
        while let Some(batch) = stream.try_next().await? {
            self.taken.try_resize((self.links.len() + batch.num_rows()) * (LINK_BYTES + self.drawn.bytes_of_call()))?;
            self.drawn.read(&batch, LINK_COLUMNS.len())?;
            self.read_batch(&batch)?;
        }
        Ok(())
    }

    fn read_batch(&mut self, batch: &RecordBatch) -> Result<(), DataFusionError> {
        let (traces, calls, parents) = (text(batch, 0)?, text(batch, 1)?, text(batch, 2)?);
        let started = cast(batch.column(3), &DataType::Int64)?;
        let (depths, positions) =
            (batch.column(4).as_primitive::<UInt32Type>(), batch.column(5).as_primitive::<UInt32Type>());
        for row in 0..batch.num_rows() {
            let parent = parents.is_valid(row).then(|| parents.as_string::<i32>().value(row));
            self.links.push(Link {
                // The hub writes ids itself, from numbers.
                trace: self.traces.place(trace_id(traces.as_string::<i32>().value(row)).unwrap_or_default()),
                call: call_id(calls.as_string::<i32>().value(row)).unwrap_or_default(),
                parent: parent.and_then(call_id).and_then(NonZeroU64::new),
                started_at_ns: started.as_primitive::<Int64Type>().value(row),
                depth: depths.value(row),
                position: positions.value(row),
                row: u32::try_from(self.links.len()).unwrap_or(u32::MAX),
            });
        }
        Ok(())
    }

    fn too_many(&self) -> Option<String> {
        (self.links.len() == MAX_LINKS)
            .then(|| format!("The traces hold more than {MAX_LINKS} calls: the deepest are missing."))
    }
}

/// The traces that were met, in the order in which they were.
#[derive(Debug, Default)]
struct Traces {
    places: HashMap<u128, u32>,
    ids: Vec<u128>,
    last: Option<(u128, u32)>,
}

impl Traces {
    fn place(&mut self, id: u128) -> u32 {
        if let Some((_, place)) = self.last.filter(|(last, _)| *last == id) {
            return place;
        }
        let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(id).or_insert(next);
        if place == next {
            self.ids.push(id);
        }
        self.last = Some((id, place));
        place
    }

    fn id(&self, place: u32) -> u128 {
        self.ids[place as usize]
    }

    /// The call's id, where its trace was met.
    fn id_of(&self, call: &Call) -> Option<(u32, u64)> {
        Some((*self.places.get(&trace_id(&call.trace_id)?)?, call_id(&call.call_id)?))
    }
}

fn text(batch: &RecordBatch, column: usize) -> Result<ArrayRef, DataFusionError> {
    Ok(cast(batch.column(column), &DataType::Utf8)?)
}

/// A trace's id from its text.
fn trace_id(text: &str) -> Option<u128> {
    u128::from_str_radix(text, 16).ok()
}

fn trace_text(id: u128) -> String {
    format!("{id:032x}")
}

/// A call's id from its text.
fn call_id(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

fn call_text(id: u64) -> String {
    format!("{id:016x}")
}

/// `column IN (..)`.
fn any_of(column: &str, values: &[impl AsRef<str>]) -> Expr {
    col(column).in_list(values.iter().map(|value| lit(value.as_ref())).collect(), false)
}

/// The calls that are shown, whole.
struct Whole {
    calls: HashMap<(u32, u64), Vec<Call>>,
    too_large: bool,
}

impl Whole {
    async fn read(
        asking: &Asking,
        shape: &Shape,
        shown: &[Shown],
        traces: &Traces,
        bytes: usize,
    ) -> Result<Self, DataFusionError> {
        let mut whole = Self { calls: HashMap::new(), too_large: false };
        let Some(frame) = shown_calls(asking, shape, shown, traces)? else { return Ok(whole) };
        let ids: HashSet<(u32, u64)> = shown.iter().map(|shown| shape.link(shown.at).id()).collect();
        let mut room = bytes;
        let mut stream = asking.stream(frame).await?;
        while let Some(batch) = stream.try_next().await? {
            for (id, call) in calls(&batch).into_iter().filter_map(|call| Some((traces.id_of(&call)?, call))) {
                if !ids.contains(&id) {
                    continue;
                }
                let Some(left) = room.checked_sub(size(&call)) else {
                    whole.too_large = true;
                    return Ok(whole);
                };
                room = left;
                whole.calls.entry(id).or_default().push(call);
            }
        }
        Ok(whole)
    }

    fn tree_call(&mut self, shape: &Shape, shown: &Shown) -> Option<TreeCall> {
        let call = self.calls.get_mut(&shape.link(shown.at).id())?.pop()?;
        Some(TreeCall { level: shown.level, matched: shown.matched, hidden_children: shown.hidden_children, call })
    }
}

/// The rows of the calls that are shown, as narrowly as can be asked.
fn shown_calls(
    asking: &Asking,
    shape: &Shape,
    shown: &[Shown],
    traces: &Traces,
) -> Result<Option<DataFrame>, DataFusionError> {
    let links = || shown.iter().map(|shown| shape.link(shown.at));
    let times = links().map(|link| link.started_at_ns);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(None) };
    let ids: BTreeSet<u128> = links().map(|link| traces.id(link.trace)).collect();
    let time = |ns| lit(ScalarValue::TimestampNanosecond(Some(ns), Some("UTC".into())));
    let mut filter = any_of("trace_id", &ids.iter().map(|id| trace_text(*id)).collect::<Vec<_>>());
    filter = filter.and(col("started_at").between(time(first), time(last)));
    if shown.len() <= MAX_COMPARED_IDS {
        filter = filter.and(any_of("call_id", &links().map(|link| call_text(link.call)).collect::<Vec<_>>()));
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
