//! A bounded queue of byte records from one thread to the sender: one producer, one consumer, no lock, no allocation
//! after the first.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Bytes that precede each record: its length.
pub(crate) const HEADER_BYTES: usize = 4;

struct Ring {
    /// A power of two of bytes.
    bytes: Box<[UnsafeCell<u8>]>,
    /// Bytes ever written and bytes ever read, both wrapping: what lies between belongs to the consumer, the rest to
    /// the producer.
    written: Line,
    read: Line,
    closed: AtomicBool,
}

/// A cache line of its own: the two sides write theirs without disturbing the other.
#[repr(align(128))]
struct Line(AtomicUsize);

// SAFETY: `bytes` is only touched through `Producer`, of which there is one, in the part between `read` and `written`
// plus capacity, and through `Consumer`, of which there is one, in the other part. Each side hands bytes over with a
// release store that the other side acquires.
unsafe impl Sync for Ring {}

/// A ring of `capacity` bytes, rounded up to a power of two.
pub(crate) fn ring(capacity: usize) -> (Producer, Consumer) {
    let bytes = vec![0u8; capacity.next_power_of_two()].into_boxed_slice();
    // SAFETY: `UnsafeCell<u8>` has the layout of `u8`, and the box is handed over whole.
    let bytes = unsafe { Box::from_raw(Box::into_raw(bytes) as *mut [UnsafeCell<u8>]) };
    let line = || Line(AtomicUsize::new(0));
    let ring = Arc::new(Ring { bytes, written: line(), read: line(), closed: AtomicBool::new(false) });
    (Producer { ring: Arc::clone(&ring), written: 0, read: 0 }, Consumer { ring, wrapped: Vec::new() })
}

impl Ring {
    /// The bytes from `position` on, and those at the start, that `length` bytes there occupy.
    fn parts(&self, position: usize, length: usize) -> (*mut u8, usize, *mut u8, usize) {
        let at = position & (self.bytes.len() - 1);
        let first = length.min(self.bytes.len() - at);
        let start = UnsafeCell::raw_get(self.bytes.as_ptr());
        // `at` lies inside the slice.
        (start.wrapping_add(at), first, start, length - first)
    }

    /// # Safety
    /// The caller owns these bytes, and `length` is at most the capacity.
    unsafe fn write(&self, position: usize, from: &[u8]) {
        let (first, first_length, second, second_length) = self.parts(position, from.len());
        // SAFETY: both parts lie inside the slice, and nobody else touches them, as the caller owns them.
        unsafe {
            std::ptr::copy_nonoverlapping(from.as_ptr(), first, first_length);
            std::ptr::copy_nonoverlapping(from.as_ptr().add(first_length), second, second_length);
        }
    }

    /// # Safety
    /// The caller owns these bytes while the result is in use, and `length` is at most the capacity.
    unsafe fn read<'a>(&'a self, position: usize, length: usize, wrapped: &'a mut Vec<u8>) -> &'a [u8] {
        let (first, first_length, second, second_length) = self.parts(position, length);
        // SAFETY: both parts lie inside the slice and are initialized, and nobody writes them, as the caller owns them.
        let (first, second) = unsafe {
            (std::slice::from_raw_parts(first, first_length), std::slice::from_raw_parts(second, second_length))
        };
        if second.is_empty() {
            return first;
        }
        wrapped.clear();
        wrapped.extend_from_slice(first);
        wrapped.extend_from_slice(second);
        wrapped
    }
}

/// The writing side. When it is dropped, the ring is closed.
pub(crate) struct Producer {
    ring: Arc<Ring>,
    written: usize,
    /// As last seen: there may be more room by now.
    read: usize,
}

impl Producer {
    /// Writes a record if it leaves `reserved` bytes free.
    pub(crate) fn push(&mut self, record: &[u8], reserved: usize) -> bool {
        let length = HEADER_BYTES + record.len();
        if self.free(length + reserved) < length + reserved {
            return false;
        }
        let header = (record.len() as u32).to_le_bytes();
        // SAFETY: these bytes are free, so they are the producer's, and there are no more of them than the capacity.
        unsafe {
            self.ring.write(self.written, &header);
            self.ring.write(self.written.wrapping_add(HEADER_BYTES), record);
        }
        self.written = self.written.wrapping_add(length);
        self.ring.written.0.store(self.written, Ordering::Release);
        true
    }

    /// Free bytes; looks again at what was read if those it knows of are fewer than `wanted`.
    pub(crate) fn free(&mut self, wanted: usize) -> usize {
        let capacity = self.ring.bytes.len();
        let known = capacity - self.written.wrapping_sub(self.read);
        if known >= wanted {
            return known;
        }
        self.read = self.ring.read.0.load(Ordering::Acquire);
        capacity - self.written.wrapping_sub(self.read)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.ring.closed.store(true, Ordering::Release);
    }
}

/// The reading side.
pub(crate) struct Consumer {
    ring: Arc<Ring>,
    /// Holds a record that wraps around the end.
    wrapped: Vec<u8>,
}

impl Consumer {
    /// Hands over all records that are there now, oldest first.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(&[u8])) {
        let written = self.ring.written.0.load(Ordering::Acquire);
        let mut read = self.ring.read.0.load(Ordering::Relaxed);
        while read != written {
            let mut header = [0; HEADER_BYTES];
            // SAFETY: bytes between `read` and `written` are the consumer's until it moves `read`.
            let length = unsafe {
                header.copy_from_slice(self.ring.read(read, HEADER_BYTES, &mut self.wrapped));
                let length = u32::from_le_bytes(header) as usize;
                take(self.ring.read(read.wrapping_add(HEADER_BYTES), length, &mut self.wrapped));
                length
            };
            read = read.wrapping_add(HEADER_BYTES + length);
            self.ring.read.0.store(read, Ordering::Release);
        }
    }

    /// Whether the producer is gone. What it wrote before is seen by a [`Self::drain`] after this.
    pub(crate) fn is_closed(&self) -> bool {
        self.ring.closed.load(Ordering::Acquire)
    }

    /// Whether there is nothing to read now.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.written.0.load(Ordering::Acquire) == self.ring.read.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(consumer: &mut Consumer) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        consumer.drain(|record| records.push(record.to_vec()));
        records
    }

    #[test]
    fn records_come_out_in_order_also_around_the_end() {
        let (mut producer, mut consumer) = ring(64);
        for round in 0..100u8 {
            let records = [vec![round; 13], vec![round; 7], vec![]];
            assert!(records.iter().all(|record| producer.push(record, 0)));
            assert_eq!(drained(&mut consumer), records);
        }
    }

    #[test]
    fn a_full_ring_refuses_and_loses_nothing_it_took() {
        let (mut producer, mut consumer) = ring(64);
        let taken = (0..10u8).filter(|&i| producer.push(&[i; 12], 0)).count();
        assert_eq!(taken, 4);
        assert_eq!(drained(&mut consumer), (0..4u8).map(|i| vec![i; 12]).collect::<Vec<_>>());
        assert!(producer.push(&[9; 60], 0));
        assert!(!producer.push(&[], 0));
    }

    #[test]
    fn reserved_bytes_stay_free() {
        let (mut producer, _consumer) = ring(64);
        assert!(!producer.push(&[0; 30], 31));
        assert!(producer.push(&[0; 30], 30));
        assert!(producer.push(&[0; 26], 0));
    }

    #[test]
    fn a_record_larger_than_the_ring_is_refused() {
        let (mut producer, mut consumer) = ring(64);
        assert!(!producer.push(&[0; 100], 0));
        assert!(drained(&mut consumer).is_empty());
    }

    #[test]
    fn a_dropped_producer_closes_the_ring_behind_its_last_record() {
        let (mut producer, mut consumer) = ring(64);
        assert!(producer.push(b"last", 0) && !consumer.is_closed());
        drop(producer);
        assert!(consumer.is_closed());
        assert_eq!(drained(&mut consumer), [b"last".to_vec()]);
    }

    #[test]
    fn two_threads_agree() {
        const RECORDS: u32 = if cfg!(miri) { 200 } else { 200_000 };
        let (mut producer, mut consumer) = ring(256);
        let writer = std::thread::spawn(move || {
            for i in 0..RECORDS {
                let record = vec![i as u8; (i % 50) as usize];
                while !producer.push(&record, 0) {
                    std::thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < RECORDS {
            consumer.drain(|record| {
                assert_eq!(record, vec![expected as u8; (expected % 50) as usize]);
                expected += 1;
            });
            std::thread::yield_now();
        }
        writer.join().unwrap();
    }
}
