use std::cell::RefCell;
use std::collections::HashMap;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::BatchError;
use crate::entries::{Bound, within};
use crate::limits::{MAX_ARGUMENTS, MAX_BATCH_CALLS, MAX_COLUMNS_BYTES, MAX_NAME_BYTES, MAX_VALUE_BYTES};
use crate::v1::{CallBatch, CallColumns, Function, Outcome};

/// Level 1 costs about 150 MiB/s less than it saves in bandwidth and journal; higher levels gain a few per cent. With the
/// levels below 0 structs take one and a half to twice as many bytes, and the sender 2 to 10 % fewer instructions.
const COMPRESSION_LEVEL: i32 = 1;

/// Entries of the dictionaries, by field numbers of `CallColumns`: functions, their arguments, threads.
const BOUNDS: [Bound; 3] = [
    Bound { path: &[1], most: MAX_BATCH_CALLS },
    Bound { path: &[1, 5], most: MAX_BATCH_CALLS * MAX_ARGUMENTS },
    Bound { path: &[2], most: MAX_BATCH_CALLS },
];

/// One call, as it is put into a batch and as it comes out of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallRow<'a> {
    /// Place in the batch's functions: what [`BatchWriter::function`] returned.
    pub function: u32,
    /// Place in the batch's threads: what [`BatchWriter::thread`] returned.
    pub thread: u32,
    /// 16 bytes, big-endian, as in W3C `traceparent`.
    pub trace_id: [u8; 16],
    /// Unique within the trace; never 0.
    pub call_id: u64,
    /// The captured call in which this one ran.
    pub parent_id: Option<u64>,
    /// Nanoseconds since 1970-01-01 UTC.
    pub started_at_ns: i64,
    /// Nanoseconds; for a running call the time up to now.
    pub duration_ns: u64,
    /// The part of the duration in which an async call was not polled, in nanoseconds.
    pub idle_ns: u64,
    /// An [`Outcome`] as a number.
    pub outcome: i32,
    /// Number of captured ancestors.
    pub depth: u32,
    /// Place among the parent's captured children, from 0.
    pub position: u32,
    /// A JSON object by argument name.
    pub args: Option<&'a str>,
    /// A JSON value.
    pub returned: Option<&'a str>,
    /// A JSON object with at least `message`.
    pub error: Option<&'a str>,
}

/// Packs calls into one batch. Each value is written as it travels when it comes: the columns are put behind each other at
/// the end.
#[derive(Debug, Default)]
pub struct BatchWriter {
    calls: usize,
    functions: Vec<Function>,
    threads: Vec<String>,
    trace_ids: Vec<u8>,
    numbers: [Packed; NUMBERS.len()],
    texts: [Vec<u8>; TEXTS.len()],
    /// Places of functions by the instance's numbers, plus one; 0 where they have none.
    places: Vec<u32>,
    /// Places of functions with higher numbers than [`MAX_PLACES`].
    far_places: HashMap<u32, u32>,
    thread_places: HashMap<u64, u32>,
    last_thread: Option<(u64, u32)>,
    traces: HashMap<[u8; 16], u32>,
    last_trace: Option<([u8; 16], u32)>,
    last_call_id: u64,
    last_started_at_ns: i64,
    running: usize,
    compressor: Compressor,
}

/// Field numbers of `CallColumns`: those of numbers in the order in which a row has them, and those of texts.
const NUMBERS: [u32; 14] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];
const TEXTS: [u32; 3] = [24, 25, 26];
const TRACE_IDS: u32 = 3;

/// The functions of which places are kept by number: more than nearly all programs have.
const MAX_PLACES: usize = 16 * 1024;

/// Numbers as protobuf packs them.
#[derive(Debug, Default)]
struct Packed(Vec<u8>);

impl Packed {
    /// Nearly all numbers take a byte or two.
    #[inline(always)]
    fn push(&mut self, number: u64) {
        match (number, self.0.capacity() - self.0.len()) {
            (0..0x80, 1..) => self.0.push(number as u8),
            (0x80..0x4000, 2..) => self.0.extend_from_slice(&[number as u8 | 0x80, (number >> 7) as u8]),
            _ => self.push_any(number),
        }
    }

    #[inline(never)]
    fn push_any(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

/// What compresses, kept for its memory, about a MiB: what is taken anew for each batch comes page by page
/// from the system, and to clear it takes longer than to compress a small batch.
#[derive(Default)]
struct Compressor(Option<zstd::bulk::Compressor<'static>>);

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

impl Compressor {
    fn compress(&mut self, plain: &[u8]) -> std::io::Result<Vec<u8>> {
        let compressor = match &mut self.0 {
            Some(compressor) => compressor,
            none => none.insert(zstd::bulk::Compressor::new(COMPRESSION_LEVEL)?),
        };
        compressor.compress(plain)
    }
}

/// Small numbers of either sign as small numbers, as protobuf's `sint64`.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

impl BatchWriter {
    /// The batch's number for the function the instance knows as `index`; `describe` is asked at its first call.
    pub fn function(&mut self, index: u32, describe: impl FnOnce() -> Function) -> u32 {
        let at = index as usize;
        let place = match at < MAX_PLACES {
            true => {
                self.places.resize(self.places.len().max(at + 1), 0);
                &mut self.places[at]
            }
            false => self.far_places.entry(index).or_default(),
        };
        if *place == 0 {
            self.functions.push(describe());
            *place = self.functions.len() as u32;
        }
        *place - 1
    }

    /// The batch's number for the thread the caller knows as `key`; `name` is asked at its first call.
    pub fn thread(&mut self, key: u64, name: impl FnOnce() -> String) -> u32 {
        if let Some((last, place)) = self.last_thread
            && last == key
        {
            return place;
        }
        let threads = &mut self.threads;
        let place = *self.thread_places.entry(key).or_insert_with(|| {
            threads.push(name());
            (threads.len() - 1) as u32
        });
        self.last_thread = Some((key, place));
        place
    }

    /// Adds a call. The caller closes the batch before [`Self::is_full`].
    pub fn push(&mut self, row: &CallRow<'_>) {
        let trace = self.trace(row.trace_id);
        let texts = [row.args, row.returned, row.error];
        let [args, returned, error] = texts.map(|text| text.map_or(0, |text| text.len() as u64 + 1));
        let call_id = zigzag(row.call_id.wrapping_sub(self.last_call_id) as i64);
        let parent = zigzag(row.parent_id.map_or(0, |parent| row.call_id.wrapping_sub(parent) as i64));
        let started = zigzag(row.started_at_ns.wrapping_sub(self.last_started_at_ns));
        let [function, thread, traces, call_ids, parents, starts, durations, idle, outcomes, rest @ ..] =
            &mut self.numbers;
        function.push(row.function.into());
        thread.push(row.thread.into());
        traces.push(trace.into());
        call_ids.push(call_id);
        parents.push(parent);
        starts.push(started);
        durations.push(row.duration_ns);
        idle.push(row.idle_ns);
        outcomes.push((row.outcome as u32).into());
        let [depths, positions, args_sizes, returned_sizes, error_sizes] = rest;
        depths.push(row.depth.into());
        positions.push(row.position.into());
        args_sizes.push(args);
        returned_sizes.push(returned);
        error_sizes.push(error);
        for (column, text) in self.texts.iter_mut().zip(texts) {
            if let Some(text) = text {
                column.extend_from_slice(text.as_bytes());
            }
        }
        self.last_call_id = row.call_id;
        self.last_started_at_ns = row.started_at_ns;
        self.calls += 1;
        self.running += usize::from(row.outcome == Outcome::Running as i32);
    }

    /// Calls so far that have ended. Of the others another row follows, so that none of them is lost with this one.
    pub fn ended(&self) -> usize {
        self.len() - self.running
    }

    /// Calls so far.
    pub fn len(&self) -> usize {
        self.calls
    }

    /// Whether there is no call yet.
    pub fn is_empty(&self) -> bool {
        self.calls == 0
    }

    /// Whether another call might exceed what a hub accepts.
    pub fn is_full(&self) -> bool {
        // A row's numbers take at most 90 bytes, its dictionary entries at most two names and the arguments' names.
        const MOST_OF_ONE_ROW: usize = 3 * MAX_VALUE_BYTES + 8 * MAX_NAME_BYTES;
        self.len() >= MAX_BATCH_CALLS || self.approximate_bytes() + MOST_OF_ONE_ROW > MAX_COLUMNS_BYTES / 4
    }

    /// About how many bytes the columns take before compression.
    pub fn approximate_bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(Vec::len).sum();
        texts + self.trace_ids.len() + self.len() * 32 + self.functions.len() * 128
    }

    /// Closes the batch; the writer is empty afterwards and keeps its memory.
    pub fn finish(&mut self, sequence: u64) -> CallBatch {
        let plain = self.plain();
        let batch = CallBatch {
            sequence,
            calls: self.len() as u32,
            columns_bytes: plain.len() as u32,
            columns: self.compressor.compress(&plain).expect("zstd compresses any bytes into a Vec"),
        };
        self.clear();
        batch
    }

    /// Forgets all calls and what was described for them; the memory is kept.
    pub fn clear(&mut self) {
        let (mut numbers, mut texts) = (std::mem::take(&mut self.numbers), std::mem::take(&mut self.texts));
        let (mut trace_ids, compressor) = (std::mem::take(&mut self.trace_ids), std::mem::take(&mut self.compressor));
        numbers.iter_mut().for_each(|column| column.0.clear());
        texts.iter_mut().for_each(Vec::clear);
        trace_ids.clear();
        *self = Self { numbers, texts, trace_ids, compressor, ..Self::default() };
    }

    /// A `CallColumns`.
    fn plain(&mut self) -> Vec<u8> {
        let (functions, threads) = (std::mem::take(&mut self.functions), std::mem::take(&mut self.threads));
        let mut plain = CallColumns { functions, threads, ..CallColumns::default() }.encode_to_vec();
        let numbers = NUMBERS.into_iter().zip(self.numbers.iter().map(|column| column.0.as_slice()));
        let texts = TEXTS.into_iter().zip(self.texts.iter().map(Vec::as_slice));
        for (field, bytes) in [(TRACE_IDS, self.trace_ids.as_slice())].into_iter().chain(numbers).chain(texts) {
            if !bytes.is_empty() {
                encode_key(field, WireType::LengthDelimited, &mut plain);
                encode_varint(bytes.len() as u64, &mut plain);
                plain.extend_from_slice(bytes);
            }
        }
        plain
    }

    fn trace(&mut self, trace_id: [u8; 16]) -> u32 {
        if let Some((id, trace)) = self.last_trace
            && id == trace_id
        {
            return trace;
        }
        let trace_ids = &mut self.trace_ids;
        let trace = *self.traces.entry(trace_id).or_insert_with(|| {
            trace_ids.extend_from_slice(&trace_id);
            (trace_ids.len() / 16 - 1) as u32
        });
        self.last_trace = Some((trace_id, trace));
        trace
    }
}

/// A column of texts, some of which may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// All texts, one after the other.
    pub bytes: String,
    /// Where each text begins, and behind the last one where it ends: one more than there are rows.
    pub offsets: Vec<u32>,
    /// Whether the row has a text.
    pub present: Vec<bool>,
}

impl Texts {
    /// The text of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.present[row].then(|| &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize])
    }

    fn decode(sizes: &[u32], bytes: Vec<u8>) -> Result<Self, BatchError> {
        let bytes = String::from_utf8(bytes).map_err(|_| BatchError::Inconsistent("a text is not UTF-8"))?;
        let mut offsets = Vec::with_capacity(sizes.len() + 1);
        let mut present = Vec::with_capacity(sizes.len());
        let mut end = 0usize;
        offsets.push(0);
        for &size in sizes {
            let length = size.saturating_sub(1) as usize;
            if length > MAX_VALUE_BYTES {
                return Err(too_large("bytes in one value", length, MAX_VALUE_BYTES));
            }
            end += length;
            if !bytes.is_char_boundary(end) {
                return Err(BatchError::Inconsistent("a text ends outside its column or inside a character"));
            }
            offsets.push(end as u32);
            present.push(size > 0);
        }
        if end != bytes.len() {
            return Err(BatchError::Inconsistent("a text column is longer than its sizes say"));
        }
        Ok(Self { bytes, offsets, present })
    }
}

/// The calls of a batch that was checked: all columns have [`Calls::len`] rows, all dictionary places exist, all
/// texts are UTF-8 and within their limits, all outcomes are known.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)] // The fields are those of `CallRow`.
pub struct Calls {
    pub functions: Vec<Function>,
    pub threads: Vec<String>,
    pub trace_ids: Vec<[u8; 16]>,
    pub function: Vec<u32>,
    pub thread: Vec<u32>,
    pub trace: Vec<u32>,
    pub call_id: Vec<u64>,
    pub parent_id: Vec<Option<u64>>,
    pub started_at_ns: Vec<i64>,
    pub duration_ns: Vec<u64>,
    pub idle_ns: Vec<u64>,
    pub outcome: Vec<Outcome>,
    pub depth: Vec<u32>,
    pub position: Vec<u32>,
    pub args: Texts,
    pub returned: Texts,
    pub error: Texts,
}

impl Calls {
    /// Unpacks a batch from outside.
    ///
    /// # Errors
    /// What is wrong with it, before more memory is taken than [`crate::limits`] allow.
    pub fn decode(batch: &CallBatch) -> Result<Self, BatchError> {
        let columns = columns(batch)?;
        check_arguments(&columns.functions)?;
        Self::check(batch.calls as usize, columns)
    }

    /// Unpacks a batch that was accepted before, maybe by a version that did not limit what functions are described
    /// with: their arguments are left out.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_without_arguments(batch: &CallBatch) -> Result<Self, BatchError> {
        let mut columns = columns(batch)?;
        columns.functions.iter_mut().for_each(|function| function.arguments = Vec::new());
        Self::check(batch.calls as usize, columns)
    }

    fn check(rows: usize, c: CallColumns) -> Result<Self, BatchError> {
        let lengths = [
            c.function.len(),
            c.thread.len(),
            c.trace.len(),
            c.call_id_delta.len(),
            c.parent_distance.len(),
            c.started_at_delta_ns.len(),
            c.duration_ns.len(),
            c.idle_ns.len(),
            c.outcome.len(),
            c.depth.len(),
            c.position.len(),
            c.args_size.len(),
            c.returned_size.len(),
            c.error_size.len(),
        ];
        if lengths.iter().any(|&length| length != rows) {
            return Err(BatchError::Inconsistent("a column has another number of rows than announced"));
        }
        if !c.trace_ids.len().is_multiple_of(16) {
            return Err(BatchError::Inconsistent("a trace id is not 16 bytes long"));
        }
        let trace_ids: Vec<[u8; 16]> = c.trace_ids.as_chunks::<16>().0.to_vec();
        let names = c.functions.iter().flat_map(|f| [&f.path, &f.file]).chain(&c.threads);
        if let Some(long) = names.map(String::len).find(|&length| length > MAX_NAME_BYTES) {
            return Err(too_large("bytes in a name", long, MAX_NAME_BYTES));
        }
        let within = |places: &[u32], size: usize| places.iter().all(|&place| (place as usize) < size);
        if !within(&c.function, c.functions.len())
            || !within(&c.thread, c.threads.len())
            || !within(&c.trace, trace_ids.len())
        {
            return Err(BatchError::Inconsistent("a row points outside a dictionary"));
        }
        let mut last = 0u64;
        let call_id: Vec<u64> = c.call_id_delta.iter().map(|&delta| next(&mut last, delta)).collect();
        let distances = call_id.iter().zip(&c.parent_distance);
        let mut last = 0u64;
        Ok(Self {
            parent_id: distances.map(|(id, &d)| (d != 0).then(|| id.wrapping_sub(d as u64))).collect(),
            started_at_ns: c.started_at_delta_ns.iter().map(|&delta| next(&mut last, delta) as i64).collect(),
            outcome: c.outcome.iter().map(|&outcome| known_outcome(outcome)).collect::<Result<_, _>>()?,
            args: Texts::decode(&c.args_size, c.args)?,
            returned: Texts::decode(&c.returned_size, c.returned)?,
            error: Texts::decode(&c.error_size, c.error)?,
            functions: c.functions,
            threads: c.threads,
            trace_ids,
            function: c.function,
            thread: c.thread,
            trace: c.trace,
            call_id,
            duration_ns: c.duration_ns,
            idle_ns: c.idle_ns,
            depth: c.depth,
            position: c.position,
        })
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.function.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One call.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> CallRow<'_> {
        CallRow {
            function: self.function[row],
            thread: self.thread[row],
            trace_id: self.trace_ids[self.trace[row] as usize],
            call_id: self.call_id[row],
            parent_id: self.parent_id[row],
            started_at_ns: self.started_at_ns[row],
            duration_ns: self.duration_ns[row],
            idle_ns: self.idle_ns[row],
            outcome: self.outcome[row] as i32,
            depth: self.depth[row],
            position: self.position[row],
            args: self.args.get(row),
            returned: self.returned.get(row),
            error: self.error.get(row),
        }
    }
}

fn next(last: &mut u64, delta: i64) -> u64 {
    *last = last.wrapping_add(delta as u64);
    *last
}

fn known_outcome(outcome: u32) -> Result<Outcome, BatchError> {
    match i32::try_from(outcome).map(Outcome::try_from) {
        Ok(Ok(outcome)) if outcome != Outcome::Unspecified => Ok(outcome),
        _ => Err(BatchError::Inconsistent("an outcome is unknown")),
    }
}

fn too_large(what: &'static str, is: usize, limit: usize) -> BatchError {
    BatchError::TooLarge { what, is: is as u64, limit: limit as u64 }
}

/// The columns as they were sent, not yet checked against each other.
fn columns(batch: &CallBatch) -> Result<CallColumns, BatchError> {
    let rows = batch.calls as usize;
    if rows > MAX_BATCH_CALLS {
        return Err(too_large("calls", rows, MAX_BATCH_CALLS));
    }
    let plain = unpack(batch)?;
    if !within(&BOUNDS, &plain) {
        return Err(BatchError::Inconsistent("a dictionary has more entries than there can be rows"));
    }
    CallColumns::decode(plain.as_slice()).map_err(|e| BatchError::Decode(e.to_string()))
}

/// Each function of a batch has few arguments with short names: [`BOUNDS`] only limits how many there are in all.
fn check_arguments(functions: &[Function]) -> Result<(), BatchError> {
    let arguments = || functions.iter().map(|function| &function.arguments);
    if let Some(many) = arguments().map(Vec::len).find(|&count| count > MAX_ARGUMENTS) {
        return Err(too_large("arguments of a function", many, MAX_ARGUMENTS));
    }
    if let Some(long) = arguments().flatten().map(String::len).find(|&length| length > MAX_NAME_BYTES) {
        return Err(too_large("bytes in an argument's name", long, MAX_NAME_BYTES));
    }
    Ok(())
}

/// Unpacks at most as many bytes as announced, and no more than allowed, whatever the frame's own header says.
fn unpack(batch: &CallBatch) -> Result<Vec<u8>, BatchError> {
    thread_local! {
        /// Kept for its memory, as that of [`Compressor`].
        static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
    }
    let announced = batch.columns_bytes as usize;
    if announced > MAX_COLUMNS_BYTES {
        return Err(too_large("bytes in the columns", announced, MAX_COLUMNS_BYTES));
    }
    let unpack = |e: std::io::Error| BatchError::Unpack(e.to_string());
    let plain = DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            none => none.insert(zstd::bulk::Decompressor::new().map_err(unpack)?),
        };
        // All at once, into so much memory: no window of the frame's choice is needed.
        decompressor.decompress(&batch.columns, announced).map_err(unpack)
    })?;
    if plain.len() != announced {
        return Err(BatchError::Unpack("another size than announced".into()));
    }
    Ok(plain)
}
