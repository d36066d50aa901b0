//! The workload packed as instances would send it, in a file: what sends it then costs next to nothing.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use glasshull_wire::{BatchWriter, CallRow, v1};

use super::workload::{self, Call, INSTANCES, Workload};
use crate::Outcome;

/// Calls in one batch: what the SDK packs under load.
pub(super) const BATCH_CALLS: usize = 4_096;

/// A batch that has no number yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) instance: u8,
    pub(super) calls: u32,
    pub(super) columns_bytes: u32,
    pub(super) columns: Vec<u8>,
}

impl Frame {
    /// As it is sent.
    pub(super) fn batch(self, sequence: u64) -> v1::CallBatch {
        let Self { calls, columns_bytes, columns, .. } = self;
        v1::CallBatch { sequence, calls, columns_bytes, columns }
    }

    fn write(&self, file: &mut impl Write) -> Outcome {
        file.write_all(&[self.instance])?;
        for number in [self.calls, self.columns_bytes, self.columns.len() as u32] {
            file.write_all(&number.to_le_bytes())?;
        }
        Ok(file.write_all(&self.columns)?)
    }

    fn read(file: &mut impl Read) -> Outcome<Option<Self>> {
        let mut instance = [0];
        match file.read_exact(&mut instance) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut numbers = [0; 12];
        file.read_exact(&mut numbers)?;
        let [calls, columns_bytes, length] = [0, 4, 8].map(|at| {
            let bytes = [numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]];
            u32::from_le_bytes(bytes)
        });
        let mut columns = vec![0; length as usize];
        file.read_exact(&mut columns)?;
        Ok(Some(Self { instance: instance[0], calls, columns_bytes, columns }))
    }
}

/// Packs the calls of an hour; what is full first is sent first.
pub(super) fn pack(workload: &mut Workload, hour: u64, path: &Path) -> Outcome {
    let mut file = BufWriter::new(File::create(path)?);
    let mut writers: Vec<BatchWriter> = (0..INSTANCES).map(|_| BatchWriter::default()).collect();
    let (mut trace, mut texts) = (Vec::new(), Texts::default());
    while workload.next(hour, &mut trace) {
        texts.order = trace.first().map(|call| workload::order(call.trace)).unwrap_or_default();
        for call in &trace {
            let writer = &mut writers[usize::from(call.instance)];
            push(writer, call, &mut texts);
            if writer.len() == BATCH_CALLS {
                close(writer, call.instance).write(&mut file)?;
            }
        }
    }
    for (instance, writer) in writers.iter_mut().enumerate().filter(|(_, writer)| !writer.is_empty()) {
        close(writer, instance as u8).write(&mut file)?;
    }
    Ok(file.flush()?)
}

/// Texts of one call, whose memory is used again for the next.
#[derive(Debug, Default)]
struct Texts {
    order: String,
    args: String,
    returned: String,
    error: String,
}

fn push(writer: &mut BatchWriter, call: &Call, texts: &mut Texts) {
    call.args(&texts.order, &mut texts.args);
    let [returned, failed] = [call.returned(&mut texts.returned), call.error(&mut texts.error)];
    let outcome = if failed { v1::Outcome::Error } else { v1::Outcome::Returned };
    let row = CallRow {
        function: writer.function(index(call.function), || function(call.function)),
        thread: writer.thread(call.thread.into(), || "tokio-rt-worker".into()),
        trace_id: workload::trace_id(call.trace).to_be_bytes(),
        call_id: call.id,
        parent_id: call.parent,
        started_at_ns: call.started_at_ns,
        duration_ns: call.duration_ns,
        outcome: outcome as i32,
        depth: call.depth,
        position: call.position,
        args: Some(&texts.args),
        returned: returned.then_some(texts.returned.as_str()),
        error: failed.then_some(texts.error.as_str()),
        ..CallRow::default()
    };
    writer.push(&row);
}

fn close(writer: &mut BatchWriter, instance: u8) -> Frame {
    let v1::CallBatch { calls, columns_bytes, columns, .. } = writer.finish(0);
    Frame { instance, calls, columns_bytes, columns }
}

/// The number by which instances know a function.
fn index(function: u16) -> u32 {
    u32::from(function) + 1
}

/// A function as instances describe it.
pub(super) fn function(function: u16) -> v1::Function {
    v1::Function {
        index: index(function),
        path: workload::function(function),
        file: workload::file(function),
        line: workload::line(function),
        arguments: ["user", "order", "item", "amount"].map(String::from).to_vec(),
        is_async: false,
    }
}

/// Batches in the order in which they were packed, read as they are asked for.
pub(super) struct Batches(BufReader<File>);

impl Batches {
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        Ok(Self(BufReader::new(File::open(path)?)))
    }
}

impl Iterator for Batches {
    type Item = Outcome<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        Frame::read(&mut self.0).transpose()
    }
}

#[cfg(test)]
mod tests {
    use glasshull_wire::Calls;

    use super::*;

    #[test]
    fn every_call_is_packed_once_and_comes_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut workload = Workload::of(200_000);
        pack(&mut workload, 0, file.path()).unwrap();
        let frames: Vec<Frame> = Batches::open(file.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(frames.iter().map(|frame| frame.calls).sum::<u32>(), 200_000);
        let calls = Calls::decode(&frames[0].clone().batch(1)).unwrap();
        assert_eq!(calls.len(), BATCH_CALLS);
        assert!(calls.args.get(0).unwrap().contains(r#""order":""#));
        assert!(!workload.next(0, &mut Vec::new()));
    }
}
