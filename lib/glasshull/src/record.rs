//! Records in a ring: the entry and the exit of a call. They begin with some words, little-endian, behind which values
//! stand; both ends are this process.

use crate::frame::TraceId;
use crate::value::Buffer;

/// Words of an entry before its values.
const ENTRY_WORDS: usize = 6;

/// The same of an entry that is short.
const SHORT_ENTRY_WORDS: usize = 4;

/// Words of an exit before its value.
pub(crate) const EXIT_WORDS: usize = 4;

/// Words of an exit that is short, before its value.
const SHORT_EXIT_WORDS: usize = 3;

/// Bytes of an exit without a value.
pub(crate) const EXIT_BYTES: usize = EXIT_WORDS * 8;

const ENTRY: u8 = 1;
const EXIT: u8 = 2;
/// An exit that does not say for how long the call was polled.
const SHORT_EXIT: u8 = 3;
/// An entry in the trace of the entry before it in the ring, which it does not say.
const SHORT_ENTRY: u8 = 4;

/// How a call ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Returned = 1,
    Error = 2,
    Panicked = 3,
    Cancelled = 4,
}

/// The beginning of a call. Behind it stand its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) site: u32,
    pub(crate) call_id: u64,
    /// 0: none.
    pub(crate) parent_id: u64,
    pub(crate) trace_id: [u8; 16],
    pub(crate) depth: u32,
    pub(crate) started: u64,
}

/// The end of a call. Behind it stands at most one value: one that did not fit is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) call_id: u64,
    pub(crate) ended: u64,
    /// Ticks in which an async call was polled; for others 0.
    pub(crate) busy: u64,
    pub(crate) ending: Ending,
}

pub(crate) enum Record {
    Entry(Entry),
    Exit(Exit),
}

/// Bytes of the longest head of an easy record: whoever begins one sees to it that there is room.
pub(crate) const EASY_BYTES: usize = SHORT_ENTRY_WORDS * 8;

/// What the head of an entry says beside its trace, but for what [`finish_entry`] fills in.
pub(crate) struct EntryHead {
    pub(crate) site: u32,
    pub(crate) depth: u32,
    pub(crate) parent_id: u64,
}

impl EntryHead {
    #[inline(always)]
    fn word(&self, kind: u8) -> u64 {
        // Three bytes for the depth: no stack is as deep as that.
        u64::from(kind) | u64::from(self.depth << 8) | u64::from(self.site) << 32
    }
}

/// Begins an entry; its values are to follow.
pub(crate) fn begin_entry(out: &mut Buffer<'_>, head: &EntryHead, trace_id: TraceId) {
    let [first, second] = trace_id;
    let words: [u64; ENTRY_WORDS] = [head.word(ENTRY), 0, 0, head.parent_id, first, second];
    out.begin_with_words(words);
}

/// Begins an entry in the trace of the entry before it in the ring; its values are to follow.
///
/// # Safety
/// There is room for [`EASY_BYTES`].
#[inline(always)]
pub(crate) unsafe fn begin_short_entry(out: &mut Buffer<'_>, head: &EntryHead) {
    // SAFETY: the caller vouches for the room.
    unsafe {
        out.put_fitting_words(0, [head.word(SHORT_ENTRY)]);
        out.put_fitting_words(24, [head.parent_id]);
        out.begin_behind(8 * SHORT_ENTRY_WORDS);
    }
}

/// Fills in what is not known before.
///
/// # Safety
/// As [`begin_short_entry`].
#[inline(always)]
pub(crate) unsafe fn finish_easy_entry(out: &mut Buffer<'_>, started: u64, call_id: u64) {
    // SAFETY: the caller vouches for the room.
    unsafe { out.put_fitting_words(8, [started, call_id]) };
}

/// The same where there may be no room.
pub(crate) fn finish_entry(out: &mut Buffer<'_>, started: u64, call_id: u64) {
    out.put_words(8, [started, call_id]);
}

/// Begins an exit; its value is to follow.
#[inline(always)]
pub(crate) fn begin_exit(out: &mut Buffer<'_>, call_id: u64, ended: u64, busy: u64, ending: Ending) {
    let words: [u64; EXIT_WORDS] = [u64::from(EXIT) | u64::from(ending as u8) << 8, call_id, ended, busy];
    out.begin_with_words(words);
}

/// Begins the exit of a call that returned and was not polled; its value is to follow.
///
/// # Safety
/// As [`begin_short_entry`].
#[inline(always)]
pub(crate) unsafe fn begin_short_exit(out: &mut Buffer<'_>, call_id: u64, ended: u64) {
    const { assert!(8 * SHORT_EXIT_WORDS <= EASY_BYTES && SHORT_EXIT_WORDS <= EXIT_WORDS) };
    let kind = u64::from(SHORT_EXIT) | u64::from(Ending::Returned as u8) << 8;
    // SAFETY: the caller vouches for the room.
    unsafe {
        out.put_fitting_words(0, [kind, call_id, ended]);
        out.begin_behind(8 * SHORT_EXIT_WORDS);
    }
}

/// Reads a record, and the values behind it, each behind its length. `trace_id` is what the last entry of the ring said, or
/// nothing as yet.
pub(crate) fn read<'a>(record: &'a [u8], trace_id: &mut [u8; 16]) -> Option<(Record, &'a [u8])> {
    let mut fields = Fields(record);
    let [kind, how, deep, deeper, site @ ..] = fields.take::<8>()?;
    let record = match kind {
        ENTRY | SHORT_ENTRY => {
            let [started, call_id, parent_id] = fields.words()?;
            if kind == ENTRY {
                *trace_id = fields.take()?;
            }
            let (site, depth) = (u32::from_le_bytes(site), u32::from_le_bytes([how, deep, deeper, 0]));
            Record::Entry(Entry { site, call_id, parent_id, trace_id: *trace_id, depth, started })
        }
        EXIT => {
            let [call_id, ended, busy] = fields.words()?;
            Record::Exit(Exit { call_id, ended, busy, ending: ending(how)? })
        }
        SHORT_EXIT => {
            let [call_id, ended] = fields.words()?;
            Record::Exit(Exit { call_id, ended, busy: 0, ending: ending(how)? })
        }
        _ => return None,
    };
    Some((record, fields.0))
}

fn ending(number: u8) -> Option<Ending> {
    Some(match number {
        1 => Ending::Returned,
        2 => Ending::Error,
        3 => Ending::Panicked,
        4 => Ending::Cancelled,
        _ => return None,
    })
}

/// Splits values that stand behind their lengths.
pub(crate) fn values(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (value, next) = behind.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        rest = next;
        Some(value)
    })
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn words<const N: usize>(&mut self) -> Option<[u64; N]> {
        let (taken, rest) = self.0.split_at_checked(8 * N)?;
        self.0 = rest;
        let (words, _) = taken.as_chunks::<8>();
        Some(std::array::from_fn(|place| words.get(place).map_or(0, |word| u64::from_le_bytes(*word))))
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads where no trace is known.
    fn read(record: &[u8]) -> Option<(Record, &[u8])> {
        super::read(record, &mut [0; 16])
    }

    fn written(write: impl FnOnce(&mut Buffer<'_>)) -> Vec<u8> {
        let mut memory = [0; 256];
        let mut out = Buffer::of(&mut memory);
        write(&mut out);
        out.written(0).to_vec()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let values = vec![1, 0, 0, 2, 0, 1, 2];
        let head = EntryHead { site: 5, depth: 2, parent_id: 7 };
        let entry = |begin: &dyn Fn(&mut Buffer<'_>)| {
            written(|out| {
                begin(out);
                out.extend(&values);
                finish_entry(out, 1_000, 8);
            })
        };
        let whole = entry(&|out| begin_entry(out, &head, crate::frame::trace_of([3; 16])));
        // SAFETY: there is room.
        let short = entry(&|out| unsafe { begin_short_entry(out, &head) });
        let mut trace_id = [9; 16];
        for out in [&whole, &short] {
            let Some((Record::Entry(entry), behind)) = super::read(out, &mut trace_id) else { panic!("no entry") };
            let expected = Entry { site: 5, call_id: 8, parent_id: 7, trace_id: [3; 16], depth: 2, started: 1_000 };
            assert_eq!((entry, behind), (expected, values.as_slice()));
            assert_eq!(super::values(behind).collect::<Vec<_>>(), [&[0][..], &[1, 2]]);
        }
        assert_eq!(whole.len(), short.len() + 16);
    }

    #[test]
    fn an_exit_is_read_as_it_was_written() {
        let out = written(|out| {
            begin_exit(out, 8, 2_000, 30, Ending::Cancelled);
            out.extend(&[1, 0, 0]);
        });
        assert_eq!(out.len(), EXIT_BYTES + 3);
        let Some((Record::Exit(exit), behind)) = read(&out) else { panic!("no exit") };
        let expected = Exit { call_id: 8, ended: 2_000, busy: 30, ending: Ending::Cancelled };
        assert_eq!((exit, behind), (expected, &[1, 0, 0][..]));
    }

    #[test]
    fn a_short_exit_is_one_of_a_call_that_returned() {
        let out = written(|out| {
            // SAFETY: there is room.
            unsafe { begin_short_exit(out, 8, 2_000) };
            out.extend(&[1, 0, 0]);
        });
        let Some((Record::Exit(exit), behind)) = read(&out) else { panic!("no exit") };
        let expected = Exit { call_id: 8, ended: 2_000, busy: 0, ending: Ending::Returned };
        assert_eq!((exit, behind), (expected, &[1, 0, 0][..]));
        assert!(read(&out[..8 * SHORT_EXIT_WORDS - 1]).is_none());
    }

    #[test]
    fn what_is_no_record_is_none() {
        assert!(read(&[]).is_none());
        assert!(read(&[9; 100]).is_none());
        assert!(read(&[ENTRY; 8 * ENTRY_WORDS - 1]).is_none());
        assert!(read(&[SHORT_ENTRY; 8 * SHORT_ENTRY_WORDS - 1]).is_none());
        assert!(read(&[&[EXIT, 9][..], &[0; EXIT_BYTES - 2]].concat()).is_none());
        assert!(read(&[EXIT; EXIT_BYTES - 1]).is_none());
    }
}
