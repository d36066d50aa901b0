//! The SDK's ring between a captured thread and the sender, its very source, on loom's atomics instead of std's, its bytes
//! watched: loom runs what uses it in every order the threads can get into.
//!
//! What loom cannot see by itself is told by the ring: where it claims bytes to write them and where it reads them. Bytes
//! that one side touches before it knows that the other is done with them are a fault, whatever is in them.
#![allow(dead_code, reason = "the SDK uses more of these modules")]

#[path = "../../lib/glasshull/src/value/buffer.rs"]
mod buffer;
#[path = "../../lib/glasshull/src/ring.rs"]
mod ring;
mod sync;

mod value {
    pub(crate) use crate::buffer::{Buffer, SLACK};
}

pub use sync::{Site, with_relaxed};

/// A ring in which records with contents of up to `longest` bytes may begin in the first `capacity` bytes.
pub fn ring(capacity: usize, longest: usize) -> (Producer, Consumer) {
    let (producer, consumer) = ring::ring(capacity, ring::HEADER_BYTES + longest + buffer::SLACK);
    (Producer(producer), Consumer(consumer))
}

/// The writing side.
pub struct Producer(ring::Producer);

impl Producer {
    /// Writes a record if it leaves so many bytes free, in the way calls are written.
    pub fn push(&mut self, record: &[u8], leave: usize) -> bool {
        // SAFETY: the buffer is used in here only, before the next call.
        let mut buffer = unsafe { if self.0.is_roomy(leave) { self.0.open_roomy() } else { self.0.open(leave) } };
        buffer.extend(record);
        if buffer.is_overflowed() {
            return false;
        }
        // SAFETY: just written.
        unsafe { self.0.commit(record.len()) };
        true
    }

    /// Keeps bytes free that were left by the last push.
    pub fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes);
    }

    /// The next record may take what was reserved.
    pub fn release(&mut self, bytes: usize) {
        self.0.release(bytes);
    }
}

/// The reading side.
pub struct Consumer(ring::Consumer);

impl Consumer {
    /// All records that are there now, behind those that are there already.
    pub fn drain_into(&mut self, records: &mut Vec<Vec<u8>>) {
        self.0.drain(|record| records.push(record.to_vec()));
    }

    /// Whether the producer is gone.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// The bytes of a record besides its content.
pub const HEADER_BYTES: usize = ring::HEADER_BYTES;
