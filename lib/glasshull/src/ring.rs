//! A bounded queue of records from one thread to the sender: one producer, one consumer, no lock, no allocation after
//! the first. A record is written where it will be read.

use std::cell::UnsafeCell;
use std::sync::Arc;

use crate::sync::{AtomicBool, AtomicUsize, Bytes, Ordering, claims, reads};
use crate::value::{Buffer, SLACK};

/// Bytes that precede each record: its length.
pub(crate) const HEADER_BYTES: usize = 4;

/// Bytes of a cache line, as processors have them that we know.
const LINE_BYTES: usize = 64;

/// So far ahead of the producer the ring's lines are fetched for writing. The consumer read them on another core, from
/// where the producer would have to get each back in the midst of a call: a hundred cycles or more where the two cores
/// share no cache. Of 256 to 512 bytes all are as good; at 1,024 some have been lost again before they are written.
const AHEAD_BYTES: usize = 384;

struct Ring {
    /// Records begin in the first `capacity` bytes. The last of a lap may reach beyond them, into the rest, which is as
    /// long as the longest record: so each lies in one piece.
    bytes: Bytes,
    capacity: usize,
    /// Bytes ever written and ever read, both wrapping; a record that reaches beyond the capacity counts up to there.
    /// What lies between belongs to the consumer, the rest to the producer.
    written: Line,
    read: Line,
    closed: AtomicBool,
}

/// A cache line of its own (two, as processors fetch them in pairs): the two sides write theirs without disturbing the
/// other.
#[repr(align(128))]
struct Line(AtomicUsize);

// SAFETY: `bytes` is only touched through `Producer`, of which there is one, in the part between `written` and `read`
// plus capacity, and through `Consumer`, of which there is one, in the other part. Each side hands bytes over with a
// release store that the other side acquires. The bytes beyond the capacity belong with the last record of a lap.
unsafe impl Sync for Ring {}
// SAFETY: as above; the bytes are owned.
unsafe impl Send for Ring {}

/// A ring in which records of up to `longest` bytes, header included, may begin in the first `capacity` bytes.
pub(crate) fn ring(capacity: usize, longest: usize) -> (Producer, Consumer) {
    let longest = longest.max(HEADER_BYTES + SLACK);
    let bytes = (0..capacity + longest).map(|_| UnsafeCell::new(0)).collect();
    let line = || Line(AtomicUsize::new(0));
    let ring = Arc::new(Ring { bytes, capacity, written: line(), read: line(), closed: AtomicBool::new(false) });
    let (next, wrap) = (ring.place(0), ring.place(capacity));
    let producer = Producer { ring: Arc::clone(&ring), longest, next, wrap, written: 0, read: 0, limit: capacity };
    (producer, Consumer { ring, at: 0 })
}

impl Ring {
    #[inline(always)]
    fn place(&self, at: usize) -> *mut u8 {
        // `at` lies inside the slice.
        UnsafeCell::raw_get(self.bytes.as_ptr()).wrapping_add(at)
    }

    /// The place behind a record, and how many bytes it counts.
    #[inline(always)]
    fn behind(&self, at: usize, length: usize) -> (usize, usize) {
        match at + length {
            next if next < self.capacity => (next, length),
            _ => (0, self.capacity - at),
        }
    }
}

/// The writing side. When it is dropped, the ring is closed.
pub(crate) struct Producer {
    ring: Arc<Ring>,
    longest: usize,
    /// Where the next record begins.
    next: *mut u8,
    /// Where no record begins any more.
    wrap: *mut u8,
    written: usize,
    /// As last seen: there may be more room by now.
    read: usize,
    /// Up to here may be written, by what was read and what is reserved.
    limit: usize,
}

// SAFETY: `next` and `wrap` point into the ring it holds; what may be done there is said at `Ring`.
unsafe impl Send for Producer {}

impl Producer {
    /// One into which nothing can be written, and which nobody reads.
    pub(crate) fn without_room() -> Self {
        let (mut producer, _) = ring(0, 0);
        producer.limit = 0;
        producer
    }

    /// Whether there is room for the longest record, and `leave` bytes behind it, without looking how much was read
    /// meanwhile.
    #[inline(always)]
    pub(crate) fn is_roomy(&self, leave: usize) -> bool {
        self.limit.wrapping_sub(self.written) >= self.longest + leave
    }

    /// The place of the next record's content, with `leave` bytes left free behind it; overflowed if there is none.
    /// Nothing is in the ring before [`Self::commit`].
    ///
    /// # Safety
    /// The buffer is used neither after [`Self::commit`], nor after the next call of this, nor after the ring's end.
    #[inline]
    pub(crate) unsafe fn open(&mut self, leave: usize) -> Buffer<'static> {
        let length = if self.is_roomy(leave) { self.longest } else { self.look(leave) };
        claims!(self.ring.bytes, self.next, length);
        match length.checked_sub(HEADER_BYTES + SLACK) {
            // SAFETY: so many bytes from here on are the producer's, all inside the slice; the caller keeps to the time.
            Some(content) => unsafe { Buffer::over(self.next.wrapping_add(HEADER_BYTES), content) },
            None => Buffer::empty(),
        }
    }

    /// The same where the producer [is roomy](Self::is_roomy).
    ///
    /// # Safety
    /// As [`Self::open`].
    #[inline(always)]
    pub(crate) unsafe fn open_roomy(&mut self) -> Buffer<'static> {
        claims!(self.ring.bytes, self.next, self.longest);
        // Not less than nothing: `ring` sees to it.
        let content = self.longest.wrapping_sub(HEADER_BYTES + SLACK);
        // SAFETY: as in `open`.
        unsafe { Buffer::over(self.next.wrapping_add(HEADER_BYTES), content) }
    }

    /// Looks how much was read meanwhile. How long a record may be.
    #[cold]
    #[inline(never)]
    fn look(&mut self, leave: usize) -> usize {
        let read = self.ring.read.0.load(Ordering::Acquire);
        self.limit = self.limit.wrapping_add(read.wrapping_sub(self.read));
        self.read = read;
        self.limit.wrapping_sub(self.written).saturating_sub(leave).min(self.longest)
    }

    /// Hands over the record whose content was written at the place that [`Self::open`] gave.
    ///
    /// # Safety
    /// So many bytes were written there.
    #[inline(always)]
    pub(crate) unsafe fn commit(&mut self, content: usize) {
        claims!(self.ring.bytes, self.next, HEADER_BYTES + content);
        // SAFETY: these bytes are the producer's.
        unsafe { self.next.cast::<[u8; HEADER_BYTES]>().write((content as u32).to_le_bytes()) };
        let mut counted = HEADER_BYTES + content;
        let mut next = self.next.wrapping_add(counted);
        if next >= self.wrap {
            counted = (self.wrap as usize).wrapping_sub(self.next as usize);
            next = self.ring.place(0);
        }
        fetch_ahead(self.next, counted);
        self.next = next;
        self.written = self.written.wrapping_add(counted);
        self.ring.written.0.store(self.written, Ordering::Release);
    }

    /// Keeps bytes free that were left by the last [`Self::open`].
    #[inline(always)]
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.limit = self.limit.wrapping_sub(bytes);
    }

    /// The next record may take what was reserved.
    #[inline(always)]
    pub(crate) fn release(&mut self, bytes: usize) {
        self.limit = self.limit.wrapping_add(bytes);
    }

    /// Writes a record if it leaves `reserved` bytes free.
    #[cfg(test)]
    pub(crate) fn push(&mut self, record: &[u8], reserved: usize) -> bool {
        // SAFETY: the buffer is used in here only.
        let mut buffer = unsafe { self.open(reserved) };
        buffer.extend(record);
        if buffer.is_overflowed() {
            return false;
        }
        // SAFETY: just written.
        unsafe { self.commit(record.len()) };
        true
    }
}

/// Asks for the lines that come into reach when a record of so many bytes was written here.
#[inline(always)]
fn fetch_ahead(from: *mut u8, bytes: usize) {
    let ahead = from.wrapping_add(AHEAD_BYTES);
    fetch_for_writing(ahead.wrapping_add(LINE_BYTES));
    fetch_for_writing(ahead.wrapping_add(2 * LINE_BYTES));
    // Most records are shorter than two lines.
    let mut fetched = 2 * LINE_BYTES;
    while bytes > fetched {
        fetched += LINE_BYTES;
        fetch_for_writing(ahead.wrapping_add(fetched));
    }
}

/// Asks the processor to get a line that is to be written. A hint: it does nothing where there is no such place.
#[inline(always)]
fn fetch_for_writing(place: *mut u8) {
    // The compiler's own intrinsic fetches for reading, unless it builds for newer processors only.
    // SAFETY: the instruction changes nothing a program can see, whatever the address. Processors that lack it take it
    // for one that does nothing.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    unsafe {
        std::arch::asm!("prefetchw byte ptr [{}]", in(reg) place, options(nostack, preserves_flags));
    }
    // SAFETY: as above.
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    unsafe {
        std::arch::asm!("prfm pstl1keep, [{}]", in(reg) place, options(nostack, preserves_flags));
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = place;
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.ring.closed.store(true, Ordering::Release);
    }
}

/// The reading side.
pub(crate) struct Consumer {
    ring: Arc<Ring>,
    /// Where the next record begins.
    at: usize,
}

impl Consumer {
    /// Hands over all records that are there now, oldest first. How full the ring was: at most 1.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(&[u8])) -> f64 {
        let written = self.ring.written.0.load(Ordering::Acquire);
        let mut read = self.ring.read.0.load(Ordering::Relaxed);
        let full = written.wrapping_sub(read) as f64 / self.ring.capacity as f64;
        while read != written {
            // SAFETY: bytes between `read` and `written` are the consumer's until it moves `read`; the producer wrote
            // the length and so many bytes behind it.
            let length = unsafe {
                reads!(self.ring.bytes, self.ring.place(self.at), HEADER_BYTES);
                let content = u32::from_le_bytes(self.ring.place(self.at).cast::<[u8; HEADER_BYTES]>().read()) as usize;
                reads!(self.ring.bytes, self.ring.place(self.at), HEADER_BYTES + content);
                take(std::slice::from_raw_parts(self.ring.place(self.at + HEADER_BYTES), content));
                HEADER_BYTES + content
            };
            let (next, counted) = self.ring.behind(self.at, length);
            self.at = next;
            read = read.wrapping_add(counted);
            self.ring.read.0.store(read, Ordering::Release);
        }
        full
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

    /// A ring in which records of up to `longest` bytes fit.
    fn small(capacity: usize, longest: usize) -> (Producer, Consumer) {
        ring(capacity, longest + SLACK)
    }

    #[test]
    fn records_come_out_in_order_also_around_the_end() {
        let (mut producer, mut consumer) = small(96, 32);
        for round in 0..100u8 {
            let records = [vec![round; 13], vec![round; 7], vec![]];
            assert!(records.iter().all(|record| producer.push(record, 0)));
            assert_eq!(drained(&mut consumer), records);
        }
    }

    #[test]
    fn a_full_ring_refuses_and_loses_nothing_it_took() {
        let (mut producer, mut consumer) = small(64 + SLACK, 64);
        let taken = (0..10u8).filter(|&i| producer.push(&[i; 12], 0)).count();
        assert_eq!(taken, 4);
        assert_eq!(drained(&mut consumer), (0..4u8).map(|i| vec![i; 12]).collect::<Vec<_>>());
        let (mut producer, mut consumer) = small(64 + SLACK, 64);
        assert!(producer.push(&[9; 60], 0));
        assert!(!producer.push(&[], 0));
        assert_eq!(drained(&mut consumer), [[9; 60]]);
    }

    #[test]
    fn what_is_left_free_stays_free() {
        let (mut producer, _consumer) = small(64 + SLACK, 64);
        assert!(!producer.push(&[0; 30], 31));
        assert!(producer.push(&[0; 30], 30));
        assert!(producer.push(&[0; 26], 0));
    }

    #[test]
    fn what_is_reserved_is_there_when_it_is_released() {
        let (mut producer, mut consumer) = small(64 + SLACK, 64);
        assert!(producer.push(&[1; 8], 36));
        producer.reserve(36);
        assert!(producer.push(&[], 0));
        assert!(!producer.push(&[], 13), "the rest is reserved");
        producer.release(36);
        assert!(producer.push(&[2; 36], 0));
        assert_eq!(drained(&mut consumer), [vec![1; 8], vec![], vec![2; 36]]);
    }

    #[test]
    fn a_record_larger_than_the_ring_is_refused() {
        let (mut producer, mut consumer) = small(64, 32);
        assert!(!producer.push(&[0; 29], 0));
        assert!(drained(&mut consumer).is_empty());
    }

    #[test]
    fn a_dropped_producer_closes_the_ring_behind_its_last_record() {
        let (mut producer, mut consumer) = small(64, 64);
        assert!(producer.push(b"last", 0) && !consumer.is_closed());
        drop(producer);
        assert!(consumer.is_closed());
        assert_eq!(drained(&mut consumer), [b"last".to_vec()]);
    }

    #[test]
    fn the_last_record_of_a_lap_lies_in_one_piece_and_is_not_overwritten() {
        let (mut producer, mut consumer) = small(64 + SLACK, 32);
        assert!(producer.push(&[1; 28], 0) && producer.push(&[2; 28], 0));
        // It begins at byte 64 and reaches beyond the 80.
        assert!(!producer.push(&[3; 20], 0));
        consumer.drain(|_| {});
        assert!(producer.push(&[3; 20], 0) && producer.push(&[4; 20], 0) && producer.push(&[5; 10], 0));
        assert_eq!(drained(&mut consumer), [vec![3; 20], vec![4; 20], vec![5; 10]]);
    }

    #[test]
    fn two_threads_agree() {
        const RECORDS: u32 = if cfg!(miri) { 200 } else { 20_000 };
        let (mut producer, mut consumer) = small(256, 64);
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
