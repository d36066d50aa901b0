//! What reads messages from outside, as functions of bytes: for fuzzers (`fuzz/`), and for the property tests, which run
//! everywhere. They panic where a promise is broken. Not part of a program.

use crate::entries::within_instance_limits;
use crate::limits::{MAX_BATCH_CALLS, MAX_COLUMNS_BYTES, MAX_NAME_BYTES, MAX_PATTERNS, MAX_PROBES, MAX_VALUE_BYTES};
use crate::v1::{CallBatch, CallColumns, ToHub, ToInstance, to_hub};
use crate::{Calls, Message, pattern};

/// A message from an instance; a batch in it is unpacked.
pub fn to_hub(bytes: &[u8]) {
    let Ok(ToHub { message: Some(message) }) = ToHub::decode(bytes) else { return };
    if let to_hub::Message::Batch(batch) = message {
        self::batch(&batch);
    }
}

/// A message from a hub. One that keeps the limits is decoded, and takes no more memory than they allow.
pub fn to_instance(bytes: &[u8]) {
    use crate::v1::to_instance::Message;
    if !within_instance_limits(bytes) {
        return;
    }
    let probes = match ToInstance::decode(bytes).map(|message| message.message) {
        Ok(Some(Message::Probes(probes))) => probes,
        Ok(Some(Message::Welcome(welcome))) => welcome.probes.unwrap_or_default(),
        _ => return,
    };
    assert!(probes.probes.len() <= 16 * MAX_PROBES);
    let patterns = probes.probes.iter().flat_map(|probe| &probe.patterns);
    assert!(patterns.clone().count() <= MAX_PROBES * MAX_PATTERNS);
    patterns.take(MAX_PATTERNS).for_each(|names| {
        pattern::matches(names, "shop::pricing::quote");
    });
}

/// A batch as it was sent.
pub fn batch(batch: &CallBatch) {
    for calls in [Calls::decode(batch), Calls::decode_without_arguments(batch)].into_iter().flatten() {
        check(&calls);
    }
}

/// The columns of a batch, unpacked: whatever they are, they are packed again as an instance that lies would.
pub fn columns(plain: &[u8]) {
    if plain.len() > MAX_COLUMNS_BYTES {
        return;
    }
    let calls = CallColumns::decode(plain).map_or(1, |columns| columns.function.len() as u32);
    let Ok(columns) = zstd::bulk::compress(plain, 1) else { return };
    batch(&CallBatch { sequence: 1, calls, columns_bytes: plain.len() as u32, columns });
}

/// What is promised of calls that were checked: all places exist, all texts are within their limits.
fn check(calls: &Calls) {
    assert!(calls.len() <= MAX_BATCH_CALLS);
    assert!(calls.functions.iter().all(|function| function.path.len() <= MAX_NAME_BYTES));
    for place in 0..calls.len() {
        let row = calls.row(place);
        let texts = [row.args, row.returned, row.error];
        assert!(texts.into_iter().flatten().all(|text| text.len() <= MAX_VALUE_BYTES));
        let _ = (&calls.functions[row.function as usize], &calls.threads[row.thread as usize]);
    }
}
