//! Reading the journal at start: what was acknowledged and is not published comes into the live table again.

use std::sync::Arc;

use glasshull_catalog::Published;
use glasshull_wire::Calls;

use super::disk::Disk;
use super::format::{Found, HEADER_BYTES, Header, Reader};
use super::writer::Continuation;
use crate::arrival::Arrival;
use crate::record::Record;
use crate::shared::{Room, Shared};
use crate::stats::count;
use crate::{StoreError, rows};

/// Restores what the catalog says and what the journal holds; returns where the journal goes on.
///
/// # Errors
/// A journal file that cannot be read at all: whether to go on without it is for people to decide. One that cannot be
/// synced: what it holds may not be there after the next start.
pub(crate) fn replay(disk: &dyn Disk, shared: &Shared, published: Published) -> Result<Continuation, StoreError> {
    let now = shared.clock.monotonic();
    for (instance, sequence) in &published.sequences {
        shared.lanes.of(*instance).advance(*sequence, now);
    }
    for running in &published.running {
        put_running(shared, &running.call);
    }
    let numbers = disk.numbers().map_err(|e| disk.failed(&e))?;
    for &number in numbers.iter().filter(|&&number| number < published.checkpoint) {
        // Published before the last stop came in between. A file that stays is deleted at the next start.
        let _ = disk.remove(number);
    }
    let numbers: Vec<u64> = numbers.into_iter().filter(|&number| number >= published.checkpoint).collect();
    let mut at = Continuation { next: published.checkpoint.max(1), previous: 0 };
    let mut files = Files { disk, shared, next: None };
    for (i, &number) in numbers.iter().enumerate() {
        let sound = files.replay(number, numbers.get(i + 1).copied())?;
        // What is shown counts as durable from now on: a process that was killed may not have come to sync it.
        disk.sync(number).map_err(|e| unsynced(shared, &e))?;
        at = Continuation { next: number + 1, previous: sound };
    }
    Ok(at)
}

fn unsynced(shared: &Shared, error: &std::io::Error) -> StoreError {
    let why = format!("what the journal holds cannot be synced to disk: {error}; repair the disk and start again");
    StoreError::Folder { path: shared.settings.data.join("journal"), why }
}

/// A call that ran when the journal was published last.
fn put_running(shared: &Shared, call: &[u8]) {
    match arrival(call) {
        Ok(arrival) => {
            for (_, row) in arrival.running {
                shared.live.put_running(row);
            }
        }
        Err(why) => {
            count(&shared.counters.corrupt_records, 1);
            tracing::error!(why, "a running call in the catalog is damaged and is left out");
        }
    }
}

/// The journal's files, read one after the other; each says how much of the one before was acknowledged.
struct Files<'r> {
    disk: &'r dyn Disk,
    shared: &'r Shared,
    /// The file that was looked into for its header, and will be read next.
    next: Option<(u64, Vec<u8>)>,
}

impl Files<'_> {
    /// Reads a file into a generation of its own; how many of its bytes are sound.
    fn replay(&mut self, number: u64, following: Option<u64>) -> Result<u64, StoreError> {
        let file = match self.next.take() {
            Some((at, file)) if at == number => file,
            _ => self.read(number)?,
        };
        if let Some(following) = following {
            self.next = Some((following, self.read(following)?));
        }
        let acknowledged = self.acknowledged(number);
        let mut reader = Reader::new(&file, number, acknowledged);
        for found in reader.by_ref() {
            self.take(number, found);
        }
        self.shared.live.seal(number);
        Ok(reader.sound_bytes())
    }

    fn read(&self, number: u64) -> Result<Vec<u8>, StoreError> {
        self.disk.read(number).map_err(|e| self.disk.failed(&e))
    }

    /// How many bytes of file `number` the one behind it says were acknowledged. Says so where files in between are
    /// missing that held something.
    fn acknowledged(&self, number: u64) -> Option<u64> {
        let (next, file) = self.next.as_ref()?;
        let header = Header::decode(file)?;
        if *next == number + 1 {
            return Some(header.previous);
        }
        if header.previous > HEADER_BYTES as u64 {
            count(&self.shared.counters.corrupt_records, 1);
            tracing::error!(missing = next - 1, "a journal file is missing: acknowledged calls are lost");
        }
        None
    }

    fn take(&self, number: u64, found: Found<'_>) {
        let counters = &self.shared.counters;
        match found {
            Found::Payload(payload) => {
                if let Err(why) = self.take_record(number, payload) {
                    count(&counters.corrupt_records, 1);
                    tracing::error!(file = number, why, "a journal record is damaged: acknowledged calls are lost");
                }
            }
            Found::Damaged(bytes) => {
                count(&counters.corrupt_records, 1);
                tracing::error!(file = number, ?bytes, "the journal is damaged: acknowledged calls are lost");
            }
            Found::Torn(bytes) => {
                count(&counters.torn_bytes, bytes.end - bytes.start);
                tracing::warn!(file = number, ?bytes, "the last write to the journal was cut; it is left out");
            }
        }
    }

    fn take_record(&self, number: u64, payload: &[u8]) -> Result<(), String> {
        let arrival = arrival(payload)?;
        let lane = self.shared.lanes.of(arrival.instance);
        // A batch stands twice in the journal where the first time could not be acknowledged.
        if arrival.sequence <= lane.durable() {
            return Ok(());
        }
        lane.advance(arrival.sequence, self.shared.clock.monotonic());
        count(&self.shared.counters.replayed_records, 1);
        count(&self.shared.counters.replayed_calls, arrival.calls() as u64);
        let room = self.room(arrival.bytes());
        self.shared.live.show(number, vec![(arrival, room)], payload.len() as u64);
        Ok(())
    }

    /// What there is of the room: rows that were acknowledged come in even where the limit was lowered meanwhile.
    fn room(&self, bytes: usize) -> Option<Room> {
        let units = self.shared.units(bytes).min(self.shared.room.available_permits() as u32);
        let bytes = Arc::clone(&self.shared.room).try_acquire_many_owned(units).ok()?;
        Some(Room { bytes, windows: None })
    }
}

/// What a record says.
pub(crate) fn arrival(payload: &[u8]) -> Result<Arrival, String> {
    let (source, batch) = Record::decode_from(payload)?;
    // It was accepted: what a later version demands of arguments, which rows do not show, must not cost calls.
    let calls = Calls::decode_without_arguments(&batch).map_err(|e| e.to_string())?;
    rows::check_times(&calls).map_err(|e| e.to_string())?;
    Arrival::new(&source, batch.sequence, calls).map_err(|e| e.to_string())
}
