//! Records in a ring: the entry and the exit of a call. Numbers are little-endian; both ends are this process.

use crate::frame::Frame;

/// Bytes of an entry before its values.
pub(crate) const ENTRY_BYTES: usize = 1 + 4 + 8 + 8 + 16 + 4 + 8 + 4;

/// Bytes of an exit before its value.
pub(crate) const EXIT_BYTES: usize = 1 + 8 + 8 + 8 + 1;

const ENTRY: u8 = 1;
const EXIT: u8 = 2;

/// How a call ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Returned = 1,
    Error = 2,
    Panicked = 3,
    Cancelled = 4,
}

/// The beginning of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) site: u32,
    pub(crate) call_id: u64,
    /// 0: none.
    pub(crate) parent_id: u64,
    pub(crate) trace_id: [u8; 16],
    pub(crate) depth: u32,
    pub(crate) started: u64,
    /// The probe that let it in, by its serial number.
    pub(crate) probe: u32,
    /// A value for each argument, each behind its length.
    pub(crate) values: Vec<u8>,
}

/// The end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) call_id: u64,
    pub(crate) ended: u64,
    /// Ticks in which an async call was polled; for others 0.
    pub(crate) busy: u64,
    pub(crate) ending: Ending,
    /// At most one value, behind its length. A call whose value did not fit has none.
    pub(crate) value: Vec<u8>,
}

pub(crate) enum Record {
    Entry(Entry),
    Exit(Exit),
}

/// Leaves room for what [`finish_entry`] fills in.
pub(crate) fn begin_entry(out: &mut Vec<u8>) {
    out.clear();
    out.resize(ENTRY_BYTES, 0);
}

/// Fills in the head of an entry whose values are written.
pub(crate) fn finish_entry(out: &mut [u8], site: u32, parent: &Frame, own: &Frame, probe: u32, started: u64) {
    let mut head = Head { out, at: 0 };
    head.put(&[ENTRY]);
    head.put(&site.to_le_bytes());
    head.put(&own.call_id.to_le_bytes());
    head.put(&parent.call_id.to_le_bytes());
    head.put(&own.trace_id);
    head.put(&(own.depth - 1).to_le_bytes());
    head.put(&started.to_le_bytes());
    head.put(&probe.to_le_bytes());
}

/// Leaves room for what [`finish_exit`] fills in.
pub(crate) fn begin_exit(out: &mut Vec<u8>) {
    out.clear();
    out.resize(EXIT_BYTES, 0);
}

/// Fills in the head of an exit.
pub(crate) fn finish_exit(out: &mut [u8], call_id: u64, ended: u64, busy: u64, ending: Ending) {
    let mut head = Head { out, at: 0 };
    head.put(&[EXIT]);
    head.put(&call_id.to_le_bytes());
    head.put(&ended.to_le_bytes());
    head.put(&busy.to_le_bytes());
    head.put(&[ending as u8]);
}

struct Head<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Head<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

/// Reads a record.
pub(crate) fn read(record: &[u8]) -> Option<Record> {
    let (&kind, rest) = record.split_first()?;
    let mut fields = Fields(rest);
    Some(match kind {
        ENTRY => Record::Entry(Entry {
            site: u32::from_le_bytes(fields.take()?),
            call_id: u64::from_le_bytes(fields.take()?),
            parent_id: u64::from_le_bytes(fields.take()?),
            trace_id: fields.take()?,
            depth: u32::from_le_bytes(fields.take()?),
            started: u64::from_le_bytes(fields.take()?),
            probe: u32::from_le_bytes(fields.take()?),
            values: fields.0.to_vec(),
        }),
        EXIT => Record::Exit(Exit {
            call_id: u64::from_le_bytes(fields.take()?),
            ended: u64::from_le_bytes(fields.take()?),
            busy: u64::from_le_bytes(fields.take()?),
            ending: ending(fields.take::<1>()?[0])?,
            value: fields.0.to_vec(),
        }),
        _ => return None,
    })
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
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let parent = Frame { call_id: 7, trace_id: [3; 16], depth: 2, ..Frame::NONE };
        let own = Frame { call_id: 8, depth: 3, ..parent };
        let mut out = vec![1, 2, 3];
        begin_entry(&mut out);
        out.extend_from_slice(&[1, 0, 0, 2, 0, 1, 2]);
        finish_entry(&mut out, 5, &parent, &own, 9, 1_000);
        let Some(Record::Entry(entry)) = read(&out) else { panic!("no entry") };
        let values = vec![1, 0, 0, 2, 0, 1, 2];
        let expected =
            Entry { site: 5, call_id: 8, parent_id: 7, trace_id: [3; 16], depth: 2, started: 1_000, probe: 9, values };
        assert_eq!(entry, expected);
        assert_eq!(super::values(&entry.values).collect::<Vec<_>>(), [&[0][..], &[1, 2]]);
    }

    #[test]
    fn an_exit_is_read_as_it_was_written() {
        let mut out = Vec::new();
        begin_exit(&mut out);
        out.extend_from_slice(&[1, 0, 0]);
        finish_exit(&mut out, 8, 2_000, 30, Ending::Cancelled);
        let Some(Record::Exit(exit)) = read(&out) else { panic!("no exit") };
        let expected = Exit { call_id: 8, ended: 2_000, busy: 30, ending: Ending::Cancelled, value: vec![1, 0, 0] };
        assert_eq!(exit, expected);
    }

    #[test]
    fn what_is_no_record_is_none() {
        assert!(read(&[]).is_none());
        assert!(read(&[9; 100]).is_none());
        assert!(read(&[ENTRY; ENTRY_BYTES - 1]).is_none());
        assert!(read(&[&[EXIT; EXIT_BYTES - 1][..], &[9]].concat()).is_none());
    }
}
