//! A tree as columns: what is drawn of each call, without its values.

use std::collections::HashMap;
use std::hash::Hash;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use glasshull_api::answers::{TreeColumns, TreeFunction, TreeInstance};

use super::shape::{Gap, Shape, Shown};
use super::{Traces, call_text, text, trace_text};
use crate::time;

/// The columns that are read beside those that say who called whom.
const COLUMNS: [&str; 10] =
    ["function", "file", "line", "service", "instance", "class", "release", "thread", "duration_ns", "outcome"];

/// What one call takes here, and in the answer, in bytes.
const CALL_BYTES: usize = 80;

/// Digits of [`TreeColumns::marks`].
const MATCHED: u8 = 1;
const NOT_CAPTURED: u8 = 2;
const LEFT_OUT: u8 = 4;

/// What is drawn of calls, in the order in which they were read.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    wanted: bool,
    texts: Texts,
    /// By function, file and line.
    functions: Listed<[u32; 3]>,
    /// By service, instance, class and release.
    instances: Listed<[u32; 4]>,
    threads: Listed<u32>,
    function: Vec<u32>,
    instance: Vec<u32>,
    thread: Vec<u32>,
    duration_ns: Vec<u64>,
    outcome: Vec<u8>,
}

impl Drawn {
    /// Reads no further columns.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    pub(super) fn everything() -> Self {
        Self { wanted: true, ..Self::default() }
    }

    pub(super) fn columns(&self) -> &'static [&'static str] {
        if self.wanted { &COLUMNS } else { &[] }
    }

    pub(super) fn bytes_of_call(&self) -> usize {
        if self.wanted { CALL_BYTES } else { 0 }
    }

    pub(super) fn clear(&mut self) {
        *self = Self { wanted: self.wanted, ..Self::default() };
    }

    /// Takes what stands in a batch's columns from `first` on.
    pub(super) fn read(&mut self, batch: &RecordBatch, first: usize) -> Result<(), DataFusionError> {
        if !self.wanted {
            return Ok(());
        }
        let mut texts = |column| Ok::<_, DataFusionError>(self.texts.places(&text(batch, first + column)?));
        let (functions, files) = (texts(0)?, texts(1)?);
        let lines = batch.column(first + 2).as_primitive::<UInt32Type>().values().iter();
        let functions = functions.into_iter().zip(files).zip(lines);
        self.function.extend(functions.map(|((function, file), line)| self.functions.place([function, file, *line])));
        let [services, instances, classes, releases] = [texts(3)?, texts(4)?, texts(5)?, texts(6)?];
        let instances = services.into_iter().zip(instances).zip(classes.into_iter().zip(releases));
        self.instance.extend(
            instances.map(|((service, instance), (class, release))| {
                self.instances.place([service, instance, class, release])
            }),
        );
        self.thread.extend(texts(7)?.into_iter().map(|thread| self.threads.place(thread)));
        let durations = cast(batch.column(first + 8), &DataType::Int64)?;
        let durations = durations.as_primitive::<Int64Type>().values().iter();
        self.duration_ns.extend(durations.map(|ns| u64::try_from(*ns).unwrap_or(0)));
        let outcomes = text(batch, first + 9)?;
        self.outcome.extend(outcomes.as_string::<i32>().iter().map(|outcome| letter(outcome.unwrap_or_default())));
        Ok(())
    }

    /// The answer, without what is missing and how long it took.
    pub(super) fn laid_out(self, shape: &Shape, shown: &[Shown], met: &Traces) -> TreeColumns {
        let links = || shown.iter().map(|shown| shape.link(shown.at));
        let rows = || links().map(|link| link.row as usize);
        let first = links().map(|link| link.started_at_ns).min().unwrap_or(0);
        let mut traces = Listed::default();
        let trace: Vec<u32> = links().map(|link| traces.place(link.trace)).collect();
        let mut call_ids = String::with_capacity(shown.len() * 16);
        links().for_each(|link| call_ids.push_str(&call_text(link.call)));
        let hidden = shown.iter().any(|shown| shown.hidden_children > 0);
        TreeColumns {
            started_at: time::text(first.into()),
            trace: if traces.listed.len() > 1 { trace } else { Vec::new() },
            traces: traces.listed.into_iter().map(|place| trace_text(met.id(place))).collect(),
            call_ids,
            level: shown.iter().map(|shown| shown.level).collect(),
            function: rows().map(|row| self.function[row]).collect(),
            instance: rows().map(|row| self.instance[row]).collect(),
            thread: rows().map(|row| self.thread[row]).collect(),
            start_after_ns: differences(first, links().map(|link| link.started_at_ns)),
            duration_ns: rows().map(|row| self.duration_ns[row]).collect(),
            outcomes: rows().map(|row| char::from(self.outcome[row])).collect(),
            marks: shown.iter().map(|shown| char::from(b'0' + marks(shown))).collect(),
            hidden_children: if hidden {
                shown.iter().map(|shown| shown.hidden_children).collect()
            } else {
                Vec::new()
            },
            functions: self.functions.listed.iter().map(|of| self.texts.function(*of)).collect(),
            instances: self.instances.listed.iter().map(|of| self.texts.instance(*of)).collect(),
            threads: self.threads.listed.iter().map(|of| self.texts.text(*of)).collect(),
            partial: None,
            elapsed_ms: 0.0,
        }
    }
}

/// Different texts.
#[derive(Debug, Default)]
struct Texts {
    places: HashMap<Box<str>, u32>,
    listed: Vec<Box<str>>,
}

impl Texts {
    fn places(&mut self, column: &ArrayRef) -> Vec<u32> {
        let mut last = ("", None);
        let mut place = |text| match last {
            (before, Some(place)) if before == text => place,
            _ => {
                let place = self.place(text);
                last = (text, Some(place));
                place
            }
        };
        column.as_string::<i32>().iter().map(|text| place(text.unwrap_or_default())).collect()
    }

    fn place(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = count(self.listed.len());
        self.listed.push(text.into());
        self.places.insert(text.into(), place);
        place
    }

    fn text(&self, place: u32) -> String {
        self.listed[place as usize].to_string()
    }

    fn function(&self, [function, file, line]: [u32; 3]) -> TreeFunction {
        TreeFunction { function: self.text(function), file: self.text(file), line }
    }

    fn instance(&self, [service, instance, class, release]: [u32; 4]) -> TreeInstance {
        TreeInstance {
            service: self.text(service),
            instance: self.text(instance),
            class: self.text(class),
            release: self.text(release),
        }
    }
}

/// Different things, in the order in which they were met.
#[derive(Debug)]
struct Listed<K> {
    places: HashMap<K, u32>,
    listed: Vec<K>,
    last: Option<(K, u32)>,
}

impl<K> Default for Listed<K> {
    fn default() -> Self {
        Self { places: HashMap::new(), listed: Vec::new(), last: None }
    }
}

impl<K: Copy + Eq + Hash> Listed<K> {
    fn place(&mut self, of: K) -> u32 {
        if let Some((_, place)) = self.last.filter(|(last, _)| *last == of) {
            return place;
        }
        let next = count(self.listed.len());
        let place = *self.places.entry(of).or_insert(next);
        if place == next {
            self.listed.push(of);
        }
        self.last = Some((of, place));
        place
    }
}

/// Of a million calls with eight texts each there are far fewer than 2^32.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn marks(shown: &Shown) -> u8 {
    let gap = match shown.gap {
        None => 0,
        Some(Gap::NotCaptured) => NOT_CAPTURED,
        Some(Gap::LeftOut) => LEFT_OUT,
    };
    gap + if shown.matched { MATCHED } else { 0 }
}

/// The first letter says it, but for `running`, which has that of `returned`.
fn letter(outcome: &str) -> u8 {
    match outcome {
        "running" => b'u',
        other => other.bytes().next().unwrap_or(b'u'),
    }
}

/// How far each is from the one before it.
fn differences(first: i64, times: impl Iterator<Item = i64>) -> Vec<i64> {
    times
        .scan(first, |before, time| {
            let after = time.wrapping_sub(*before);
            *before = time;
            Some(after)
        })
        .collect()
}
