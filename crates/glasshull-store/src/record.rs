//! What a journal record says: who sent which batch. Records can be read alone, so that nothing else must survive for
//! them to be understood.

use glasshull_catalog::InstanceId;
use glasshull_wire::v1::{CallBatch, Function};
use glasshull_wire::{BatchWriter, Calls, Message};

use crate::Source;

/// One record. Fields are never renumbered: `samples/` holds records of every version that was released.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Record {
    #[prost(message, required, tag = "1")]
    source: RecordedSource,
    #[prost(message, required, tag = "2")]
    pub(crate) batch: CallBatch,
    /// By the hub's clock, in nanoseconds since 1970-01-01 UTC.
    #[prost(int64, tag = "3")]
    pub(crate) received_at_ns: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RecordedSource {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    instance: Vec<u8>,
    #[prost(string, tag = "2")]
    service: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    class: String,
    #[prost(string, tag = "5")]
    release: String,
}

impl Record {
    pub(crate) fn new(source: &Source, batch: CallBatch, received_at_ns: i64) -> Self {
        let source = RecordedSource {
            instance: source.instance.0.to_vec(),
            service: source.service.clone(),
            name: source.name.clone(),
            class: source.class.clone(),
            release: source.release.clone(),
        };
        Self { source, batch, received_at_ns }
    }

    /// A record of its own for one call of a batch: how calls that run are kept in the catalog.
    pub(crate) fn of_one_call(source: &Source, calls: &Calls, row: usize) -> Self {
        let mut call = calls.row(row);
        let mut writer = BatchWriter::default();
        // What a row shows of a function, and no more: each running call has a record of its own.
        let Function { path, file, line, .. } = &calls.functions[calls.function[row] as usize];
        let function = || Function { path: path.clone(), file: file.clone(), line: *line, ..Function::default() };
        call.function = writer.function(0, function);
        call.thread = writer.thread(0, || calls.threads[calls.thread[row] as usize].clone());
        writer.push(&call);
        Self::new(source, writer.finish(1), 0)
    }

    /// # Errors
    /// Why the bytes are no record.
    pub(crate) fn decode_from(bytes: &[u8]) -> Result<(Source, CallBatch), String> {
        let Self { source, batch, .. } = Self::decode(bytes).map_err(|e| e.to_string())?;
        let instance = <[u8; 16]>::try_from(source.instance.as_slice()).map_err(|e| format!("instance: {e}"))?;
        let RecordedSource { service, name, class, release, .. } = source;
        Ok((Source { instance: InstanceId(instance), service, name, class, release }, batch))
    }
}
