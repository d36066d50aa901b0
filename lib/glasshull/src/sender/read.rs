//! What was read from the rings at a time, in the order in which it happened.

use std::sync::Arc;

use crate::record::{self, Entry, Exit, Record};

/// Records of all threads. Kept from round to round for its memory.
#[derive(Default)]
pub(super) struct Read {
    bytes: Vec<u8>,
    pub(super) events: Vec<Event>,
    /// Keys and names, by a ring's place.
    pub(super) threads: Vec<(u64, Arc<str>)>,
    /// Whose ends waited outside of the rings.
    pub(super) nobody: (u64, Arc<str>),
    pub(super) records: usize,
}

/// More than a busy round needs: what it took beyond is given back.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// A call's beginning, its end, or both where nothing came between them on their thread; each with the place of its
/// values.
pub(super) struct Event {
    pub(super) time: u64,
    pub(super) ring: usize,
    pub(super) entry: Option<(Entry, Place)>,
    pub(super) exit: Option<(Exit, Place)>,
}

/// Where bytes begin and end.
type Place = (usize, usize);

impl Read {
    /// Adds the next record of a ring, the last entry of which was in this trace.
    pub(super) fn add(&mut self, ring: usize, record: &[u8], trace_id: &mut [u8; 16]) {
        let Some((record, values)) = record::read(record, trace_id) else { return };
        self.records += 1;
        let place = (self.bytes.len(), self.bytes.len() + values.len());
        self.bytes.extend_from_slice(values);
        let event = match record {
            Record::Entry(entry) => Event { time: entry.started, ring, entry: Some((entry, place)), exit: None },
            Record::Exit(exit) => match self.events.last_mut() {
                Some(last) if last.ring == ring && last.awaits(&exit) => {
                    last.exit = Some((exit, place));
                    return;
                }
                _ => Event { time: exit.ended, ring, entry: None, exit: Some((exit, place)) },
            },
        };
        self.events.push(event);
    }

    pub(super) fn bytes(&self, (begin, end): Place) -> &[u8] {
        self.bytes.get(begin..end).unwrap_or_default()
    }

    /// The order of their times; of what happened at the same time, that in which it was read.
    pub(super) fn sort(&mut self) {
        self.events.sort_by_key(|event| event.time);
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.events.clear();
        self.threads.clear();
        self.records = 0;
        self.bytes.shrink_to(MAX_KEPT_BYTES);
        self.events.shrink_to(MAX_KEPT_BYTES / size_of::<Event>());
    }
}

impl Event {
    fn awaits(&self, exit: &Exit) -> bool {
        self.exit.is_none() && self.entry.is_some_and(|(entry, _)| entry.call_id == exit.call_id)
    }
}
