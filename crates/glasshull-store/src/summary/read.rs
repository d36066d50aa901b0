//! Asking the summary of a segment.

use std::borrow::Cow;
use std::ops::Range;
use std::str;

use prost::encoding::decode_varint;

use super::durations::{Durations, bounds, bucket, number};
use super::{BUCKETS, FORMAT, MAX_BYTES, MAX_FUNCTIONS, SLOWEST};
use crate::footer::unsealed;

/// Where the summary of a segment lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    offset: u64,
    packed: usize,
    unpacked: usize,
    rows: u64,
    checksum: u32,
}

impl Place {
    /// What a footer's metadata says under [`super::METADATA_KEY`], of a segment with so many rows. `None` where that is
    /// nonsense, or another format. Whether the place lies in the file is for the reader to find out.
    pub fn parse(metadata: &str, rows: u64) -> Option<Self> {
        let mut words = unsealed(metadata, FORMAT)?;
        let mut size = |most: usize| words.next()?.parse::<usize>().ok().filter(|&size| size <= most);
        let (offset, packed, unpacked) = (size(usize::MAX)? as u64, size(2 * MAX_BYTES)?, size(MAX_BYTES)?);
        let told_rows = size(usize::MAX)? as u64;
        let checksum = u32::from_str_radix(words.next()?, 16).ok()?;
        offset.checked_add(packed as u64)?;
        (told_rows == rows).then_some(Self { offset, packed, unpacked, rows, checksum })
    }

    /// Which bytes of the file it is.
    pub fn bytes(&self) -> Range<u64> {
        self.offset..self.offset + self.packed as u64
    }
}

/// The summary of a segment, in memory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    bytes: Vec<u8>,
    functions: Vec<Entry>,
    others: bool,
    rows: u64,
}

/// Where in the bytes things stand of a function.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    service: Range<usize>,
    path: Range<usize>,
    /// As in [`FunctionSummary`].
    numbers: [u64; 5],
    listed: usize,
    list: Range<usize>,
    durations: Range<usize>,
}

/// What the summary says of a function.
#[derive(Clone, Copy, Debug)]
pub struct FunctionSummary<'a> {
    /// The service that called it.
    pub service: &'a str,
    /// Its path.
    pub function: &'a str,
    /// Its calls, all of which have ended.
    pub calls: u64,
    /// Those of them that returned an error or panicked.
    pub errors: u64,
    /// The sum of their durations in nanoseconds; the largest number there is where it is larger.
    pub total_ns: u64,
    /// The shortest duration.
    pub shortest_ns: u64,
    /// The longest duration.
    pub longest_ns: u64,
    entry: &'a Entry,
    bytes: &'a [u8],
    rows: u64,
}

/// A slow call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Slow {
    /// Its row in the segment.
    pub row: u64,
    /// Its duration is at least so many nanoseconds,
    pub at_least_ns: u64,
    /// and at most so many.
    pub at_most_ns: u64,
}

impl Summary {
    /// What was read from a [`Place`]; `None` where that is damaged or nonsense.
    pub fn read(place: &Place, packed: &[u8]) -> Option<Self> {
        if packed.len() != place.packed || crc32c::crc32c(packed) != place.checksum {
            return None;
        }
        let bytes = zstd::bulk::decompress(packed, place.unpacked).ok()?;
        (bytes.len() == place.unpacked).then(|| Self::of(bytes, place.rows)).flatten()
    }

    fn of(bytes: Vec<u8>, rows: u64) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let count = number(&mut rest).filter(|&count| count <= MAX_FUNCTIONS)?;
        let others = number(&mut rest)? != 0;
        let read = (0..count).map(|_| Entry::read(&bytes, &mut rest)).collect::<Option<Vec<_>>>();
        let (mut functions, mut at) = (read?, bytes.len() - rest.len());
        let follows = |range: &mut Range<usize>, at: &mut usize| {
            *range = *at..at.checked_add(range.end)?;
            *at = range.end;
            Some(())
        };
        functions.iter_mut().try_for_each(|function| follows(&mut function.list, &mut at))?;
        functions.iter_mut().try_for_each(|function| follows(&mut function.durations, &mut at))?;
        let calls = functions.iter().try_fold(0_u64, |calls, function| calls.checked_add(function.numbers[0]))?;
        let whole = calls == rows || (others && calls < rows);
        let summary = (at == bytes.len() && whole).then_some(Self { bytes, functions, others, rows })?;
        let sound = summary.functions().all(|function| function.is_sound());
        sound.then_some(summary)
    }

    /// Whether there are calls of functions it says nothing of.
    pub fn has_others(&self) -> bool {
        self.others
    }

    /// What it says of each function, by service and path.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = FunctionSummary<'_>> {
        self.functions.iter().map(|entry| {
            let [calls, errors, total_ns, shortest_ns, longest_ns] = entry.numbers;
            let text = |range: &Range<usize>| str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default();
            FunctionSummary {
                service: text(&entry.service),
                function: text(&entry.path),
                calls,
                errors,
                total_ns,
                shortest_ns,
                longest_ns,
                entry,
                bytes: &self.bytes,
                rows: self.rows,
            }
        })
    }

    /// What it takes in memory, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.functions.len() * size_of::<Entry>()
    }
}

impl Entry {
    /// Reads one; of what lies elsewhere only the sizes are known yet.
    fn read(bytes: &[u8], rest: &mut &[u8]) -> Option<Self> {
        let (service, path) = (text(bytes, rest)?, text(bytes, rest)?);
        let mut numbers = [0; 5];
        for number in &mut numbers {
            *number = decode_varint(rest).ok()?;
        }
        let listed = number(rest).filter(|&listed| listed <= SLOWEST && listed as u64 <= numbers[0])?;
        let (list, durations) = (0..number(rest)?, 0..number(rest)?);
        Some(Self { service, path, numbers, listed, list, durations })
    }
}

/// The place of the next text.
fn text(bytes: &[u8], rest: &mut &[u8]) -> Option<Range<usize>> {
    let length = number(rest)?;
    let from = bytes.len() - rest.len();
    str::from_utf8(rest.split_off(..length)?).ok()?;
    Some(from..from + length)
}

impl FunctionSummary<'_> {
    /// Its slowest calls, by row: no other call of it took longer than any of them.
    pub fn slowest(&self) -> Vec<Slow> {
        // That there are some was looked at when it was read.
        self.listed().unwrap_or_default()
    }

    /// `None` where what stands there is nonsense.
    fn listed(&self) -> Option<Vec<Slow>> {
        let mut bytes = self.bytes.get(self.entry.list.clone())?;
        let (mut rows, mut at) = (Vec::with_capacity(self.entry.listed), 0_u64);
        for n in 0..self.entry.listed {
            let distance = decode_varint(&mut bytes).ok()?;
            at = at.checked_add(distance).filter(|&row| row < self.rows && (n == 0 || distance > 0))?;
            rows.push(at);
        }
        let least = number(&mut bytes)?.checked_add(bucket(self.shortest_ns)).filter(|&least| least < BUCKETS)?;
        let slow = rows.into_iter().map(|row| {
            let bucket = number(&mut bytes)?.checked_add(least).filter(|&bucket| bucket < BUCKETS)?;
            let (at_least_ns, at_most_ns) = bounds(bucket);
            Some(Slow { row, at_least_ns, at_most_ns })
        });
        let slow: Option<Vec<Slow>> = slow.collect();
        slow.filter(|_| bytes.is_empty())
    }

    /// Whether all its calls are among the slowest.
    pub fn lists_all(&self) -> bool {
        self.entry.listed as u64 == self.calls
    }

    /// The durations of all its calls, as [`Durations::write`] writes them.
    pub fn durations(&self) -> Cow<'_, [u8]> {
        if !self.lists_all() {
            return Cow::Borrowed(self.bytes.get(self.entry.durations.clone()).unwrap_or_default());
        }
        let (mut durations, mut bytes) = (Durations::default(), Vec::new());
        self.slowest().iter().for_each(|slow| durations.add(bucket(slow.at_least_ns), 1));
        durations.write(&mut bytes);
        Cow::Owned(bytes)
    }

    /// Whether what lies elsewhere is what it should be.
    fn is_sound(&self) -> bool {
        let mut durations = Durations::default();
        let listed = self.listed().is_some_and(|listed| listed.len() == self.entry.listed);
        listed && durations.add_written(&self.durations()).is_some() && durations.calls() == self.calls
    }
}
