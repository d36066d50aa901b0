//! What reads stored bytes, as functions of bytes: for fuzzers (`fuzz/`), and for the property tests below, which run
//! everywhere. They panic where a promise is broken. Not part of a program.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::executor::block_on;
use glasshull_catalog::{Published, SegmentRow};
use glasshull_wire::limits::MAX_COLUMNS_BYTES;
use glasshull_wire::v1::{CallBatch, CallColumns};
use glasshull_wire::{BatchWriter, CallRow, Message};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::arrival::Arrival;
use crate::index::{Index, Key, Lookup, mentions, words_of_json, words_of_text};
use crate::journal::disk::{Disk, DiskFile};
use crate::journal::format::{FRAME_HEAD_BYTES, Found, HEADER_BYTES, Header, Reader, encode_frame};
use crate::journal::replay::{arrival, replay};
use crate::record::Record;
use crate::shared::Shared;
use crate::{Clock, Source, StoreError, StoreSettings, merge, rows, segment};

/// A segment as it is written today, and what it holds.
const SAMPLE: &[u8] = include_bytes!("../samples/segment-2.parquet");
const SAMPLE_CALLS: u64 = 5;

const WINDOW_NS: i64 = 600_000_000_000;

/// Of a larger batch no segment is made: it takes too long.
const MOST_PUBLISHED: usize = 64;

/// A clock that stands.
struct Noon;

impl Clock for Noon {
    fn now_ns(&self) -> i64 {
        1_795_226_400_000_000_000
    }
}

/// Journal files that are only read.
struct Files(BTreeMap<u64, Vec<u8>>);

impl Disk for Files {
    fn create(&self, _: u64) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        Ok(self.0.keys().copied().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        self.0.get(&number).cloned().ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> StoreError {
        StoreError::folder(std::path::Path::new("files"), error)
    }
}

/// A record of the journal, or a running call of the catalog.
pub fn record(bytes: &[u8]) {
    if let Ok(arrival) = arrival(bytes) {
        check(&arrival);
    }
}

/// The columns of a batch, unpacked, on their way through the journal.
pub fn columns(plain: &[u8]) {
    if plain.len() > MAX_COLUMNS_BYTES {
        return;
    }
    let calls = CallColumns::decode(plain).map_or(1, |columns| columns.function.len() as u32);
    let batch = CallBatch { sequence: 1, calls, columns_bytes: plain.len() as u32, columns: as_zstd(plain) };
    record(&Record::new(&Source::default(), batch, 0).encode_to_vec());
}

/// Bytes as zstd writes what cannot be compressed (RFC 8878): the store has no other use for a compressor.
fn as_zstd(plain: &[u8]) -> Vec<u8> {
    const MAX_BLOCK_BYTES: usize = 128 << 10;
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0xA0];
    frame.extend((plain.len() as u32).to_le_bytes());
    let blocks = plain.len().div_ceil(MAX_BLOCK_BYTES).max(1);
    for number in 0..blocks {
        let from = number * MAX_BLOCK_BYTES;
        let block = &plain[from..plain.len().min(from + MAX_BLOCK_BYTES)];
        let head = (block.len() as u32) << 3 | u32::from(number + 1 == blocks);
        frame.extend(&head.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}

/// What was read can be shown, and kept in the catalog and in segments.
fn check(arrival: &Arrival) {
    assert_eq!(arrival.rows.num_rows(), arrival.calls());
    assert_eq!(arrival.ended.num_rows() + arrival.running.len(), arrival.calls());
    assert_eq!(rows::table(&arrival.rows).map(|table| table.num_rows()).ok(), Some(arrival.calls()));
    for (place, running) in arrival.running.iter().take(MOST_PUBLISHED) {
        assert_eq!(arrival.call_ids[*place], running.call_id);
        let again = super::journal::replay::arrival(&running.call).expect("a running call is read as it was written");
        assert_eq!((again.call_ids, again.running.len()), (vec![running.call_id], 1));
    }
    if arrival.ended.num_rows() <= MOST_PUBLISHED {
        let written = segment::write("fuzz", 1, WINDOW_NS, std::slice::from_ref(&arrival.ended));
        let written = written.expect("what was read can be published");
        assert_eq!(written.iter().map(|segment| segment.row.calls).sum::<u64>(), arrival.ended.num_rows() as u64);
    }
}

/// A journal file, as it is; and a record in a sound file, of which then one bit is flipped.
pub fn journal(bytes: &[u8]) {
    for acknowledged in [None, Some(bytes.len() as u64 / 2), Some(bytes.len() as u64 + 9)] {
        read(bytes, acknowledged);
    }
    replayed(BTreeMap::from([(1, bytes.to_vec()), (2, file(2, bytes.len() as u64, &[&known(2)]))]));
    let Some((flip, payload)) = bytes.split_first_chunk::<4>() else { return };
    let mut first = file(1, 0, &[&known(1), payload, &known(3)]);
    let sound = first.len() as u64;
    let second = file(2, sound, &[&known(4)]);
    let before = replayed(BTreeMap::from([(1, first.clone()), (2, second.clone())]));
    assert!(before >= 3, "{before} of three sound records");
    let at = u32::from_le_bytes(*flip) as usize % (first.len() * 8);
    first[at / 8] ^= 1 << (at % 8);
    let after = replayed(BTreeMap::from([(1, first), (2, second)]));
    let touches = at / 8 >= HEADER_BYTES;
    assert!(after + u64::from(touches) >= 3, "{after} records are left of {before}: bit {at}");
}

/// A record of one call.
fn known(sequence: u64) -> Vec<u8> {
    let mut writer = BatchWriter::default();
    let function = writer.function(0, Default::default);
    let thread = writer.thread(0, String::new);
    writer.push(&CallRow { function, thread, call_id: sequence, outcome: 1, ..CallRow::default() });
    // Of another instance than any record that is made by chance.
    let source = Source { instance: glasshull_catalog::InstanceId([sequence as u8 ^ 0xA5; 16]), ..Source::default() };
    Record::new(&source, writer.finish(sequence), 0).encode_to_vec()
}

fn file(number: u64, previous: u64, payloads: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    Header { number, previous, is_relaxed: false }.encode(&mut file);
    for payload in payloads {
        encode_frame(number, file.len() as u64, payload, &mut file);
    }
    file
}

/// What a reader tells covers the file once, in order.
fn read(file: &[u8], acknowledged: Option<u64>) {
    let mut reader = Reader::new(file, 1, acknowledged);
    let (mut at, mut found) = (0, 0);
    for what in reader.by_ref() {
        found += 1;
        assert!(found <= 2 * file.len() + 2, "it comes to an end");
        match what {
            Found::Payload(payload) => at += (payload.len() + FRAME_HEAD_BYTES) as u64,
            Found::Damaged(bytes) | Found::Torn(bytes) => {
                assert!(bytes.start >= at && bytes.end > bytes.start, "{bytes:?} after {at}");
                at = bytes.end;
            }
        }
    }
    assert!(at <= acknowledged.unwrap_or(0).max(file.len() as u64));
    assert!(reader.sound_bytes() <= file.len() as u64);
}

/// Replays files; how many records there were.
fn replayed(files: BTreeMap<u64, Vec<u8>>) -> u64 {
    let (last, bytes) = files.last_key_value().map_or((0, 0), |(number, file)| (*number, file.len() as u64));
    let shared = Shared::new(StoreSettings::new("", "fuzz"), Arc::new(Noon), None);
    let at = replay(&Files(files), &shared, Published::default()).expect("the files can be read");
    assert!(at.next == last + 1 && at.previous <= bytes);
    let (stats, live) = (shared.stats(), shared.live.snapshot());
    let shown = live.live.iter().map(|rows| rows.num_rows()).sum::<usize>() + live.running.num_rows();
    assert!(shown as u64 <= stats.replayed_calls);
    stats.replayed_records
}

/// The mark of an index in a footer, and bytes that are said to be an index.
pub fn index(bytes: &[u8]) {
    let Some((rows, bytes)) = bytes.split_first_chunk::<4>() else { return };
    let rows = u32::from_le_bytes(*rows) as usize;
    let (mark, blocks) = bytes.split_at(bytes.iter().position(|byte| *byte == b'|').unwrap_or(bytes.len()));
    let mark = String::from_utf8_lossy(mark);
    let checked = format!("{mark} {:08x}", crc32c::crc32c(mark.as_bytes()));
    for mark in [mark.as_ref(), &checked] {
        let Some(index) = Index::parse(mark, rows) else { continue };
        assert_eq!(index.total_rows(), rows);
        for key in [Key::word(b"word"), Key::trace("0"), Key::function("f")] {
            assert!(index.place(key).end > index.place(key).start);
            let mut lookup = Lookup::default();
            let sound = lookup.add(key, blocks);
            // What was not read rules nothing out.
            assert!(sound || (0..index.granules().min(99)).all(|granule| lookup.may_have(granule, key)));
        }
        let last = index.granules().saturating_sub(1);
        assert!(index.granules() == 0 || (index.rows(0).start == 0 && index.rows(last).end == rows));
    }
}

/// A segment of which some bytes were changed, most of them in its footer: it is read whole, or said to be damaged.
pub fn segment(changes: &[u8]) {
    let mut file = SAMPLE.to_vec();
    for change in changes.as_chunks::<3>().0.iter().take(16) {
        let from_the_end = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        let at = file.len() - 1 - from_the_end;
        file[at] ^= change[2];
    }
    assert!(read_segment(&file).is_none_or(|calls| calls == 2 * SAMPLE_CALLS));
}

/// A file that is said to be a segment.
pub fn segment_file(file: &[u8]) {
    assert!(read_segment(file).is_none_or(|calls| calls == 2 * SAMPLE_CALLS));
}

/// Reads a file twice, as one merges two segments; how many rows there are, where it is not damaged.
fn read_segment(file: &[u8]) -> Option<u64> {
    let path = "calls/sample.parquet";
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    block_on(store.put(&Path::from(path), file.to_vec().into())).ok()?;
    let row = SegmentRow {
        path: path.into(),
        bytes: file.len() as u64,
        calls: SAMPLE_CALLS,
        window_end_ns: i64::MAX,
        ..SegmentRow::default()
    };
    // Parquet's reader panics at some damage; a merge takes that for damage, as it does here.
    catch_unwind(AssertUnwindSafe(|| block_on(merge::read_all(&store, &[row.clone(), row])))).ok().flatten()
}

/// Texts in values, and what is looked for in them: what is mentioned has its words.
pub fn words(text: &str) {
    let (json, part) = text.split_once('|').unwrap_or((text, text));
    for json in [json.to_owned(), format!("\"{}\"", json.escape_default())] {
        let mut has = Vec::new();
        words_of_json(&json, |word| has.push(word.to_vec()));
        if mentions(&json, part) {
            words_of_text(part, |word| assert!(has.iter().any(|other| other == word), "{word:?} in {json}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use glasshull_wire::{BatchError, Calls};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sample_is_read_whole() {
        segment(&[]);
        assert_eq!(read_segment(SAMPLE), Some(2 * SAMPLE_CALLS));
        assert_eq!(read_segment(&SAMPLE[1..]), None);
        // What is wrapped as zstd is unpacked again, also in several blocks.
        for bytes in [1, 300_000] {
            let batch = CallBatch {
                columns_bytes: bytes,
                columns: as_zstd(&vec![0xFF; bytes as usize]),
                calls: 1,
                sequence: 1,
            };
            let unpacked = Calls::decode(&batch);
            assert!(matches!(unpacked, Err(BatchError::Decode(_))), "{:?}", unpacked.err());
        }
        assert_eq!(replayed(BTreeMap::from([(1, file(1, 0, &[&known(1), &known(2)]))])), 2);
    }

    proptest! {
        #[test]
        fn no_stored_bytes_break_a_promise(
            bytes: Vec<u8>, changes in prop::collection::vec(any::<u8>(), 0..12), text in "[a-c\"\\\\|{}: é]{0,30}",
            mark in "[0-9]{1,3} [0-9]{1,20} [0-9]{1,6} [0-9]{1,3} [0-9]{1,3}", rows in 0..99u32,
        ) {
            record(&bytes);
            columns(&bytes);
            journal(&bytes);
            segment(&changes);
            segment_file(&bytes);
            words(&text);
            index(&bytes);
            index(&[&rows.to_le_bytes(), mark.as_bytes(), b"|", &bytes].concat());
        }

        #[test]
        fn a_record_with_a_changed_byte_breaks_no_promise(at: prop::sample::Index, bits in 1u8.., cut: bool) {
            let mut bytes = known(1);
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
            bytes.truncate(if cut { at } else { bytes.len() });
            record(&bytes);
            journal(&bytes);
        }
    }
}
