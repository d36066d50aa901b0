//! Bounded memory that a record is written into: bytes of a ring, or of a vector.

use std::marker::PhantomData;

/// Bytes behind the end that may be written over: what is short is written in whole words.
pub(crate) const SLACK: usize = 16;

/// A cursor over memory of its own for a while. What does not fit is not written, and remembered.
///
/// It exists because every captured value passes through it: a `Vec` asks whether to grow at each byte, a slice is
/// checked twice.
pub(crate) struct Buffer<'a> {
    start: *mut u8,
    /// Behind `end`, something did not fit: at most [`SLACK`] behind it.
    at: *mut u8,
    end: *mut u8,
    memory: PhantomData<&'a mut [u8]>,
}

impl<'a> Buffer<'a> {
    /// # Safety
    /// For `'a`, nobody else reads or writes the `length + SLACK` bytes from `start` on, all of which lie in one
    /// allocation and are initialized.
    #[inline(always)]
    pub(crate) unsafe fn over(start: *mut u8, length: usize) -> Self {
        Self { start, at: start, end: start.wrapping_add(length), memory: PhantomData }
    }

    /// Over no memory: nothing fits.
    pub(crate) const fn empty() -> Self {
        let nowhere = std::ptr::NonNull::<u8>::dangling().as_ptr();
        let start = nowhere.wrapping_add(1);
        Self { start, at: start, end: nowhere, memory: PhantomData }
    }

    /// Over memory that is borrowed, but for the slack.
    #[cfg(test)]
    pub(crate) fn of(memory: &'a mut [u8]) -> Self {
        let length = memory.len().checked_sub(SLACK).expect("room for the slack");
        // SAFETY: the borrow is exclusive for `'a`.
        unsafe { Self::over(memory.as_mut_ptr(), length) }
    }

    /// Bytes written.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        (self.at as usize).wrapping_sub(self.start as usize)
    }

    /// Bytes that can still be written.
    #[inline(always)]
    pub(crate) fn room(&self) -> usize {
        (self.end as usize).saturating_sub(self.at as usize)
    }

    /// Whether something did not fit.
    #[inline(always)]
    pub(crate) fn is_overflowed(&self) -> bool {
        self.at > self.end
    }

    /// Nothing fits from now on.
    #[cold]
    pub(crate) fn overflow(&mut self) {
        self.at = self.end.wrapping_add(1);
    }

    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    /// Writes all of the bytes or none.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        // Addresses and lengths are less than half of all numbers.
        if (self.at as usize).wrapping_add(bytes.len()) > self.end as usize {
            return self.overflow();
        }
        // SAFETY: just tested.
        unsafe { self.extend_fitting(bytes) };
    }

    /// Writes bytes that fit.
    ///
    /// # Safety
    /// There is room for so many.
    #[inline(always)]
    pub(crate) unsafe fn extend_fitting(&mut self, bytes: &[u8]) {
        // SAFETY: the caller vouches for the room, the memory is ours, and what is borrowed elsewhere is not in it.
        unsafe { copy(bytes.as_ptr(), self.at, bytes.len()) };
        self.at = self.at.wrapping_add(bytes.len());
    }

    /// Writes the first `length` bytes of a word, which fit.
    ///
    /// # Safety
    /// There is room for so many.
    #[inline(always)]
    pub(crate) unsafe fn extend_fitting_word(&mut self, word: u64, length: usize) {
        debug_assert!(length <= size_of::<u64>() && length <= self.room());
        // SAFETY: the caller vouches for `length`; the slack is ours too.
        unsafe { self.at.cast::<[u8; 8]>().write(word.to_le_bytes()) };
        self.at = self.at.wrapping_add(length);
    }

    /// The place behind so many more bytes, to be compared with a mark.
    #[inline(always)]
    pub(crate) fn behind(&self, bytes: usize) -> usize {
        (self.at as usize).wrapping_add(bytes)
    }

    /// Writes the `length` low bytes of what is given as a word and a number behind its first `head` bytes. One test, two
    /// stores: what lies behind is written over by what comes next.
    #[inline(always)]
    pub(crate) fn extend_head_and_number(&mut self, head: u32, head_bytes: usize, number: u64, length: usize) {
        const { assert!(size_of::<u32>() + size_of::<u64>() <= SLACK) };
        if self.is_overflowed() {
            return self.overflow();
        }
        // SAFETY: just tested.
        unsafe { self.extend_fitting_head_and_number(head, head_bytes, number, length) };
    }

    /// The same where something fits.
    ///
    /// # Safety
    /// Nothing has not fitted as yet.
    #[inline(always)]
    pub(crate) unsafe fn extend_fitting_head_and_number(
        &mut self,
        head: u32,
        head_bytes: usize,
        number: u64,
        length: usize,
    ) {
        debug_assert!(head_bytes <= size_of::<u32>() && length <= head_bytes + size_of::<u64>());
        debug_assert!(!self.is_overflowed());
        // SAFETY: `at` is not behind the end, and so many bytes behind that are ours.
        unsafe {
            self.at.cast::<[u8; 4]>().write(head.to_le_bytes());
            self.at.add(head_bytes.min(size_of::<u32>())).cast::<[u8; 8]>().write(number.to_le_bytes());
        }
        self.at = self.at.wrapping_add(length);
    }

    /// Writes the first `head_bytes` bytes of a word and these behind them, all or none.
    #[inline(always)]
    pub(crate) fn extend_head_and_bytes(&mut self, head: u64, head_bytes: usize, bytes: &[u8]) {
        debug_assert!(head_bytes <= size_of::<u64>());
        if self.behind(head_bytes.wrapping_add(bytes.len())) > self.end as usize {
            return self.overflow();
        }
        // SAFETY: just tested.
        unsafe {
            self.extend_fitting_word(head, head_bytes);
            self.extend_fitting(bytes);
        }
    }

    /// Writes the first `length` bytes of a word.
    #[inline(always)]
    pub(crate) fn extend_word(&mut self, word: u64, length: usize) {
        debug_assert!(length <= size_of::<u64>());
        if self.is_overflowed() {
            return self.overflow();
        }
        // SAFETY: as above.
        unsafe { self.at.cast::<[u8; 8]>().write(word.to_le_bytes()) };
        self.at = self.at.wrapping_add(length);
    }

    /// The place behind the first `length` bytes, to be compared with only.
    #[inline(always)]
    pub(crate) fn mark(&self, length: usize) -> usize {
        (self.start as usize).wrapping_add(length)
    }

    /// Whether the next byte stands before a mark.
    #[inline(always)]
    pub(crate) fn is_before(&self, mark: usize) -> bool {
        (self.at as usize) < mark
    }

    /// Writes the first words, where nothing was written before.
    #[inline(always)]
    pub(crate) fn begin_with_words<const N: usize>(&mut self, words: [u64; N]) {
        self.at = self.start.wrapping_add(8 * N);
        if self.is_overflowed() {
            return self.overflow();
        }
        self.put_words(0, words);
    }

    /// Writes words that fit, wherever else is being written.
    ///
    /// # Safety
    /// There is room for them from the start on.
    #[inline(always)]
    pub(crate) unsafe fn put_fitting_words<const N: usize>(&mut self, from: usize, words: [u64; N]) {
        debug_assert!(self.start.wrapping_add(from + 8 * N) <= self.end);
        for (place, word) in words.into_iter().enumerate() {
            // SAFETY: the caller vouches for the room, and the memory is ours.
            unsafe { self.start.add(from + place * 8).cast::<[u8; 8]>().write(word.to_le_bytes()) };
        }
    }

    /// Goes on behind so many bytes from the start, which were put there, or stay as they are.
    ///
    /// # Safety
    /// There is room for so many.
    #[inline(always)]
    pub(crate) unsafe fn begin_behind(&mut self, bytes: usize) {
        self.at = self.start.wrapping_add(bytes);
    }

    /// Writes over words.
    #[inline(always)]
    pub(crate) fn put_words<const N: usize>(&mut self, from: usize, words: [u64; N]) {
        let at = self.start.wrapping_add(from);
        if at.wrapping_add(8 * N) <= self.end {
            for (place, word) in words.into_iter().enumerate() {
                // SAFETY: these bytes lie inside, and the memory is ours.
                unsafe { at.add(place * 8).cast::<[u8; 8]>().write(word.to_le_bytes()) };
            }
        }
    }

    /// Forgets what was written behind the first `length` bytes, if there is room for so many.
    pub(crate) fn truncate(&mut self, length: usize) {
        let at = self.start.wrapping_add(length);
        if at <= self.end && at < self.at {
            self.at = at;
        }
    }

    /// What was written from a place on.
    pub(crate) fn written(&self, from: usize) -> &[u8] {
        let length = self.len().min((self.end as usize).wrapping_sub(self.start as usize));
        let from = from.min(length);
        // SAFETY: these bytes are initialized, and nobody writes them while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.start.add(from), length - from) }
    }

    /// Replaces bytes that were written.
    pub(crate) fn replace<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        if !self.is_overflowed() && at + N <= self.len() {
            // SAFETY: these bytes were written, so they lie inside, and the memory is ours.
            unsafe { self.start.add(at).cast::<[u8; N]>().write_unaligned(bytes) };
        }
    }
}

/// `memcpy` for what is mostly short: names, ids, numbers.
///
/// # Safety
/// As [`std::ptr::copy_nonoverlapping`].
#[inline]
unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    /// Two copies of a fixed length that overlap in the middle.
    ///
    /// # Safety
    /// As above; `length` is at least the size of `T` and at most twice that.
    #[inline(always)]
    unsafe fn ends<T>(from: *const u8, to: *mut u8, length: usize) {
        let last = length - size_of::<T>();
        // SAFETY: both lie inside the `length` bytes; both are read before either is written.
        unsafe {
            let (head, tail) = (from.cast::<T>().read_unaligned(), from.add(last).cast::<T>().read_unaligned());
            to.cast::<T>().write_unaligned(head);
            to.add(last).cast::<T>().write_unaligned(tail);
        }
    }
    // SAFETY: the caller vouches for `length` bytes; each arm keeps to them.
    unsafe {
        if length >= 16 {
            match length <= 32 {
                true => ends::<[u8; 16]>(from, to, length),
                false => std::ptr::copy_nonoverlapping(from, to, length),
            }
        } else if length >= 8 {
            ends::<[u8; 8]>(from, to, length);
        } else if length >= 4 {
            ends::<[u8; 4]>(from, to, length);
        } else if length >= 2 {
            ends::<[u8; 2]>(from, to, length);
        } else if length == 1 {
            to.write(from.read());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_are_copied() {
        let source: Vec<u8> = (0..200).collect();
        for length in 0..200 {
            let mut memory = [0xAA; 256 + SLACK];
            let mut buffer = Buffer::of(&mut memory);
            buffer.push(1);
            buffer.extend(&source[..length]);
            buffer.push(2);
            assert_eq!(buffer.written(0), [&[1], &source[..length], &[2]].concat());
            assert!(memory[length + 2..].iter().all(|&byte| byte == 0xAA));
        }
    }

    #[test]
    fn what_does_not_fit_is_not_written_and_remembered() {
        let mut memory = [0; 8 + SLACK];
        let mut buffer = Buffer::of(&mut memory[..6 + SLACK]);
        buffer.extend(b"abcd");
        assert!(!buffer.is_overflowed());
        buffer.extend(b"xyz");
        assert!(buffer.is_overflowed() && buffer.room() == 0);
        buffer.extend(b"");
        buffer.push(b'!');
        buffer.extend_head_and_number(7, 3, 7, 11);
        assert!(buffer.is_overflowed());
        assert_eq!(&buffer.written(0)[..4], b"abcd");
        buffer.truncate(2);
        assert_eq!((buffer.written(0), buffer.is_overflowed()), (&b"ab"[..], false));
        assert_eq!(memory[4..], [0; 4 + SLACK]);
    }

    #[test]
    fn numbers_stand_behind_their_head_and_write_no_further_than_the_slack() {
        let mut memory = [0xAA; 20 + SLACK + 1];
        let mut buffer = Buffer::of(&mut memory[..20 + SLACK]);
        for number in [1_u64, u64::MAX] {
            buffer.extend_head_and_number(0x0302_0109, 3, number, 11);
        }
        assert!(buffer.is_overflowed(), "the second reaches behind the end");
        assert_eq!(buffer.written(0)[..11], [9, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0]);
        buffer.extend_head_and_number(0, 3, 0, 11);
        assert_eq!(memory[20 + SLACK], 0xAA);
    }

    #[test]
    fn over_no_memory_nothing_is_written() {
        let mut buffer = Buffer::empty();
        assert!(buffer.is_overflowed());
        buffer.extend(b"");
        buffer.push(1);
        buffer.begin_with_words([1; 4]);
        buffer.put_words(0, [1]);
        buffer.extend_head_and_number(1, 3, 1, 11);
        buffer.truncate(0);
        buffer.truncate(32);
        assert_eq!((buffer.written(0), buffer.is_overflowed()), (&[][..], true));
    }

    #[test]
    fn what_was_written_can_be_replaced_and_forgotten() {
        let mut memory = [0; 8 + SLACK];
        let mut buffer = Buffer::of(&mut memory);
        buffer.extend(b"abcd");
        buffer.replace(1, *b"BC");
        buffer.replace(3, *b"XY");
        assert_eq!(buffer.written(0), b"aBCd");
        buffer.truncate(2);
        buffer.truncate(5);
        assert_eq!(buffer.written(0), b"aB");
    }
}
