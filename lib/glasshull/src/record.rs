//! Records in a ring: the entry and the exit of a call. They begin with some words, little-endian, behind which values
//! stand; both ends are this process.

use crate::frame::TraceId;
use crate::value::Buffer;

/// Words of an entry before its values.
pub(crate) const ENTRY_WORDS: usize = 6;

/// Words of an exit before its value.
pub(crate) const EXIT_WORDS: usize = 4;

/// Words of an exit that is short, before its value.
const SHORT_EXIT_WORDS: usize = 3;

/// Bytes of an exit without a value.
pub(crate) const EXIT_BYTES: usize = EXIT_WORDS * 8;

/// What is deeper is told as this deep: it has three bytes.
const DEEPEST: u32 = (1 << 24) - 1;

const ENTRY: u8 = 1;
const EXIT: u8 = 2;
/// An exit that does not say for how long the call was polled.
const SHORT_EXIT: u8 = 3;

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

/// What the head of an entry says, but for what [`finish_entry`] fills in.
pub(crate) struct EntryHead {
    pub(crate) site: u32,
    pub(crate) depth: u32,
    pub(crate) parent_id: u64,
    pub(crate) trace_id: TraceId,
}

/// Begins an entry; its values are to follow.
#[inline(always)]
pub(crate) fn begin_entry(out: &mut Buffer<'_>, head: &EntryHead) {
    let kind = u64::from(ENTRY) | u64::from(head.depth.min(DEEPEST)) << 8 | u64::from(head.site) << 32;
    let [first, second] = head.trace_id;
    let words: [u64; ENTRY_WORDS] = [kind, 0, 0, head.parent_id, first, second];
    out.begin_with_words(words);
}

/// Fills in what is not known before.
#[inline(always)]
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
#[inline(always)]
pub(crate) fn begin_short_exit(out: &mut Buffer<'_>, call_id: u64, ended: u64) {
    const { assert!(SHORT_EXIT_WORDS <= EXIT_WORDS) };
    let words: [u64; SHORT_EXIT_WORDS] =
        [u64::from(SHORT_EXIT) | u64::from(Ending::Returned as u8) << 8, call_id, ended];
    out.begin_with_words(words);
}

/// Reads a record, and the values behind it, each behind its length.
pub(crate) fn read(record: &[u8]) -> Option<(Record, &[u8])> {
    let mut fields = Fields(record);
    let [kind, how, deep, deeper, site @ ..] = fields.take::<8>()?;
    let record = match kind {
        ENTRY => {
            let [started, call_id, parent_id] = fields.words()?;
            let (trace_id, depth) = (fields.take()?, u32::from_le_bytes([how, deep, deeper, 0]));
            Record::Entry(Entry { site: u32::from_le_bytes(site), call_id, parent_id, trace_id, depth, started })
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

    fn written(write: impl FnOnce(&mut Buffer<'_>)) -> Vec<u8> {
        let mut memory = [0; 256];
        let mut out = Buffer::of(&mut memory);
        write(&mut out);
        out.written(0).to_vec()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let values = vec![1, 0, 0, 2, 0, 1, 2];
        let trace_id = crate::frame::trace_of([3; 16]);
        let head = EntryHead { site: 5, depth: 2, parent_id: 7, trace_id };
        let out = written(|out| {
            begin_entry(out, &head);
            out.extend(&values);
            finish_entry(out, 1_000, 8);
        });
        let Some((Record::Entry(entry), behind)) = read(&out) else { panic!("no entry") };
        let expected = Entry { site: 5, call_id: 8, parent_id: 7, trace_id: [3; 16], depth: 2, started: 1_000 };
        assert_eq!((entry, behind), (expected, values.as_slice()));
        assert_eq!(super::values(behind).collect::<Vec<_>>(), [&[0][..], &[1, 2]]);
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
            begin_short_exit(out, 8, 2_000);
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
        assert!(read(&[&[EXIT, 9][..], &[0; EXIT_BYTES - 2]].concat()).is_none());
        assert!(read(&[EXIT; EXIT_BYTES - 1]).is_none());
    }
}
