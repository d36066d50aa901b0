//! Making the summary of a segment while its rows are written.

use std::cmp::Reverse;
use std::collections::HashMap;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use prost::encoding::encode_varint;

use super::durations::{Durations, bucket};
use super::{FORMAT, MAX_BYTES, MAX_FUNCTIONS, SLOWEST};
use crate::footer::sealed;
use crate::schema::row;

/// Durations' buckets of all functions together, while they are counted: 8 MiB. As a rule a function has 400.
const MAX_PLACES: usize = 1 << 20;

/// Pairs of the services and the functions of rows that come together, in so far as it is remembered where each stands.
const MAX_PAIRS: usize = 1 << 16;

/// How well zstd packs it: more takes longer, and saves nothing.
const LEVEL: i32 = 3;

/// Collects what is to be known of functions, from rows in the order in which these are written.
#[derive(Default)]
pub(crate) struct SummaryBuilder {
    functions: Vec<Function>,
    /// Places in `functions`, by service and path.
    places: HashMap<Box<str>, HashMap<Box<str>, usize>>,
    rows: u64,
    /// Whether there are functions that found no place.
    others: bool,
    /// Whether the durations take too much memory: then there is no summary.
    too_large: bool,
}

/// A duration and a row; of the same duration the first rows are slower.
type Slow = (u64, Reverse<u64>);

/// What is known of a function.
struct Function {
    service: Box<str>,
    path: Box<str>,
    calls: u64,
    errors: u64,
    total_ns: u64,
    shortest_ns: u64,
    longest_ns: u64,
    /// Durations and rows of the slowest, and of others: at most twice as many.
    slowest: Vec<Slow>,
    /// What took no longer than this is not among the slowest.
    too_short_ns: Option<u64>,
    /// Empty as long as all rows are among the slowest.
    durations: Durations,
}

impl SummaryBuilder {
    /// Takes rows with the columns of [`crate::schema::rows`].
    pub(crate) fn push(&mut self, rows: &RecordBatch) {
        let (services, paths) = (Names::of(rows, row::SERVICE), Names::of(rows, row::FUNCTION));
        let outcomes = Names::of(rows, row::OUTCOME);
        let errors: Vec<bool> = outcomes.texts.iter().map(|text| matches!(text, Some("error" | "panicked"))).collect();
        let durations = rows.column(row::DURATION_NS).as_primitive::<Int64Type>().values();
        let pairs = services.texts.len().saturating_mul(paths.texts.len());
        let mut places = vec![None; if pairs > MAX_PAIRS { 0 } else { pairs }];
        for (row, &ns) in durations.iter().enumerate() {
            let (service, path) = (services.keys[row] as usize, paths.keys[row] as usize);
            let pair = places.get_mut(service * paths.texts.len() + path);
            let place = match pair {
                Some(Some(place)) => *place,
                pair => {
                    let place = self.place(services.texts.value(service), paths.texts.value(path));
                    if let Some(pair) = pair {
                        *pair = Some(place);
                    }
                    place
                }
            };
            if let Some(function) = place.and_then(|place: usize| self.functions.get_mut(place)) {
                let failed = errors[outcomes.keys[row] as usize];
                function.add(self.rows + row as u64, ns.max(0).cast_unsigned(), failed);
            }
        }
        self.rows += rows.num_rows() as u64;
        self.give_up_where_too_large();
    }

    fn give_up_where_too_large(&mut self) {
        let places: usize = self.functions.iter().map(|function| function.durations.places()).sum();
        if places > MAX_PLACES {
            self.too_large = true;
            self.functions.iter_mut().for_each(|function| function.durations = Durations::default());
        }
    }

    /// Where a function stands; `None` where there is no place for it.
    fn place(&mut self, service: &str, path: &str) -> Option<usize> {
        if let Some(&place) = self.places.get(service).and_then(|paths| paths.get(path)) {
            return Some(place);
        }
        if self.functions.len() == MAX_FUNCTIONS {
            self.others = true;
            return None;
        }
        let place = self.functions.len();
        self.functions.push(Function::new(service.into(), path.into()));
        self.places.entry(service.into()).or_default().insert(path.into(), place);
        Some(place)
    }

    /// The summary, and what the footer says of it when it lies at this place of the file; `None` where it would be too
    /// large.
    pub(crate) fn finish(mut self, offset: usize) -> Option<(Vec<u8>, String)> {
        self.functions.sort_by(|a, b| (&a.service, &a.path).cmp(&(&b.service, &b.path)));
        let unpacked = written(std::mem::take(&mut self.functions), self.others);
        if self.too_large || unpacked.len() > MAX_BYTES {
            return None;
        }
        let bytes = zstd::bulk::compress(&unpacked, LEVEL).ok()?;
        let (packed, checksum) = (bytes.len(), crc32c::crc32c(&bytes));
        let metadata = format!("{FORMAT} {offset} {packed} {} {} {checksum:08x}", unpacked.len(), self.rows);
        Some((bytes, sealed(&metadata)))
    }
}

/// A column of names.
struct Names<'a> {
    keys: &'a [i32],
    texts: &'a StringArray,
}

impl<'a> Names<'a> {
    fn of(rows: &'a RecordBatch, column: usize) -> Self {
        let column = rows.column(column).as_dictionary::<Int32Type>();
        Self { keys: column.keys().values(), texts: column.values().as_string() }
    }
}

impl Function {
    fn new(service: Box<str>, path: Box<str>) -> Self {
        Self {
            service,
            path,
            calls: 0,
            errors: 0,
            total_ns: 0,
            shortest_ns: u64::MAX,
            longest_ns: 0,
            slowest: Vec::new(),
            too_short_ns: None,
            durations: Durations::default(),
        }
    }

    fn add(&mut self, row: u64, ns: u64, error: bool) {
        if self.calls == SLOWEST as u64 {
            self.slowest.iter().for_each(|(ns, _)| self.durations.add(bucket(*ns), 1));
        }
        self.calls += 1;
        self.errors += u64::from(error);
        self.total_ns = self.total_ns.saturating_add(ns);
        self.shortest_ns = self.shortest_ns.min(ns);
        self.longest_ns = self.longest_ns.max(ns);
        if self.calls > SLOWEST as u64 {
            self.durations.add(bucket(ns), 1);
        }
        if self.too_short_ns.is_none_or(|too_short_ns| ns > too_short_ns) {
            self.slowest.push((ns, Reverse(row)));
            if self.slowest.len() == 2 * SLOWEST {
                self.keep_slowest();
            }
        }
    }

    /// Forgets what is not among the slowest.
    fn keep_slowest(&mut self) {
        if self.slowest.len() > SLOWEST {
            let (_, (least_ns, _), _) = self.slowest.select_nth_unstable_by_key(SLOWEST - 1, |slow| Reverse(*slow));
            self.too_short_ns = Some(*least_ns);
            self.slowest.truncate(SLOWEST);
        }
    }

    /// Appends its slowest rows.
    fn write_slowest(&self, to: &mut Vec<u8>) {
        let mut rows: Vec<(u64, u64)> = self.slowest.iter().map(|&(ns, Reverse(row))| (row, ns)).collect();
        rows.sort_unstable();
        let mut before = 0;
        for &(row, _) in &rows {
            encode_varint(row - before, to);
            before = row;
        }
        let least = rows.iter().map(|&(_, ns)| bucket(ns)).min().unwrap_or(0);
        let shortest = bucket(self.shortest_ns);
        encode_varint((least - shortest) as u64, to);
        rows.iter().for_each(|&(_, ns)| encode_varint((bucket(ns) - least) as u64, to));
    }

    fn write_durations(&self, to: &mut Vec<u8>) {
        if self.calls > self.slowest.len() as u64 {
            self.durations.write(to);
        }
    }
}

/// All of it, unpacked.
fn written(functions: Vec<Function>, others: bool) -> Vec<u8> {
    let (mut head, mut lists, mut durations) = (Vec::new(), Vec::new(), Vec::new());
    encode_varint(functions.len() as u64, &mut head);
    encode_varint(others.into(), &mut head);
    for mut function in functions {
        function.keep_slowest();
        let (list, duration) = (lists.len(), durations.len());
        function.write_slowest(&mut lists);
        function.write_durations(&mut durations);
        for text in [&function.service, &function.path] {
            encode_varint(text.len() as u64, &mut head);
            head.extend_from_slice(text.as_bytes());
        }
        let Function { calls, errors, total_ns, shortest_ns, longest_ns, slowest, .. } = &function;
        let (lists, durations) = ((lists.len() - list) as u64, (durations.len() - duration) as u64);
        for number in [*calls, *errors, *total_ns, *shortest_ns, *longest_ns, slowest.len() as u64, lists, durations] {
            encode_varint(number, &mut head);
        }
    }
    [head, lists, durations].concat()
}
