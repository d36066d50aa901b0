//! How a probe goes, and why: what people are told, computed from what instances report.

use std::collections::BTreeSet;
use std::sync::Arc;

use glasshull_api::answers::{Probe, ProbeCost, ProbeState, ProbeValues, Skipped};
use glasshull_api::statement::Statement;
use glasshull_api::statement::{Pattern, Trace, nearest, parse};
use glasshull_catalog::{FunctionRow, ProbeCounts, ProbeRow};
use glasshull_wire::v1;

use super::book::Entry;
use super::cost;
use super::orders::{enclosing, matches, selects};
use crate::instances::{Connected, Instances};
use crate::limits::MAX_INSTANCES_COUNTED;
use crate::text::{counted, rfc3339};

/// Functions that are compared with a pattern that matches none; comparing takes time.
const MAX_COMPARED: usize = 20_000;

/// Instances and functions at one moment.
pub(super) struct Around {
    instances: Vec<Connected>,
    functions: Vec<(Arc<FunctionRow>, u32)>,
    revision: u64,
}

impl Around {
    pub(super) fn new(instances: &Instances) -> Self {
        // First the revision: what changes meanwhile is looked at again next time.
        let revision = instances.revision();
        Self { instances: instances.all(), functions: instances.functions(), revision }
    }
}

/// What matched when instances or functions changed last.
#[derive(Debug)]
pub(super) struct Matched {
    revision: u64,
    functions: u32,
    nearest: Option<String>,
}

/// How many instances are in which state.
#[derive(Debug, Default)]
struct Tally {
    connected: usize,
    selected: usize,
    answered: usize,
    active: usize,
    no_match: usize,
    limited: usize,
    suspended: usize,
    expired: usize,
    /// What an instance that is limited or suspended said.
    said: Option<String>,
    /// Where one of them met a text of `Debug` first.
    printed_at: Option<String>,
    cost: ProbeCost,
}

/// A probe that runs.
pub(super) fn running(entry: &Entry, around: &Around) -> Probe {
    let row = ProbeRow { counts: entry.counts.total(), ..entry.row.clone() };
    let tally = tally(entry, &row, around);
    let (functions, nearest) =
        entry.matched.as_ref().map_or((0, None), |matched| (matched.functions, matched.nearest.as_deref()));
    let (state, mut reason) = judge(&tally, &entry.trace, functions, nearest);
    if entry.counts.refused > 0 {
        reason +=
            &format!(" More than {MAX_INSTANCES_COUNTED} instances reported; calls of the others are not counted.");
    }
    let (instances, cost) = ((tally.answered - tally.no_match) as u32, tally.cost);
    let values = ProbeValues { printed_at: tally.printed_at, ..values(&row.counts) };
    Probe { state, reason, functions, instances, values, cost, ..probe(&row, Some(&entry.trace)) }
}

/// A probe that ended.
pub(super) fn ended(row: &ProbeRow) -> Probe {
    match parse(&row.statement) {
        Ok(Statement::Trace(trace)) => probe(row, Some(&trace)),
        _ => probe(row, None),
    }
}

fn probe(row: &ProbeRow, trace: Option<&Trace>) -> Probe {
    let end = row.end.clone().unwrap_or_default();
    let max_calls = trace.map_or(0, |trace| trace.max_calls);
    let calls_left = if row.end.is_some() { 0 } else { max_calls.saturating_sub(row.counts.captured) };
    Probe {
        id: row.id.clone(),
        statement: row.statement.clone(),
        patterns: trace.map_or_else(Vec::new, |trace| trace.patterns.iter().map(Pattern::to_string).collect()),
        selectors: trace.map_or_else(Vec::new, |trace| trace.selectors.clone()),
        condition: trace.and_then(|trace| trace.condition.as_ref()).map(ToString::to_string),
        owner: row.owner.clone(),
        created_at: rfc3339(row.created_at_ns),
        expires_at: rfc3339(row.expires_at_ns),
        ended_at: row.end.as_ref().map(|end| rfc3339(end.at_ns)),
        max_calls,
        max_calls_per_second: trace.map_or(0, |trace| trace.max_calls_per_second),
        sample_one_in: trace.map_or(0, |trace| trace.sample_one_in),
        value_limits: trace.map(|trace| trace.value_limits).unwrap_or_default(),
        state: ended_state(&end.state),
        reason: end.reason,
        instances: 0,
        functions: 0,
        captured: row.counts.captured,
        calls_left,
        skipped: skipped(&row.counts),
        values: values(&row.counts),
        cost: cost::so_far(&row.counts),
    }
}

fn skipped(counts: &ProbeCounts) -> Skipped {
    Skipped {
        by_sample: counts.skipped_by_sample,
        by_rate: counts.skipped_by_rate,
        by_condition: counts.skipped_by_condition,
        undecided: counts.undecided,
        by_governor: counts.skipped_by_governor,
    }
}

fn values(counts: &ProbeCounts) -> ProbeValues {
    ProbeValues {
        truncated_calls: counts.truncated_calls,
        failed_values: counts.failed_values,
        printed_values: counts.printed_values,
        printed_at: None,
    }
}

fn ended_state(name: &str) -> ProbeState {
    match name {
        "expired" => ProbeState::Expired,
        "limited" => ProbeState::Limited,
        _ => ProbeState::Stopped,
    }
}

fn tally(entry: &Entry, row: &ProbeRow, around: &Around) -> Tally {
    let cost = cost::so_far(&row.counts);
    let mut tally = Tally { connected: around.instances.len(), cost, ..Tally::default() };
    for instance in around.instances.iter().filter(|instance| selects(&entry.trace.selectors, &instance.row)) {
        tally.selected += 1;
        if let Some(report) = entry.counts.reports.get(&instance.row.id) {
            tally.add(report, instance);
        }
    }
    tally
}

impl Tally {
    fn add(&mut self, report: &v1::ProbeReport, instance: &Connected) {
        self.answered += 1;
        cost::add(&mut self.cost, report, instance);
        if self.printed_at.is_none() && !report.printed_at.is_empty() {
            self.printed_at = Some(report.printed_at.clone());
        }
        match v1::ProbeState::try_from(report.state) {
            Ok(v1::ProbeState::Active) => self.active += 1,
            Ok(v1::ProbeState::NoMatch) => self.no_match += 1,
            Ok(v1::ProbeState::Limited) => self.limited += 1,
            Ok(v1::ProbeState::Suspended) => self.suspended += 1,
            Ok(v1::ProbeState::Expired) => self.expired += 1,
            // A state of a later protocol: it has answered, more is not known.
            Ok(v1::ProbeState::Unspecified) | Err(_) => {}
        }
        let impaired = [v1::ProbeState::Limited as i32, v1::ProbeState::Suspended as i32].contains(&report.state);
        if impaired && self.said.is_none() && !report.reason.is_empty() {
            self.said = Some(format!("{}: {}", instance.row.instance, report.reason));
        }
    }

    fn what_was_said(&self) -> String {
        self.said.as_ref().map_or_else(String::new, |said| format!(" {said}."))
    }
}

/// The state, and why, as a sentence.
fn judge(is: &Tally, trace: &Trace, functions: u32, nearest: Option<&str>) -> (ProbeState, String) {
    let of = format!("{} of {}", is.active, counted(is.selected, "instance"));
    match is {
        Tally { connected: 0, .. } => (ProbeState::Pending, "No instance is connected.".into()),
        Tally { selected: 0, .. } => (ProbeState::Pending, none_selected(is, trace)),
        Tally { active: 1.., .. } => {
            let verb = if is.active == 1 { "captures" } else { "capture" };
            (ProbeState::Active, format!("{of} {verb} {}.{}", counted(functions as usize, "function"), impaired(is)))
        }
        Tally { limited: 1.., .. } => {
            (ProbeState::Limited, format!("{} limited.{}", are(is.limited, is), is.what_was_said()))
        }
        Tally { suspended: 1.., .. } => {
            let suspended = are(is.suspended, is);
            (ProbeState::Suspended, format!("{suspended} switched off to protect the host.{}", is.what_was_said()))
        }
        _ if functions == 0 => (ProbeState::NoMatch, no_match(is, nearest)),
        Tally { expired: 1.., .. } => (ProbeState::Expired, "Its time is over.".into()),
        _ => {
            let waiting = counted(is.selected - is.answered, "instance");
            (ProbeState::Pending, format!("Sent to {waiting}, waiting for the answer."))
        }
    }
}

/// `1 of 5 instances is`.
fn are(count: usize, of: &Tally) -> String {
    format!("{count} of {} {}", counted(of.selected, "instance"), if count == 1 { "is" } else { "are" })
}

fn impaired(is: &Tally) -> String {
    let parts = [(is.limited, "limited"), (is.suspended, "suspended"), (is.no_match, "without a match")];
    let told: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if told.is_empty() { String::new() } else { format!(" {}.{}", told.join(", "), is.what_was_said()) }
}

fn none_selected(is: &Tally, trace: &Trace) -> String {
    let selectors: Vec<String> = trace.selectors.iter().map(|s| format!("{}={}", s.key, s.value)).collect();
    let verb = if is.connected == 1 { "is" } else { "are" };
    format!("No instance with {} is connected; {} {verb}.", selectors.join(", "), is.connected)
}

fn no_match(is: &Tally, nearest: Option<&str>) -> String {
    let nearest = nearest.map_or_else(String::new, |path| format!("; nearest: {path}"));
    let (of, verb) = match is.selected {
        1 => ("the selected instance".to_owned(), "matches"),
        n => (format!("the {n} selected instances"), "matches"),
    };
    format!("No function of {of} {verb}{nearest}.")
}

/// Whether instances or functions have changed since a probe's functions were looked at.
pub(super) fn is_stale(entry: &Entry, around: &Around) -> bool {
    entry.matched.as_ref().is_none_or(|matched| matched.revision != around.revision)
}

/// What an order matches now.
pub(super) fn matched(trace: &Trace, around: &Around) -> Matched {
    let selected = around.instances.iter().filter(|instance| selects(&trace.selectors, &instance.row));
    let services: BTreeSet<&str> = selected.map(|instance| instance.row.service.as_str()).collect();
    let offered = || around.functions.iter().map(|(f, _)| f.as_ref()).filter(|f| services.contains(f.service.as_str()));
    let patterns: Vec<_> = trace.patterns.iter().map(|p| (p, enclosing(p, offered()))).collect();
    let names = |function: &FunctionRow| patterns.iter().any(|(pattern, line)| matches(pattern, function, *line));
    let functions = offered().filter(|function| names(function)).count();
    let nearest = if functions == 0 { nearest_path(&trace.patterns, offered().take(MAX_COMPARED)) } else { None };
    Matched { revision: around.revision, functions: functions as u32, nearest }
}

/// The function whose path comes nearest to what a pattern spells out.
fn nearest_path<'a>(patterns: &[Pattern], functions: impl Iterator<Item = &'a FunctionRow>) -> Option<String> {
    let Some(Pattern::Path(pattern)) = patterns.iter().find(|pattern| matches!(pattern, Pattern::Path(_))) else {
        return None;
    };
    let spelt: Vec<&str> = pattern.split("::").filter(|part| !part.contains('*') && !part.is_empty()).collect();
    if spelt.is_empty() {
        return None;
    }
    let parts: Vec<(String, &str)> = functions.flat_map(|function| runs(&function.path, spelt.len())).collect();
    let near = nearest(&spelt.join("::"), parts.iter().map(|(part, _)| part.as_str()))?;
    parts.iter().find(|(part, _)| part == near).map(|(_, path)| (*path).to_owned())
}

/// Runs of so many neighbouring parts of a path, each with the whole path.
fn runs(path: &str, parts: usize) -> Vec<(String, &str)> {
    let all: Vec<&str> = path.split("::").collect();
    all.windows(parts).map(|run| (run.join("::"), path)).collect()
}
