//! A batch on its way into the live table.

use std::sync::Arc;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use glasshull_catalog::InstanceId;
use glasshull_wire::v1::Outcome;
use glasshull_wire::{Calls, Message};

use crate::record::Record;
use crate::running::RunningRow;
use crate::{Source, rows};

/// A batch as rows, taken apart into calls that have ended and calls that run.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) instance: InstanceId,
    pub(crate) sequence: u64,
    /// All rows.
    pub(crate) rows: Arc<RecordBatch>,
    /// The rows of calls that have ended.
    pub(crate) ended: Arc<RecordBatch>,
    /// The ids of all rows.
    pub(crate) call_ids: Vec<u64>,
    /// The rows of calls that run, with their places among all rows, in order.
    pub(crate) running: Vec<(usize, RunningRow)>,
}

impl Arrival {
    pub(crate) fn new(source: &Source, sequence: u64, calls: Calls) -> Result<Self, ArrowError> {
        let runs = |outcome: &Outcome| *outcome == Outcome::Running;
        let places: Vec<usize> = (0..calls.len()).filter(|&row| runs(&calls.outcome[row])).collect();
        let encoded = places.iter().map(|&row| encoded(source, &calls, row)).collect();
        let call_ids = calls.call_id.clone();
        let started_at_ns: Vec<i64> = places.iter().map(|&row| calls.started_at_ns[row]).collect();
        let outcomes = calls.outcome.clone();
        let all = rows::rows(source, calls)?;
        let mut arrival = Self {
            instance: source.instance,
            sequence,
            ended: Arc::new(all.clone()),
            rows: Arc::new(all),
            call_ids,
            running: Vec::new(),
        };
        if !places.is_empty() {
            arrival.take_running(&places, encoded, &started_at_ns, &outcomes)?;
        }
        Ok(arrival)
    }

    fn take_running(
        &mut self,
        places: &[usize],
        encoded: Vec<Vec<u8>>,
        started_at_ns: &[i64],
        outcomes: &[Outcome],
    ) -> Result<(), ArrowError> {
        let running = outcomes.iter().map(|&outcome| outcome == Outcome::Running);
        self.ended = Arc::new(rows::only(&self.rows, running.map(|runs| !runs))?);
        for (row, call) in encoded.into_iter().enumerate() {
            let place = places[row];
            self.running.push((
                place,
                RunningRow {
                    instance: self.instance,
                    call_id: self.call_ids[place],
                    started_at_ns: started_at_ns[row],
                    call,
                    row: rows::one(&self.rows, place)?,
                },
            ));
        }
        Ok(())
    }

    /// How many calls are in it.
    pub(crate) fn calls(&self) -> usize {
        self.call_ids.len()
    }

    /// The memory its rows take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.ended.get_array_memory_size()
    }
}

fn encoded(source: &Source, calls: &Calls, row: usize) -> Vec<u8> {
    Record::of_one_call(source, calls, row).encode_to_vec()
}
