//! The hub's live state as tables: functions, services, instances, probes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, StringArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use glasshull_api::answers::{Function, Instance, Probe, Selector};
use serde::Serialize;

use crate::time;

type Columns = Vec<(&'static str, ArrayRef)>;

fn batch(columns: Columns) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
}

fn text<T>(rows: &[T], of: impl Fn(&T) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
}

fn maybe_text<T>(rows: &[T], of: impl Fn(&T) -> Option<String>) -> ArrayRef {
    Arc::new(StringArray::from_iter(rows.iter().map(of)))
}

fn number<T>(rows: &[T], of: impl Fn(&T) -> u32) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(rows.iter().map(of)))
}

fn count<T>(rows: &[T], of: impl Fn(&T) -> u64) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(rows.iter().map(of)))
}

fn maybe_real<T>(rows: &[T], of: impl Fn(&T) -> Option<f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(rows.iter().map(of)))
}

fn truth<T>(rows: &[T], of: impl Fn(&T) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(of(row)))))
}

fn instant<T>(rows: &[T], of: impl Fn(&T) -> Option<String>) -> ArrayRef {
    let times = rows.iter().map(|row| of(row).as_deref().and_then(time::ns));
    Arc::new(TimestampNanosecondArray::from_iter(times).with_timezone("UTC"))
}

/// The table `functions`.
pub(crate) fn functions(rows: &[Function]) -> Result<RecordBatch, ArrowError> {
    batch(vec![
        ("service", text(rows, |row| row.service.clone())),
        ("function", text(rows, |row| row.function.clone())),
        ("file", text(rows, |row| row.file.clone())),
        ("line", number(rows, |row| row.line)),
        ("arguments", text(rows, |row| row.arguments.join(", "))),
        ("is_async", truth(rows, |row| row.is_async)),
        ("instances", number(rows, |row| row.instances)),
        ("probes", text(rows, |row| row.probes.join(", "))),
    ])
}

/// The table `instances`.
pub(crate) fn instances(rows: &[Instance]) -> Result<RecordBatch, ArrowError> {
    batch(vec![
        ("id", text(rows, |row| row.id.clone())),
        ("service", text(rows, |row| row.service.clone())),
        ("instance", text(rows, |row| row.instance.clone())),
        ("class", text(rows, |row| row.class.clone())),
        ("release", text(rows, |row| row.release.clone())),
        ("host", text(rows, |row| row.host.clone())),
        ("pid", number(rows, |row| row.pid)),
        ("sdk", text(rows, |row| row.sdk.clone())),
        ("tags", text(rows, |row| json(&row.tags))),
        ("started_at", instant(rows, |row| Some(row.started_at.clone()))),
        ("connected", truth(rows, |row| row.connected)),
        ("since", instant(rows, |row| Some(row.since.clone()))),
        ("functions", number(rows, |row| row.functions)),
        ("dropped_ring_full", count(rows, |row| row.load.drops.ring_full)),
        ("dropped_buffer_full", count(rows, |row| row.load.drops.buffer_full)),
        ("dropped_no_ring", count(rows, |row| row.load.drops.no_ring)),
        ("dropped_refused", count(rows, |row| row.load.drops.refused)),
        ("dropped_open_full", count(rows, |row| row.load.drops.open_full)),
        ("dropped_unclaimed", count(rows, |row| row.load.drops.unclaimed)),
        ("dropped_inside_values", count(rows, |row| row.load.drops.inside_values)),
        ("buffered_bytes", count(rows, |row| row.load.buffered_bytes)),
        ("cpu_share", maybe_real(rows, |row| row.load.cpu_share)),
        ("cpu_budget", maybe_real(rows, |row| row.load.cpu_budget)),
    ])
}

/// The table `probes`.
pub(crate) fn probes(rows: &[Probe]) -> Result<RecordBatch, ArrowError> {
    batch(vec![
        ("id", text(rows, |row| row.id.clone())),
        ("statement", text(rows, |row| row.statement.clone())),
        ("patterns", text(rows, |row| row.patterns.join(", "))),
        ("selectors", text(rows, |row| selectors(&row.selectors))),
        ("condition", maybe_text(rows, |row| row.condition.clone())),
        ("owner", text(rows, |row| row.owner.clone())),
        ("created_at", instant(rows, |row| Some(row.created_at.clone()))),
        ("expires_at", instant(rows, |row| Some(row.expires_at.clone()))),
        ("ended_at", instant(rows, |row| row.ended_at.clone())),
        ("max_calls", count(rows, |row| row.max_calls)),
        ("max_calls_per_second", number(rows, |row| row.max_calls_per_second)),
        ("sample_one_in", number(rows, |row| row.sample_one_in)),
        ("capture", maybe_text(rows, |row| Some(row.value_limits.to_string()).filter(|told| !told.is_empty()))),
        ("state", text(rows, |row| json(&row.state).trim_matches('"').to_owned())),
        ("reason", text(rows, |row| row.reason.clone())),
        ("instances", number(rows, |row| row.instances)),
        ("functions", number(rows, |row| row.functions)),
        ("captured", count(rows, |row| row.captured)),
        ("calls_left", count(rows, |row| row.calls_left)),
        ("skipped_by_sample", count(rows, |row| row.skipped.by_sample)),
        ("skipped_by_rate", count(rows, |row| row.skipped.by_rate)),
        ("skipped_by_condition", count(rows, |row| row.skipped.by_condition)),
        ("undecided", count(rows, |row| row.skipped.undecided)),
        ("skipped_by_governor", count(rows, |row| row.skipped.by_governor)),
        ("truncated_calls", count(rows, |row| row.values.truncated_calls)),
        ("failed_values", count(rows, |row| row.values.failed_values)),
        ("printed_values", count(rows, |row| row.values.printed_values)),
        ("printed_at", maybe_text(rows, |row| row.values.printed_at.clone())),
        ("costliest_instance", maybe_text(rows, |row| row.cost.instance.clone())),
        ("cpu_share", maybe_real(rows, |row| row.cost.cpu_share)),
        ("cpu_budget", maybe_real(rows, |row| row.cost.cpu_budget)),
        ("cpu_left", maybe_real(rows, |row| row.cost.cpu_left)),
        ("governor_one_in", number(rows, |row| row.cost.governor_one_in)),
        ("cut_back_instances", number(rows, |row| row.cost.cut_back_instances)),
        ("cpu_ns", count(rows, |row| row.cost.cpu_ns)),
        ("condition_ns", count(rows, |row| row.cost.condition_ns)),
        ("captured_bytes", count(rows, |row| row.cost.captured_bytes)),
    ])
}

/// The table `services`: what is known of each service from its functions and instances.
pub(crate) fn services(functions: &[Function], instances: &[Instance]) -> Result<RecordBatch, ArrowError> {
    let mut services: BTreeMap<&str, Service<'_>> = BTreeMap::new();
    for function in functions {
        services.entry(&function.service).or_default().functions += 1;
    }
    for instance in instances {
        let service = services.entry(&instance.service).or_default();
        if instance.connected {
            service.connected += 1;
            service.classes.insert(&instance.class);
            service.releases.insert(&instance.release);
        }
    }
    let rows: Vec<(&str, Service<'_>)> = services.into_iter().collect();
    batch(vec![
        ("service", text(&rows, |(name, _)| (*name).to_owned())),
        ("instances", number(&rows, |(_, service)| service.connected)),
        ("functions", number(&rows, |(_, service)| service.functions)),
        ("classes", text(&rows, |(_, service)| joined(&service.classes))),
        ("releases", text(&rows, |(_, service)| joined(&service.releases))),
    ])
}

#[derive(Default)]
struct Service<'a> {
    connected: u32,
    functions: u32,
    classes: BTreeSet<&'a str>,
    releases: BTreeSet<&'a str>,
}

fn joined(names: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = names.iter().copied().filter(|name| !name.is_empty()).collect();
    names.join(", ")
}

fn selectors(selectors: &[Selector]) -> String {
    let pairs: Vec<String> = selectors.iter().map(|selector| format!("{}={}", selector.key, selector.value)).collect();
    pairs.join(", ")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
