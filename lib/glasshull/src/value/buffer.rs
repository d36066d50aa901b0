//! Bounded memory that a record is written into: bytes of a ring, or of a vector.

use std::marker::PhantomData;

/// A cursor over memory of its own for a while. What does not fit is not written, and remembered.
///
/// It exists because every captured value passes through it: a `Vec` asks whether to grow at each byte, a slice is
/// checked twice.
pub(crate) struct Buffer<'a> {
    start: *mut u8,
    at: *mut u8,
    end: *mut u8,
    overflowed: bool,
    memory: PhantomData<&'a mut [u8]>,
}

impl<'a> Buffer<'a> {
    /// # Safety
    /// For `'a`, nobody else reads or writes the `length` bytes from `start` on, all of which lie in one allocation and
    /// are initialized.
    pub(crate) unsafe fn over(start: *mut u8, length: usize) -> Self {
        // The end is one past the last byte at most.
        Self { start, at: start, end: start.wrapping_add(length), overflowed: false, memory: PhantomData }
    }

    /// Over no memory.
    pub(crate) const fn empty() -> Self {
        let nowhere = std::ptr::NonNull::dangling().as_ptr();
        Self { start: nowhere, at: nowhere, end: nowhere, overflowed: false, memory: PhantomData }
    }

    /// Over memory that is borrowed.
    #[cfg(test)]
    pub(crate) fn of(memory: &'a mut [u8]) -> Self {
        // SAFETY: the borrow is exclusive for `'a`.
        unsafe { Self::over(memory.as_mut_ptr(), memory.len()) }
    }

    /// Bytes written.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.at as usize - self.start as usize
    }

    /// Bytes that can still be written.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.end as usize - self.at as usize
    }

    /// Whether something did not fit.
    pub(crate) fn is_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Notes that something was not written for want of room.
    #[cold]
    pub(crate) fn overflow(&mut self) {
        self.overflowed = true;
    }

    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    /// Writes all of the bytes or none.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        if bytes.len() > self.room() {
            return self.overflow();
        }
        // SAFETY: there is room for so many bytes, the memory is ours, and what is borrowed elsewhere is not in it.
        unsafe { copy(bytes.as_ptr(), self.at, bytes.len()) };
        self.at = self.at.wrapping_add(bytes.len());
    }

    /// Writes the first `length` bytes of words, little-endian: a store of fixed length is one instruction, and what lies
    /// behind is written over by what comes next.
    #[inline(always)]
    pub(crate) fn extend_words<const N: usize>(&mut self, words: [u64; N], length: usize) {
        if N * 8 > self.room() {
            return self.extend_words_in_little_room(words, length);
        }
        for (place, word) in words.into_iter().enumerate() {
            // SAFETY: there is room for all of the words, the memory is ours.
            unsafe { self.at.add(place * 8).cast::<[u8; 8]>().write(word.to_le_bytes()) };
        }
        self.at = self.at.wrapping_add(length);
    }

    #[cold]
    fn extend_words_in_little_room<const N: usize>(&mut self, words: [u64; N], length: usize) {
        let bytes = words.map(u64::to_le_bytes);
        self.extend(&bytes.as_flattened()[..length]);
    }

    /// Leaves room for words that are written later, by [`Self::put_words`].
    #[inline]
    pub(crate) fn skip_words(&mut self, words: usize) {
        if words * 8 > self.room() {
            return self.overflow();
        }
        self.at = self.at.wrapping_add(words * 8);
    }

    /// Writes words at the start, where [`Self::skip_words`] left room for them.
    #[inline]
    pub(crate) fn put_words<const N: usize>(&mut self, words: [u64; N]) {
        if N * 8 <= self.len() {
            for (place, word) in words.into_iter().enumerate() {
                // SAFETY: these bytes lie inside, and the memory is ours.
                unsafe { self.start.add(place * 8).cast::<[u8; 8]>().write(word.to_le_bytes()) };
            }
        }
    }

    /// Forgets what was written behind the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.len() {
            self.at = self.start.wrapping_add(length);
        }
    }

    /// What was written from a place on.
    pub(crate) fn written(&self, from: usize) -> &[u8] {
        let from = from.min(self.len());
        // SAFETY: bytes up to `at` were written, and nobody writes them while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.start.add(from), self.len() - from) }
    }

    /// Replaces bytes that were written.
    pub(crate) fn replace<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        if at + N <= self.len() {
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
        match length {
            0 => {}
            1 => to.write(from.read()),
            2..=3 => ends::<[u8; 2]>(from, to, length),
            4..=7 => ends::<[u8; 4]>(from, to, length),
            8..=15 => ends::<[u8; 8]>(from, to, length),
            16..=32 => ends::<[u8; 16]>(from, to, length),
            _ => std::ptr::copy_nonoverlapping(from, to, length),
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
            let mut memory = [0xAA; 256];
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
        let mut memory = [0; 8];
        let mut buffer = Buffer::of(&mut memory[..6]);
        buffer.extend(b"abcd");
        buffer.extend(b"xyz");
        assert!(buffer.is_overflowed());
        buffer.extend_words([u64::from_le_bytes(*b"efghijkl")], 2);
        assert_eq!((buffer.written(0), buffer.room()), (&b"abcdef"[..], 0));
        buffer.push(b'!');
        assert_eq!(buffer.written(4), b"ef");
        assert_eq!(memory, *b"abcdef\0\0");
    }

    #[test]
    fn what_was_written_can_be_replaced_and_forgotten() {
        let mut memory = [0; 8];
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
