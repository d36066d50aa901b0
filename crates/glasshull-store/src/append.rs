//! The way of one batch from its sender to the journal's writer.

use std::collections::BTreeSet;
use std::sync::Arc;

use glasshull_wire::limits::{MAX_AHEAD_NS, MAX_BATCH_CALLS, MAX_COLUMNS_BYTES};
use glasshull_wire::v1::CallBatch;
use glasshull_wire::{BatchError, Calls, Message};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use crate::arrival::Arrival;
use crate::journal::writer::{Append, Order};
use crate::record::Record;
use crate::shared::{Room, SHORT_FROM, Shared};
use crate::{Appended, Source, StoreError, rows};

/// Time windows one batch may touch: two days of calls that took that long to end. Each becomes a file.
const MAX_WINDOWS_PER_BATCH: usize = 288;

/// What a row takes beside its values, in bytes, before it is known: numbers, ids, places in dictionaries, and these.
const ROW_BYTES: usize = 256;

/// Unpacking more bytes than this leaves the thread to others meanwhile.
const INLINE_BYTES: u32 = 128 << 10;

/// How long a sender is asked to wait when the live table is all but full.
const MAX_WAIT_MS: f64 = 1_000.0;

pub(crate) async fn append(
    shared: &Arc<Shared>,
    orders: &mpsc::Sender<Order>,
    source: &Source,
    batch: CallBatch,
) -> Result<Appended, StoreError> {
    source.check()?;
    let sequence = batch.sequence;
    if sequence == 0 || i64::try_from(sequence).is_err() {
        return Err(BatchError::Inconsistent("the sequence is not between 1 and 2^63 - 1").into());
    }
    let lane = shared.lanes.of(source.instance);
    let turn = lane.turn().await;
    lane.no_such_under_way(sequence).await;
    if sequence <= lane.durable() {
        return Ok(Appended::Repeated);
    }
    if lane.holds_up(sequence) {
        // What holds it up may be on its way again; refused now, this one would be left out when that has arrived.
        lane.none_under_way().await;
    }
    // Before it is asked what was refused: what fails from now on is noticed on the way.
    let under_way = lane.set_out(sequence);
    if lane.holds_up(sequence) {
        return Err(busy());
    }
    let (arrival, payload, room) = match with_room(shared, source, batch).await {
        Err(busy @ StoreError::Busy { .. }) => {
            lane.refuse(sequence);
            return Err(busy);
        }
        Err(wrong @ (StoreError::Batch(_) | StoreError::Ahead { .. })) => {
            lane.refuse_for_good(sequence);
            return Err(wrong);
        }
        other => other?,
    };
    let calls = arrival.calls() as u64;
    let received_at = shared.clock.monotonic();
    let (answer, durable) = oneshot::channel();
    let append = Append { payload, arrival, received_at, lane, under_way, room, answer };
    orders.send(Order::Append(Box::new(append))).await.map_err(|_| StoreError::Closed)?;
    // Those behind it come into the journal behind it.
    drop(turn);
    durable.await.map_err(|_| StoreError::Closed)?.map_err(StoreError::JournalUnwritable)?;
    Ok(Appended::Stored { calls, wait_ms: wait_ms(shared.fullness()) })
}

/// What a batch's rows take, by what it says of itself, as far as that is allowed at all.
fn estimate(batch: &CallBatch) -> usize {
    let plain = MAX_COLUMNS_BYTES.min(batch.columns_bytes as usize);
    plain + batch.columns.len() + MAX_BATCH_CALLS.min(batch.calls as usize) * ROW_BYTES
}

/// The batch as rows and as the journal's record, with the room its rows take: taken before it is decoded.
async fn with_room(
    shared: &Arc<Shared>,
    source: &Source,
    batch: CallBatch,
) -> Result<(Arrival, Vec<u8>, Room), StoreError> {
    let mut bytes = acquire(shared, shared.units(estimate(&batch))).await?;
    let (arrival, payload, windows) = decode(shared, source, batch).await?;
    let taken = shared.units(arrival.bytes()) as usize;
    match taken.checked_sub(bytes.num_permits()) {
        None => drop(bytes.split(bytes.num_permits() - taken)),
        Some(0) => {}
        Some(more) => bytes.merge(acquire(shared, more as u32).await?),
    }
    let windows = shared.windows.hold(windows).ok_or_else(|| {
        // They are free again when what is live has been published.
        shared.much_is_live.notify_one();
        busy()
    })?;
    Ok((arrival, payload, Room { bytes, windows: Some(windows) }))
}

/// A batch as rows and as the journal's record, with its time windows.
type Decoded = (Arrival, Vec<u8>, BTreeSet<i64>);

async fn acquire(shared: &Shared, units: u32) -> Result<OwnedSemaphorePermit, StoreError> {
    match timeout(shared.settings.append_within, Arc::clone(&shared.room).acquire_many_owned(units)).await {
        Ok(permit) => permit.map_err(|_| StoreError::Closed),
        Err(_) => Err(busy()),
    }
}

fn busy() -> StoreError {
    StoreError::Busy { retry_after_ms: MAX_WAIT_MS as u32 }
}

async fn decode(shared: &Arc<Shared>, source: &Source, batch: CallBatch) -> Result<Decoded, StoreError> {
    if batch.columns_bytes <= INLINE_BYTES {
        return decode_now(shared, source, batch);
    }
    let (shared, source) = (shared.clone(), source.clone());
    let decoded = tokio::task::spawn_blocking(move || decode_now(&shared, &source, batch)).await;
    decoded.map_err(|e| StoreError::Segment(e.to_string()))?
}

fn decode_now(shared: &Shared, source: &Source, batch: CallBatch) -> Result<Decoded, StoreError> {
    let now_ns = shared.clock.now_ns();
    let calls = Calls::decode(&batch)?;
    rows::check_times(&calls)?;
    check_ahead(&calls, now_ns)?;
    let windows = windows(&calls, shared.window_ns())?;
    let sequence = batch.sequence;
    let payload = Record::new(source, batch, now_ns).encode_to_vec();
    let arrival = Arrival::new(source, sequence, calls).map_err(|e| StoreError::Segment(e.to_string()))?;
    Ok((arrival, payload, windows))
}

fn check_ahead(calls: &Calls, now_ns: i64) -> Result<(), StoreError> {
    let ahead_ns = calls.started_at_ns.iter().max().map_or(0, |&last| last.saturating_sub(now_ns));
    if ahead_ns > MAX_AHEAD_NS { Err(StoreError::Ahead { ahead_ns }) } else { Ok(()) }
}

fn windows(calls: &Calls, window_ns: i64) -> Result<BTreeSet<i64>, StoreError> {
    let windows: BTreeSet<i64> = calls.started_at_ns.iter().map(|at| at.div_euclid(window_ns)).collect();
    match windows.len() {
        many if many > MAX_WINDOWS_PER_BATCH => {
            Err(BatchError::TooLarge { what: "time windows", is: many as u64, limit: MAX_WINDOWS_PER_BATCH as u64 }
                .into())
        }
        _ => Ok(windows),
    }
}

/// Nothing while there is room, then the longer the fuller the live table is: little at first, as what is short of room
/// for a moment is not to be seen later for it.
fn wait_ms(fullness: f64) -> u32 {
    let over = (fullness - SHORT_FROM) / (1.0 - SHORT_FROM);
    (over.clamp(0.0, 1.0).powi(2) * MAX_WAIT_MS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_wait_the_longer_the_less_room_there_is() {
        assert_eq!([0.0, SHORT_FROM, 1.0, 1.5].map(wait_ms), [0, 0, 1_000, 1_000]);
        let waits: Vec<u32> =
            (0..=10).map(|tenth| wait_ms(SHORT_FROM + 0.1 * f64::from(tenth) * (1.0 - SHORT_FROM))).collect();
        assert!(waits.is_sorted() && waits[1] <= 10 && waits[5] > 200, "{waits:?}");
    }
}
