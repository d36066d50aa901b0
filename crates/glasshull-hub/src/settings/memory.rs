//! How the memory a hub may take is shared out. What is said of a part by name goes before its share.

use super::Size;

/// What a hub may take where nobody says.
pub const DEFAULT_MEMORY: Size = Size::mib(1_024);

/// With less there would be no room for two batches of the largest size and a question beside each other.
pub const MIN_MEMORY: Size = Size::mib(192);

/// What a hub takes that has nothing to do: its program, its threads, the catalog's pages, and what the allocator keeps
/// for itself.
const BASE_BYTES: u64 = 96 << 20;

/// The parts, in bytes. Together they are no more than what may be taken; where not all are full, less is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Shares {
    /// Live rows, three eighths: what a hub can take in while it publishes.
    pub(crate) live: u64,
    /// Live rows that are published at a time, an eighth: as a rule 400,000 calls, which need not be merged any more.
    pub(crate) publish: u64,
    /// Segments that are merged: a twelfth.
    pub(crate) merge: u64,
    /// All queries together: a quarter.
    pub(crate) query: u64,
    /// Footers of segments and summaries of their functions, half each: a sixteenth.
    pub(crate) footers: u64,
    /// Batches on their way to the disk, as they came: a sixteenth.
    pub(crate) batches: u64,
}

impl Shares {
    pub(crate) fn of(memory: Size) -> Self {
        let rest = memory.bytes().saturating_sub(BASE_BYTES);
        Self {
            live: rest / 8 * 3,
            publish: rest / 8,
            merge: rest / 12,
            query: rest / 4,
            footers: rest / 16,
            batches: rest / 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_no_more_than_the_whole() {
        for memory in [MIN_MEMORY, DEFAULT_MEMORY, Size::mib(64 << 10), Size::mib(0)] {
            let Shares { live, publish, merge, query, footers, batches } = Shares::of(memory);
            let taken = live + publish + merge + query + footers + batches;
            assert!(taken <= memory.bytes().saturating_sub(BASE_BYTES), "{memory}");
            assert!(publish * 2 < live || live == 0);
        }
    }
}
